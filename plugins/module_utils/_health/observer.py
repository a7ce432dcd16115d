# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Takes snapshots of a cluster until they agree. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NatsError,
    NotAskedError,
    Unasked,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Answer, Listed, NotAsked, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream

# It is `consumer`: the plural is ignored without a word.
ASKED_BY_OPTION: Mapping[str, Mapping[str, bool]] = {
    "JSZ": {"accounts": True, "streams": True, "consumer": True, "config": True},
    "VARZ": {},
    "HEALTHZ": {},
}
# Streams whose consumers are compared with what the servers hold.
MAX_STREAMS_COMPARED = 500
# Seconds that all answers have at first, and more for each asset that a server tells of.
FIRST_ANSWERS_S, FIRST_ANSWERS_PER_ASSET_S = 1.0, 0.0005


Answers = dict[str, tuple[Answer, ...]]


class AnswerTime:
    """How long servers are waited for: longer where there is much to tell, and where one did not answer before.

    Nobody waits where all answer. The longest is `timeout`, or more where it takes as long for as much as there is.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout, self._for_size, self._doubled = timeout, FIRST_ANSWERS_S, 0

    @property
    def seconds(self) -> float:
        return min(self._for_size * 2.0**self._doubled, max(self._timeout, self._for_size))

    def learn(self, answers: Answers, expected: Collection[str]) -> None:
        """From what came; servers that are known to be down are not among the expected."""
        told = [answer["data"] for answer in answers.get("JSZ", ())]
        assets = sum(int(data.get("streams") or 0) + int(data.get("consumers") or 0) for data in told)
        self._for_size = max(self._for_size, FIRST_ANSWERS_S + assets * FIRST_ANSWERS_PER_ASSET_S)
        complete = all(_names(of_question) >= {*expected} for of_question in answers.values())
        self._doubled = 0 if complete else self._doubled + 1


def _names(answers: tuple[Answer, ...]) -> set[str]:
    return {answer["server"]["name"] for answer in answers}


class ThroughServers:
    """Asks the system account over a plain connection."""

    def __init__(self, params: Mapping[str, Any], opened: ExitStack) -> None:
        self._connection = opened.enter_context(connected(params, account="SYS"))
        self._expected = params["expected_members"]
        self._cluster_name, self._previous = params["cluster_name"], params["previous"] or {}
        self._time = AnswerTime(params["timeout"])
        logins = [{**params, **{key: value for key, value in login.items() if value}} for login in params["accounts"]]
        self._accounts = {login["account"]: opened.enter_context(connected(login, "")) for login in logins}

    def note_secrets(self) -> None:
        """Servers show no logs and no events, which could repeat a secret."""

    def take(self) -> Snapshot:
        count = expected_count(self._expected)
        answers, unreachable_for = self._answers(count or self._expected)
        expected = tuple(numbered(answers["JSZ"], count) if count else self._expected)
        apart = [] if count or unreachable_for or {*expected} <= _names(answers["JSZ"]) else self._apart(answers["JSZ"])
        missing = {*expected} - _names(answers["JSZ"])
        self._time.learn(answers, expected)
        accounts, unasked = lists(self._accounts, self._accounts.__getitem__)
        return Snapshot(
            expected,
            self._cluster_name,
            unreachable=unreachable_for.cause if unreachable_for else None,
            unreachable_for=unreachable_for,
            # Of two servers of one name, the one in the others' company counts: the last.
            answers=(*(told["JSZ"] for told in apart if told["JSZ"]["server"]["name"] not in missing), *answers["JSZ"]),
            alone={name: told["VARZ"]["data"] for told in apart if (name := told["VARZ"]["server"]["name"]) in missing},
            varz=answers["VARZ"],
            healthz=answers["HEALTHZ"],
            accounts=accounts,
            unasked=unasked,
            previous=self._previous,
        )

    def _answers(self, expected: int | Collection[str]) -> tuple[Answers, NotAsked | None]:
        try:
            return ask(self._connection, expected, self._time.seconds), None
        except NotAskedError as error:
            if error.reason is Unasked.NO_ANSWER:
                raise
            return dict.fromkeys(ASKED_BY_OPTION, ()), not_asked(error)

    def _apart(self, answers: tuple[Answer, ...]) -> list[dict[str, Answer]]:
        """What those say by themselves that the others do not see: each address is asked on its own."""
        known = {answer["server"]["id"] for answer in answers}
        found: dict[str, dict[str, Answer]] = {}
        for server in self._connection.options.servers:
            options = replace(self._connection.options, servers=(server,), timeout=1, connect_timeout=0.5)
            with Connection(options) as connection:
                try:
                    own = connection.server()["server_id"]
                    if own not in known and own not in found:
                        found[own] = {
                            kind: connection.request(f"$SYS.REQ.SERVER.{own}.{kind}") for kind in ("JSZ", "VARZ")
                        }
                except NatsError:
                    continue  # it is down, or takes no connection: that is what will be told of it
        return [*found.values()]


def expected_count(expected: list[str] | None) -> int | None:
    """The number of servers, where that is all that is expected of them."""
    return int(expected[0]) if expected and len(expected) == 1 and expected[0].isdigit() else None


def numbered(answers: tuple[Answer, ...], count: int) -> list[str]:
    """The names that answered; those that did not have only a number."""
    names = sorted({answer["server"]["name"] for answer in answers})[:count]
    return names + [f"number {position} of {count}" for position in range(len(names) + 1, count + 1)]


def ask(
    connection: Connection,
    expected: int | Collection[str],
    timeout: float,
    asked: Mapping[str, Mapping[str, Any]] | None = None,
) -> Answers:
    """What all servers say, all questions at once; those of health unless others are asked."""
    asked = ASKED_BY_OPTION if asked is None else asked

    async def all_at_once() -> list[list[dict[str, Any]]]:
        questions = (
            connection.survey(f"$SYS.REQ.SERVER.PING.{endpoint}", options, expected, timeout)
            for endpoint, options in asked.items()
        )
        return list(await asyncio.gather(*questions))

    return dict(zip(asked, map(tuple, connection.run(all_at_once())), strict=True))


def lists(
    accounts: Iterable[str], connection: Callable[[str], Connection]
) -> tuple[dict[str, Listed], dict[str, NotAsked]]:
    """What each account lists, and why an account could not be asked."""
    there: dict[str, Listed] = {}
    unasked: dict[str, NotAsked] = {}
    for account in accounts:
        try:
            there[account] = list_account(connection(account))
        except NatsError as error:
            unasked[account] = not_asked(error)
    return there, unasked


def not_asked(error: NatsError) -> NotAsked:
    reason = Unasked.FORBIDDEN if error.err_code == HTTPStatus.FORBIDDEN else Unasked.NO_ANSWER
    if isinstance(error, NotAskedError):
        reason = error.reason
    return NotAsked(f"{error.what}: {error.cause}", error.remedy, reason)


def list_account(connection: Connection) -> Listed:
    """What an account's own API lists."""

    async def all_at_once() -> Listed:
        jetstream = JetStream(connection)
        names = await jetstream.names()
        consumers = await asyncio.gather(*(jetstream.consumer_names(name) for name in names[:MAX_STREAMS_COMPARED]))
        by_stream = {name: tuple(found) for name, found in zip(names, consumers, strict=False)}
        return Listed(tuple(names), by_stream, await jetstream.surely("INFO", "JetStream"))

    return connection.run(all_at_once())
