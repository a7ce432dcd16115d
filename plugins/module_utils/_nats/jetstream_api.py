# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The JetStream API as raw JSON. PRIVATE to the collection: it can change at any time.

nats-py's dataclasses drop fields that they do not know, so that an update through them wipes those fields.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

NO_STREAM, NO_CONSUMER, NO_MESSAGE = 10059, 10014, 10037
MAX_CONCURRENT = 32
OWN_API = "$JS.API"
VERSION_NUMBER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
# Seconds until what nobody answered is asked again.
RETRY_AFTER_S = 0.1

REMEDY_BY_ERR_CODE = {
    10005: "Too few servers are up, or none fits the placement: look at the cluster with nats_health.",
    10008: "JetStream has no quorum: look at the cluster with nats_health.",
    10023: "A server's store is full: delete or purge something, or raise max_file_store.",
    10026: "The stream or the account takes no more consumers: raise max_consumers.",
    10027: "The account takes no more streams: raise its limit.",
    10028: "The account's or the server's memory store is too small for it: raise the limit or lower max_bytes.",
    10039: "Enable JetStream for this account.",
    10047: "The account's or the server's store is too small for it: raise the limit or lower max_bytes.",
    10059: "Create the stream first, or check its name.",
    10065: "Another stream has these subjects: change one of the two.",
    10074: "A single server holds one replica only: use num_replicas 1 or a cluster.",
    10113: "This account asks for max_bytes on every stream: set it.",
}
Answer = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Which stream, or which consumer of it."""

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
        """The call that carries out a step, and its body."""
        if self.consumer is None:
            return f"STREAM.{step.action.upper()}.{self.stream}", None if step.action == "delete" else dict(step.config)
        if step.action in ("create", "update"):
            # As clients do: a user may be allowed to consume one filter only.
            one = step.config.get("filter_subject")
            call = f"CONSUMER.CREATE.{self.stream}.{self.consumer}" + (f".{one}" if one else "")
            return call, {"stream_name": self.stream, "action": step.action, "config": step.config}
        return f"CONSUMER.{step.action.upper()}.{self.stream}.{self.consumer}", dict(step.config) or None


class JetStream:
    """Requests to JetStream's API in one account."""

    def __init__(self, connection: Connection, prefix: str = OWN_API) -> None:
        self.connection = connection
        self._prefix = prefix
        self._level: asyncio.Future[int] | None = None
        self._trims: bool | None = None
        self._room = asyncio.Semaphore(MAX_CONCURRENT)

    async def level(self) -> int:
        """What the server's API can do: 0 up to 2.10, 1 with 2.11, and so on."""
        if self._level is None:
            self._level = asyncio.ensure_future(self._ask_level())
        return await self._level

    async def trims_discard_new(self) -> bool:
        """Whether the server deletes what is above a limit under `discard: new` too, as it did up to 2.10.5."""
        if self._trims is None:
            self._trims = await self._ask_trims()
        return self._trims

    async def _ask_trims(self) -> bool:
        if self._prefix != OWN_API:
            # Another server than ours answers there, and its level is all that is known of it.
            return await self.level() < 1
        version = VERSION_NUMBER.match(str((await self.connection.client())._server_info.get("version")))
        return version is None or tuple(map(int, version.groups())) < (2, 10, 6)

    async def _ask_level(self) -> int:
        return int((await self.ask("INFO", "JetStream")).get("api", {}).get("level", 0))

    async def ask(self, call: str, what: object, body: Mapping[str, Any] | None = None) -> Answer:
        """The answer to one call; an error of the server's names `what` it is about."""
        async with self._room:
            answer = await self.connection.ask(f"{self._prefix}.{call}", body or b"")
        if error := answer.get("error"):
            code = error.get("err_code")
            cause = f"{error.get('description', 'refused')} (err_code {code})"
            raise NatsError(str(what), cause, REMEDY_BY_ERR_CODE.get(code, ""), code)
        return answer

    async def surely(
        self, call: str, what: object, body: Mapping[str, Any] | None = None, done: Collection[int] = ()
    ) -> Answer:
        """Asked again where no answer came, perhaps of another server: for what can be said twice.

        A server that goes is noticed at once, and the others elect a leader first: so there is a last time only after as long as
        one answer may take. `done` are the errors which say, the second time, that it was carried out the first time.
        """
        over, again = time.monotonic() + self.connection.options.timeout, False
        while True:
            last = time.monotonic() > over
            try:
                return await self.ask(call, what, body)
            except UnansweredError:
                if last:
                    raise
                again = True
                await asyncio.sleep(RETRY_AFTER_S)
            except NatsError as error:
                if again and error.err_code in done:
                    return {}
                raise

    async def find(self, place: Place, **body: Any) -> Answer | None:
        """Configuration, state and replicas, or None where there is none."""
        try:
            return await self.surely(place.info(), place, body or None)
        except NatsError as error:
            if error.err_code in place.missing:
                return None
            raise

    async def write(self, place: Place, step: Step) -> Answer:
        """Carries out a step. Said twice most do the same, so an answer that was lost is no harm; the others are asked once."""
        call, body = place.request(step)
        if step.action in ("purge", "reset"):
            return await self.ask(call, place, body)
        return await self.surely(call, place, body, place.missing if step.action == "delete" else ())

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
        return await self.listed("STREAM.LIST", "list of streams", "streams")

    async def names(self) -> list[str]:
        """All streams, those too that a list leaves out."""
        return [str(name) for name in await self.listed("STREAM.NAMES", "names of the streams", "streams")]

    async def consumer_names(self, stream: str) -> list[str]:
        """The consumers that a stream lists, those too that are not there."""
        return [str(name) for name in await self._of_stream("CONSUMER.NAMES", stream)]

    async def consumers(self, stream: str) -> list[Answer]:
        return await self._of_stream("CONSUMER.LIST", stream)

    async def _of_stream(self, call: str, stream: str) -> list[Answer]:
        """The consumers of a stream, none where it is missing."""
        try:
            return await self.listed(f"{call}.{stream}", f"list of consumers of stream {stream}", "consumers")
        except NatsError as error:
            if error.err_code == NO_STREAM:
                return []
            raise

    async def owners(self, subjects: Iterable[str], besides: Collection[str]) -> dict[str, list[str]]:
        """Which other streams have these subjects, or a part of them."""
        asked = list(subjects)
        answers = await asyncio.gather(
            *(self.surely("STREAM.NAMES", f"owner of {subject}", {"subject": subject}) for subject in asked)
        )
        found = {}
        for subject, answer in zip(asked, answers, strict=True):
            if others := [name for name in answer.get("streams") or [] if name not in besides]:
                found[subject] = others
        return found

    async def first_of(self, stream: str, subject: str, start: int = 1) -> int:
        """The sequence of the first message of a subject from `start` on, 0 where there is none."""
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
    """What a change still waits for; None once all replicas are current and nothing is under way."""
    cluster = info.get("cluster") or {}
    replicas = cluster.get("replicas") or []
    wanted = info.get("config", {}).get("num_replicas") or len(replicas) + 1
    there = bool(cluster.get("leader")) + sum(
        bool(peer.get("current") and not peer.get("offline")) for peer in replicas
    )
    done = (wanted == 1 and not replicas) or there == wanted == len(replicas) + 1
    return None if done and not cluster.get("desired") else f"{there} of {wanted} replicas are current"
