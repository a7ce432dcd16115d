# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states in which `/healthz` says 200 or flaps, made for real: what nats_health says of them, and nothing else."""

from __future__ import annotations

import asyncio
import signal
import time

import nats.errors
import nats.js.errors
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._connection import Connection
from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_health, nats_stream
from tests.servers import secret

LOGIN = {"user": "t0", "password": secret("t0")}


@pytest.fixture
def health(run_module, own_cluster):
    def run(**params):
        servers = [server.url for server in own_cluster.servers]
        expected = {"expected_members": [server.name for server in own_cluster.servers], "cluster_name": "C"}
        login = {"user": "sys-user", "password": secret("sys-user")}
        return run_module(nats_health, servers=servers, **login, **expected | params)

    return run


@pytest.fixture
def declare(run_module, own_cluster):
    def run(module, /, **params):
        result = run_module(module, servers=[server.url for server in own_cluster.servers], **LOGIN, **params)
        assert not result.get("failed"), result["msg"]
        return result

    return run


@pytest.fixture
def fill(own_cluster):
    """Stores so many messages under a subject, each with an acknowledgement."""

    def send(subject, count, size=10):
        async def work(connection):
            jetstream = (await connection.client()).jetstream()
            for start in range(0, count, 200):
                batch = range(min(200, count - start))
                publishing = (stored(jetstream, subject, b"x" * size) for _number in batch)
                for outcome in await asyncio.gather(*publishing, return_exceptions=True):
                    if isinstance(outcome, Exception):
                        raise outcome

        with Connection(own_cluster.user("t0")) as connection:
            connection.run(work(connection))

    return send


@pytest.fixture
def system(own_cluster):
    """A request of the system account."""

    def ask(subject, **body):
        with Connection(own_cluster.system()) as connection:
            return connection.request(subject, body)

    return ask


async def stored(jetstream, subject, payload):
    """As a client does: sent again where its stream has no leader just then."""
    for _try in range(10):
        try:
            return await jetstream.publish(subject, payload, timeout=2)
        except (nats.errors.TimeoutError, nats.js.errors.NoStreamResponseError):
            await asyncio.sleep(0.2)
    raise TimeoutError(f"{subject} takes nothing")


def said(result):
    """Severity, code and object of each finding, but for what only names single replicas."""
    return {
        (found["severity"], found["code"], found["object"])
        for found in result["findings"]
        if found["code"] != "SINGLE_REPLICA"
    }


def eventually(look, wanted, within=30):
    """What is seen once it is as wanted: states need their time."""
    end = time.monotonic() + within
    while True:
        found = said(look())
        if found >= wanted or time.monotonic() > end:
            return found


def leader(result):
    return result["cluster"]["leader"]


def holder(own_cluster, stream):
    """The server that has the only copy of a stream."""
    for server in own_cluster.servers:
        for account in server.get("/jsz?streams=1").get("account_details") or []:
            if any(found["name"] == stream for found in account.get("stream_detail") or []):
                return server
    raise AssertionError(f"nobody has {stream}")


def test_a_store_that_was_wiped(health, declare, fill, own_cluster):
    declare(nats_stream, name="ONE", subjects=["one"], num_replicas=1)
    declare(nats_stream, name="THREE", subjects=["three"], num_replicas=3)
    fill("one", 50)
    fill("three", 50)
    before = health()
    assert said(before) == set()
    server = holder(own_cluster, "ONE")
    own_cluster.stop(server)
    own_cluster.wipe(server)
    own_cluster.start(server)
    own_cluster.wait()
    assert health(wait_timeout=20)["healthy"] is True
    after = health(previous=before["figures"])
    assert said(after) == {("error", "STREAM_WENT_BACK", "stream ONE of account T0")}
    assert "last_seq is 0, and was 50 before" in after["msg"]


def test_a_server_that_was_removed_and_came_back(health, declare, system, own_cluster):
    declare(nats_stream, name="S", num_replicas=3)
    victim = next(server for server in own_cluster.servers if server.name != leader(health()))
    own_cluster.stop(victim, signal.SIGTERM)
    assert system("$JS.API.SERVER.REMOVE", peer=victim.name)["success"] is True
    own_cluster.start(victim)
    wanted = {
        ("error", "SERVER_NOT_IN_META", f"server {victim.name}"),
        ("error", "STREAM_UNDER_REPLICATED", "stream S of account T0"),
    }
    assert eventually(health, wanted) == wanted


