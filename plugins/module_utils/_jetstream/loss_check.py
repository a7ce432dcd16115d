# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads more of a resource whose plan is refused for a loss. PRIVATE to the collection: it can change at any time.

What can't be read stays unknown, and a change with an unknown loss is refused.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import ack_floor, filters
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import ResourcePlan
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import covered
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place

# Above this number of subjects the messages of each subject are not asked for one by one.
MOST_SUBJECTS = 64


async def read_losses(
    jetstream: JetStream, place: Place, found: Current, plan: ResourcePlan, leaving: frozenset[Place]
) -> Current:
    """The same resource with facts that may show that nothing would be lost; `found` itself where there are no more."""
    action = plan.steps[-1].action
    facts: dict[str, Any] = {}
    if action == "purge":
        # Its messages are counted already.
        return found
    if place.consumer is None:
        if found.state.get("consumer_count"):
            facts |= await _consumers(jetstream, place, leaving)
        if "max_msgs_per_subject" in plan.changes:
            counts = await _messages_by_subject(jetstream, place.stream, [">"])
            facts |= {} if counts is None else {"subjects": counts}
    elif action == "update":
        counts = await _unprocessed_by_subject(jetstream, place.stream, found, filters(plan.steps[-1].config))
        facts |= {} if counts is None else {"unprocessed": counts}
    return replace(found, info={**found.info, **facts}) if facts else found


async def _consumers(jetstream: JetStream, place: Place, leaving: frozenset[Place]) -> dict[str, Any]:
    """The consumers of a stream, and the durable ones that stay; nothing where they can't all be read."""
    try:
        names, consumers = await asyncio.gather(
            jetstream.consumer_names(place.stream), jetstream.consumers(place.stream)
        )
    except NatsError:
        return {}
    read = {str(info.get("name")): info for info in consumers if info.get("config")}
    if set(names) - read.keys():
        return {}
    durables = [
        name
        for name, info in read.items()
        if info["config"].get("durable_name") and Place(place.stream, name) not in leaving
    ]
    return {"consumers": list(read.values()), "durables": durables}


async def _messages_by_subject(jetstream: JetStream, stream: str, subjects: list[str]) -> dict[str, int] | None:
    """How many messages each subject has; None where the server's answer leaves some out."""
    found: dict[str, int] = {}
    try:
        answers = await asyncio.gather(
            *(jetstream.find(Place(stream), subjects_filter=subject) for subject in subjects)
        )
    except NatsError:
        return None
    for answer in answers:
        counts = ((answer or {}).get("state") or {}).get("subjects") or {}
        if answer is None or (answer.get("total") or 0) > len(counts):
            return None
        found |= counts
    return found


async def _unprocessed_by_subject(
    jetstream: JetStream, stream: str, found: Current, new_filters: list[str]
) -> dict[str, int] | None:
    """The subjects that the new filters drop and that have messages which the consumer has not acknowledged."""
    dropped = [subject for subject in filters(found.config) if not covered(subject, new_filters)]
    counts = await _messages_by_subject(jetstream, stream, dropped) if dropped else {}
    if counts is None:
        return None
    counts = {subject: count for subject, count in counts.items() if not covered(subject, new_filters)}
    if len(counts) > MOST_SUBJECTS:
        return counts
    try:
        firsts = await asyncio.gather(
            *(jetstream.first_of(stream, subject, ack_floor(found) + 1) for subject in counts)
        )
    except NatsError:
        return counts
    return {subject: count for (subject, count), first in zip(counts.items(), firsts, strict=True) if first}
