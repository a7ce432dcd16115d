# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is there, as declarations. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS, kind_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


@dataclass
class Export:
    declarations: dict[str, list[Config]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    figures: dict[str, Any] = field(default_factory=dict)
    not_read: list[str] = field(default_factory=list)


async def survey(jetstream: JetStream, pattern: str, with_consumers: bool) -> Export:
    """All streams whose names match, and their consumers."""
    found = Export()
    infos = {info["config"]["name"]: info for info in await jetstream.streams()}
    for name in sorted(name for name in await jetstream.names() if fnmatchcase(name, pattern)):
        try:
            info = infos.get(name) or await jetstream.find(Place(name))
        except NatsError as error:
            found.not_read.append(str(error))
            continue
        if info:
            config = info["config"]
            kind = kind_of(config)
            found.declarations[kind].append(declaration(KINDS[kind], config))
            found.figures[name] = info["state"] | {"leader": (info.get("cluster") or {}).get("leader")}
    if with_consumers:
        lists = await asyncio.gather(*(jetstream.consumers(name) for name in found.figures))
        for stream, consumers in zip(found.figures, lists, strict=True):
            for info in sorted(consumers, key=lambda info: str(info["name"])):
                _add_consumer(found, stream, info)
    return found


def _add_consumer(found: Export, stream: str, info: Config) -> None:
    config = info["config"]
    if not config.get("durable_name"):
        found.not_read.append(f"consumer {info['name']} of stream {stream} is ephemeral: its client makes it")
        return
    shown = {"stream": stream, **declaration(KINDS["consumers"], config)}
    if info.get("paused"):
        shown |= {"state": "paused", "pause_until": config["pause_until"]}
    found.declarations["consumers"].append(shown)


def declaration(resource: Resource, config: Config) -> Config:
    """What a person would write to have this; of fields that the collection does not know, nothing."""
    shown = resource.show(config)
    return {resource.named: shown[resource.named]} | {
        entry.name: shown[entry.name] for entry in resource.fields if entry.name in shown
    }
