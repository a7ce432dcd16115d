# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Refuses subjects in check mode that the server would refuse. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.execute import OVERLAP, owned
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import ResourcePlan
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import (
    SubjectChange,
    contested,
    subjects_of,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import any_overlap
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place


class OverlapCheck:
    """Compares the subjects of planned streams with those that the others have, or will have after their own plan."""

    def __init__(self, jetstream: JetStream, leaving: Collection[Place], changes: Sequence[SubjectChange]) -> None:
        self._jetstream = jetstream
        self._leaving = {place.stream for place in leaving if not place.consumer}
        self._changes = {change.stream: change for change in changes}
        # Declared streams that take a subject of another declared stream: none of them has it on the server yet.
        self._contested = contested(changes)

    async def check(self, item: DeclaredResource, plan: ResourcePlan) -> None:
        last = plan.steps[-1]
        if item.place.consumer or not (last.action == "create" or "subjects" in plan.changes):
            return
        name = item.place.stream
        owners = await self._jetstream.owners(subjects_of(last.config), {name, *self._leaving})
        taken = {
            subject: keeping
            for subject, streams in owners.items()
            if (keeping := [stream for stream in streams if self._keeps(stream, subject)])
        }
        if name in self._contested:
            subject, streams = self._contested[name]
            others = taken.setdefault(subject, [])
            others.extend(stream for stream in streams if stream not in others)
        if taken:
            raise NatsError(
                item.title,
                f"subjects overlap with an existing stream: {owned(taken)}",
                "Change one of the two.",
                OVERLAP,
                code="SUBJECTS_TAKEN",
            )

    def _keeps(self, stream: str, subject: str) -> bool:
        """Whether a stream still has a subject after its own plan."""
        change = self._changes.get(stream)
        return change is None or any_overlap((subject,), change.after)
