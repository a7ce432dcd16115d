# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leaders, replicas and members of real servers, under publishing; `make versions` runs this on each of them."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace

import nats
import nats.errors
import nats.js.errors
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    groups,
    holds,
    meta_peers,
    single_replicas,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._operations.balance_plan import leader_moves, moves
from ansible_collections.messaging.nats.plugins.module_utils._operations.evacuation import evacuate, move_off
from ansible_collections.messaging.nats.plugins.module_utils._operations.leader_transfer import hand_over
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import handovers, leads
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import (
    Members,
    remove_peer,
    wait_members,
)
from ansible_collections.messaging.nats.plugins.modules import nats_rebalance
from tests.support.publisher import Publisher
from tests.support.servers import Cluster, running, secret

STREAMS = [f"S{number}" for number in range(3)]
SINGLE = [f"R{number}" for number in range(3)]


@pytest.fixture
def five(tmp_path):
    """Five servers for a test that empties them."""
    yield from running(Cluster(tmp_path, ["n1", "n2", "n3", "n4", "n5"], accounts=1))


@pytest.fixture
def asked(request):
    """The cluster of a test, with connections as system account and as application."""
    cluster = request.getfixturevalue("five" if "five" in request.fixturenames else "own_cluster")
    with ExitStack() as opened:
        system, application = (opened.enter_context(Connection(cluster.user(name))) for name in ("sys-user", "t0"))
        yield Members(system, cluster.names()), application


