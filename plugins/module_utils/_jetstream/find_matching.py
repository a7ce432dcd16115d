# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds the existing resources that the entries of `matching` mean. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import naming_options
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import kind_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.matching import (
    LIST_OF_KIND,
    Candidate,
    Match,
    Matching,
    choose,
    declared_by_pattern,
    leave_out,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.patterns import matches, read_streams
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place


async def find_matching(
    jetstream: JetStream,
    entries: Sequence[Matching],
    defaults: Mapping[str, Any],
    declared: Sequence[DeclaredResource],
) -> tuple[list[DeclaredResource], list[Match]]:
    """The matching resources as declarations, and what each entry has found. `declared` are those that are named, and that are pruned."""
    if not entries:
        return [], []
    names = await jetstream.names()
    found = [Match(entry) for entry in entries]
    for match in found:
        await _find(jetstream, names, match)
        leave_out(match, declared, defaults)
    chosen: dict[Place, tuple[Matching, Candidate, dict[str, Any]]] = {}
    for match in found:
        for candidate in match.found:
            choose(chosen, match.entry, candidate)
    return [
        declared_by_pattern(entry.resource, one, options, defaults) for entry, one, options in chosen.values()
    ], found


async def _find(jetstream: JetStream, names: Sequence[str], match: Match) -> None:
    entry, resource = match.entry, match.entry.resource
    if "stream" in naming_options(resource):
        match.found = await _consumers(jetstream, [name for name in names if matches(name, entry.stream)], entry)
        return
    meant = [name for name in names if _is_meant(resource, name, entry.pattern)]
    infos = await read_streams(jetstream, meant)
    match.found = [_stream(entry, name, infos[name]) for name in meant if name in infos]


def _is_meant(resource: Resource, name: str, pattern: str) -> bool:
    """Whether the name of a stream, or the name of the bucket in it, matches the pattern."""
    if not resource.prefix:
        return matches(name, pattern)
    return name.startswith(resource.prefix) and fnmatchcase(name.removeprefix(resource.prefix), pattern)


def _stream(entry: Matching, name: str, info: Answer | NatsError) -> Candidate:
    resource = entry.resource
    own = name.removeprefix(resource.prefix)
    if isinstance(info, NatsError):
        return Candidate(Place(name), own, None)
    is_bucket = not resource.prefix or kind_of(info["config"]) == LIST_OF_KIND[entry.kind]
    problem = "" if is_bucket else f"stream {name} is not as clients create a bucket"
    return Candidate(Place(name), own, info["config"], problem)


async def _consumers(jetstream: JetStream, streams: Sequence[str], entry: Matching) -> list[Candidate]:
    """The consumers of these streams whose names match, also those that no server answers for."""
    lists = await asyncio.gather(*(jetstream.consumers(name) for name in streams))
    names = await asyncio.gather(*(jetstream.consumer_names(name) for name in streams))
    found = []
    for stream, infos, listed in zip(streams, lists, names, strict=True):
        configs = {str(info["name"]): info.get("config") for info in infos}
        for name in sorted({*configs, *listed}):
            if fnmatchcase(name, entry.pattern):
                config = configs.get(name)
                ephemeral = config and not config.get("durable_name")
                problem = "it is ephemeral: its client makes it" if ephemeral else ""
                found.append(Candidate(Place(stream, name), name, config, problem))
    return found
