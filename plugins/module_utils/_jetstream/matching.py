# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""One change for all existing resources of a kind whose names match a pattern. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import entry_spec, naming_options
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import (
    DeclaredResource,
    declared_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import owner_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.patterns import (
    LeftOut,
    not_ours,
    place_result,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

# The list of a declaration that each kind belongs to.
LIST_OF_KIND = {"stream": "streams", "consumer": "consumers", "kv": "kv", "object_store": "object_stores"}
# What a pattern does not do to each resource that it finds: reset what nobody wrote.
NOT_SET = ("exact",)


@dataclass(frozen=True)
class Matching:
    """An entry of `matching`: the existing resources that are meant, and the options that they get."""

    pattern: str
    kind: str
    options: Mapping[str, Any]
    # Of consumers: the pattern of their streams' names.
    stream: str = "*"

    @property
    def resource(self) -> Resource:
        return KINDS[LIST_OF_KIND[self.kind]]


@dataclass(frozen=True)
class Candidate:
    """An existing resource whose name matches; without a configuration where it can't be read."""

    place: Place
    name: str
    config: Config | None
    # Why it can't be declared, for example because its client makes it.
    problem: str = ""


@dataclass
class Match:
    """What an entry of `matching` has found, and what of that is left out."""

    entry: Matching
    found: list[Candidate] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        entry, noun = self.entry, self.entry.resource.kind
        where = f" in the streams {entry.stream}" if entry.stream != "*" else ""
        count = len(self.found) + len(self.left_out)
        found = f"{count or 'no'} {noun}{'' if count == 1 else 's'}" if count else f"no {noun}"
        left = f", {len(self.left_out)} left out" if self.left_out else ""
        return {
            "pattern": entry.pattern,
            "kind": entry.kind,
            "summary": f"{found} {'matches' if count < 2 else 'match'} {entry.pattern}{where}{left}",
            "found": [place_result(one.place, one.name) for one in self.found],
            "left_out": [one.result() for one in self.left_out],
        }


def matching_entries(written: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> list[Matching]:
    """The entries of `matching`. An invalid one is refused even where nothing matches it."""
    entries, problems = [], []
    for number, entry in enumerate(written, start=1):
        try:
            entries.append(_parsed(entry, defaults))
        except NatsError as error:
            problems.append(f"matching, entry {number}: {error}")
    if problems:
        raise NatsError("the declaration", "\n".join(problems), "Nothing was changed.", code="INVALID_VALUE")
    return entries


def _parsed(written: Mapping[str, Any], defaults: Mapping[str, Any]) -> Matching:
    entry = Matching(written["pattern"], written["kind"], {}, written.get("stream") or "*")
    if written.get("stream") and "stream" not in naming_options(entry.resource):
        raise _invalid(entry, "stream belongs to kind: consumer", "Leave it out.")
    if not entry.pattern.strip():
        raise _invalid(entry, "pattern is empty", "Write a pattern; * is for all.")
    specs = entry_spec(entry.resource)
    fixed = {*naming_options(entry.resource), *entry.resource.arguments, *NOT_SET}
    if wrong := sorted(fixed & written["set"].keys()):
        raise _invalid(entry, f"set: {', '.join(wrong)} can't be set by a pattern", "Declare the resource by its name.")
    options = entry.resource.checked(written["set"], {name: spec for name, spec in specs.items() if name not in fixed})
    if not options:
        raise _invalid(entry, "set is empty", "Write the options that these resources get.")
    entry = replace(entry, options=options)
    declared_by_pattern(entry.resource, Candidate(Place("x", "x"), "x", None), options, defaults)
    return entry


def _invalid(entry: Matching, cause: str, remedy: str) -> NatsError:
    return NatsError(f"{entry.kind} {entry.pattern}", cause, remedy, code="INVALID_VALUE")


def declared_by_pattern(
    resource: Resource, candidate: Candidate, options: Mapping[str, Any], defaults: Mapping[str, Any]
) -> DeclaredResource:
    naming = naming_options(resource)
    names = {resource.named: candidate.name} | ({"stream": candidate.place.stream} if "stream" in naming else {})
    item = declared_resource(resource, names | dict(options), defaults)
    return replace(item, policy=replace(item.policy, labels=owners_meant(options, item.policy.owner)))


def owners_meant(options: Mapping[str, Any], owner: str) -> frozenset[str]:
    """Whose resources a pattern means: the owner's own, and those of nobody where the entry itself gives them an owner."""
    return frozenset({owner, ""} if options.get("owner") else {owner})


def leave_out(match: Match, declared: Sequence[DeclaredResource], defaults: Mapping[str, Any]) -> None:
    """Sorts out what the entry has found and does not change."""
    options = match.entry.options
    labels = owners_meant(options, str(options.get("owner", defaults.get("owner")) or "").strip())
    named = {item.place: item for item in declared}
    deleted = [item for item in declared if item.state == "absent" and not item.is_observed]
    going = {item.place.stream for item in deleted if not item.place.consumer}
    staying = []
    for one in match.found:
        owner = owner_of(one.config) if one.config is not None else None
        reasons = (
            one.problem,
            _because_declared(named.get(one.place)),
            "its stream is deleted by this task" if one.place.stream in going else "",
            not_ours(owner, labels) if owner is not None else "",
        )
        if why := next(filter(None, reasons), ""):
            match.left_out.append(LeftOut(one.place, one.name, why))
        else:
            staying.append(one)
    match.found = staying


def _because_declared(item: DeclaredResource | None) -> str:
    if item is None:
        return ""
    return "it is pruned by this task" if item.policy.labels is not None else "it is declared by its name in this task"


def choose(
    chosen: dict[Place, tuple[Matching, Candidate, dict[str, Any]]], entry: Matching, candidate: Candidate
) -> None:
    """Adds a resource, or the options of a second entry to one that another entry has found."""
    other, _candidate, options = chosen.setdefault(candidate.place, (entry, candidate, {}))
    if other.kind != entry.kind:
        cause = f"{candidate.place} matches {other.kind} {other.pattern} and {entry.kind} {entry.pattern}"
        raise NatsError("matching", cause, "Nothing was changed. Narrow one of the patterns.", code="INVALID_VALUE")
    if both := sorted(_contradictions(options, entry.options)):
        cause = (
            f"{candidate.place} matches {other.pattern} and {entry.pattern}, which set {', '.join(both)} differently"
        )
        raise NatsError("matching", cause, "Nothing was changed. Narrow one of the patterns.", code="INVALID_VALUE")
    options |= entry.options


def _contradictions(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for name in one.keys() & other.keys():
        if one[name] != other[name]:
            yield name
