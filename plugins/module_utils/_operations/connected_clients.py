# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds the clients that are connected as certain users, and waits until there are none. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import surveys
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection

SUBJECT = "$SYS.REQ.SERVER.PING.CONNZ"
POLL_INTERVAL_S = 1.0
# More clients of one user and server than this are counted, not listed.
MAX_LISTED = 1024
MAX_NAMED = 5


@dataclass(frozen=True, order=True)
class Client:
    """A connection of a client, as its server describes it."""

    user: str
    account: str
    server: str
    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name or 'a client without a name'} at {self.address} as {self.user} on {self.server}"


@dataclass(frozen=True)
class Connected:
    """The clients that were found, and the servers that did not answer, whose clients are not known."""

    clients: tuple[Client, ...]
    silent: tuple[str, ...] = ()

    @property
    def nobody(self) -> bool:
        return not self.clients and not self.silent

    def __str__(self) -> str:
        named = "; ".join(map(str, self.clients[:MAX_NAMED]))
        more = f"; and {len(self.clients) - MAX_NAMED} more" if len(self.clients) > MAX_NAMED else ""
        unknown = [f"{', '.join(self.silent)} did not answer, so its clients are not known"] if self.silent else []
        return "; ".join([*([f"{named}{more}"] if named else []), *unknown])

    def results(self) -> list[dict[str, Any]]:
        return [asdict(client) for client in self.clients]


def find_clients(system: Connection, users: Sequence[str], members: Collection[str], timeout: float) -> Connected:
    """Who is connected as one of these users, as all members say; `system` is a user of the system account."""
    questions = [(SUBJECT, {"auth": True, "user": user, "limit": MAX_LISTED}) for user in users]
    answers = surveys(system, questions, members, timeout)
    silent = {name for answered in answers for name in set(members) - {answer["server"]["name"] for answer in answered}}
    found = {client for answered in answers for answer in answered for client in _clients(answer)}
    return Connected(tuple(sorted(found)), tuple(sorted(silent)))


def wait_until_gone(
    system: Connection, users: Sequence[str], members: Collection[str], timeout: float, wait_timeout: float
) -> None:
    """Waits until nobody is connected as one of these users; raises with their names when the time is over."""
    deadline, report = time.monotonic() + wait_timeout, Waiting()
    while True:
        try:
            connected = find_clients(system, users, members, timeout)
        except UnansweredError:
            connected = Connected((), tuple(sorted(members)))  # a tunnel that ended is opened again
        if connected.nobody:
            return
        if time.monotonic() > deadline:
            raise NatsError(
                f"users {', '.join(users)}",
                f"clients use them after {wait_timeout:g} s: {connected}",
                "Have these clients read their Secret again, or restart them, and run it again: it goes on from here.",
                code="CLIENTS_CONNECTED",
            )
        report(f"{len(connected.clients)} clients use the old login: {connected}")
        time.sleep(POLL_INTERVAL_S)


def _clients(answer: Answer) -> Iterator[Client]:
    data: Mapping[str, Any] = answer.get("data") or {}
    for found in data.get("connections") or []:
        yield Client(
            user=str(found.get("authorized_user") or ""),
            account=str(found.get("account") or ""),
            server=str(answer["server"]["name"]),
            name=str(found.get("name") or ""),
            address=str(found.get("ip") or ""),
        )
