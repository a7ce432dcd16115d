# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states in which `/healthz` says 200 or flaps, made for real: what nats_health says of them, and nothing else."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from contextlib import suppress

import nats.errors
import nats.js.errors
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import ThroughServers
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_health, nats_stream
from tests.support.servers import login
from tests.support.snapshots import record

LOGIN = login("t0")
ACCOUNT = {"accounts": [{"account": "T0", **LOGIN}]}


@pytest.fixture
def samples(monkeypatch):
    """Every snapshot that was taken."""
    taken: list[Snapshot] = []
    take = ThroughServers.take

    def remember(source):
        taken.append(take(source))
        return taken[-1]

    monkeypatch.setattr(ThroughServers, "take", remember)
    return taken


@pytest.fixture
def keep(samples):
    """Records the latest sample with these findings as a state, where recording is asked for."""
    return lambda state, *codes: record(state, samples, codes)


@pytest.fixture
def health(run_module, own_cluster, samples):
    def run(**params):
        servers = [server.url for server in own_cluster.servers]
        expected = {"expected_members": [server.name for server in own_cluster.servers], "cluster_name": "C"}
        return run_module(nats_health, servers=servers, **login("sys-user"), **expected | params)

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

    def send(subject, count, size=10, tries=10):
        async def work(connection):
            jetstream = (await connection.client()).jetstream()
            for start in range(0, count, 200):
                batch = range(min(200, count - start))
                publishing = (stored(jetstream, subject, b"x" * size, tries) for _number in batch)
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


async def stored(jetstream, subject, payload, tries):
    """As a client does: sent again where its stream has no leader just then, which is told at once."""
    end = time.monotonic() + tries * 2
    while time.monotonic() < end:
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
        if found["code"] not in ("SINGLE_REPLICA", "KNOWN_VULNERABILITIES")  # `make versions` has old servers
    }


def states_of(look, wanted, within=30, others=True):
    """What is seen once it is as wanted: states need their time. Without `others`, nothing else may be seen then."""
    end = time.monotonic() + within
    while True:
        found = said(look())
        if (found >= wanted if others else found == wanted) or time.monotonic() > end:
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


def test_a_store_that_was_wiped(health, declare, fill, own_cluster, keep):
    declare(nats_stream, name="ONE", subjects=["one"], num_replicas=1)
    declare(nats_stream, name="THREE", subjects=["three"], num_replicas=3)
    fill("one", 50)
    fill("three", 50)
    before = health()
    assert said(before) == set()
    keep("healthy")
    server = holder(own_cluster, "ONE")
    own_cluster.stop(server)
    own_cluster.wipe(server)
    own_cluster.start(server)
    own_cluster.wait()
    assert health(wait_timeout=20)["healthy"] is True
    wanted = {("error", "STREAM_WENT_BACK", "stream ONE of account T0")}
    assert states_of(lambda: health(previous=before["figures"]), wanted, others=False) == wanted
    assert "last_seq is 0, and was 50 before" in health(previous=before["figures"])["msg"]
    keep("store_wiped", "STREAM_WENT_BACK")


def test_a_server_that_was_removed_and_came_back(health, declare, system, own_cluster, keep):
    declare(nats_stream, name="S", num_replicas=3)
    victim = next(server for server in own_cluster.servers if server.name != leader(health()))
    own_cluster.stop(victim, signal.SIGTERM)
    assert system("$JS.API.SERVER.REMOVE", peer=victim.name)["success"] is True
    own_cluster.start(victim)
    wanted = {
        ("error", "SERVER_NOT_IN_META", f"server {victim.name}"),
        ("error", "STREAM_UNDER_REPLICATED", "stream S of account T0"),
    }
    assert states_of(health, wanted, others=False) == wanted
    keep("peer_removed", "SERVER_NOT_IN_META", "STREAM_UNDER_REPLICATED")


