# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Many resources of all kinds over one connection. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import entry_spec
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.cli_json import from_cli
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import (
    DeclaredResource,
    declared_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.find_matching import find_matching
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.management import FULL
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.matching import Match, Matching
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.patterns import (
    NOTHING_PRUNED,
    LeftOut,
    Prune,
    prune_streams,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream

NO_POLICY = Policy()


@dataclass(frozen=True)
class Declaration:
    """What one task declares."""

    items: Sequence[DeclaredResource]
    prune: Prune | None = None
    # What may be done to the streams that are pruned, and whose they are.
    prune_policy: Policy = NO_POLICY
    matching: Sequence[Matching] = ()
    # What may be done to the resources that match a pattern.
    guards: Mapping[str, Any] = field(default_factory=dict)
    # What other tasks make; it only counts against the account's limits. None: no limit is looked at.
    also_declared: Sequence[DeclaredResource] | None = ()


@dataclass(frozen=True)
class Converged:
    """What became of each resource, what the patterns have found, and the streams that are not pruned because of their owner."""

    outcomes: list[Outcome]
    matches: list[Match]
    not_pruned: Sequence[LeftOut]


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


def _keep_parents(items: Sequence[DeclaredResource]) -> Iterator[DeclaredResource]:
    """The same resources, where a stream is kept because one of its consumers is."""
    kept = {item.place.stream: item.title for item in items if item.place.consumer and item.policy.manage != FULL}
    for item in items:
        title = None if item.place.consumer else kept.get(item.place.stream)
        yield replace(item, policy=replace(item.policy, kept_for=title)) if title else item


async def converge_all(jetstream: JetStream, declaration: Declaration, mode: Mode) -> Converged:
    """Makes all resources what they are declared to be, deletes the streams that are pruned, and changes those that match a pattern."""
    items, prune, others = declaration.items, declaration.prune, declaration.also_declared
    declared = [*items, *(others or ())]
    pruned = await prune_streams(jetstream, declared, prune, declaration.prune_policy) if prune else NOTHING_PRUNED
    named = [*declared, *pruned.items]
    matched, matches = await find_matching(jetstream, declaration.matching, declaration.guards, named)
    outcomes = await converge(jetstream, list(_keep_parents([*items, *pruned.items, *matched])), mode, others)
    return Converged(outcomes, matches, pruned.left_out)


def resource_result(outcome: Outcome) -> dict[str, Any]:
    """The entry of one resource in the module's result."""
    item = outcome.item
    result: dict[str, Any] = {"kind": item.resource.kind, "name": item.name, "changed": outcome.changed}
    if item.place.consumer:
        result["stream"] = item.place.stream
    result |= outcome.differences
    if outcome.error:
        result |= {"failed": True, "changed": False, **outcome.error.result()}
    return result


def differences(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Any, Any]]:
    """The title of each resource that is changed, or observed and differs, and its configuration before and after."""
    for outcome in outcomes:
        differs = outcome.observed and outcome.observed.differences
        if (outcome.changed or differs) and not outcome.error:
            yield outcome.item.title, *outcome.difference


def common_code(outcomes: Sequence[Outcome]) -> str:
    """The code of a task that failed: that of its failed resources, where all of them have the same."""
    codes = {outcome.error.code for outcome in outcomes if outcome.error}
    return codes.pop() if len(codes) == 1 else "SEVERAL_FAILURES"
