# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Hands the leadership of streams, consumers and meta to other servers. PRIVATE to the collection: it can change at any time.

A stream and each of its consumers have leaders of their own. Only a user of the account may have them step down; the system
account may have only the meta leader step down.

Measured with 2.15.1, three servers, 20 to 30 streams with a publisher each: four servers went into lame duck after a hand-over,
and four without one. As many publishes had to be sent again (63 and 59), but of those only 8 instead of 21 waited for the client's
time-out: after a step-down there is no leader for tens of milliseconds, but a request that is lost with a server is waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import groupby

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import Handover

# Streams and consumers that have no leader at the same time.
MAX_CONCURRENT_STEPDOWNS = 8
# For a step-down, until the first look at the new leader, for one look, between two looks, and until the old leader is asked again.
STEPDOWN_TIMEOUT_S, FIRST_LOOK_S, SURVEY_TIMEOUT_S, POLL_INTERVAL_S, RETRY_AFTER_S = 1.0, 0.05, 0.25, 0.02, 2.0


def hand_over(
    system: Connection,
    accounts: Callable[[str], Connection | None],
    moves: Sequence[Handover],
    timeout: float,
    check_lease: Callable[[], None] = lambda: None,
) -> list[str]:
    """Hands leaders over, a few at a time, and waits until each has a new one that answers.

    `accounts` gives the connection of an account's own user, or None where there are no credentials for it. Returns a sentence for
    each leader that was not handed over: that is no failure, because a server that shuts down hands over by itself.
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
            sentences += connection.run(_hand_over_all(connection, wanted, deadline, check_lease))
    return sentences


def _account(move: Handover) -> str:
    return move.account


async def _hand_over_all(
    connection: Connection, moves: list[Handover], deadline: float, check_lease: Callable[[], None]
) -> list[str]:
    free = asyncio.Semaphore(MAX_CONCURRENT_STEPDOWNS)

    async def one(move: Handover) -> str | None:
        async with free:
            return await _hand_over_one(connection, move, deadline, check_lease)

    return [sentence for sentence in await asyncio.gather(*map(one, moves)) if sentence]


async def _hand_over_one(
    connection: Connection, move: Handover, deadline: float, check_lease: Callable[[], None]
) -> str | None:
    """Waits until another server leads and answers; returns why none does."""
    leader: str | None = move.leaves
    while time.monotonic() < deadline:
        check_lease()
        if refusal := await _step_down(connection, move):
            return f"{move}: its leader stays on {move.leaves}: {refusal}"
        # While there is no leader no server answers, and a look takes as long as it may.
        await asyncio.sleep(FIRST_LOOK_S)
        again = min(deadline, time.monotonic() + RETRY_AFTER_S)
        while time.monotonic() < again or (leader is None and time.monotonic() < deadline):
            leader = await _leader(connection, move)
            if leader not in (None, move.leaves):
                return None
            await asyncio.sleep(POLL_INTERVAL_S)
    return f"{move}: " + ("it has no leader" if leader is None else f"its leader is still {leader}")


async def _step_down(connection: Connection, move: Handover) -> str | None:
    try:
        answer = await connection.ask(move.call, {"placement": {"preferred": move.goes}}, STEPDOWN_TIMEOUT_S)
    except UnansweredError:
        return None  # the next look shows whether it was carried out
    except NatsError as error:
        return error.cause
    error_of = answer.get("error") or {}
    description = str(error_of.get("description", ""))
    return None if not error_of or description.endswith("is already leader") else description


async def _leader(connection: Connection, move: Handover) -> str | None:
    """The server that says of itself that it leads; None where none does."""
    if move.asset is None:
        answers = await connection.survey("$SYS.REQ.SERVER.PING.JSZ", {"leader_only": True}, 1, SURVEY_TIMEOUT_S)
        leaders = [answer["server"]["name"] for answer in answers if answer["data"].get("meta_cluster")]
        return leaders[0] if leaders else None
    place = Place(move.asset.stream, move.asset.consumer or None)
    try:
        answer = await connection.ask(f"$JS.API.{place.info()}", timeout=SURVEY_TIMEOUT_S)
    except NatsError:
        return None
    leader = (answer.get("cluster") or {}).get("leader")
    return str(leader) if leader else None
