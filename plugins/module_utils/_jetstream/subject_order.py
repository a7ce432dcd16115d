# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""In which order streams give up subjects and take them. Pure: talks to nobody.

The server refuses a subject that another stream still has. PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import SubjectIndex, any_overlap

# What a stream has for a moment when it gives all its subjects to another one that gives it others.
PARKED = "_messaging_nats.parked."


@dataclass(frozen=True)
class SubjectChange:
    """The subjects of a stream as they are, none where it is new, and as they are declared."""

    stream: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def given_up(self) -> tuple[str, ...]:
        return tuple(subject for subject in self.before if subject not in self.after)

    def kept(self) -> tuple[str, ...]:
        """What it has once it has given up some, and before it has taken others; a stream can't be without any."""
        return tuple(subject for subject in self.before if subject in self.after) or (f"{PARKED}{self.stream}",)


@dataclass(frozen=True)
class Round:
    """Streams that can be changed at once, after others have given up what these need."""

    streams: frozenset[str]
    released: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def rounds(changes: Sequence[SubjectChange]) -> Iterator[Round]:
    """Who gives up a subject comes before who takes it; where they exchange some, one of them gives up its own first."""
    pending = {change.stream: change for change in changes}
    released: dict[str, tuple[str, ...]] = {}
    while pending:
        waits = _waits(pending)
        if ready := pending.keys() - waits.keys():
            yield Round(frozenset(ready), released)
            released = {}
            for stream in ready:
                del pending[stream]
            continue
        stream = min(name for name in pending if any(name in others for others in waits.values()))
        released[stream] = pending[stream].kept()
        pending[stream] = replace(pending[stream], before=released[stream])


def _waits(pending: Mapping[str, SubjectChange]) -> dict[str, set[str]]:
    """For each stream that has to wait, the streams that still have what it takes."""
    index = SubjectIndex()
    for change in pending.values():
        for subject in change.given_up:
            if not subject.startswith(PARKED):
                index.add(subject, change.stream)
    waits = {}
    for change in pending.values():
        owners = {owner for subject in change.after for owner in index.owners(subject)} - {change.stream}
        # One that keeps the subject lets nobody have it, however long this waits.
        if giving := {owner for owner in owners if not any_overlap(change.after, pending[owner].after)}:
            waits[change.stream] = giving
    return waits


def contested(changes: Sequence[SubjectChange]) -> dict[str, tuple[str, Collection[str]]]:
    """Streams that are declared with a subject of another one that is declared before them: the subject and those streams."""
    index = SubjectIndex()
    found: dict[str, tuple[str, Collection[str]]] = {}
    for change in changes:
        for subject in change.after:
            if owners := index.owners(subject) - {change.stream}:
                found[change.stream] = (subject, sorted(owners))
                break
        else:
            for subject in change.after:
                index.add(subject, change.stream)
    return found
