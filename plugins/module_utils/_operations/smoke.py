# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Tries out what an application expects of a cluster. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection


class Unexpected(Exception):
    """An operation had another result than expected."""


try:
    import nats.errors
    import nats.js.errors
except ImportError:
    FAILURES: tuple[type[Exception], ...] = (Unexpected,)
else:
    FAILURES = (Unexpected, nats.errors.Error, nats.js.errors.Error, asyncio.TimeoutError, OSError)

MESSAGES, WORKERS, ACK_WAIT_S = 100, 3, 1.0


def expect(condition: Any, otherwise: str) -> None:
    if not condition:
        raise Unexpected(otherwise)


@dataclass
class Check:
    """One operation that was tried."""

    name: str
    ok: bool = False
    evidence: str = ""
    # Milliseconds of single operations.
    latencies: list[float] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        found = {"name": self.name, "ok": self.ok, "evidence": self.evidence}
        if self.latencies:
            ordered = sorted(self.latencies)
            figures = {"p50": ordered[len(ordered) // 2], "p99": ordered[len(ordered) * 99 // 100], "max": ordered[-1]}
            found["latency_ms"] = {name: round(value, 2) for name, value in figures.items()}
        return found


class Smoke:
    """Tries operations with a subject and a stream of its own, which are removed in the end."""

    def __init__(self, client: Any, connect: Callable[[], Awaitable[Any]], replicas: int) -> None:
        self._client, self._connect, self._replicas = client, connect, replicas
        own = secrets.token_hex(4)
        self._subject, self._stream = f"smoke.{own}", f"SMOKE_{own}"
        self._jetstream = client.jetstream()

    async def core(self) -> list[Check]:
        return [
            await tried("publish and subscribe", self._publish_subscribe),
            await tried("request and reply", self._request_reply),
            await tried("queue group", self._queue_group),
        ]

    async def jetstream(self) -> list[Check]:
        made = await tried("stream", self._make_stream)
        if not made.ok:
            return [made]
        checks = [made]
        try:
            checks.append(await tried("publish once", self._deduplicated))
            checks.append(await tried("consume and acknowledge", self._acknowledged))
            checks.append(await tried("redelivery and deduplication", self._redelivered))
        finally:
            checks.append(await tried("deletion", self._delete_stream))
        return checks

    async def _delete_stream(self, check: Check) -> None:
        try:
            await self._jetstream.delete_stream(self._stream)
        except FAILURES as failure:
            raise Unexpected(f"stream {self._stream} is left, delete it: {failure}") from failure
        check.evidence = "the stream is deleted again"

    async def _publish_subscribe(self, check: Check) -> None:
        subscription = await self._client.subscribe(f"{self._subject}.core.*")
        await self._client.flush()
        for number in range(MESSAGES):
            start = time.perf_counter()
            await self._client.publish(f"{self._subject}.core.{number}", str(number).encode())
            message = await subscription.next_msg(timeout=2)
            expect(message.data == str(number).encode(), f"message {number} came as {message.data!r}")
            check.latencies.append(since(start))
        await subscription.unsubscribe()
        check.evidence = f"{MESSAGES} messages came in order, through a wildcard"

    async def _request_reply(self, check: Check) -> None:
        async def answer(message: Any) -> None:
            await message.respond(message.data[::-1])

        service = await self._client.subscribe(f"{self._subject}.service", cb=answer)
        for number in range(MESSAGES):
            start = time.perf_counter()
            reply = await self._client.request(f"{self._subject}.service", f"{number}!".encode(), timeout=2)
            expect(reply.data == f"{number}!".encode()[::-1], f"request {number} was answered by {reply.data!r}")
            check.latencies.append(since(start))
        await service.unsubscribe()
        check.evidence = f"{MESSAGES} requests were answered"

    async def _queue_group(self, check: Check) -> None:
        """Each worker has a connection of its own, because only different connections may be to different servers."""
        async with workers(self._connect) as clients:
            taken: list[tuple[int, bytes]] = []
            for number, client in enumerate(clients):

                async def take(message: Any, number: int = number) -> None:
                    taken.append((number, message.data))

                await client.subscribe(f"{self._subject}.jobs", queue="smoke", cb=take)
                await client.flush()
            await asyncio.sleep(0.3)  # until every server knows the subscriptions
            for number in range(MESSAGES * WORKERS):
                await self._client.publish(f"{self._subject}.jobs", str(number).encode())
            deadline = time.monotonic() + 5
            while len(taken) < MESSAGES * WORKERS and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)  # a job that is delivered twice arrives in this time
        repeated = [number for number, count in Counter(job for _worker, job in taken).items() if count > 1]
        missing = MESSAGES * WORKERS - len({job for _worker, job in taken})
        expect(not repeated and not missing, f"{missing} jobs were lost and {len(repeated)} done twice")
        shares = Counter(worker for worker, _job in taken)
        check.evidence = (
            f"{len(taken)} jobs were done once each, {' + '.join(str(shares[number]) for number in range(WORKERS))}"
        )

    async def _make_stream(self, check: Check) -> None:
        start = time.perf_counter()
        in_memory = await self._has_memory_only()
        config = nats.js.api.StreamConfig(
            name=self._stream,
            subjects=[f"{self._subject}.js.>"],
            num_replicas=self._replicas,
            max_bytes=16 * 2**20,
            storage=nats.js.api.StorageType.MEMORY if in_memory else nats.js.api.StorageType.FILE,
        )
        await self._jetstream.add_stream(config)
        check.latencies.append(since(start))
        check.evidence = f"made with {self._replicas} replicas{' in memory' if in_memory else ''}"

    async def _has_memory_only(self) -> bool:
        """Whether the account may store nothing on file, as where servers have no volume. A login that may not ask tries a file."""
        try:
            limits = (await self._jetstream.account_info()).limits
        except FAILURES:
            return False
        return bool(limits.max_storage == 0)

    async def _deduplicated(self, check: Check) -> None:
        for number in range(MESSAGES):
            start = time.perf_counter()
            await self._publish(f"{self._subject}.js.{number}", f"id-{number}")
            check.latencies.append(since(start))
        again = await self._publish(f"{self._subject}.js.0", "id-0")
        expect(again.duplicate, "a message id that was there already was stored once more")
        state = (await self._jetstream.stream_info(self._stream)).state
        expect(state.messages == MESSAGES, f"{state.messages} messages are stored, not {MESSAGES}")
        check.evidence = f"{MESSAGES} messages were acknowledged, and one that came twice is stored once"

    async def _publish(self, subject: str, message_id: str) -> Any:
        headers = {"Nats-Msg-Id": message_id}
        publish = partial(self._jetstream.publish, subject, b"smoke", timeout=5, headers=headers)
        return await once_it_is_known(publish)

    async def _acknowledged(self, check: Check) -> None:
        puller = await self._jetstream.pull_subscribe(f"{self._subject}.js.>", durable="reader", stream=self._stream)
        seen: set[str] = set()
        while len(seen) < MESSAGES:
            for message in await once_it_is_known(partial(puller.fetch, min(20, MESSAGES - len(seen)), timeout=5)):
                start = time.perf_counter()
                await message.ack_sync(timeout=5)
                check.latencies.append(since(start))
                seen.add(message.subject)
        info = await self._jetstream.consumer_info(self._stream, "reader")
        expect(
            not info.num_ack_pending + info.num_pending, f"{info.num_ack_pending + info.num_pending} messages are left"
        )
        check.evidence = f"{MESSAGES} messages were delivered and acknowledged, none is left"

    async def _redelivered(self, check: Check) -> None:
        config = nats.js.api.ConsumerConfig(ack_wait=ACK_WAIT_S)
        subject = f"{self._subject}.js.once"
        puller = await self._jetstream.pull_subscribe(subject, durable="once", stream=self._stream, config=config)
        await self._publish(subject, "id-once")
        (first,) = await once_it_is_known(partial(puller.fetch, 1, timeout=5))
        (second,) = await puller.fetch(1, timeout=ACK_WAIT_S + 5)
        count = second.metadata.num_delivered
        expect(count == 2, f"it came back as delivery {count}, not 2")
        expect(second.metadata.sequence.stream == first.metadata.sequence.stream, "another message came back")
        await second.ack_sync(timeout=5)
        expect((await self._publish(subject, "id-once")).duplicate, "its publisher's second try was stored")
        try:
            third = await puller.fetch(1, timeout=ACK_WAIT_S + 0.5)
        except (nats.errors.TimeoutError, asyncio.TimeoutError):
            third = []
        expect(not third, "it came again after it was acknowledged")
        check.evidence = "an unacknowledged message was delivered again, and not after it was acknowledged"


async def once_it_is_known(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The answer of a stream or consumer; right after its creation, not every server knows its subscriptions yet."""
    for _attempt in range(20):
        try:
            return await ask()
        except (nats.js.errors.NoStreamResponseError, nats.js.errors.ServiceUnavailableError):
            await asyncio.sleep(0.05)
    return await ask()


async def tried(name: str, work: Callable[[Check], Awaitable[None]]) -> Check:
    check = Check(name)
    try:
        await work(check)
    except FAILURES as failure:
        check.evidence = str(failure).removeprefix("nats: ") or type(failure).__name__
    else:
        check.ok = True
    return check


@asynccontextmanager
async def workers(connect: Callable[[], Awaitable[Any]]) -> AsyncIterator[list[Any]]:
    clients = [await connect() for _number in range(WORKERS)]
    try:
        yield clients
    finally:
        for client in clients:
            await client.close()


def since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def run_smoke(connection: Connection, replicas: int | None, core_only: bool) -> list[Check]:
    """All checks, over a connection as applications have it."""
    clustered = bool(connection.server().get("cluster"))

    async def work() -> list[Check]:
        smoke = Smoke(await connection.client(), connection.another, replicas or (3 if clustered else 1))
        return await smoke.core() + ([] if core_only else await smoke.jetstream())

    return connection.run(work())
