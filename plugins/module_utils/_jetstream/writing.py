# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Writes what is planned, and plans again what others change meanwhile. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.current_state import has_changed
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import expected_config, paused_config
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.execute import carry_out
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.foresight import rehearse
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.limit_check import LimitCheck, sign
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource, config_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planning import Planning
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import (
    Round,
    SubjectChange,
    rounds,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.write_order import origin_turns
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step

# How often edits of lists are written, and how long another writer of the same lists may take at least between reading and writing.
EDIT_ATTEMPTS = 20
EDIT_SETTLES_S = 0.05
# The server's err_code for a stream that somebody else has created in the meantime.
NAME_IN_USE = 10058


@dataclass
class Writing:
    """The planned resources of one turn on their way to the server."""

    planning: Planning
    # Whether nothing else is done between reading and writing.
    alone: bool
    # The account's limits, where they leave so little room that the order of the updates decides.
    account_room: LimitCheck | None = None
    # Streams that gave up subjects for a moment: the configuration before that is the one that --diff shows.
    released: set[str] = field(default_factory=set)

    @property
    def _jetstream(self) -> JetStream:
        return self.planning.jetstream

    async def write(self, resources: Sequence[PlannedResource]) -> None:
        """Carries out every plan that is not refused. The consumers of a work queue are in the order in which they are written."""
        changes = [change for resource in resources if (change := resource.subject_change())]
        if any(change.given_up for change in changes):
            await self._write_in_order(resources, changes)
        else:
            await self._write_all(resources)

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

    async def _release(self, by_stream: dict[str, PlannedResource], turn: Round) -> None:
        """Takes subjects away from streams that get others in exchange, and plans these streams again."""
        for name, subjects in turn.released.items():
            resource = by_stream[name]
            try:
                info = await self._jetstream.find(Place(name))
                if info is None:
                    continue
                self.released.add(name)
                step = Step("update", {**info["config"], "subjects": list(subjects)})
                info = await self._jetstream.write(Place(name), step)
                await self.planning.decide_again(resource, info)
            except NatsError as error:
                resource.outcome.error = NatsError(
                    resource.item.title, error.cause, error.remedy, error.err_code, code=error.code
                )

    async def _write_all(self, resources: Sequence[PlannedResource]) -> None:
        """All at once; where the account has little room, first those that reserve less than before, and last those that reserve more."""
        parts: dict[int, list[PlannedResource]] = {}
        for resource in resources:
            parts.setdefault(self._growth(resource), []).append(resource)
        for _growth, part in sorted(parts.items()):
            for turn in origin_turns(part):
                await asyncio.gather(*(self._write_one(resource) for resource in turn))

    def _growth(self, resource: PlannedResource) -> int:
        plan, found = resource.plan, resource.facts.found
        if self.account_room is None or resource.item.place.consumer or not plan.steps or resource.fails:
            return 0
        return sign(self.account_room.growth(found.config if found else None, expected_config(plan, found) or None))

    async def _write_one(self, resource: PlannedResource) -> None:
        if resource.outcome.error:
            return
        try:
            async with self.planning.state.queue(resource.item.place):
                if resource.facts.info and resource.plan.steps and not self.alone:
                    await self._read_again(resource)
                resource.conclude()
                if resource.item.edits.among(resource.plan.changes):
                    await self._edit(resource)
                elif resource.plan.steps:
                    await self._carry_out(resource)
        except NatsError as error:
            resource.outcome.error = error

    async def _read_again(self, resource: PlannedResource) -> None:
        """A resource that somebody else changed since it was read is planned again, so that their change is kept."""
        item, outcome, before = resource.item, resource.outcome, resource.facts.info
        now = await self._jetstream.find(item.place)
        if before is None or not has_changed(before, now):
            return
        show = item.resource.show
        outcome.meanwhile = _differences(show(config_of(before)), show(config_of(now)))
        if item.place.stream not in self.released:
            outcome.config_before = config_of(now)
        await self.planning.decide_again(resource, now)

    async def _carry_out(self, resource: PlannedResource) -> None:
        plan = resource.plan
        if len(plan.steps) > 1 or plan.steps[0].moves:
            # A refusal in the middle would leave it deleted, or half changed. Up to 2.12 one server stores replicas that it can't have.
            await rehearse(self._jetstream, self.planning.state, resource.item, plan)
        answer = await carry_out(self._jetstream, resource.item, plan, resource.facts.found, self.planning.mode.timeout)
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
            now = await self._jetstream.find(item.place)
            if now is None:
                return
            await self.planning.decide_again(resource, now)
            if not resource.plan.steps:
                resource.outcome.set_result(now)
                return
            resource.conclude()
        raise NatsError(
            item.title,
            f"others have changed the same lists {EDIT_ATTEMPTS} times meanwhile",
            "Run it again.",
            code="TIMED_OUT",
        )


def _differences(before: Config, after: Config) -> dict[str, tuple[Any, Any]]:
    """The fields that differ between two configurations, as people write them."""
    return {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
