# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads the declared resources and decides what happens to each. PRIVATE to the collection: it can change at any time.

Nothing is written here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer_limit_check import (
    refuse_exceeded_limits,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.current_state import (
    CurrentState,
    facts_from,
    read_facts,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import (
    decide,
    expected_config,
    needs_level,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.foreign_consumers import foreign_consumers
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.foresight import rehearse
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.loss_check import read_losses
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import filters
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.observe import compare
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin_check import refuse_cycles
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource, config_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.server_limits import ServerLimits
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream


@dataclass(frozen=True)
class Planning:
    """Makes the plans of the resources of one turn, from what is known of the servers."""

    jetstream: JetStream
    state: CurrentState
    limits: ServerLimits
    mode: Mode

    async def plan(self, items: Sequence[DeclaredResource]) -> list[PlannedResource]:
        """Each resource with its plan or its error."""
        self._declare_filters(items)
        resources = await asyncio.gather(*(self._read_and_decide(item) for item in items))
        await self._plan_without_failed(resources)
        await refuse_cycles(self.jetstream, resources, self.state.leaving)
        await refuse_exceeded_limits(self.jetstream, resources, self.state.leaving)
        return list(resources)

    async def _read_and_decide(self, item: DeclaredResource) -> PlannedResource:
        resource = PlannedResource(item, Outcome(item))
        try:
            async with self.state.queue(item.place):
                resource.facts = await read_facts(self.jetstream, self.state, item)
                resource.outcome.config_before = config_of(resource.facts.info)
                self._check_parent(item, resource.outcome)
                await self._decide(resource)
                if item.place in self.state.declared:
                    await self.rehearse(resource)  # other consumers rely on this one
        except NatsError as error:
            resource.outcome.error = error
        return resource

    async def rehearse(self, resource: PlannedResource) -> None:
        """Has the server check what is planned."""
        try:
            if self.mode.rehearses and not resource.fails:
                await rehearse(self.jetstream, self.state, resource.item, resource.plan)
        except NatsError as error:
            resource.outcome.error = error

    def _check_parent(self, item: DeclaredResource, outcome: Outcome) -> None:
        place = item.place
        if not place.consumer or item.state == "absent" or item.is_observed or self.state.streams.get(place.stream):
            return
        if self.mode.check and self.mode.streams_elsewhere:
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

    async def decide_again(self, resource: PlannedResource, info: Answer | None) -> None:
        """Plans a resource anew, of which the server has answered `info`."""
        resource.facts = await facts_from(self.jetstream, self.state, resource.item, info)
        await self._decide(resource)

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
                    try:
                        await self.decide_again(resource, resource.facts.info)
                    except NatsError as error:
                        resource.outcome.error = error
