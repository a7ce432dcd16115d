# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Refuses to delete a stream in which another owner has consumers. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import owner_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    ResourceFacts,
    ResourcePlan,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Refusal
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream

REMEDY = "Leave the stream, or have these consumers deleted or handed over first."


async def foreign_consumers(
    jetstream: JetStream, item: DeclaredResource, facts: ResourceFacts, plan: ResourcePlan
) -> tuple[Refusal, ...]:
    """The consumers of other owners that would go with a stream. What can't be read counts as another owner's."""
    found, policy = facts.found, item.policy
    cares = policy.owner or policy.labels is not None
    deletes = any(step.action == "delete" for step in plan.steps)
    if item.place.consumer or not (cares and deletes and found and found.state.get("consumer_count")):
        return ()
    stream = item.place.stream
    try:
        names, infos = await asyncio.gather(jetstream.consumer_names(stream), jetstream.consumers(stream))
    except NatsError as error:
        cause = f"whose its consumers are is not known: {error.cause}"
        return (Refusal("OTHER_OWNER", cause, "Run it again when they can be read."),)
    owners = {str(info["name"]): owner_of(info["config"]) for info in infos if info.get("config")}
    unread = sorted(set(names) - owners.keys())
    foreign = [f"{name} of {owner}" for name, owner in sorted(owners.items()) if owner not in ("", policy.owner)]
    if unread:
        foreign.append(f"{', '.join(unread)}, whose owner can't be read")
    if not foreign:
        return ()
    return (Refusal("OTHER_OWNER", f"deleting it would delete the consumers {'; '.join(foreign)}", REMEDY),)
