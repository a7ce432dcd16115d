# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The JetStream API as raw JSON. PRIVATE to the collection: it can change at any time.

nats-py's dataclasses drop fields that they do not know, so an update through them would reset those fields.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NatsError,
    NobodyAnswersError,
    UnansweredError,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

NO_STREAM, NO_CONSUMER, NO_MESSAGE, NO_LEADER = 10059, 10014, 10037, 10008
MAX_CONCURRENT = 32
OWN_API = "$JS.API"
VERSION_NUMBER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
# Seconds before an unanswered request is sent again.
RETRY_AFTER_S = 0.1
# Seconds to wait for an answer about one resource before it is asked for again.
PATIENCE_S = 2
# For how many time-outs requests are sent again: an election takes up to ten seconds, and the time-out is five.
SILENCES = 3

# The code and the remedy for an err_code of the server.
ERRORS = {
    10005: (
        "JETSTREAM_NO_PEERS",
        "Too few servers are up, or none fits the placement: look at the cluster with nats_health.",
    ),
    NO_LEADER: ("JETSTREAM_UNAVAILABLE", "JetStream has no quorum: look at the cluster with nats_health."),
    NO_CONSUMER: ("NOT_FOUND", ""),
    10023: ("JETSTREAM_LIMIT", "A server's store is full: delete or purge something, or raise max_file_store."),
    10026: ("JETSTREAM_LIMIT", "The stream or the account allows no more consumers: raise max_consumers."),
    10027: ("JETSTREAM_LIMIT", "The account allows no more streams: raise its limit."),
    10028: (
        "JETSTREAM_LIMIT",
        "The account's or the server's memory store is too small for it: raise the limit or lower max_bytes.",
    ),
    NO_MESSAGE: ("NOT_FOUND", ""),
    10039: ("JETSTREAM_DISABLED", "Enable JetStream for this account."),
    10047: (
        "JETSTREAM_LIMIT",
        "The account's or the server's store is too small for it: raise the limit or lower max_bytes.",
    ),
    NO_STREAM: ("NOT_FOUND", "Create the stream first, or check its name."),
    10065: ("SUBJECTS_TAKEN", "Another stream has these subjects: change one of the two."),
    10074: ("JETSTREAM_NO_PEERS", "A single server can hold one replica only: use num_replicas 1 or a cluster."),
    10076: ("JETSTREAM_DISABLED", ""),
    10120: (
        "JETSTREAM_LIMIT",
        "The account has no limits for this number of replicas: choose another, or give it that tier.",
    ),
    10122: ("JETSTREAM_LIMIT", "The account allows no stream of that size: lower max_bytes, or raise its limit."),
    10113: ("JETSTREAM_REFUSED", "This account requires max_bytes on every stream: set it."),
}


@dataclass(frozen=True)
class Place:
    """A stream, or a consumer of it."""

    stream: str
    consumer: str | None = None

    def __str__(self) -> str:
        return f"consumer {self.consumer} of stream {self.stream}" if self.consumer else f"stream {self.stream}"

    @property
    def missing(self) -> tuple[int, ...]:
        return (NO_STREAM, NO_CONSUMER) if self.consumer else (NO_STREAM,)

    def info(self) -> str:
        return f"CONSUMER.INFO.{self.stream}.{self.consumer}" if self.consumer else f"STREAM.INFO.{self.stream}"

    def request(self, step: Step) -> tuple[str, Answer | None]:
        """The API call for a step, and its body."""
        if self.consumer is None:
            return f"STREAM.{step.action.upper()}.{self.stream}", None if step.action == "delete" else dict(step.config)
        if step.action in ("create", "update"):
            # The call names a single filter, as clients do, because permissions may allow only some filters.
            filter_subject = step.config.get("filter_subject")
            call = f"CONSUMER.CREATE.{self.stream}.{self.consumer}" + (f".{filter_subject}" if filter_subject else "")
            return call, {"stream_name": self.stream, "action": step.action, "config": step.config}
        return f"CONSUMER.{step.action.upper()}.{self.stream}.{self.consumer}", dict(step.config) or None


