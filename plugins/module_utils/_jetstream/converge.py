# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Makes declared resources what they are declared to be: read, decide, write, in this order, for one and for thousands.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.current_state import read_current_state
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource, Turn
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.foresight import Foresight
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.limit_check import LimitCheck, limit_check
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.overlap_check import (
    refuse_contested,
    refuse_taken,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planning import Planning
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.server_limits import ServerLimits
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.write_order import origin_turns, queue_order
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.writing import Writing
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


async def converge(
    jetstream: JetStream,
    declared: Sequence[DeclaredResource],
    mode: Mode,
    also_declared: Sequence[DeclaredResource] | None = (),
) -> list[Outcome]:
    """Makes each resource what it is declared to be. The outcomes are in the order of the declarations.

    `also_declared` is what other tasks make: it counts against the account's limits, and nothing of it is changed. None: no limit is looked at.
    """
    whole = [*declared, *(also_declared or ())]
    if room := (await limit_check(jetstream, whole) if also_declared is not None else None):
        # The servers would name the first resource that has no room, and not what all of them need.
        await room.refuse(await _take_turns(jetstream, whole, replace(mode, check=True, rehearses=False), room))
    return await _take_turns(jetstream, declared, mode, room)


async def _take_turns(
    jetstream: JetStream, declared: Sequence[DeclaredResource], mode: Mode, account_room: LimitCheck | None
) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    limits = ServerLimits(jetstream)
    foreseen: dict[str, Config] = {}
    # What is deleted by this task: all consumers of one stream are judged together; in check mode the others are judged without them.
    leaving = frozenset(item.place for item in declared if item.turn == Turn.DELETE_CONSUMERS and not item.is_observed)
    gone: frozenset[Place] = frozenset()
    for turn in Turn:
        part = [(number, item) for number, item in enumerate(declared) if item.turn == turn]
        if not part:
            continue
        items = [item for _number, item in part]
        parents = foreseen if turn == Turn.CONSUMERS else {}
        without = leaving if turn == Turn.DELETE_CONSUMERS else gone
        state = await read_current_state(jetstream, items, without, parents)
        planning = Planning(jetstream, state, limits, mode)
        found = await _take_turn(planning, items, Writing(planning, len(declared) == 1, account_room))
        done = [outcome for outcome in found if mode.check and outcome.changed and not outcome.error]
        if turn == Turn.STREAMS:
            foreseen = {outcome.item.place.stream: outcome.config_after for outcome in done}
        elif turn in (Turn.DELETE_CONSUMERS, Turn.DELETE_STREAMS):
            gone |= {outcome.item.place for outcome in done}
        outcomes |= {number: outcome for (number, _item), outcome in zip(part, found, strict=True)}
    return [outcomes[number] for number in range(len(declared))]


async def _take_turn(planning: Planning, items: Sequence[DeclaredResource], writing: Writing) -> list[Outcome]:
    resources = await planning.plan(items)
    in_turns = [resource for turn in origin_turns(resources) for resource in turn]
    refuse_contested(in_turns)
    ordered = queue_order(resources, planning.state.is_queue)
    if planning.mode.check:
        await _foresee(planning, resources, in_turns)
    else:
        await writing.write(ordered)
    return [resource.outcome for resource in resources]


async def _foresee(
    planning: Planning, resources: Sequence[PlannedResource], in_turns: Sequence[PlannedResource]
) -> None:
    """The outcomes in check mode, with the refusals that the servers would give."""
    await asyncio.gather(*(planning.rehearse(resource) for resource in resources))
    await refuse_taken(planning.jetstream, in_turns, planning.state.leaving)
    planned = {found.key: found.config_after for found in resources if found.config_after and not found.fails}
    foresight = Foresight(planning.jetstream, planning.state, planning.limits, planned)
    await asyncio.gather(*(_foresee_one(resource, foresight) for resource in resources))


async def _foresee_one(resource: PlannedResource, foresight: Foresight) -> None:
    outcome, plan = resource.outcome, resource.plan
    if outcome.error:
        return
    try:
        resource.conclude()
        if plan.steps:
            outcome.config_after = await foresight.config_after(resource.item, plan, resource.facts)
            outcome.steps = plan.steps
    except NatsError as error:
        outcome.error = error
