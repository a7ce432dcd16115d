# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Refuses streams that take from one another before the first is written. PRIVATE to the collection: it can change at any time.

The server refuses the last one that closes the circle, which is another one in each run where several are written at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin_order import cycle, origins, turns
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


async def refuse_cycles(jetstream: JetStream, resources: Sequence[PlannedResource], leaving: Collection[Place]) -> None:
    """Sets the error of each stream that would close a circle, in the order in which they are written."""
    taking = [found for found in resources if not found.fails and found.plan.steps and any(origins(found.config_after))]
    if not taking or taking[0].item.place.consumer:
        return
    known = {found.key: found.facts.found.config for found in resources if found.facts.found}
    planned = {found.key: found for found in resources if not found.fails}
    await _read_origins(jetstream, [found.config_after for found in planned.values()], known, leaving)
    for turn in turns({key: found.config_after for key, found in planned.items()}):
        for key in turn:
            found = planned[key]
            after = {**known, key: found.config_after}
            if found in taking and (other := cycle(key, after)):
                found.outcome.error = NatsError(
                    found.item.title,
                    f"stream {other} takes from {key}, and {key} takes from {other}, directly or by way of others",
                    "Take a mirror or a source out of this circle.",
                    code="INVALID_VALUE",
                )
            else:
                known = after


async def _read_origins(
    jetstream: JetStream, configs: Sequence[Config], known: dict[str, Config], leaving: Collection[Place]
) -> None:
    """Reads the streams that these take from, and those that these take from in turn."""
    to_read = [origin["name"] for config in configs for origin in origins(config)]
    missing = {place.stream for place in leaving if not place.consumer}
    while to_read:
        name = to_read.pop()
        if name in known or name in missing:
            continue
        info = await jetstream.seen(Place(name))
        if info is None:
            missing.add(name)
            continue
        known[name] = info["config"]
        to_read += [origin["name"] for origin in origins(info["config"])]
