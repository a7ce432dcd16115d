# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Refuses limits of a stream that its consumers exceed. PRIVATE to the collection: it can change at any time.

The server refuses the same, and says neither which limit nor which value of the consumer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

# The API level from which on a limit that is missing is no limit when another one changes. Before, a cluster would accept the change and
# not make it.
LENIENT_LEVEL = 4
KEYS: Config = {"max_ack_pending": 0, "inactive_threshold": 0}
STRICT_REMEDY = " Up to nats-server 2.12 a limit that is missing counts as 0, so write both."


async def refuse_exceeded_limits(
    jetstream: JetStream, resources: Sequence[PlannedResource], leaving: Collection[Place]
) -> None:
    """Sets the error of each stream whose new consumer_limits are below what a consumer has that stays."""
    limited = [
        found
        for found in resources
        if "consumer_limits" in found.plan.changes and found.plan.steps[0].action == "update" and not found.fails
    ]
    if not limited:
        return
    strict = await _counts_missing(jetstream)
    answers = await asyncio.gather(*(_consumers(jetstream, found, leaving) for found in limited))
    for found, consumers in zip(limited, answers, strict=True):
        limits: Config = found.config_after.get("consumer_limits") or {}
        if too_high := [*_exceeding(_counting(limits, strict), consumers)]:
            cause = f"consumer_limits: {', '.join(too_high)}"
            remedy = "Lower it at the consumers first, or raise the limit." + (STRICT_REMEDY if strict else "")
            found.outcome.error = NatsError(found.item.title, cause, remedy, code="INVALID_VALUE")


async def _counts_missing(jetstream: JetStream) -> bool:
    try:
        return await jetstream.level() < LENIENT_LEVEL
    except NatsError:
        return False  # this user may not ask: the server will say it


async def _consumers(
    jetstream: JetStream, found: PlannedResource, leaving: Collection[Place]
) -> list[Mapping[str, Any]]:
    if not found.facts.found or not found.facts.found.state.get("consumer_count"):
        return []
    try:
        infos = await jetstream.consumers(found.key)
    except NatsError:
        return []  # the server will say it
    return [info for info in infos if info.get("config") and Place(found.key, info["name"]) not in leaving]


def _counting(limits: Config, strict: bool) -> Config:
    """The limits that the server compares consumers with."""
    return KEYS | limits if strict else {key: most for key, most in limits.items() if most > 0}


def _exceeding(limits: Config, consumers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for info in sorted(consumers, key=lambda info: str(info["name"])):
        for key, most in limits.items():
            value, show = info["config"].get(key, 0), CONSUMER.by_key[key].type.show
            if most < value:
                yield f"consumer {info['name']} has {key} {show(value)}, and the limit would be {show(most)}"