def fill(application, count=20):
    """Streams with three replicas and a consumer, and such with one, all with messages; half of them acknowledged."""

    async def work():
        jetstream = (await application.client()).jetstream(timeout=5)
        for name in [*STREAMS, *SINGLE]:
            await made(jetstream, name, 3 if name in STREAMS else 1)
            puller = await subscribed(jetstream, name)
            for number in range(count):
                await published(jetstream, name, number)
            for message in await fetched(puller, count // 2):
                await message.ack_sync()

    application.run(work())


async def fetched(puller, count):
    """A new consumer may have no leader yet."""
    for _try in range(50):
        try:
            return await puller.fetch(count, timeout=5)
        except nats.js.errors.ServiceUnavailableError:
            await asyncio.sleep(0.1)
    raise AssertionError("the consumer delivers nothing")


async def made(jetstream, name, replicas):
    """Meta may not yet know who is there."""
    for _try in range(50):
        try:
            return await jetstream.add_stream(name=name, num_replicas=replicas)
        except (nats.errors.TimeoutError, nats.js.errors.APIError):
            await asyncio.sleep(0.2)
    raise AssertionError(f"{name} can't be made")


async def subscribed(jetstream, name):
    """A request to a stream that has just been made may reach nobody."""
    for _try in range(10):
        try:
            return await jetstream.pull_subscribe("", durable="c", stream=name)
        except (nats.errors.TimeoutError, nats.js.errors.APIError):
            await asyncio.sleep(0.2)
    raise AssertionError(f"{name} gets no consumer")


async def published(jetstream, name, number):
    """A stream that was only just made may have no leader yet."""
    for _try in range(20):
        try:
            return await jetstream.publish(name, b"x", headers={"Nats-Msg-Id": str(number)})
        except (nats.errors.Error, nats.js.errors.Error):
            await asyncio.sleep(0.1)
    raise AssertionError(f"{name} takes nothing")


def stored(members):
    """Messages of each stream, and what each consumer has acknowledged."""
    found = groups(members.look())
    messages = {asset.stream: group.report["state"]["messages"] for asset, group in found.items() if not asset.consumer}
    acked = {asset.stream: group.report["ack_floor"]["stream_seq"] for asset, group in found.items() if asset.consumer}
    return messages, acked


def settled(members, within=10):
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = groups(members.look())
        if found and all(group.settled for group in found.values()):
            return found
        time.sleep(0.1)
    raise AssertionError([str(group) for group in found.values() if not group.settled])


def test_leaders_go_to_servers_that_have_restarted_already(own_cluster, asked):
    members, application = asked
    fill(application)
    settled(members)
    server = next(name for name in members.names if leads(members.look(), name).meta)
    done = [name for name in members.names if name != server][:1]
    planned = handovers(members.look(), server, done)
    assert {str(move) for move in planned} >= {"meta"}
    assert {move.goes for move in planned} == set(done)
    with Publisher(own_cluster, STREAMS) as publisher:
        assert hand_over(members.system, lambda _account: application, planned, 20) == []
        time.sleep(0.2)
    left = leads(members.look(), server)
    found = groups(members.look())
    assert not left.meta
    assert [asset for asset in left.assets if found[asset].wanted > 1] == []
    assert stored(members)[0] == {name: 20 + publisher.acked.get(name, 0) for name in [*STREAMS, *SINGLE]}
    assert handovers(members.look(), server) == []


def test_leaders_without_credentials_stay(own_cluster, asked):
    members, application = asked
    fill(application)
    found = settled(members)
    server = Counter(group.leader for group in found.values() if group.wanted > 1).most_common(1)[0][0]
    planned = [move for move in handovers(members.look(), server) if move.asset]
    said = hand_over(members.system, lambda _account: None, planned, 5)
    assert said == [f"account T0: {len(planned)} leaders stay: there are no credentials for it"]


def test_nothing_moves_once_another_play_has_the_lease(asked):
    members, application = asked
    fill(application)

    def lost():
        raise NatsError("cluster nats", "another play works on it")

    late = replace(members, check_lease=lost)
    found = settled(members)
    server = next(name for name in members.names if leads(members.look(), name).meta)
    before = leads(members.look(), server), {asset: group.servers for asset, group in found.items()}
    steps = [
        lambda: hand_over(members.system, lambda _account: application, handovers(members.look(), server), 5, lost),
        lambda: move_off(late, server, [asset for asset, group in found.items() if server in group.servers], 5),
        lambda: remove_peer(late, server, 5),
    ]
    for step in steps:
        with pytest.raises(NatsError, match="another play works on it"):
            step()
    assert before == (
        leads(members.look(), server),
        {asset: group.servers for asset, group in settled(members).items()},
    )


def test_five_servers_become_three_and_nothing_is_lost(five, asked):
    members, application = asked
    fill(application)
    settled(members)
    before, staying = stored(members), ("n1", "n2", "n3")
    with Publisher(five, STREAMS) as publisher:
        for name in ("n5", "n4"):
            assert evacuate(members, name, 60, staying) is True
            assert holds(members.look(), name) == {}
            assert evacuate(members, name, 60, staying) is False
            members = Members(members.system, tuple(other for other in members.names if other != name))
            assert remove_peer(members, name, 30) is True
            assert remove_peer(members, name, 30) is False
            wait_members(members, 30)
    settled(members)
    messages, acked = stored(members)
    assert acked == before[1]
    assert messages == {name: count + publisher.acked.get(name, 0) for name, count in before[0].items()}
    with pytest.raises(NatsError, match="n5 answers, but is no member of meta: one that was removed less than five"):
        wait_members(Members(members.system, (*staying, "n5")), 0)
    with pytest.raises(
        NatsError, match="stream S0 of account T0 has 3 replicas; of the servers that stay it may use 2"
    ):
        evacuate(members, "n3", 10)


def test_an_evacuation_that_takes_too_long_fails_and_goes_on_when_it_is_run_again(five, asked):
    members, application = asked
    fill(application)
    found = settled(members)
    name = Counter(server for group in found.values() for server in group.servers).most_common(1)[0][0]
    with pytest.raises(NatsError, match=r"after 0 s it still has stream .* led by n.*Run it again") as failure:
        evacuate(members, name, 0)
    assert failure.value.code == "TIMED_OUT"
    assert evacuate(members, name, 60) in (True, False)
    assert holds(members.look(), name) == {}


def test_single_replicas_leave_a_server_before_it_restarts(own_cluster, asked):
    members, application = asked
    fill(application)
    settled(members)
    before = stored(members)
    name = next(name for name in members.names if single_replicas(members.look(), name))
    streams = [group.asset for group in single_replicas(members.look(), name)]
    assert move_off(members, name, streams, 30) is True
    assert single_replicas(members.look(), name) == []
    assert move_off(members, name, streams, 30) is False
    settled(members)
    assert stored(members) == before


@pytest.mark.parametrize("tagged", [False, True], ids=["where the server likes", "where we like"])
def test_servers_that_join_get_their_share(five, asked, tagged, run_module):
    members, application = asked
    late = five.servers[3:]
    for server in late:
        five.stop(server, signal.SIGTERM)
    early = Members(members.system, members.names[:3])
    end = time.monotonic() + 60
    while sum(bool(peer.get("offline")) for peer in (meta_peers(early.look()) or {}).values()) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    fill(application)
    for server in late:
        five.start(server, **({"server_tags": [server.name]} if tagged else {}))
    five.wait()
    settled(members)
    before = stored(members)
    params = {
        "servers": [server.url for server in five.servers[:3]],
        "user": "sys-user",
        "password": secret("sys-user"),
        "expected_members": list(members.names),
        "accounts": [{"account": "T0", "user": "t0", "password": secret("t0")}],
        "wait_timeout": 60,
    }
    foreseen = run_module(nats_rebalance, **params, check=True)
    assert foreseen["changed"] is True, foreseen
    assert [foreseen["diff"]["before"][server.name]["streams"] for server in late] == [0, 0]
    assert placed(members) == {server.name for server in five.servers[:3]}
    over = threading.Event()
    with Publisher(five, STREAMS) as publisher, ThreadPoolExecutor() as pool, ExitStack() as ended:
        counted = pool.submit(replicas, five, over)
        ended.callback(over.set)
        done = run_module(nats_rebalance, **params)
    assert min(counted.result()) == 3
    assert (done["changed"], done["unmoved"]) == (True, []), done
    assert {move["to"] for move in done["moves"] if move["what"] == "replica"} <= set(members.names)
    counts = [server["streams"] for server in done["servers"].values()]
    assert max(counts) - min(counts) <= 2
    assert moves(members.look(), members.names) == []
    assert leader_moves(members.look(), members.names) == []
    assert {str(group.report["config"].get("placement")) for group in settled(members).values()} == {"None"}
    messages, acked = stored(members)
    assert acked == before[1]
    assert messages == {name: count + publisher.acked.get(name, 0) for name, count in before[0].items()}
    again = run_module(nats_rebalance, **params)
    assert (again["changed"], again["moves"]) == (False, [])


def replicas(cluster, over):
    """How many the streams have, by their leaders' word, until it is over."""
    seen = set()
    with Connection(cluster.user("t0")) as application:
        while not over.wait(0.05):
            for name in STREAMS:
                with suppress(NatsError):  # a moment without a leader
                    told = application.request(f"$JS.API.STREAM.INFO.{name}", timeout=0.5)["cluster"]
                    seen.add(len(told["replicas"]) + 1)
    return seen


def placed(members):
    return {name for group in groups(members.look()).values() for name in group.servers}


def test_clients_that_gathered_on_one_server_are_spread(own_cluster, asked, run_module):
    members, _application = asked
    urls = [server.url for server in own_cluster.servers]
    params = {
        "servers": urls,
        "user": "sys-user",
        "password": secret("sys-user"),
        "expected_members": list(members.names),
        "replicas": False,
        "leaders": False,
        "connections": True,
        "kicks_per_second": 50,
    }

    async def gather():
        login = {"user": "t0", "password": secret("t0"), "dont_randomize": True, "reconnect_time_wait": 0.05}
        pools = [[urls[0], urls[1 + number % 2], urls[2 - number % 2]] for number in range(6)]
        clients = [await nats.connect(pool, error_cb=quiet, **login) for pool in pools]
        try:
            results = [
                await asyncio.to_thread(run_module, nats_rebalance, **params, check=check) for check in (True, False)
            ]
            assert all(client.is_connected for client in clients)
            return [*results, await asyncio.to_thread(run_module, nats_rebalance, **params)]
        finally:
            for client in clients:
                await client.close()

    foreseen, done, again = asyncio.run(gather())
    assert foreseen["before"]["n1"]["connections"] == done["before"]["n1"]["connections"] == 6, done
    assert {name: server["connections"] for name, server in foreseen["servers"].items()} == {"n1": 2, "n2": 2, "n3": 2}
    assert done["servers"] == foreseen["servers"]
    assert [len(result["moves"]) for result in (foreseen, done, again)] == [4, 4, 0]
    assert (done["changed"], again["changed"]) == (True, False)


async def quiet(_error):
    """A client is not told that its connection was closed: it connects again."""


def test_an_unhealthy_cluster_is_left_alone(own_cluster, run_module, monkeypatch):
    monkeypatch.setattr(nats_rebalance, "HEALTHY_TIMEOUT_S", 0)
    own_cluster.stop(own_cluster[2])
    login = {"user": "sys-user", "password": secret("sys-user"), "expected_members": list(own_cluster.names())}
    result = run_module(nats_rebalance, servers=[server.url for server in own_cluster.servers[:2]], **login)
    assert result["failed"] is True
    assert "it is not healthy, so nothing was moved: server n3: " in result["cause"]
    assert (result["code"], result["remedy"]) == ("UNHEALTHY", "Look at it with nats_diagnose first.")
    assert "SERVER_DOWN" in {finding["code"] for finding in result["findings"]}
