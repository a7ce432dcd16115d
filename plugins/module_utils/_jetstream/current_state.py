# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the plans of a declaration are made of. PRIVATE to the collection: it can change at any time.

Nothing is decided or written here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import needs_level
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import ResourceFacts
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context, Current
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

# From this number of declared resources on, one list is read in place of each resource.
LIST_FROM = 8
# The parts of the server's answer that a plan depends on.
DECIDING_FIELDS = (
    "state",
    "delivered",
    "ack_floor",
    "num_ack_pending",
    "num_pending",
    "num_waiting",
    "paused",
)


@dataclass(frozen=True)
class CurrentState:
    """The streams and consumers as they were read before anything is written."""

    streams: dict[str, Any]
    # By stream and name. Planned consumers of a work queue are added, so that the next plan sees their filters.
    consumers: dict[str, dict[str, Any]]
    # Why a stream could not be read.
    errors: dict[str, NatsError]
    # Resources that still exist in check mode, and would be deleted by now.
    leaving: frozenset[Place]
    # Consumers of work queues that get other filters: the others are planned with the filters that these will have.
    declared: dict[Place, Config] = field(default_factory=dict)
    # Streams as check mode has planned them, which the server does not have yet.
    foreseen: frozenset[str] = frozenset()
    queues: dict[str, asyncio.Lock] = field(default_factory=dict)

    def queue(self, place: Place) -> AbstractAsyncContextManager[Any]:
        """Consumers of one work queue are handled one after another, because each depends on the filters of the others."""
        if place.consumer is None or not self.is_queue(place.stream):
            return nullcontext()
        return self.queues.setdefault(place.stream, asyncio.Lock())

    def is_queue(self, stream: str) -> bool:
        """Whether a stream is a work queue, in which no two consumers share a subject."""
        found = self.streams.get(stream) or {"config": {}}
        return bool(found["config"].get("retention") == "workqueue")

    def context(self, place: Place, trims_discard_new: bool) -> Context:
        """The surroundings of a resource that decide about it."""
        leaving = sum(other.consumer is not None and other.stream == place.stream for other in self.leaving)
        stream = self.streams.get(place.stream) if place.consumer else None
        consumers = {
            Place(place.stream, name): info["config"]
            for name, info in (self.consumers.get(place.stream, {}) if stream else {}).items()
        }
        consumers |= {other: config for other, config in self.declared.items() if other.stream == place.stream}
        staying = [config for other, config in consumers.items() if other not in self.leaving]
        return Context((stream or {}).get("config", {}), tuple(staying), trims_discard_new, leaving)


async def read_current_state(
    jetstream: JetStream,
    items: Sequence[DeclaredResource],
    leaving: frozenset[Place],
    foreseen: Mapping[str, Config] | None = None,
) -> CurrentState:
    """`foreseen` are the streams that check mode has planned: consumers are planned for these, not for those that exist."""
    names = sorted({item.place.stream for item in items})
    streams: dict[str, Any] = {}
    if len(names) >= LIST_FROM:
        streams = {info["config"]["name"]: info for info in await jetstream.streams()}
        # The server's list leaves out new streams for a moment, and streams that are offline.
        names = [name for name in names if name not in streams]
    found, errors = await _read_each(names, (jetstream.find(Place(name)) for name in names))
    streams |= found
    # In check mode a stream that the same task deletes still exists, and is treated as deleted already.
    streams |= {place.stream: None for place in leaving if place.consumer is None}
    parents = _streams_to_list(items, streams)
    lists, list_errors = await _read_each(parents, (jetstream.consumers(name) for name in parents))
    consumers = {
        stream: {info["name"]: info for info in infos if info.get("config")} for stream, infos in lists.items()
    }
    for name, config in (foreseen or {}).items():
        streams[name] = {"config": config}
    return CurrentState(streams, consumers, errors | list_errors, leaving, foreseen=frozenset(foreseen or ()))


async def _read_each(
    names: Sequence[str], reads: Iterable[Awaitable[Any]]
) -> tuple[dict[str, Any], dict[str, NatsError]]:
    """The answers by name, and the errors by name."""
    answers: dict[str, Any] = {}
    errors: dict[str, NatsError] = {}
    for name, answer in zip(names, await asyncio.gather(*reads, return_exceptions=True), strict=True):
        if isinstance(answer, NatsError):
            errors[name] = answer
        elif isinstance(answer, BaseException):
            raise answer
        else:
            answers[name] = answer
    return answers, errors


def _streams_to_list(items: Sequence[DeclaredResource], streams: Mapping[str, Any]) -> list[str]:
    """Streams whose consumers are read as a list: where many are declared, and work queues. Not every user may list."""
    counts = Counter(item.place.stream for item in items if item.place.consumer and streams.get(item.place.stream))
    return [
        name
        for name, count in sorted(counts.items())
        if count >= LIST_FROM or streams[name]["config"].get("retention") == "workqueue"
    ]


async def read_facts(jetstream: JetStream, state: CurrentState, item: DeclaredResource) -> ResourceFacts:
    """The facts of one resource, as far as possible from what was read for all of them."""
    place = item.place
    if place.stream in state.errors:
        raise state.errors[place.stream]
    info = state.streams.get(place.stream)
    if info and place.consumer:
        # A consumer that the list leaves out may exist all the same.
        info = state.consumers.get(place.stream, {}).get(place.consumer) or await jetstream.find(place)
    return await facts_from(jetstream, state, item, info)


async def facts_from(
    jetstream: JetStream, state: CurrentState, item: DeclaredResource, info: Answer | None
) -> ResourceFacts:
    """The facts of one resource, of which the server has answered `info`."""
    trims = info is not None and not item.place.consumer and await jetstream.trims_discard_new()
    context = state.context(item.place, trims)
    found = await _current(jetstream, item, info, context) if info else None
    level = await jetstream.level() if needs_level(item) else 0
    return ResourceFacts(info, found, context, level)


async def _current(jetstream: JetStream, item: DeclaredResource, info: Answer, context: Context) -> Current:
    """A consumer with its stream's retention, and a stream that is purged by a filter with the counts of its messages."""
    extra: dict[str, Any] = {"retention": context.stream.get("retention", "limits")} if item.place.consumer else {}
    purge = item.state_options.purge
    if item.state == "purged" and purge.filter:
        info = await jetstream.find(item.place, subjects_filter=purge.filter) or info
        if purge.seq is not None:
            extra["first_of_filter"] = await jetstream.first_of(item.place.stream, purge.filter)
    return Current(info["config"], info.get("state") or {}, {**info, **extra})


def has_changed(before: Answer, now: Answer | None) -> bool:
    """Whether a resource differs from what a plan was made of."""
    if now is None or _own_config(before) != _own_config(now):
        return True
    return any(now.get(key) != before.get(key) for key in DECIDING_FIELDS)


def _own_config(info: Answer) -> Config:
    """A configuration without the server's own metadata, of which a list has less than an answer about one resource."""
    config: Config = info["config"]
    metadata = {key: text for key, text in (config.get("metadata") or {}).items() if not key.startswith("_nats.")}
    return config | {"metadata": metadata}
