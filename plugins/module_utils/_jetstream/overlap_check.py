# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Refuses subjects that another stream has, before the first stream is written. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.execute import subjects_taken
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import (
    SubjectChange,
    subjects_of,
    taken_in_turn,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place


def refuse_contested(resources: Sequence[PlannedResource]) -> None:
    """Of two streams of a task that would have a subject, the one that is written later is refused, also in the real run.

    A stream that is refused gives up none of its subjects, so that the streams that take them are refused as well.
    """
    while True:
        changes = [change for resource in resources if (change := resource.subject_change())]
        if not changes:
            return
        changing = {change.stream for change in changes}
        keeping = {
            resource.key: subjects_of(resource.facts.found.config)
            for resource in resources
            if resource.facts.found and resource.key not in changing and resource.item.state != "absent"
        }
        taken = taken_in_turn(changes, keeping)
        for resource in resources:
            if resource.key in taken:
                resource.outcome.error = subjects_taken(resource.item.title, taken[resource.key])
        if not taken:
            return


async def refuse_taken(jetstream: JetStream, resources: Sequence[PlannedResource], leaving: Collection[Place]) -> None:
    """In check mode, the streams are refused that the server would refuse for a subject of a stream that is not declared."""
    gone = {place.stream for place in leaving if not place.consumer}
    asked = [(resource, change) for resource in resources if (change := resource.subject_change())]
    answers = await asyncio.gather(
        *(jetstream.owners(change.after, {change.stream, *gone}) for _resource, change in asked), return_exceptions=True
    )
    owners: dict[str, Mapping[str, list[str]]] = {}
    for (resource, change), answer in zip(asked, answers, strict=True):
        if isinstance(answer, NatsError):
            resource.outcome.error = answer
        elif isinstance(answer, BaseException):
            raise answer
        else:
            owners[change.stream] = answer
    while True:
        changes = {change.stream: change for resource, _change in asked if (change := resource.subject_change())}
        refused = False
        for resource, _change in asked:
            if resource.key in changes and (taken := _still_taken(owners[resource.key], changes)):
                resource.outcome.error, refused = subjects_taken(resource.item.title, taken), True
        if not refused:
            return


def _still_taken(owners: Mapping[str, list[str]], changes: Mapping[str, SubjectChange]) -> dict[str, list[str]]:
    """The subjects whose owners keep them after their own plans."""
    found = {
        subject: [name for name in names if name not in changes or changes[name].overlaps(subject)]
        for subject, names in owners.items()
    }
    return {subject: names for subject, names in found.items() if names}
