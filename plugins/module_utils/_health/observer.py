# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Takes snapshots of a cluster over connections to its servers. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NatsError,
    NotAskedError,
    Unasked,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Listed, NotAsked, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream

T = TypeVar("T")
Answers = dict[str, tuple[Answer, ...]]
# The option of JSZ is `consumer`: servers ignore the plural silently.
ASKED_BY_OPTION: Mapping[str, Mapping[str, bool]] = {
    "JSZ": {"accounts": True, "streams": True, "consumer": True, "config": True},
    "VARZ": {},
    "HEALTHZ": {},
}
# Streams of an account whose consumers are compared with what the servers hold.
MAX_STREAMS_COMPARED = 500

# How long all servers have to answer at first, and how much longer for each stream and consumer that a server has.
FIRST_ANSWERS_S, FIRST_ANSWERS_PER_ASSET_S = 1.0, 0.0005
# For a server that is asked on its own, at its own address.
OWN_ADDRESS_TIMEOUT_S, OWN_ADDRESS_CONNECT_TIMEOUT_S = 1, 0.5


@dataclass(frozen=True)
class Expectation:
    """What the user expects of a cluster."""

    # The names of all servers, or their number where only that is known; neither where Kubernetes has to tell.
    servers: tuple[str, ...] = ()
    count: int | None = None
    cluster_name: str | None = None
    # The figures of an earlier result.
    previous: Mapping[str, Any] = field(default_factory=dict)


