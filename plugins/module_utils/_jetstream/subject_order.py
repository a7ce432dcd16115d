# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The order in which streams give up subjects and take them. Pure: it sends no request.

The server refuses a subject that another stream still has. PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import default_subjects
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import SubjectIndex, any_overlap

# The subject that a stream has for a moment while it exchanges all its subjects with another stream.
PARKED = "_messaging_nats.parked."


def subjects_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The subjects of a stream, written or the server's default."""
    return tuple(config.get("subjects") or default_subjects(dict(config), Context()))


@dataclass(frozen=True)
class SubjectChange:
    """The subjects of a stream before its plan, none where it is new, and after it."""

    stream: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def given_up(self) -> tuple[str, ...]:
        return tuple(subject for subject in self.before if subject not in self.after)

    def overlaps(self, subject: str) -> bool:
        """Whether the stream has a part of this subject after its plan."""
        return any_overlap((subject,), self.after)

    def kept(self) -> tuple[str, ...]:
        """The subjects between giving up some and taking others. A stream must have at least one."""
        return tuple(subject for subject in self.before if subject in self.after) or (f"{PARKED}{self.stream}",)


@dataclass(frozen=True)
class Round:
    """Streams that can be changed together, after the streams in `released` have given up what these need."""

    streams: frozenset[str]
    released: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def rounds(changes: Sequence[SubjectChange]) -> Iterator[Round]:
    """A stream that gives up a subject comes before the one that takes it. Of streams that exchange subjects one gives up its own first."""
    pending = {change.stream: change for change in changes}
    released: dict[str, tuple[str, ...]] = {}
    while pending:
        waiting = _waiting(pending)
        if ready := pending.keys() - waiting.keys():
            yield Round(frozenset(ready), released)
            released = {}
            for stream in ready:
                del pending[stream]
            continue
        stream = min(name for name in pending if any(name in others for others in waiting.values()))
        released[stream] = pending[stream].kept()
        pending[stream] = replace(pending[stream], before=released[stream])


def _waiting(pending: Mapping[str, SubjectChange]) -> dict[str, set[str]]:
    """For each stream that has to wait, the streams that still have the subjects it takes."""
    index = SubjectIndex()
    for change in pending.values():
        for subject in change.given_up:
            if not subject.startswith(PARKED):
                index.add(subject, change.stream)
    waiting = {}
    for change in pending.values():
        owners = {owner for subject in change.after for owner in index.owners(subject)} - {change.stream}
        # A stream that keeps the subject is not waited for: the server will refuse the other one.
        if giving := {owner for owner in owners if not any_overlap(change.after, pending[owner].after)}:
            waiting[change.stream] = giving
    return waiting


def taken_in_turn(
    changes: Sequence[SubjectChange], keeping: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, list[str]]]:
    """The streams that take a subject which another one keeps or has taken before: the subjects and those streams."""
    index = SubjectIndex()
    kept = {change.stream: [subject for subject in change.before if subject in change.after] for change in changes}
    for stream, subjects in (*keeping.items(), *kept.items()):
        for subject in subjects:
            index.add(subject, stream)
    found: dict[str, dict[str, list[str]]] = {}
    for change in changes:
        owners = {subject: sorted(index.owners(subject) - {change.stream}) for subject in change.after}
        if taken := {subject: names for subject, names in owners.items() if names}:
            found[change.stream] = taken
            continue
        for subject in change.after:
            index.add(subject, change.stream)
    return found