def test_a_server_that_finds_no_other(health, own_cluster, keep):
    victim = own_cluster[2]
    own_cluster.stop(victim)
    own_cluster.start(victim, cluster=own_cluster.apart(victim))
    wanted = {("error", "SERVER_ISOLATED", "server n3")}
    assert states_of(health, wanted) >= wanted
    keep("isolated", "SERVER_ISOLATED")


def test_a_server_of_another_cluster_does_not_count(health, own_cluster, keep):
    victim = own_cluster[2]
    own_cluster.stop(victim)
    own_cluster.start(victim, cluster=own_cluster.configuration(victim)["cluster"] | {"name": "OTHER"})
    wanted = {("error", "CLUSTER_NAME_MISMATCH", "server n3")}
    assert states_of(health, wanted) >= wanted
    keep("other_cluster_name", "CLUSTER_NAME_MISMATCH")


def test_a_server_that_hangs(health, declare, own_cluster, keep):
    declare(nats_stream, name="S", num_replicas=3)
    own_cluster[2].process.send_signal(signal.SIGSTOP)
    result = health()
    assert ("error", "SERVER_DOWN", "server n3") in said(result)
    assert "server n3: no answer to the system account, 2 of 3 servers answer" in result["msg"]
    keep("hanging", "SERVER_DOWN")
    own_cluster[2].process.send_signal(signal.SIGCONT)
    assert health(wait_timeout=30)["healthy"] is True


def test_a_server_that_was_killed(health, declare, own_cluster, keep):
    """Peers call it current for ten seconds more: it is the missing answer that tells."""
    declare(nats_stream, name="S", num_replicas=3)
    own_cluster.stop(own_cluster[2])
    assert ("error", "SERVER_DOWN", "server n3") in said(health())
    keep("killed", "SERVER_DOWN")


def test_a_quorum_that_is_lost_at_once_is_not_what_its_leader_says(health, declare, own_cluster, keep):
    declare(nats_stream, name="S", num_replicas=3)
    name = leader(health())
    for server in own_cluster.servers:
        if server.name != name:
            own_cluster.stop(server)
    result = health()
    gone = {("error", "SERVER_DOWN", f"server {server.name}") for server in own_cluster.servers if server.name != name}
    assert said(result) >= gone | {("error", "META_NO_QUORUM", "cluster")}
    assert leader(result) is None
    keep("two_of_three_down", "META_NO_QUORUM")
    wanted = {("error", "STREAM_NO_LEADER", "stream S of account T0")}
    assert states_of(health, wanted) >= wanted
    keep("stream_without_leader", "META_NO_QUORUM", "STREAM_NO_LEADER")


def test_a_stream_whose_only_server_is_down(health, declare, own_cluster, keep):
    declare(nats_stream, name="ONE", subjects=["one"], num_replicas=1)
    server = holder(own_cluster, "ONE")
    own_cluster.stop(server, signal.SIGTERM)
    wanted = {
        ("error", "SERVER_DOWN", f"server {server.name}"),
        ("error", "STREAM_UNAVAILABLE", "stream ONE of account T0"),
    }
    assert states_of(lambda: health(**ACCOUNT), wanted) >= wanted
    keep("stream_unavailable", "STREAM_UNAVAILABLE")


def test_a_server_without_jetstream(health, declare, own_cluster, keep):
    declare(nats_stream, name="S", num_replicas=3)
    victim = next(server for server in own_cluster.servers if server.name != leader(health()))
    own_cluster.stop(victim)
    own_cluster.start(victim, jetstream={"enabled": False})
    wanted = {("error", "JETSTREAM_DISABLED", f"server {victim.name}")}
    assert states_of(health, wanted) >= wanted
    keep("jetstream_off", "JETSTREAM_DISABLED")


def test_a_server_that_catches_up(health, declare, fill, own_cluster, keep):
    declare(nats_stream, name="S", num_replicas=3)
    fill("S", 10)
    victim = next(server for server in own_cluster.servers if server.name != leader(health()))
    own_cluster.stop(victim)
    fill("S", 20_000, size=512, tries=100)
    own_cluster.start(victim)
    result = health(wait_timeout=60)
    assert result["healthy"] is True
    assert said(result) == set()
    keep("catching_up", "STREAM_REPLICA_NOT_CURRENT")


