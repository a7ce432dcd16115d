# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Many resources of all kinds over one connection. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import entry_spec
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.cli_json import from_cli
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import (
    DeclaredResource,
    declared_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place

# Prefixes of streams that are not made as streams: buckets, and those of the servers themselves.
FOREIGN_PREFIXES = ("KV_", "OBJ_", "$")


@dataclass(frozen=True)
class Prune:
    """Which streams that are not declared are deleted, and how many of them at most."""

    pattern: str
    max: int


def declared_resources(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], defaults: Mapping[str, Any]
) -> list[DeclaredResource]:
    """The entries of all lists. One invalid entry refuses them all, before anything is changed."""
    items, problems = [], []
    for kind, resource in KINDS.items():
        specs = entry_spec(resource)
        for number, written in enumerate(lists.get(kind) or [], start=1):
            try:
                items.append(_declared(resource, written, specs, defaults))
            except NatsError as error:
                problems.append(f"{kind}, entry {number}: {error}")
    # A bucket is a stream, so that one stream could be declared as both.
    places = Counter(item.place for item in items)
    problems += [f"{place} is declared twice" for place, count in places.items() if count > 1]
    if problems:
        raise NatsError("the declaration", "\n".join(problems), "Nothing was changed.", code="INVALID_VALUE")
    return items


def _declared(
    resource: Resource, written: Mapping[str, Any], specs: Mapping[str, Any], defaults: Mapping[str, Any]
) -> DeclaredResource:
    options = resource.checked(from_cli(resource, written), specs)
    missing = ["stream"] if "stream" in specs and "stream" not in options else []
    if resource.named not in options and "durable_name" not in options:
        missing.append(resource.named)
    if missing:
        raise NatsError(resource.kind, f"{' and '.join(missing)} is missing", "Write it.", code="INVALID_VALUE")
    return declared_resource(resource, options, defaults)


async def converge_all(
    jetstream: JetStream,
    items: list[DeclaredResource],
    prune: Prune | None,
    policy: Policy,
    check: bool,
    timeout: float,
    also_declared: Sequence[DeclaredResource] | None = (),
) -> list[Outcome]:
    """Makes all resources what they are declared to be, and deletes the streams that are pruned."""
    pruned = await _pruned(jetstream, [*items, *(also_declared or ())], prune, policy) if prune else []
    return await converge(jetstream, [*items, *pruned], check, timeout, also_declared=also_declared)


async def _pruned(
    jetstream: JetStream, items: Sequence[DeclaredResource], prune: Prune, policy: Policy
) -> list[DeclaredResource]:
    declared = {item.place.stream for item in items}
    pattern, most = prune.pattern, prune.max
    undeclared = [name for name in await jetstream.names() if name not in declared]
    names = [name for name in undeclared if fnmatchcase(name, pattern) and _may_be_pruned(name, pattern)]
    if len(names) > most:
        raise NatsError(
            "prune",
            f"{len(names)} streams match {pattern} and are not declared, and max is {most}: {', '.join(names[:20])}",
            "Nothing was changed. Narrow the pattern or raise max.",
            code="PRUNE_LIMIT",
        )
    return [DeclaredResource(STREAM, name, Place(name), "absent", {}, policy) for name in names]


def _may_be_pruned(name: str, pattern: str) -> bool:
    """Buckets and the servers' own streams are pruned only where the pattern begins with their prefix."""
    return all(pattern.startswith(prefix) for prefix in FOREIGN_PREFIXES if name.startswith(prefix))


def resource_result(outcome: Outcome) -> dict[str, Any]:
    """The entry of one resource in the module's result."""
    item = outcome.item
    result: dict[str, Any] = {"kind": item.resource.kind, "name": item.name, "changed": outcome.changed}
    if item.place.consumer:
        result["stream"] = item.place.stream
    if outcome.error:
        result |= {"failed": True, "changed": False, **outcome.error.result()}
    return result


def differences(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Any, Any]]:
    """The title of each changed resource, and its configuration before and after."""
    for outcome in outcomes:
        if outcome.changed and not outcome.error:
            yield outcome.item.title, *outcome.difference


def common_code(outcomes: Sequence[Outcome]) -> str:
    """The code of a task that failed: that of its failed resources, where all of them have the same."""
    codes = {outcome.error.code for outcome in outcomes if outcome.error}
    return codes.pop() if len(codes) == 1 else "SEVERAL_FAILURES"
