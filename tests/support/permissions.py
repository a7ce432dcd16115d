# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user may do, asked of a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection

# How long is waited for a message or a denial that may not come.
SILENCE_S = 0.3


def api(call: str, body: object = None) -> tuple[str, bytes]:
    """A call of JetStream's API, as a pair of subject and payload."""
    return f"$JS.API.{call}", json.dumps(body).encode() if body else b""


async def listens(connection: Connection, subject: str) -> bool:
    """Whether the server lets the user subscribe."""
    client = await connection.client()
    denied = asyncio.Event()

    async def told(_error: Exception) -> None:
        denied.set()

    client._error_cb = told
    subscription = await client.subscribe(subject)
    await client.flush()
    try:
        await asyncio.wait_for(denied.wait(), SILENCE_S)
    except asyncio.TimeoutError:
        await subscription.unsubscribe()
        return True
    return False


def outcome(connection: Connection, subject: str, payload: bytes = b"") -> str:
    """`done`, or why a request was not: the code of JetStream's answer, or of our failure."""
    try:
        answer = connection.request(subject, payload)
    except NatsError as error:
        return error.code
    return f"error {answer['error']['code']}" if "error" in answer else "done"


def publish(
    connection: Connection,
    subject: str,
    payload: bytes = b"x",
    reply: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Publishes without waiting for an answer, until the server has it."""

    async def work() -> None:
        client = await connection.client()
        await client.publish(subject, payload, reply=reply, headers=dict(headers) if headers else None)
        await client.flush()

    connection.run(work())


def heard(connection: Connection, subject: str, act: Callable[[], object]) -> list[Any]:
    """The messages that come on a subject while something is done."""

    async def subscribe() -> Any:
        client = await connection.client()
        subscription = await client.subscribe(subject)
        await client.flush()
        return subscription

    async def collect() -> list[Any]:
        found = []
        try:
            while True:
                found.append(await subscription.next_msg(timeout=SILENCE_S))
        except asyncio.TimeoutError:
            await subscription.unsubscribe()
        return found

    subscription = connection.run(subscribe())
    act()
    return connection.run(collect())
