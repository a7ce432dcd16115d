# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Many resources of all kinds over one connection. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import entry
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import (
    Outcome,
    converge,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import (
    DeclaredResource,
    declared_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place

# What others keep in streams: buckets, and what servers need themselves.
FOREIGN_PREFIXES = ("KV_", "OBJ_", "$")


def declared_resources(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], defaults: Mapping[str, Any]
) -> list[DeclaredResource]:
    """All entries of all lists; nothing is done when one of them makes no sense."""
    items, problems = [], []
    for kind, resource in KINDS.items():
        specs = entry(resource)
        for number, written in enumerate(lists.get(kind) or [], start=1):
            try:
                items.append(_wanted(resource, written, specs, defaults))
            except NatsError as error:
                problems.append(f"{kind}, entry {number}: {error}")
    # A bucket is a stream, so that it may be declared as both.
    places = Counter(item.place for item in items)
    problems += [f"{place} is declared twice" for place, count in places.items() if count > 1]
    if problems:
        raise NatsError("the declaration", "\n".join(problems), "Nothing was changed.")
    return items


def _wanted(
    resource: Resource, written: Mapping[str, Any], specs: Mapping[str, Any], defaults: Mapping[str, Any]
) -> DeclaredResource:
    found = resource.checked(written, specs)
    if "durable_name" in found:
        found.setdefault(resource.named, found.pop("durable_name"))
    missing = [name for name in ("stream", resource.named) if name in specs and name not in found]
    if missing:
        raise NatsError(resource.kind, f"{' and '.join(missing)} is missing", "Write it.")
    return declared_resource(resource, found, defaults)


async def converge_all(
    jetstream: JetStream,
    items: list[DeclaredResource],
    prune: Mapping[str, Any] | None,
    policy: Policy,
    check: bool,
    timeout: float,
) -> list[Outcome]:
    """Everything that is declared, and what is pruned."""
    going = await _pruned(jetstream, items, prune, policy) if prune else []
    return await converge(jetstream, [*items, *going], check, timeout)


async def _pruned(
    jetstream: JetStream, items: Sequence[DeclaredResource], prune: Mapping[str, Any], policy: Policy
) -> list[DeclaredResource]:
    kept = {item.place.stream for item in items}
    pattern, most = prune["pattern"], prune["max"]
    undeclared = [name for name in await jetstream.names() if name not in kept]
    names = [name for name in undeclared if fnmatchcase(name, pattern) and _may_go(name, pattern)]
    if len(names) > most:
        raise NatsError(
            "prune",
            f"{len(names)} streams match {pattern} and are not declared, and max is {most}: {', '.join(names[:20])}",
            "Nothing was changed. Narrow the pattern or raise max.",
        )
    return [DeclaredResource(STREAM, name, Place(name), "absent", {}, policy) for name in names]


def _may_go(name: str, pattern: str) -> bool:
    return all(pattern.startswith(prefix) for prefix in FOREIGN_PREFIXES if name.startswith(prefix))


def told(outcome: Outcome) -> dict[str, Any]:
    """One entry of the results."""
    item = outcome.wanted
    result: dict[str, Any] = {"kind": item.resource.kind, "name": item.name, "changed": outcome.changed}
    if item.place.consumer:
        result["stream"] = item.place.stream
    if outcome.error:
        result |= {"failed": True, "changed": False, **outcome.error.result()}
    return result


def differences(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Any, Any]]:
    """What changed, by the titles of the resources."""
    for outcome in outcomes:
        if outcome.changed and not outcome.error:
            yield outcome.wanted.title, *outcome.difference