def test_a_server_that_finds_no_other(health, own_cluster):
    victim = own_cluster[2]
    own_cluster.stop(victim)
    own_cluster.start(victim, cluster=own_cluster.apart(victim))
    assert ("error", "SERVER_DOWN", "server n3") in said(health())


def test_a_quorum_that_is_lost_at_once_is_not_what_its_leader_says(health, own_cluster):
    name = leader(health())
    for server in own_cluster.servers:
        if server.name != name:
            own_cluster.stop(server)
    result = health()
    gone = {("error", "SERVER_DOWN", f"server {server.name}") for server in own_cluster.servers if server.name != name}
    assert said(result) >= gone | {("error", "META_NO_QUORUM", "cluster")}
    assert leader(result) is None


def test_a_stream_whose_only_server_is_down(health, declare, own_cluster):
    declare(nats_stream, name="ONE", subjects=["one"], num_replicas=1)
    server = holder(own_cluster, "ONE")
    own_cluster.stop(server, signal.SIGTERM)
    wanted = {
        ("error", "SERVER_DOWN", f"server {server.name}"),
        ("error", "STREAM_UNAVAILABLE", "stream ONE of account T0"),
    }
    assert eventually(lambda: health(accounts=[{"account": "T0", **LOGIN}]), wanted) >= wanted


def test_a_server_without_jetstream(health, declare, own_cluster):
    declare(nats_stream, name="S", num_replicas=3)
    victim = next(server for server in own_cluster.servers if server.name != leader(health()))
    own_cluster.stop(victim)
    own_cluster.start(victim, jetstream={"enabled": False})
    wanted = {("error", "JETSTREAM_DISABLED", f"server {victim.name}")}
    assert eventually(health, wanted) >= wanted


def test_a_server_that_catches_up(health, declare, fill, own_cluster):
    declare(nats_stream, name="S", num_replicas=3)
    fill("S", 10)
    victim = next(server for server in own_cluster.servers if server.name != leader(health()))
    own_cluster.stop(victim)
    fill("S", 20_000, size=512)
    own_cluster.start(victim)
    result = health(wait_timeout=60)
    assert result["healthy"] is True
    assert said(result) == set()


def test_a_store_that_is_full(health, declare, own_cluster, fill):
    declare(nats_stream, name="BIG", num_replicas=3)
    with pytest.raises((TimeoutError, nats.js.errors.APIError)):
        fill("BIG", 400, size=500_000)
    result = health()
    assert {found["severity"] for found in result["findings"] if found["code"] == "STORAGE_LIMIT"} & {
        "error",
        "warning",
    }
    assert "raise nats_cluster_max_file_store" in str(result["findings"])


def test_two_servers_of_one_name(health, own_cluster):
    own_cluster.stop(own_cluster[2])
    own_cluster.start(own_cluster[2], server_name="n1")
    assert ("error", "SERVER_DOWN", "server n3") in said(health())


def test_a_memory_stream_after_all_restarted(health, declare, fill, own_cluster):
    declare(nats_stream, name="FAST", storage="memory", num_replicas=3)
    fill("FAST", 70)
    before = health()
    for server in own_cluster.servers:
        own_cluster.stop(server)
    for server in own_cluster.servers:
        own_cluster.start(server)
    own_cluster.wait()
    assert health(wait_timeout=20)["healthy"] is True
    found = said(health(previous=before["figures"]))
    assert found == {("error", "STREAM_WENT_BACK", "stream FAST of account T0")}


def test_a_consumer_whose_clients_acknowledge_nothing(health, declare, fill, own_cluster):
    declare(nats_stream, name="S", num_replicas=3)
    declare(nats_consumer, stream="S", name="slow", max_ack_pending=5, ack_wait="10m")
    fill("S", 20)

    async def fetch(connection):
        puller = await (await connection.client()).jetstream().pull_subscribe("", durable="slow", stream="S")
        await puller.fetch(5, timeout=5)

    with Connection(own_cluster.user("t0")) as connection:
        connection.run(fetch(connection))
    assert said(health()) == {("warning", "CONSUMER_STUCK", "consumer slow of stream S of account T0")}
