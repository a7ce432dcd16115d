# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads existing resources as declarations. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.cli_json import to_cli
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS, kind_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import OWNER_KEY, owner_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


@dataclass
class Export:
    """The declarations of existing resources by list, the figures of each stream, and what could not be read."""

    declarations: dict[str, list[Config]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    figures: dict[str, Any] = field(default_factory=dict)
    not_read: list[str] = field(default_factory=list)


async def export_declarations(
    jetstream: JetStream, pattern: str, with_consumers: bool, owner: str | None = None, as_cli: bool = False
) -> Export:
    """All streams whose names match the pattern, and their consumers; with `owner` those of one owner, or without one where it is empty.

    The nats CLI has streams for buckets.
    """
    export, read = Export(), []
    infos = {info["config"]["name"]: info for info in await jetstream.streams()}
    for name in sorted(name for name in await jetstream.names() if fnmatchcase(name, pattern)):
        try:
            info = infos.get(name) or await jetstream.find(Place(name))
        except NatsError as error:
            export.not_read.append(str(error))
            continue
        if info:
            config = info["config"]
            read.append(name)
            if owner in (None, owner_of(config)):
                kind = "streams" if as_cli else kind_of(config)
                sealed = {"state": "sealed"} if config.get("sealed") else {}
                shown = to_cli(STREAM, config) if as_cli else declaration(KINDS[kind], config) | sealed
                export.declarations[kind].append(shown)
                export.figures[name] = info["state"] | {"leader": (info.get("cluster") or {}).get("leader")}
    if with_consumers:
        lists = await asyncio.gather(*(jetstream.consumers(name) for name in read))
        for stream, consumers in zip(read, lists, strict=True):
            for info in sorted(consumers, key=lambda info: str(info["name"])):
                if owner in (None, owner_of(info["config"])):
                    _add_consumer(export, stream, info, as_cli)
    return export


def _add_consumer(export: Export, stream: str, info: Answer, as_cli: bool) -> None:
    config = info["config"]
    if not config.get("durable_name"):
        export.not_read.append(f"consumer {info['name']} of stream {stream} is ephemeral: its client makes it")
        return
    if as_cli:
        # The CLI ignores the name of the stream, which it takes as an argument.
        export.declarations["consumers"].append({"stream": stream, **to_cli(CONSUMER, config)})
        return
    shown = {"stream": stream, **declaration(CONSUMER, config)}
    if info.get("paused"):
        shown |= {"state": "paused", "pause_until": config["pause_until"]}
    export.declarations["consumers"].append(shown)


def declaration(resource: Resource, config: Config) -> Config:
    """What a person would write to get this configuration, without the fields that the collection does not know."""
    shown, owner = resource.show(config), owner_of(config)
    metadata = {key: text for key, text in shown.pop("metadata", {}).items() if key != OWNER_KEY or not owner}
    shown |= {"metadata": metadata} if metadata else {}
    return (
        {resource.named: shown[resource.named]}
        | ({"owner": owner} if owner else {})
        | {entry.name: shown[entry.name] for entry in resource.fields if entry.name in shown}
    )