class JetStream:
    """Requests to the JetStream API of one account."""

    def __init__(self, connection: Connection, prefix: str = OWN_API) -> None:
        self.connection = connection
        self._prefix = prefix
        self._account: asyncio.Future[Answer] | None = None
        self._trims: bool | None = None
        self._room = asyncio.Semaphore(MAX_CONCURRENT)
        # When the first and the last of some requests without an answer was given up.
        self._first_silence = self._last_silence = float("-inf")

    async def level(self) -> int:
        """The level of the server's JetStream API: 0 up to 2.10, 1 with 2.11, and so on."""
        return int((await self.account()).get("api", {}).get("level", 0))

    async def account(self) -> Answer:
        """The limits and figures of the account, and the server's API level, as they were at first."""
        if self._account is None:
            self._account = asyncio.ensure_future(self.surely("INFO", "JetStream"))
        try:
            return await self._account
        except NatsError:
            # The next one who needs it asks again.
            self._account = None
            raise

    async def trims_discard_new(self) -> bool:
        """Whether the server deletes messages above a limit with `discard: new` too, as it did up to 2.10.5."""
        if self._trims is None:
            self._trims = await self._ask_trims()
        return self._trims

    async def _ask_trims(self) -> bool:
        version = await self._version()
        return await self.level() < 1 if version is None else version < (2, 10, 6)

    async def knows_actions(self) -> bool:
        """Whether a request can say that it updates a consumer and creates none, as from 2.10 on."""
        version = await self._version()
        return await self.level() >= 1 if version is None else version >= (2, 10)

    async def _version(self) -> tuple[int, ...] | None:
        """The server's version. Behind another prefix a server of another cluster answers, of which only the level is known."""
        if self._prefix != OWN_API:
            return None
        version = VERSION_NUMBER.match(str((await self.connection.client())._server_info.get("version")))
        return tuple(map(int, version.groups())) if version else (0,)

    async def ask(
        self, call: str, what: object, body: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Answer:
        """The answer to one call. An error of the server is raised with `what` as its object."""
        try:
            answer = await self.connection.ask(f"{self._prefix}.{call}", body or b"", timeout)
        except NobodyAnswersError as silence:
            if self._prefix == OWN_API:
                raise
            remedy = (
                "Check the option domain or api_prefix: is there such a domain, and is it imported into this account?"
            )
            raise NobodyAnswersError(str(what), f"nobody answers under {self._prefix}", remedy) from silence
        if error := answer.get("error"):
            err_code = error.get("err_code")
            cause = f"{error.get('description', 'refused')} (err_code {err_code})"
            code, remedy = ERRORS.get(err_code, ("JETSTREAM_REFUSED", ""))
            raise NatsError(str(what), cause, remedy, err_code, code=code)
        return answer

    async def surely(
        self,
        call: str,
        what: object,
        body: Mapping[str, Any] | None = None,
        done: Collection[int] = (),
        patience: float | None = None,
    ) -> Answer:
        """The answer to a call that may be sent twice: it is sent again, perhaps to another server, where no answer came.

        The loss of a server is noticed at once, but the others must elect a leader first, so the call is sent again for some time.
        `patience` is how long one answer is waited for, where that is less than the time-out. `done` are the errors that mean, for a
        repeated call, that the first one was carried out.
        """
        timeout = min(patience or self.connection.options.timeout, self.connection.options.timeout)
        # While nobody answers, nothing else is sent either: it would only wait for the same election.
        async with self._room:
            return await self._repeated(call, what, body, done, timeout)

    async def _repeated(
        self, call: str, what: object, body: Mapping[str, Any] | None, done: Collection[int], timeout: float
    ) -> Answer:
        repeated = False
        while True:
            try:
                return await self.ask(call, what, body, timeout)
            except UnansweredError:
                if self._silent_for_long():
                    raise
                repeated = True
            except NatsError as error:
                if repeated and error.err_code in done:
                    return {}
                if not repeated or error.err_code != NO_LEADER or self._silent_for_long():
                    raise
            await asyncio.sleep(RETRY_AFTER_S)

    def _silent_for_long(self) -> bool:
        """Whether no answer came for longer than an election takes. All requests share this time, so that many cost no more than one."""
        now = time.monotonic()
        if now - self._last_silence > SILENCES * self.connection.options.timeout:
            self._first_silence = now
        self._last_silence = now
        return now - self._first_silence > SILENCES * self.connection.options.timeout

    async def find(self, place: Place, **body: Any) -> Answer | None:
        """Configuration, state and replicas of a stream or consumer; None where it does not exist."""
        try:
            return await self.surely(place.info(), place, body or None, patience=PATIENCE_S)
        except NatsError as error:
            if error.err_code in place.missing:
                return None
            raise

    async def seen(self, place: Place) -> Answer | None:
        """The same of a resource that is only looked at; None also where this user may not read it, or nobody answers."""
        try:
            return await self.find(place)
        except NatsError as error:
            if error.err_code is None:
                return None
            raise

    async def write(self, place: Place, step: Step) -> Answer:
        """Carries out a step. Most calls have the same effect when sent twice, so they are repeated; purge and reset are sent once."""
        call, body = place.request(step)
        if step.action in ("purge", "reset"):
            async with self._room:
                return await self.ask(call, place, body)
        done = place.missing if step.action == "delete" else ()
        return await self.surely(call, place, body, done, PATIENCE_S)

    async def listed(self, call: str, what: object, key: str) -> list[Answer]:
        """All pages of a list."""
        first = await self.surely(call, what, {"offset": 0})
        found, total, page = list(first.get(key) or []), first.get("total", 0), first.get("limit", 0)
        if found and page:
            offsets = range(page, total, page)
            rest = await asyncio.gather(*(self.surely(call, what, {"offset": offset}) for offset in offsets))
            for answer in rest:
                found += answer.get(key) or []
        return found

    async def streams(self) -> list[Answer]:
        """Configuration and state of all streams for which a server answers."""
        return await self.listed("STREAM.LIST", "list of streams", "streams")

    async def names(self) -> list[str]:
        """The names of all streams, including those that STREAM.LIST leaves out because no server answers for them."""
        return [str(name) for name in await self.listed("STREAM.NAMES", "names of the streams", "streams")]

    async def consumer_names(self, stream: str) -> list[str]:
        """The names of a stream's consumers, including those for which no server answers."""
        return [str(name) for name in await self._of_stream("CONSUMER.NAMES", stream)]

    async def consumers(self, stream: str) -> list[Answer]:
        """Configuration and state of a stream's consumers for which a server answers."""
        return await self._of_stream("CONSUMER.LIST", stream)

    async def _of_stream(self, call: str, stream: str) -> list[Answer]:
        """A list of a stream's consumers; empty where the stream does not exist."""
        try:
            return await self.listed(f"{call}.{stream}", f"list of consumers of stream {stream}", "consumers")
        except NatsError as error:
            if error.err_code == NO_STREAM:
                return []
            raise

    async def owners(self, subjects: Iterable[str], besides: Collection[str]) -> dict[str, list[str]]:
        """The streams whose subjects overlap with these, by subject, without those in `besides`."""
        wanted = list(subjects)
        answers = await asyncio.gather(
            *(self.surely("STREAM.NAMES", f"owner of {subject}", {"subject": subject}) for subject in wanted)
        )
        found = {}
        for subject, answer in zip(wanted, answers, strict=True):
            if others := [name for name in answer.get("streams") or [] if name not in besides]:
                found[subject] = others
        return found

    async def first_of(self, stream: str, subject: str, start: int = 1) -> int:
        """The sequence of the first message of a subject from `start` on; 0 where there is none."""
        try:
            found = await self.surely(
                f"STREAM.MSG.GET.{stream}", f"stream {stream}", {"seq": start, "next_by_subj": subject}
            )
        except NatsError as error:
            if error.err_code == NO_MESSAGE:
                return 0
            raise
        return int(found["message"]["seq"])


def missing_replicas(info: Answer) -> str | None:
    """How many replicas are current, in words; None once all of them are and no change is in progress."""
    cluster = info.get("cluster") or {}
    peers = cluster.get("replicas") or []
    declared = info.get("config", {}).get("num_replicas") or len(peers) + 1
    current = bool(cluster.get("leader")) + sum(bool(peer.get("current") and not peer.get("offline")) for peer in peers)
    done = (declared == 1 and not peers) or current == declared == len(peers) + 1
    return None if done and not cluster.get("desired") else f"{current} of {declared} replicas are current"
