# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to move for every server to have its share, and that nothing moves then."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset, groups
from ansible_collections.messaging.nats.plugins.module_utils._operations.balance_plan import (
    Move,
    foreseen,
    imbalance,
    kicks,
    leader_moves,
    moves,
    placement,
)
from tests.support.placed import ACCOUNT, STORE, answers

NAMES = ["n1", "n2", "n3", "n4", "n5"]


def planned(servers, names="n1 n2 n3 n4 n5", fixed=()):
    """`[("S", "n1", "n4")]`."""
    return [(move.asset.stream, move.leaves, move.goes) for move in moves(servers, names.split(), fixed)]


def test_new_servers_get_their_share_and_leaders_stay_where_they_can():
    servers = answers("n1 n2 n3 n4 n5", {f"S{number}": "n1 n2 n3" for number in range(5)})
    made = planned(servers)
    assert Counter(goes for _stream, _leaves, goes in made) == {"n4": 3, "n5": 3}
    assert Counter(leaves for _stream, leaves, _goes in made) == {"n1": 2, "n2": 2, "n3": 2}
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("streams", "wanted"),
    [
        ({}, {}),
        ({"S": "n1 n2 n3"}, {}),
        ({"R": "n1"}, {}),
        ({"A": "n1", "B": "n2", "C": "n3", "D": "n4", "E": "n5", "F": "n1"}, {}),
        ({"A": "n1", "B": "n1"}, {"n2": 1}),
        ({"S": "n1 n2 n3", "T": "n1 n2 n3"}, {"n4": 1, "n5": 1}),
    ],
)
def test_streams_that_are_spread_evenly_enough_stay(streams, wanted):
    made = planned(answers("n1 n2 n3 n4 n5", streams))
    assert Counter(goes for _stream, _leaves, goes in made) == wanted


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (lambda servers: servers["n2"]["data"].update(disabled=True), 0),
        (lambda servers: servers["n2"]["data"].update(storage=STORE), 0),
        (lambda servers: servers.pop("n2"), 0),
        (lambda servers: None, 2),
    ],
    ids=["no JetStream", "no room", "no answer", "nothing is wrong"],
)
def test_servers_that_can_not_take_a_replica_get_none(change, count):
    servers = answers("n1 n2", dict.fromkeys("ABCD", "n1"), stores=dict.fromkeys("ABCD", 10))
    change(servers)
    assert len(planned(servers, "n1 n2")) == count


def test_what_moves_or_lacks_a_replica_is_not_touched():
    streams = {"A": "n1", "B": "n1", "C": "n1", "D": "n1 ~n2"}
    servers = answers("n1 n2 n3", streams, desired=["A"])
    assert {stream for stream, _leaves, _goes in planned(servers, "n1 n3", [Asset(ACCOUNT, "B")])} == {"C"}


def test_placement_tags_are_respected():
    servers = answers("n1 n2 n3", dict.fromkeys("ABCD", "n1"), configs={"A": {"placement": {"tags": ["ssd"]}}})
    servers["n2"]["server"]["tags"] = ["ssd"]
    assert {(stream, goes) for stream, _leaves, goes in planned(servers, "n1 n2 n3") if stream == "A"} <= {("A", "n2")}


def test_a_large_stream_weighs_as_much_as_many_small_ones():
    streams = {"BIG": "n1", **{f"S{number}": "n1" for number in range(4)}}
    servers = answers("n1 n2", streams, stores={"BIG": 100})
    assert planned(servers, "n1 n2") == [("BIG", "n1", "n2")]


PLACES = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(PLACES, st.sampled_from([0, 1, 3, 50])), max_size=12))
@example([(["n1"], 0), (["n1"], 0), (["n1"], 1), (["n1"], 50)])
def test_every_plan_ends_and_makes_it_more_even_and_a_second_plan_is_empty(streams):
    places = {f"S{number:02}": " ".join(names) for number, (names, _size) in enumerate(streams)}
    sizes = {f"S{number:02}": size for number, (_names, size) in enumerate(streams)}
    servers = answers(" ".join(NAMES), places, stores=sizes)
    made = moves(servers, NAMES)
    for move in made:
        names = [move.goes if name == move.leaves else name for name in places[move.asset.stream].split()]
        assert len(set(names)) == len(names)
        places[move.asset.stream] = " ".join(names)
    after = answers(" ".join(NAMES), places, stores=sizes)
    assert moves(after, NAMES) == []
    assert imbalance(after, NAMES) < imbalance(servers, NAMES) or not made


def led(streams, consumers=None, names="n1 n2 n3", skipped=()):
    """`{"stream S": "n2"}`: who should lead instead."""
    found = leader_moves(answers(names, streams, consumers), names.split(), skipped)
    return {str(move).removesuffix(f" of account {ACCOUNT}"): move.goes for move in found}


@pytest.mark.parametrize(
    ("streams", "wanted"),
    [
        ({"A": "n1 n2 n3", "B": "n1 n2 n3", "C": "n1 n2 n3"}, {"n2": 1, "n3": 1}),
        ({"A": "n1 n2 n3", "B": "n2 n1 n3"}, {}),
        ({"A": "n1 ~n2 ~n3", "B": "n1 ~n2 !n3"}, {}),
        ({"A": "n1", "B": "n1", "C": "n1"}, {}),
        # n1 leads three, n2 two, n3 one, and only n2 can take from n1.
        ({"A": "n1 n2", "B": "n1 n2", "C": "n1 n2", "D": "n2 n3", "E": "n2 n3", "F": "n3 n2"}, {"n2": 1, "n3": 1}),
    ],
    ids=["all on one", "even", "nobody is current", "single replicas", "along a chain"],
)
def test_leaders_are_spread_evenly(streams, wanted):
    assert Counter(led(streams).values()) == wanted


