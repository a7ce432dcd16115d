# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A false alarm on a healthy busy cluster is a failure: a hundred polls under load, churn and elections, and no finding."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress

import nats
import nats.errors
import nats.js.errors
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.module import source
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import Expectation
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import observe
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import Access, UserLogin
from tests.support.servers import login

POLLS, APART = 100, 0.05
STREAMS = [f"BUSY{number}" for number in range(4)]
MISSED = (nats.errors.Error, nats.js.errors.Error, asyncio.TimeoutError)


class Load:
    """Applications that publish with acknowledgement, consume, come and go, while leaders step down."""

    def __init__(self, cluster):
        self.did: Counter = Counter()
        self._cluster = cluster
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))

    def __enter__(self):
        self._thread.start()
        deadline = time.monotonic() + 60
        while not (self.did["published"] > 200 and self.did["acknowledged"] > 200):
            assert time.monotonic() < deadline, self.did
            time.sleep(0.1)
        return self

    def __exit__(self, *_ended):
        self._stop.set()
        self._thread.join(timeout=30)

    async def _client(self, user):
        options = self._cluster.user(user)
        return await nats.connect(list(options.servers), user=options.user, password=options.password)

    async def _all(self):
        client, system = await self._client("t0"), await self._client("sys-user")
        for name in STREAMS:
            await self._call(client, f"STREAM.CREATE.{name}", name=name, subjects=[name], num_replicas=3, max_msgs=5000)
            config = {"durable_name": "worker", "ack_policy": "explicit", "max_ack_pending": 1000}
            await self._call(client, f"CONSUMER.CREATE.{name}.worker", stream_name=name, config=config)
        work = [self._publish(client, name) for name in STREAMS] + [self._consume(client, name) for name in STREAMS]
        await asyncio.gather(*work, self._come_and_go(client), self._step_down(client, system))
        await client.close()
        await system.close()

    async def _call(self, client, call, **body):
        answer = json.loads((await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=5)).data)
        if "error" in answer:
            raise nats.js.errors.APIError.from_error(answer["error"])

    async def _repeat(self, what, work, pause):
        while not self._stop.is_set():
            with suppress(*MISSED):
                self.did[what] += await work()
            await asyncio.sleep(pause)

    async def _publish(self, client, name):
        jetstream = client.jetstream()

        async def batch():
            await asyncio.gather(*(jetstream.publish(name, b"x" * 200, timeout=2) for _number in range(10)))
            return 10

        await self._repeat("published", batch, 0.1)

    async def _consume(self, client, name):
        puller = await client.jetstream().pull_subscribe("", durable="worker", stream=name)

        async def batch():
            messages = await puller.fetch(50, timeout=1)
            for message in messages:
                await message.ack()
            return len(messages)

        await self._repeat("acknowledged", batch, 0.02)

    async def _come_and_go(self, client):
        numbers = itertools.count()

        async def once():
            name = f"CHURN{next(numbers)}"
            await self._call(client, f"STREAM.CREATE.{name}", name=name, subjects=[name], num_replicas=3)
            config = {"durable_name": "c", "ack_policy": "explicit"}
            await self._call(client, f"CONSUMER.CREATE.{name}.c", stream_name=name, config=config)
            await client.jetstream().publish(name, b"x", timeout=2)
            await self._call(client, f"CONSUMER.DELETE.{name}.c")
            await self._call(client, f"STREAM.DELETE.{name}")
            return 1

        await self._repeat("came and went", once, 1)

    async def _step_down(self, client, system):
        calls = itertools.cycle([(client, "STREAM.LEADER.STEPDOWN.BUSY0"), (system, "META.LEADER.STEPDOWN")])

        async def once():
            await asyncio.sleep(4)
            await self._call(*next(calls))
            return 1

        await self._repeat("stepped down", once, 0)


@pytest.fixture
def poll(own_cluster):
    """What a task of nats_health finds, with everything that it can be asked for."""
    expectation = Expectation(tuple(server.name for server in own_cluster.servers), cluster_name="C")
    access = Access(servers=tuple(server.url for server in own_cluster.servers), login=UserLogin(**login("sys-user")))

    def run():
        with ExitStack() as opened:
            return [
                found
                for found in observe(
                    source(access, {"T0": UserLogin(**login("t0"))}, expectation, opened), 0, "warning"
                )[1]
                if found.severity != "info"
            ]

    return run


def test_a_hundred_polls_of_a_busy_cluster_find_nothing(own_cluster, poll):
    alarms, took = [], []
    with Load(own_cluster) as load:
        for number in range(POLLS):
            started = time.monotonic()
            alarms += [f"poll {number}: {finding}" for finding in poll()]
            took.append(time.monotonic() - started)
            time.sleep(APART)
    figures = f"{sum(took):.1f} s for {POLLS} polls, the longest {max(took):.1f} s; {dict(load.did)}"
    assert alarms == [], figures
    assert load.did["came and went"] > 5
    assert load.did["stepped down"] > 1
