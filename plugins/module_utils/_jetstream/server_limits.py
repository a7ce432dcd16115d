# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds the limits of the server and the account that lower defaults. PRIVATE to the collection: it can change at any time.

A user of an account can't read them, so the server is asked which values it would accept. Nothing is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Ceiling, Context
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.rehearsal import refusal
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

# The smallest configuration of each, in which nothing but the field in question can be above a limit.
SMALLEST: Mapping[bool, Config] = {False: {"subjects": ["_messaging_nats.rehearsal"]}, True: {"ack_policy": "explicit"}}


# How many streams are looked at for one without limits of its own.
MOST_STREAMS = 8


class ServerLimits:
    """The limits that were found, each once for a connection."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream = jetstream
        self._found: dict[tuple[str, Any], asyncio.Future[int]] = {}

    async def read(self, item: DeclaredResource, context: Context, keys: Iterable[str], hint: Config) -> Context:
        """The surroundings with the server's level and with the limits of these fields. `hint` is a configuration that may be at a limit."""
        fields = item.resource.guarded_by_limits
        values = {key: await self._ceiling(item.place, key, fields[key], hint, context) for key in sorted(keys)}
        return replace(context, level=await self._level(context), ceilings={**context.ceilings, **values})

    async def _level(self, context: Context) -> int:
        try:
            return await self._jetstream.level()
        except NatsError as error:
            if error.err_code is not None:
                raise
            return context.level  # this user may not ask

    async def _ceiling(self, place: Place, key: str, ceiling: Ceiling, hint: Config, context: Context) -> int:
        tier = hint.get("num_replicas") or context.stream.get("num_replicas", 1)
        if (key, tier) not in self._found:
            search = self._search(place, key, ceiling, int(hint.get(key) or 0))
            self._found[key, tier] = asyncio.ensure_future(search)
        return await self._found[key, tier]

    async def _search(self, place: Place, key: str, ceiling: Ceiling, hint: int) -> int:
        """The highest value up to `most` that the server accepts."""
        asked = await self._without_limits(place) if place.consumer else place
        if asked is None:
            return ceiling.most

        async def accepted(value: int) -> bool:
            refused = await refusal(self._jetstream, asked, SMALLEST[bool(place.consumer)] | {key: value})
            return refused is None or refused.err_code != ceiling.err_code

        low, high = ceiling.least, ceiling.most
        if await accepted(high):
            return high
        if low < hint < high and await accepted(hint):
            low = hint
            if not await accepted(hint + 1):
                return hint
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if await accepted(middle) else (low, middle)
        return low

    async def _without_limits(self, place: Place) -> Place | None:
        """A stream that has no limits of its own for consumers: the consumer's, or any other where that has some or does not exist yet."""
        found = await self._jetstream.seen(Place(place.stream))
        if found and not found["config"].get("consumer_limits"):
            return place
        try:
            names = await self._jetstream.names()
        except NatsError:
            return None  # this user may not ask
        for name in names[:MOST_STREAMS]:
            found = await self._jetstream.seen(Place(name))
            if found and not found["config"].get("consumer_limits"):
                return Place(name, place.consumer)
        return None
