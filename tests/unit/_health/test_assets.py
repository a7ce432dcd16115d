# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which servers streams and consumers are."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    Asset,
    consumer_replicas,
    groups,
    holds,
    named_meta_leader,
    single_replicas,
    too_wide,
)
from tests.support.placed import ACCOUNT, answers


def asset(path):
    stream, _slash, consumer = path.partition("/")
    return Asset(ACCOUNT, stream, consumer)


def test_what_a_server_holds():
    servers = answers(
        "n1 n2 n3 n4",
        {"S": "n1 n2 n3", "R": "n4", "M": "n1 n2 n4", "O": "n1 n2 n3"},
        {"S/c": "n1", "M/d": "n4 n1 n2"},
    )
    assert [str(found) for found in holds(servers, "n4")] == [
        "stream M of account A",
        "consumer d of stream M of account A",
        "stream R of account A",
    ]
    # A copy that its leader knows nothing of any more is still there until it is deleted.
    left = answers("n4", {"O": "n4"})["n4"]
    servers["n4"]["data"]["account_details"] += left["data"]["account_details"]
    assert asset("O") in holds(servers, "n4")


@pytest.mark.parametrize(
    ("placed", "wanted", "desired", "moving"),
    [
        ("n1 n2 n3", 3, [], False),
        ("n1 n2 n3 n4", 3, [], True),
        ("n1 n2 n3", 3, ["S"], True),
        ("n1 n2", 3, [], False),
        ("n1 n2", 1, [], True),
    ],
)
def test_what_moves_is_not_settled(placed, wanted, desired, moving):
    servers = answers("n1 n2 n3 n4", {"S": placed}, configs={"S": {"num_replicas": wanted}}, desired=desired)
    group = groups(servers)[asset("S")]
    assert (group.moving, group.settled) == (moving, not moving and len(placed.split()) == wanted)


@pytest.mark.parametrize(
    ("config", "stream", "replicas"),
    [
        ({"durable_name": "c"}, {"num_replicas": 3}, 3),
        ({"durable_name": "c", "num_replicas": 1}, {"num_replicas": 3}, 1),
        ({"num_replicas": 0}, {"num_replicas": 3}, 1),
        ({"num_replicas": 0}, {"num_replicas": 3, "retention": "interest"}, 3),
        ({"durable_name": "c", "num_replicas": 5}, {"num_replicas": 3}, 3),
    ],
)
def test_replicas_of_a_consumer(config, stream, replicas):
    assert consumer_replicas(config, stream) == replicas


def test_what_would_be_lost_with_a_server():
    configs = {"M": {"storage": "memory"}, "F": {"storage": "file"}}
    servers = answers("n1 n2", {"M": "n1", "F": "n1", "S": "n1 n2", "O": "n2"}, configs=configs)
    assert [(group.asset.stream, group.storage) for group in single_replicas(servers, "n1")] == [
        ("F", "file"),
        ("M", "memory"),
    ]


@pytest.mark.parametrize(
    ("staying", "tags", "sentences"),
    [
        (["n1", "n2", "n3"], [], []),
        (["n1", "n2"], [], ["stream S of account A has 3 replicas; of the servers that stay it may use 2"]),
        (
            ["n1", "n2", "n3", "n4"],
            ["Fast"],
            ["stream S of account A has 3 replicas; of the servers that stay it may use 2, with its tags Fast"],
        ),
        (["n1", "n2", "n3", "n4"], ["!fast"], ["stream S of account A has 3 replicas; of the servers that stay it may use 2, with its tags !fast"]),
    ],
)  # fmt: skip
def test_too_wide_for_those_that_stay(staying, tags, sentences):
    servers = answers(
        "n1 n2 n3 n4", {"S": "n1 n2 n3"}, {"S/c": "n1 n2 n3"}, configs={"S": {"placement": {"tags": tags}}}
    )
    for name in ("n1", "n2"):
        servers[name]["server"]["tags"] = ["fast"]
    assert too_wide(servers, staying) == sentences


def test_a_server_without_jetstream_takes_nothing():
    servers = answers("n1 n2 n3", {"S": "n1 n2"})
    servers["n3"]["data"]["disabled"] = True
    assert too_wide(servers, ["n1", "n3"]) == [
        "stream S of account A has 2 replicas; of the servers that stay it may use 1"
    ]


def test_a_leader_is_believed_on_its_own_word():
    servers = answers("n1 n2 n3", {}, meta="n1 n2 n3")
    servers["n2"]["data"]["meta_cluster"]["leader"] = "n3"
    assert named_meta_leader(servers) == "n1"
    del servers["n1"]
    assert named_meta_leader(servers) is None
