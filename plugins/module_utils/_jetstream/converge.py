# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Makes declared resources what they are declared to be: read, decide, write, in this order, for one and for thousands.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer_limit_check import (
    refuse_exceeded_limits,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.current_state import (
    CurrentState,
    facts_from,
    has_changed,
    read_current_state,
    read_facts,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import (
    decide,
    expected_config,
    needs_level,
    paused_config,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.execute import carry_out
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.filter_order import FilterChange, filter_order
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.foreign_consumers import foreign_consumers
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.foresight import Foresight, rehearse
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.limit_check import LimitCheck, limit_check, sign
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.loss_check import read_losses
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import filters
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.observe import compare
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin_check import refuse_cycles
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin_order import turns
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.overlap_check import (
    refuse_contested,
    refuse_taken,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.server_limits import ServerLimits
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.states import STATES
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import (
    Round,
    SubjectChange,
    rounds,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step


async def converge(
    jetstream: JetStream,
    declared: Sequence[DeclaredResource],
    check: bool,
    timeout: float,
    streams_elsewhere: bool = False,
    also_declared: Sequence[DeclaredResource] | None = (),
) -> list[Outcome]:
    """Makes each resource what it is declared to be. The outcomes are in the order of the declarations.

    With `streams_elsewhere`, check mode takes a missing stream for one that another task would have created by now, and says so.
    `also_declared` is what other tasks make: it counts against the account's limits, and nothing of it is changed. None: no limit is looked at.
    """
    whole = [*declared, *(also_declared or ())]
    if room := (await limit_check(jetstream, whole) if also_declared is not None else None):
        # The servers would name the first resource that has no room, and not what all of them need.
        await room.refuse(await _take_turns(jetstream, whole, True, timeout, streams_elsewhere, room, rehearses=False))
    return await _take_turns(jetstream, declared, check, timeout, streams_elsewhere, room)


async def _take_turns(
    jetstream: JetStream,
    declared: Sequence[DeclaredResource],
    check: bool,
    timeout: float,
    streams_elsewhere: bool,
    account_room: LimitCheck | None,
    rehearses: bool = True,
) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    limits = ServerLimits(jetstream)
    foreseen: dict[str, Config] = {}
    # What is deleted by this task: all consumers of one stream are judged together; in check mode the others are judged without them.
    leaving = frozenset(
        item.place for item in declared if _turn(item) == Turn.DELETE_CONSUMERS and not item.is_observed
    )
    gone: frozenset[Place] = frozenset()
    for turn in Turn:
        part = [(number, item) for number, item in enumerate(declared) if _turn(item) == turn]
        if not part:
            continue
        items = [item for _number, item in part]
        parents = foreseen if turn == Turn.CONSUMERS else {}
        without = leaving if turn == Turn.DELETE_CONSUMERS else gone
        state = await read_current_state(jetstream, items, without, parents)
        alone, elsewhere = len(declared) == 1, check and streams_elsewhere
        convergence = _Convergence(jetstream, state, limits, check, timeout, alone, elsewhere, account_room, rehearses)
        found = await convergence.run(items)
        done = [outcome for outcome in found if check and outcome.changed and not outcome.error]
        if turn == Turn.STREAMS:
            foreseen = {outcome.item.place.stream: outcome.config_after for outcome in done}
        elif turn in (Turn.DELETE_CONSUMERS, Turn.DELETE_STREAMS):
            gone |= {outcome.item.place for outcome in done}
        outcomes |= {number: outcome for (number, _item), outcome in zip(part, found, strict=True)}
    return [outcomes[number] for number in range(len(declared))]


class Turn(IntEnum):
    """Deletions come first, because they make room, and streams come before their consumers."""

    DELETE_CONSUMERS = 0
    DELETE_STREAMS = 1
    STREAMS = 2
    CONSUMERS = 3


def _turn(item: DeclaredResource) -> Turn:
    if item.state == "absent":
        return Turn.DELETE_CONSUMERS if item.place.consumer else Turn.DELETE_STREAMS
    return Turn.CONSUMERS if item.place.consumer else Turn.STREAMS


# How often edits of lists are written, and how long another writer of the same lists may take at least between reading and writing.
EDIT_ATTEMPTS = 20
EDIT_SETTLES_S = 0.05
# The server's err_code for a stream that somebody else has created in the meantime.
NAME_IN_USE = 10058


@dataclass
class _Convergence:
    """The resources of one turn."""

    jetstream: JetStream
    state: CurrentState
    limits: ServerLimits
    check: bool
    timeout: float
    # Whether nothing else is done between reading and writing.
    alone: bool
    # Whether a stream that is missing may be one that another task creates.
    streams_elsewhere: bool = False
    # The account's limits, where they leave so little room that the order of the updates decides.
    account_room: LimitCheck | None = None
    # Whether the server is asked what it would refuse.
    rehearses: bool = True
    # Streams that gave up subjects for a moment: the configuration before that is the one that --diff shows.
    released: set[str] = field(default_factory=set)

    async def run(self, items: Sequence[DeclaredResource]) -> list[Outcome]:
        self._declare_filters(items)
        resources = await asyncio.gather(*(self._read_and_decide(item) for item in items))
        await self._plan_without_failed(resources)
        await refuse_cycles(self.jetstream, resources, self.state.leaving)
        await refuse_exceeded_limits(self.jetstream, resources, self.state.leaving)
        in_turns = self._in_turns(resources)
        refuse_contested(in_turns)
        ordered = self._in_order(resources)
        changes = [change for resource in resources if (change := resource.subject_change())]
        if self.check:
            await asyncio.gather(*(self._rehearse(resource) for resource in resources))
            await refuse_taken(self.jetstream, in_turns, self.state.leaving)
            planned = {found.key: found.config_after for found in resources if found.config_after and not found.fails}
            foresight = Foresight(self.jetstream, self.state, self.limits, planned)
            await asyncio.gather(*(self._foresee(resource, foresight) for resource in resources))
        elif any(change.given_up for change in changes):
            await self._write_in_order(resources, changes)
        else:
            await self._write_all(ordered)
        return [resource.outcome for resource in resources]

    async def _read_and_decide(self, item: DeclaredResource) -> PlannedResource:
        resource = PlannedResource(item, Outcome(item))
        try:
            async with self.state.queue(item.place):
                resource.facts = await read_facts(self.jetstream, self.state, item)
                resource.outcome.config_before = _config(resource.facts.info)
                self._check_parent(item, resource.outcome)
                await self._decide(resource)
                if item.place in self.state.declared:
                    await self._rehearse(resource)  # other consumers rely on this one
        except NatsError as error:
            resource.outcome.error = error
        return resource

    async def _rehearse(self, resource: PlannedResource) -> None:
        """Has the server check what is planned."""
        try:
            if self.rehearses and not resource.fails:
                await rehearse(self.jetstream, self.state, resource.item, resource.plan)
        except NatsError as error:
            resource.outcome.error = error

    def _check_parent(self, item: DeclaredResource, outcome: Outcome) -> None:
        place = item.place
        if not place.consumer or item.state == "absent" or item.is_observed or self.state.streams.get(place.stream):
            return
        if self.streams_elsewhere:
            outcome.assumption = (
                f"stream {place.stream} does not exist, so this holds only if an earlier task creates it"
            )
        else:
            raise NatsError(
                item.title,
                f"stream {place.stream} does not exist",
                "Create the stream first, or check its name.",
                code="NOT_FOUND",
            )

    async def _decide(self, resource: PlannedResource) -> None:
        """Makes the plan, and makes it again of more facts where it would be refused for the server's age or for a loss."""
        item, found = resource.item, resource.facts.found
        if item.is_observed:
            resource.outcome.observed = compare(item, resource.facts)
            return
        resource.plan = decide(item, resource.facts)
        if found and (keys := resource.plan.limited):
            context = await self.limits.read(item, resource.facts.context, keys, found.config)
            resource.facts = replace(resource.facts, context=context)
            resource.plan = decide(item, resource.facts)
        if resource.plan.refused_for_age and not needs_level(item):
            resource.facts = replace(resource.facts, level=await self.jetstream.level())
            resource.plan = decide(item, resource.facts)
        if found and resource.plan.refused_for_loss:
            more = await read_losses(self.jetstream, item.place, found, resource.plan, self.state.leaving)
            if more is not found:
                resource.facts = replace(resource.facts, found=more)
                resource.plan = decide(item, resource.facts)
        if foreign := await foreign_consumers(self.jetstream, item, resource.facts, resource.plan):
            resource.plan = replace(resource.plan, refusals=(*resource.plan.refusals, *foreign))
        self._remember_filters(resource)

    def _remember_filters(self, resource: PlannedResource) -> None:
        """The other consumers of a work queue are planned with the filters that this one will have."""
        item, plan = resource.item, resource.plan
        if item.place.stream in self.state.queues and item.state != "absent" and plan.steps and not plan.refusals:
            config = expected_config(plan, resource.facts.found)
            self.state.consumers.setdefault(item.place.stream, {})[item.name] = {"name": item.name, "config": config}

    def _declare_filters(self, items: Sequence[DeclaredResource]) -> None:
        """Notes which filters the existing consumers of work queues will have, so that one may take what another one gives up."""
        for item in items:
            info = self.state.consumers.get(item.place.stream, {}).get(item.place.consumer or "")
            if info and item.state == "present" and not item.is_observed and self.state.is_queue(item.place.stream):
                config = info["config"] | item.resource.completes(item.desired, info["config"])
                if filters(config) != filters(info["config"]):
                    self.state.declared[item.place] = config

    async def _plan_without_failed(self, resources: Sequence[PlannedResource]) -> None:
        """Plans consumers again that rely on a change of another one which fails."""
        while failed := [found for found in resources if found.fails and found.item.place in self.state.declared]:
            for resource in failed:
                del self.state.declared[resource.item.place]
            streams = {resource.item.place.stream for resource in failed}
            for resource in resources:
                if resource.item.place.stream in streams and not resource.fails:
                    await self._decide_again(resource)

    async def _decide_again(self, resource: PlannedResource) -> None:
        try:
            resource.facts = await facts_from(self.jetstream, self.state, resource.item, resource.facts.info)
            await self._decide(resource)
        except NatsError as error:
            resource.outcome.error = error

    def _in_order(self, resources: Sequence[PlannedResource]) -> list[PlannedResource]:
        """The resources in the order in which they are written. Consumers that wait for one another are refused."""
        queues: dict[str, list[tuple[PlannedResource, FilterChange]]] = {}
        ordered = []
        for resource in resources:
            stream = resource.item.place.stream
            if self.state.is_queue(stream) and (change := resource.filter_change()):
                queues.setdefault(stream, []).append((resource, change))
            else:
                ordered.append(resource)
        for queue in queues.values():
            by_name = {resource.item.name: resource for resource, _change in queue}
            order = filter_order([change for _resource, change in queue])
            ordered += [by_name[name] for name in order]
            for name in by_name.keys() - {*order}:
                by_name[name].outcome.error = NatsError(
                    by_name[name].item.title,
                    "it takes filters of a consumer of this work queue that in turn takes some of its own",
                    "Exchange them in two runs, with other filters in between.",
                    code="SUBJECTS_TAKEN",
                )
        return ordered

    async def _foresee(self, resource: PlannedResource, foresight: Foresight) -> None:
        """The outcome in check mode, with the refusals that the server would give."""
        item, outcome, plan = resource.item, resource.outcome, resource.plan
        if outcome.error:
            return
        try:
            _conclude(resource)
            if plan.steps:
                outcome.config_after = await foresight.config_after(item, plan, resource.facts)
                outcome.steps = plan.steps
        except NatsError as error:
            outcome.error = error

    async def _write_in_order(self, resources: Sequence[PlannedResource], changes: Sequence[SubjectChange]) -> None:
        """A stream that gives up a subject is written before the stream that takes it."""
        by_stream = {resource.item.place.stream: resource for resource in resources}
        changing = {change.stream for change in changes}
        ready = [resource for name, resource in by_stream.items() if name not in changing]
        for turn in rounds(changes):
            await self._release(by_stream, turn)
            ready += [by_stream[name] for name in by_stream if name in turn.streams]
            await self._write_all(ready)
            ready = []

    async def _write_all(self, resources: Sequence[PlannedResource]) -> None:
        """All at once; where the account has little room, first those that reserve less than before, and last those that reserve more."""
        parts: dict[int, list[PlannedResource]] = {}
        for resource in resources:
            parts.setdefault(self._growth(resource), []).append(resource)
        for _growth, part in sorted(parts.items()):
            await self._write_after_origins(part)

    def _growth(self, resource: PlannedResource) -> int:
        plan, found = resource.plan, resource.facts.found
        if self.account_room is None or resource.item.place.consumer or not plan.steps or resource.fails:
            return 0
        return sign(self.account_room.growth(found.config if found else None, expected_config(plan, found) or None))

    async def _write_after_origins(self, resources: Sequence[PlannedResource]) -> None:
        """A stream is written after those of its origins that are written too: a mirror takes over what its origin allows."""
        by_key = {resource.key: resource for resource in resources}
        for turn in turns({key: resource.config_after for key, resource in by_key.items()}):
            await asyncio.gather(*(self._write(by_key[key]) for key in turn))

    def _in_turns(self, resources: Sequence[PlannedResource]) -> list[PlannedResource]:
        """The resources in the order in which they are written where no subject moves."""
        by_key = {resource.key: resource for resource in resources}
        order = turns({key: resource.config_after for key, resource in by_key.items()})
        return [by_key[key] for turn in order for key in turn]

    async def _release(self, by_stream: dict[str, PlannedResource], turn: Round) -> None:
        """Takes subjects away from streams that get others in exchange, and plans these streams again."""
        for name, subjects in turn.released.items():
            resource = by_stream[name]
            try:
                info = await self.jetstream.find(Place(name))
                if info is None:
                    continue
                self.released.add(name)
                step = Step("update", {**info["config"], "subjects": list(subjects)})
                info = await self.jetstream.write(Place(name), step)
                resource.facts = await facts_from(self.jetstream, self.state, resource.item, info)
                await self._decide(resource)
            except NatsError as error:
                resource.outcome.error = NatsError(
                    resource.item.title, error.cause, error.remedy, error.err_code, code=error.code
                )

    async def _write(self, resource: PlannedResource) -> None:
        if resource.outcome.error:
            return
        try:
            async with self.state.queue(resource.item.place):
                if resource.facts.info and resource.plan.steps and not self.alone:
                    await self._read_again(resource)
                _conclude(resource)
                if resource.item.edits.among(resource.plan.changes):
                    await self._edit(resource)
                elif resource.plan.steps:
                    await self._carry_out(resource)
        except NatsError as error:
            resource.outcome.error = error

    async def _read_again(self, resource: PlannedResource) -> None:
        """A resource that somebody else changed since it was read is planned again, so that their change is kept."""
        item, outcome, before = resource.item, resource.outcome, resource.facts.info
        now = await self.jetstream.find(item.place)
        if before is None or not has_changed(before, now):
            return
        show = item.resource.show
        outcome.meanwhile = _differences(show(_config(before)), show(_config(now)))
        if item.place.stream not in self.released:
            outcome.config_before = _config(now)
        resource.facts = await facts_from(self.jetstream, self.state, item, now)
        await self._decide(resource)

    async def _carry_out(self, resource: PlannedResource) -> None:
        plan = resource.plan
        if len(plan.steps) > 1 or plan.steps[0].moves:
            # A refusal in the middle would leave it deleted, or half changed. Up to 2.12 one server stores replicas that it can't have.
            await rehearse(self.jetstream, self.state, resource.item, plan)
        answer = await carry_out(self.jetstream, resource.item, plan, resource.facts.found, self.timeout)
        if answer and plan.steps[-1].action == "pause":
            # The server that answers may not know of the pause yet.
            answer = {**answer, "config": paused_config(answer["config"], plan)}
        resource.outcome.set_result(answer)

    async def _edit(self, resource: PlannedResource) -> None:
        """Carries out a plan with edits of lists, and again where another writer of the same lists came in between.

        The server takes the last of two updates that were made of the same configuration, whatever the other one had added.
        """
        item = resource.item
        for _attempt in range(EDIT_ATTEMPTS):
            start = time.monotonic()
            try:
                await self._carry_out(resource)
            except NatsError as error:
                if error.err_code != NAME_IN_USE:
                    raise
            # Another writer takes as long from reading to writing as this one does, and more where the servers are slow.
            settles = max(EDIT_SETTLES_S, 4 * (time.monotonic() - start))
            await asyncio.sleep(random.uniform(settles, 2 * settles))
            now = await self.jetstream.find(item.place)
            if now is None:
                return
            resource.facts = await facts_from(self.jetstream, self.state, item, now)
            await self._decide(resource)
            if not resource.plan.steps:
                resource.outcome.set_result(now)
                return
            _conclude(resource)
        raise NatsError(
            item.title,
            f"others have changed the same lists {EDIT_ATTEMPTS} times meanwhile",
            "Run it again.",
            code="TIMED_OUT",
        )


def _conclude(resource: PlannedResource) -> None:
    """Refuses what the plan refuses; otherwise the outcome says what the plan changes."""
    item, outcome, plan = resource.item, resource.outcome, resource.plan
    if plan.refusals:
        causes = "; ".join(refusal.cause for refusal in plan.refusals)
        remedies = " ".join(dict.fromkeys(refusal.remedy for refusal in plan.refusals))
        raise NatsError(item.title, causes, remedies, code=plan.refusals[0].code)
    outcome.changed = bool(plan.steps)
    if resource.facts.found and item.state in STATES:
        outcome.done = plan.changes
    if not plan.steps:
        outcome.set_result(resource.facts.info)


def _config(info: Answer | None) -> Config:
    config: Config = info["config"] if info else {}
    return config


def _differences(before: Config, after: Config) -> dict[str, tuple[Any, Any]]:
    """The fields that differ between two configurations, as people write them."""
    return {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