def test_a_store_that_has_reached_its_limit(health, declare, own_cluster, fill, keep):
    declare(nats_stream, name="BIG", num_replicas=3)
    with pytest.raises((TimeoutError, nats.js.errors.APIError)):
        fill("BIG", 400, size=500_000)
    result = health()
    assert {found["severity"] for found in result["findings"] if found["code"] == "STORAGE_LIMIT"} & {
        "error",
        "warning",
    }
    assert "raise nats_cluster_max_file_store" in str(result["findings"])
    keep("store_limit", "STORAGE_LIMIT")


@pytest.fixture
def small_disk(health, declare, own_cluster):
    """A server on a disk of 16 MiB, and a stream that is stored there too."""
    server = next(server for server in own_cluster.servers if server.name != leader(health()))
    own_cluster.stop(server)
    own_cluster.wipe(server)
    own_cluster.start(server, disk=16 << 20)
    assert health(wait_timeout=30)["healthy"] is True
    declare(nats_stream, name="BIG", num_replicas=3)
    return server


def test_a_disk_that_others_filled(health, own_cluster, small_disk, fill, keep):
    own_cluster.fill_disk(small_disk)
    fill("BIG", 20, size=5000)
    wanted = {("error", "JETSTREAM_DISABLED", f"server {small_disk.name}")}
    assert states_of(health, wanted) >= wanted
    keep("disk_full", "JETSTREAM_DISABLED")


def test_a_disk_that_a_stream_filled(health, small_disk, fill, keep):
    """What fails first makes the difference: raft's log disables JetStream, a message stops its stream's replica."""
    fill("BIG", 40, size=500_000)
    either, end = {"STORE_WRITE_FAILED", "JETSTREAM_DISABLED"}, time.monotonic() + 30
    found: set[str] = set()
    # Its leader calls the replica current now and then: what the server says of itself is what lasts.
    while not found & either and time.monotonic() < end:
        found = {code for _severity, code, what in said(health()) if what == f"server {small_disk.name}"}
    assert found & either
    if "STORE_WRITE_FAILED" in found:
        keep("disk_filled_by_a_stream", "STORE_WRITE_FAILED")


def test_a_system_account_that_was_added_later(health, own_cluster, keep, run_module):
    """What meta knew is in the old one: the servers hold streams that nobody lists, and delete them."""
    before = {"$SYS": {"users": [login("sys-user")]}, "T0": {"jetstream": "enabled", "users": [LOGIN]}}
    for server in own_cluster.servers:
        own_cluster.stop(server)
        own_cluster.wipe(server)
    for server in own_cluster.servers:
        own_cluster.start(server, system_account="$SYS", accounts=before)
    own_cluster.wait()
    made = run_module(nats_stream, servers=[own_cluster[0].url], **LOGIN, name="OLD", num_replicas=3)
    assert not made.get("failed"), made["msg"]
    for server in own_cluster.servers:
        own_cluster.stop(server, signal.SIGTERM)
    for server in own_cluster.servers:
        own_cluster.start(server)
    own_cluster.wait()
    wanted = {("error", "ORPHANED_STREAMS", "account T0")}
    assert states_of(lambda: health(**ACCOUNT), wanted) >= wanted
    keep("system_account_added", "ORPHANED_STREAMS")


def test_two_servers_of_one_name(health, own_cluster, keep):
    own_cluster.stop(own_cluster[2])
    own_cluster.start(own_cluster[2], server_name="n1")
    wanted = {("error", "SERVER_DOWN", "server n3"), ("error", "DUPLICATE_SERVER_NAME", "server n1")}
    assert states_of(health, wanted) >= wanted
    keep("two_of_one_name", "DUPLICATE_SERVER_NAME")


