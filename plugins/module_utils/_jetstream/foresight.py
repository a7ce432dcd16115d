# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a plan would come to: the server's refusal, or the configuration that it would store. Nothing is written.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.current_state import CurrentState
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import expected_config
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    ResourceFacts,
    ResourcePlan,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.server_limits import ServerLimits
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stored import limited_defaults, stored_config
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.rehearsal import refusal
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

WRITES = ("create", "update")


async def rehearse(jetstream: JetStream, state: CurrentState, item: DeclaredResource, plan: ResourcePlan) -> None:
    """Raises the refusal that the server would give to a step of the plan, where it can be asked."""
    stream = state.streams.get(item.place.stream)
    if item.place.consumer and (not stream or item.place.stream in state.foreseen):
        return
    for step in plan.steps:
        if step.action not in WRITES:
            continue
        if refused := await refusal(jetstream, item.place, step.config):
            raise NatsError(item.title, refused.cause, refused.remedy, refused.err_code, code=refused.code)


@dataclass(frozen=True)
class Foresight:
    """The configurations that the resources of a task would have."""

    jetstream: JetStream
    state: CurrentState
    limits: ServerLimits
    # The configurations that the streams of the task will have.
    planned: Mapping[str, Config]

    async def config_after(self, item: DeclaredResource, plan: ResourcePlan, facts: ResourceFacts) -> Config:
        """The configuration after a plan, as the server would answer it."""
        config = expected_config(plan, facts.found)
        if not config or not any(step.action in WRITES for step in plan.steps):
            return config
        missing = [*limited_defaults(item.resource, config)]
        context = await self.limits.read(item, facts.context, missing, config)
        return stored_config(item.resource, config, context) | await self._inherited(item.place, config)

    async def _inherited(self, place: Place, config: Config) -> Config:
        """What a mirror has from its origin, where the server can see it."""
        mirror = config.get("mirror")
        if place.consumer or not mirror or mirror.get("external"):
            return {}
        origin = self.planned.get(mirror["name"])
        if origin is None and (found := await self.jetstream.seen(Place(mirror["name"]))):
            origin = found["config"]
        return {} if origin is None else {"mirror_direct": origin.get("allow_direct", False)}