def test_leaders_of_streams_and_of_consumers_are_spread_independently():
    consumers = {f"A/c{number}": "n1 n2 n3" for number in range(3)}
    assert Counter(led({"A": "n1 n2 n3"}, consumers).values()) == {"n2": 1, "n3": 1}


def test_a_server_that_leads_more_streams_leads_fewer_consumers():
    servers = {"A": "n1 n2 n3", "B": "n2 n1 n3", "C": "n1 n2 n3", "D": "n3 n1 n2"}
    consumers = {"A/c": "n1 n2 n3", "B/c": "n2 n1 n3", "C/c": "n1 n2 n3", "D/c": "n3 n1 n2"}
    assert led(servers, consumers) == {"consumer c of stream A": "n2"}


def test_leaders_of_accounts_without_a_login_stay():
    streams = {"A": "n1 n2 n3", "B": "n1 n2 n3", "C": "n1 n2 n3"}
    assert led(streams, skipped=[ACCOUNT]) == {}


def clients(**counts):
    """So many clients of each server, the idle ones first."""
    return {
        name: {
            "server": {"id": name.upper()},
            "data": {
                "connections": [{"cid": cid, "last_activity": f"2026-01-01T00:00:{cid:02}Z"} for cid in range(count)]
            },
        }
        for name, count in counts.items()
    }


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ({"n1": 9, "n2": 0, "n3": 0}, {"N1": 6}),
        ({"n1": 4, "n2": 3, "n3": 3}, {}),
        ({"n1": 11, "n2": 10, "n3": 9}, {}),
        ({"n1": 12, "n2": 9, "n3": 9}, {"N1": 2}),
        ({"n1": 0, "n2": 0, "n3": 0}, {}),
        ({"n1": 1, "n2": 0, "n3": 0}, {}),
    ],
)
def test_servers_with_more_clients_than_the_average_close_some(counts, wanted):
    found = kicks(clients(**counts), list(counts))
    assert Counter(kick.server_id for kick in found) == wanted
    assert [kick.cid for kick in found] == list(range(len(found)))


def test_connections_of_the_collection_do_not_count_as_clients():
    servers = clients(n1=4, n2=0)
    for client in servers["n1"]["data"]["connections"]:
        client["name"] = "messaging.nats"
    assert kicks(servers, ["n1", "n2"]) == []


def test_the_figures_that_a_plan_would_lead_to():
    servers = answers("n1 n2", dict.fromkeys("ABCD", "n1"), stores=dict.fromkeys("ABCD", 5))
    before = {
        name: told | {"connections": count}
        for (name, told), count in zip(placement(servers, ["n1", "n2"]).items(), (4, 0), strict=True)
    }
    after = foreseen(
        before, groups(servers), moves(servers, ["n1", "n2"]), [], kicks(clients(n1=4, n2=0), ["n1", "n2"])
    )
    assert after["n2"] == {"streams": 2, "leaders": 0, "bytes": 10, "connections": 2}
    assert before["n1"]["streams"] == 4


def many(count, seed):
    """Most streams on three of five servers, of all sizes."""
    chance, names = random.Random(seed), NAMES
    streams, stores, configs = {}, {}, {}
    for number in range(count):
        stream = f"S{number:04}"
        servers = names if chance.random() > 0.9 else names[:3]
        streams[stream] = " ".join(chance.sample(servers, chance.choice((1, 3))))
        stores[stream] = chance.choice((0, 10, chance.randint(1, 10**6)))
        configs[stream] = {"storage": chance.choice(("file", "memory"))}
    told = answers(" ".join(NAMES), streams, stores=stores, configs=configs)
    for answer in told.values():
        answer["data"]["config"] = {"max_storage": 10**12, "max_memory": 2 * 10**7}
    return told


def by_looking_at_all(servers, members):
    """The same moves, found by comparing each stream on each server with each other."""
    found = groups(servers)
    replicas = sum(len(group.servers) for group in found.values())
    mean = sum(group.bytes * len(group.servers) for group in found.values()) / replicas
    weight = {asset: 1 + group.bytes / mean for asset, group in found.items()}
    at = {name: {asset for asset, group in found.items() if name in group.servers} for name in members}
    room = dict.fromkeys(itertools.product(members, ("file", "memory")), 0.9 * 2 * 10**7) | {
        (name, "file"): 0.9 * 10**12 for name in members
    }
    planned: list[Move] = []
    while True:
        load = {name: math.fsum(weight[asset] for asset in assets) for name, assets in at.items()}
        pairs = sorted((-round(load[full] - load[bare], 6), full, bare) for full in members for bare in members)
        for below, full, bare in pairs:
            fit = [
                (round(weight[asset] * (-below - weight[asset]), 6), group.leader != full, -group.bytes, asset)
                for asset in at[full] - at[bare]
                if -below - weight[asset] >= 1 and (group := found[asset]).bytes <= room[bare, group.storage]
            ]
            if fit:
                break
        else:
            return planned
        asset = max(fit)[-1]
        planned.append(Move(asset, full, bare))
        at[full].remove(asset)
        at[bare].add(asset)
        room[bare, found[asset].storage] -= found[asset].bytes


@pytest.mark.parametrize("seed", range(8))
def test_the_first_move_evens_out_most(seed):
    servers, members = many(40, seed), NAMES
    assert moves(servers, members) == by_looking_at_all(servers, members)


def test_thousands_of_streams_are_planned_at_once():
    servers, members = many(2000, 1), NAMES
    started = time.process_time()
    assert len(moves(servers, members)) > 300
    # Less than a second where nothing else runs; a plan that looks at all streams for each move takes twenty times as long.
    assert time.process_time() - started < 5