def test_a_memory_stream_after_all_restarted(health, declare, fill, own_cluster, keep):
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
    keep("memory_stream_restarted", "STREAM_WENT_BACK")


def test_a_consumer_whose_clients_acknowledge_nothing(health, declare, fill, own_cluster, keep):
    declare(nats_stream, name="S", num_replicas=3)
    declare(nats_consumer, stream="S", name="slow", max_ack_pending=5, ack_wait="10m")
    fill("S", 20)

    async def fetch(connection):
        puller = await (await connection.client()).jetstream().pull_subscribe("", durable="slow", stream="S")
        await puller.fetch(5, timeout=5)

    with Connection(own_cluster.user("t0")) as connection:
        connection.run(fetch(connection))
    assert said(health()) == {("warning", "CONSUMER_STUCK", "consumer slow of stream S of account T0")}
    keep("consumer_stuck", "CONSUMER_STUCK")


def test_a_consumer_that_is_listed_and_nowhere(health, declare, own_cluster, keep):
    """Its server could not write it, and meta keeps it: `/healthz` is 503 there from then on."""
    declare(nats_stream, name="Q", num_replicas=1)
    server = holder(own_cluster, "Q")
    folder = own_cluster.folder / server.name / "jetstream" / "T0" / "streams" / "Q" / "obs"
    folder.mkdir(exist_ok=True)
    (folder / "ghost").write_text("no folder")
    with Connection(own_cluster.user("t0")) as connection:
        config = {"durable_name": "ghost", "ack_policy": "explicit"}
        call = {"stream_name": "Q", "config": config}
        assert connection.request("$JS.API.CONSUMER.CREATE.Q.ghost", call)["error"]["err_code"] == 10012
        wanted = {("error", "CONSUMER_GHOST", "consumer ghost of stream Q of account T0")}
        assert states_of(lambda: health(**ACCOUNT), wanted) >= wanted
        keep("consumer_ghost", "CONSUMER_GHOST")
        # The remedy that the finding names.
        with suppress(NatsError):
            connection.request("$JS.API.CONSUMER.DELETE.Q.ghost", timeout=1)
    assert health(wait_timeout=20, fail_on="warning", **ACCOUNT)["healthy"] is True


def test_a_consumer_whose_only_server_is_down_is_no_ghost(health, declare, own_cluster, keep):
    declare(nats_stream, name="S", num_replicas=3)
    declare(nats_consumer, stream="S", name="one", num_replicas=1)
    with Connection(own_cluster.user("t0")) as connection:
        name = connection.request("$JS.API.CONSUMER.INFO.S.one")["cluster"]["leader"]
    server = next(server for server in own_cluster.servers if server.name == name)
    own_cluster.stop(server, signal.SIGTERM)
    wanted = {("error", "CONSUMER_UNAVAILABLE", "consumer one of stream S of account T0")}
    assert states_of(lambda: health(**ACCOUNT), wanted) >= wanted
    keep("consumer_unavailable", "CONSUMER_UNAVAILABLE")


def test_a_client_that_reads_too_slowly(health, own_cluster, keep):
    server = own_cluster[2]
    own_cluster.stop(server)
    own_cluster.start(server, max_pending=2 << 20)
    before = health(wait_timeout=30)
    assert before["healthy"] is True
    with (
        socket.create_connection(("127.0.0.1", server.client)) as lazy,
        Connection(own_cluster.user("t0")) as connection,
    ):
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(
            f"CONNECT {json.dumps({**LOGIN, 'pass': LOGIN['password'], 'verbose': False})}\r\nSUB x 1\r\nPING\r\n".encode()
        )

        async def flood():
            client = await connection.client()
            for _number in range(30):
                await client.publish("x", b"x" * 500_000)
                await client.flush()

        time.sleep(0.5)
        connection.run(flood())
        wanted = {("warning", "SLOW_CONSUMER", f"server {server.name}")}
        assert states_of(lambda: health(previous=before["figures"]), wanted, others=False) == wanted
    keep("slow_consumer", "SLOW_CONSUMER")
