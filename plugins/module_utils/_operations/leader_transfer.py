# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Who leads, and handing it to another server. PRIVATE to the collection: it can change at any time.

A stream and each of its consumers are led apart from one another. Only an account's own user may have its leaders step
down; the system account may for meta alone.

Measured with 2.15.1, three servers, 20 to 30 streams with a publisher each, four lame ducks with and four without a hand-over
before: as many publishes were sent again (63 and 59), but a third of those had to wait for the client's time-out (8 and 21):
a leader that steps down is missed for tens of milliseconds, a request that a server takes with it for as long as the client waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import Handover

Answer = Mapping[str, Any]
# So many are without a leader at the same time.
MAX_CONCURRENT_STEPDOWNS = 8
# Seconds: for a step-down, until the first look at who leads, for a look, between two looks, and until a leader that came back is asked again.
STEPDOWN_TIMEOUT_S, FIRST_LOOK_S, SURVEY_TIMEOUT_S, POLL_INTERVAL_S, RETRY_AFTER_S = 1.0, 0.05, 0.25, 0.02, 2.0


def hand_over(
    system: Connection,
    accounts: Callable[[str], Connection | None],
    moves: Sequence[Handover],
    timeout: float,
    check_lease: Callable[[], None] = lambda: None,
) -> list[str]:
    """Hands leaders over, a few at a time, and waits until each has a new one that answers.

    `accounts` gives the connection of an account's own user, None where there are no credentials for it. What could not
    be handed over is told, in a sentence each: it is no failure, since a server that goes hands over by itself.
    """
    deadline, sentences = time.monotonic() + timeout, []
    for account, of_account in groupby(sorted(moves, key=lambda move: (not move.account, move.account)), _account):
        wanted = list(of_account)
        try:
            connection = accounts(account) if account else system
        except NatsError as error:
            sentences.append(f"account {account}: {len(wanted)} leaders stay: {error.cause}")
            continue
        if connection is None:
            sentences.append(f"account {account}: {len(wanted)} leaders stay: there are no credentials for it")
        else:
            sentences += connection.run(_all(connection, wanted, deadline, check_lease))
    return sentences


def _account(move: Handover) -> str:
    return move.account


async def _all(
    connection: Connection, moves: list[Handover], deadline: float, check_lease: Callable[[], None]
) -> list[str]:
    room = asyncio.Semaphore(MAX_CONCURRENT_STEPDOWNS)

    async def one(move: Handover) -> str | None:
        async with room:
            return await _one(connection, move, deadline, check_lease)

    return [sentence for sentence in await asyncio.gather(*map(one, moves)) if sentence]


async def _one(connection: Connection, move: Handover, deadline: float, check_lease: Callable[[], None]) -> str | None:
    """None once another server leads and answers, else why not."""
    leader: str | None = move.leaves
    while time.monotonic() < deadline:
        check_lease()
        if refusal := await _ask(connection, move):
            return f"{move}: its leader stays on {move.leaves}: {refusal}"
        # Without a leader nobody answers who it is, and a look takes all of its time.
        await asyncio.sleep(FIRST_LOOK_S)
        again = min(deadline, time.monotonic() + RETRY_AFTER_S)
        while time.monotonic() < again or (leader is None and time.monotonic() < deadline):
            leader = await _leader(connection, move)
            if leader not in (None, move.leaves):
                return None
            await asyncio.sleep(POLL_INTERVAL_S)
    return f"{move}: " + ("it has no leader" if leader is None else f"its leader is still {leader}")


async def _ask(connection: Connection, move: Handover) -> str | None:
    try:
        answer = await connection.ask(move.call, {"placement": {"preferred": move.goes}}, STEPDOWN_TIMEOUT_S)
    except UnansweredError:
        return None  # whether it was carried out is seen next
    except NatsError as error:
        return error.cause
    error_of = answer.get("error") or {}
    description = str(error_of.get("description", ""))
    return None if not error_of or description.endswith("is already leader") else description


async def _leader(connection: Connection, move: Handover) -> str | None:
    """Who leads by its own word; None where nobody answers."""
    if move.asset is None:
        told = await connection.survey("$SYS.REQ.SERVER.PING.JSZ", {"leader_only": True}, 1, SURVEY_TIMEOUT_S)
        leaders = [answer["server"]["name"] for answer in told if answer["data"].get("meta_cluster")]
        return leaders[0] if leaders else None
    place = Place(move.asset.stream, move.asset.consumer or None)
    try:
        answer = await connection.ask(f"$JS.API.{place.info()}", timeout=SURVEY_TIMEOUT_S)
    except NatsError:
        return None
    leader = (answer.get("cluster") or {}).get("leader")
    return str(leader) if leader else None
