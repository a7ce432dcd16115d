# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Existing streams whose names match a pattern, and those of them that are pruned. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.current_state import LIST_FROM
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import owner_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place

# Prefixes of streams that are not made as streams: buckets, and those of the servers themselves.
FOREIGN_PREFIXES = ("KV_", "OBJ_", "$")


@dataclass(frozen=True)
class Prune:
    """Which streams that are not declared are deleted, and how many of them at most."""

    pattern: str
    max: int


@dataclass(frozen=True)
class LeftOut:
    """A resource that matches a pattern and is not touched, and why."""

    place: Place
    name: str
    why: str

    def result(self) -> dict[str, str]:
        return place_result(self.place, self.name) | {"why": self.why}


@dataclass(frozen=True)
class Pruned:
    """The streams that are deleted, and those that match the pattern and belong to somebody else."""

    items: Sequence[DeclaredResource] = ()
    left_out: Sequence[LeftOut] = field(default_factory=list)


NOTHING_PRUNED = Pruned()


def place_result(place: Place, name: str) -> dict[str, str]:
    """The name of a resource, of a consumer with its stream, as a part of a result."""
    return {"name": name} | ({"stream": place.stream} if place.consumer else {})


def matches(name: str, pattern: str) -> bool:
    """Whether a stream's name matches. Buckets and the servers' own streams do only where the pattern begins with their prefix."""
    named = all(pattern.startswith(prefix) for prefix in FOREIGN_PREFIXES if name.startswith(prefix))
    return named and fnmatchcase(name, pattern)


def not_ours(owner: str, labels: Collection[str]) -> str:
    """Why a resource that a pattern has found is left out; empty where it is one of these owners'."""
    if owner in labels:
        return ""
    return f"it belongs to {owner}" if owner else "it has no owner"


async def read_streams(jetstream: JetStream, names: Sequence[str]) -> dict[str, Answer | NatsError]:
    """What is known of each stream, or why it can't be read. One that is gone by now is left out."""
    found: dict[str, Answer | NatsError] = {}
    if len(names) >= LIST_FROM:
        wanted = set(names)
        listed = {str(info["config"]["name"]): info for info in await jetstream.streams()}
        found |= {name: info for name, info in listed.items() if name in wanted}
    # The server's list leaves out new streams for a moment, and streams that are offline.
    missing = [name for name in names if name not in found]
    answers = await asyncio.gather(*(_find(jetstream, name) for name in missing))
    found |= {name: answer for name, answer in zip(missing, answers, strict=True) if answer is not None}
    return found


async def _find(jetstream: JetStream, name: str) -> Answer | NatsError | None:
    try:
        return await jetstream.find(Place(name))
    except NatsError as error:
        return error


async def prune_streams(
    jetstream: JetStream, items: Sequence[DeclaredResource], prune: Prune, policy: Policy
) -> Pruned:
    """The streams of this owner that match and are not declared, neither by themselves nor by a consumer."""
    declared = {item.place.stream for item in items}
    names = [name for name in await jetstream.names() if name not in declared and matches(name, prune.pattern)]
    found = await read_streams(jetstream, names)
    kept = _of_others(found, policy.owner)
    going = [name for name in names if name in found and name not in kept]
    if len(going) > prune.max:
        raise NatsError(
            "prune",
            f"{len(going)} streams match {prune.pattern} and are not declared, and max is {prune.max}: {', '.join(going[:20])}",
            "Nothing was changed. Narrow the pattern or raise max.",
            code="PRUNE_LIMIT",
        )
    only_own = Policy(policy.allowed, owner=policy.owner, labels=frozenset({policy.owner}))
    return Pruned(
        [DeclaredResource(STREAM, name, Place(name), "absent", {}, only_own) for name in going],
        [LeftOut(Place(name), name, why) for name, why in kept.items()],
    )


def _of_others(found: Mapping[str, Answer | NatsError], owner: str) -> dict[str, str]:
    """The streams that are not this owner's, and why. One that can't be read stays on the list: reading it again will tell the error."""
    return {
        name: why
        for name, info in found.items()
        if not isinstance(info, NatsError) and (why := not_ours(owner_of(info["config"]), (owner,)))
    }