class AnswerTime:
    """How long servers are waited for: longer if they have many streams, and twice as long after one did not answer.

    If all servers answer, nobody waits. The time grows up to `timeout`, or beyond it if so many streams take longer.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout, self._for_size, self._doubled = timeout, FIRST_ANSWERS_S, 0

    @property
    def seconds(self) -> float:
        return min(self._for_size * 2.0**self._doubled, max(self._timeout, self._for_size))

    def learn(self, answers: Answers, expected: Collection[str]) -> None:
        """Adapts to these answers; `expected` are the servers that are not known to be down."""
        reports = [answer["data"] for answer in answers.get("JSZ", ())]
        assets = sum(int(data.get("streams") or 0) + int(data.get("consumers") or 0) for data in reports)
        self._for_size = max(self._for_size, FIRST_ANSWERS_S + assets * FIRST_ANSWERS_PER_ASSET_S)
        complete = all(server_names(of_question) >= {*expected} for of_question in answers.values())
        self._doubled = 0 if complete else self._doubled + 1


def server_names(answers: Iterable[Answer]) -> set[str]:
    return {answer["server"]["name"] for answer in answers}


class ThroughServers:
    """Asks the system account over a plain connection."""

    def __init__(
        self, system: Connection, accounts: Mapping[str, Connection], expectation: Expectation, timeout: float
    ) -> None:
        self._connection, self._accounts, self._expectation = system, accounts, expectation
        self._time = AnswerTime(timeout)

    def note_secrets(self) -> None:
        """Nothing to note: servers show no logs and no events, which could repeat a secret."""

    def take(self) -> Snapshot:
        count = self._expectation.count
        answers, system_not_asked = self._answers(count or self._expectation.servers)
        expected = tuple(numbered(answers["JSZ"], count)) if count else self._expectation.servers
        missing = {*expected} - server_names(answers["JSZ"])
        # A number of servers is not enough to know that one is missing.
        ask_again = bool(missing) and not count and not system_not_asked
        separate = self._ask_separately(answers["JSZ"]) if ask_again else []
        self._time.learn(answers, expected)
        listed, unasked = list_accounts(self._accounts, self._accounts.__getitem__)
        namesakes = tuple(found["JSZ"] for found in separate if found["JSZ"]["server"]["name"] not in missing)
        return Snapshot(
            expected,
            self._expectation.cluster_name,
            # Of two servers with one name, the last one counts: the one that is in the cluster with the others.
            answers=(*namesakes, *answers["JSZ"]),
            varz=answers["VARZ"],
            healthz=answers["HEALTHZ"],
            system_not_asked=system_not_asked,
            varz_of_silent={
                name: found["VARZ"]["data"]
                for found in separate
                if (name := found["VARZ"]["server"]["name"]) in missing
            },
            accounts=listed,
            unasked=unasked,
            previous=self._expectation.previous,
            asked_in=asked_in(self._connection) if answers["JSZ"] else None,
        )

    def _answers(self, expected: int | Collection[str]) -> tuple[Answers, NotAsked | None]:
        try:
            return ask(self._connection, expected, self._time.seconds), None
        except NotAskedError as error:
            if error.reason is Unasked.NO_ANSWER:
                raise
            return dict.fromkeys(ASKED_BY_OPTION, ()), not_asked(error)

    def _ask_separately(self, answers: tuple[Answer, ...]) -> list[dict[str, Answer]]:
        """JSZ and VARZ of servers that the others do not see: each address is asked on its own."""
        known = {answer["server"]["id"] for answer in answers}
        found: dict[str, dict[str, Answer]] = {}
        for server in self._connection.options.servers:
            options = replace(
                self._connection.options,
                servers=(server,),
                timeout=OWN_ADDRESS_TIMEOUT_S,
                connect_timeout=OWN_ADDRESS_CONNECT_TIMEOUT_S,
            )
            # A server that is down, or takes no connection, is reported as one that did not answer.
            with Connection(options) as connection, suppress(NatsError):
                server_id = connection.server()["server_id"]
                if server_id not in known and server_id not in found:
                    found[server_id] = {
                        kind: connection.request(f"$SYS.REQ.SERVER.{server_id}.{kind}") for kind in ("JSZ", "VARZ")
                    }
        return [*found.values()]


def asked_in(connection: Connection) -> str | None:
    """The cluster of the server that a connection is to."""
    try:
        return connection.server().get("cluster")
    except NatsError:
        return None  # it has gone since it was asked


def numbered(answers: Sequence[Answer], count: int) -> list[str]:
    """The names of `count` servers: those that answered, and numbers in place of the names that are not known."""
    names = sorted(server_names(answers))[:count]
    return names + [f"number {position} of {count}" for position in range(len(names) + 1, count + 1)]


def ask(
    connection: Connection,
    expected: int | Collection[str],
    timeout: float,
    asked: Mapping[str, Mapping[str, Any]] | None = None,
) -> Answers:
    """What all servers answer to several questions, those of the health check by default."""
    asked = ASKED_BY_OPTION if asked is None else asked
    questions = [(f"$SYS.REQ.SERVER.PING.{endpoint}", options) for endpoint, options in asked.items()]
    return dict(zip(asked, map(tuple, surveys(connection, questions, expected, timeout)), strict=True))


def surveys(
    connection: Connection,
    questions: Sequence[tuple[str, Mapping[str, Any]]],
    expected: int | Collection[str],
    timeout: float,
) -> list[list[Answer]]:
    """What all servers answer to each question, a subject and its options; all questions are asked at once."""

    async def all_at_once() -> list[list[Answer]]:
        # Each question would otherwise try to connect again after the first one failed.
        await connection.client()
        return await _gathered(connection.survey(subject, options, expected, timeout) for subject, options in questions)

    return connection.run(all_at_once())


async def _gathered(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all; if one fails, the others are cancelled, because no task may outlive its connection."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def list_accounts(
    accounts: Iterable[str], connection: Callable[[str], Connection]
) -> tuple[dict[str, Listed], dict[str, NotAsked]]:
    """What each account lists, and why an account could not be asked."""
    listed: dict[str, Listed] = {}
    unasked: dict[str, NotAsked] = {}
    for account in accounts:
        try:
            listed[account] = _list_account(connection(account))
        except NatsError as error:
            unasked[account] = not_asked(error)
    return listed, unasked


def not_asked(error: NatsError) -> NotAsked:
    reason = Unasked.FORBIDDEN if error.err_code == HTTPStatus.FORBIDDEN else Unasked.NO_ANSWER
    if isinstance(error, NotAskedError):
        reason = error.reason
    return NotAsked(f"{error.what}: {error.cause}", error.remedy, reason)


def _list_account(connection: Connection) -> Listed:

    async def all_at_once() -> Listed:
        jetstream = JetStream(connection)
        names = await jetstream.names()
        consumers = await _gathered(jetstream.consumer_names(name) for name in names[:MAX_STREAMS_COMPARED])
        by_stream = {name: tuple(found) for name, found in zip(names, consumers, strict=False)}
        return Listed(tuple(names), by_stream, await jetstream.surely("INFO", "JetStream"))

    return connection.run(all_at_once())
