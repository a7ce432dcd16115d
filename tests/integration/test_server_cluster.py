# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What we rely on of nats-server when leaders, replicas and members move: a version that does otherwise shall tell us here."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    Asset,
    groups,
    meta_peers,
    named_meta_leader,
    peer_id,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import Members, remove_peer
from tests.support.waiting import eventually


@pytest.fixture
def system(cluster):
    """A request of the system account."""
    with Connection(cluster.system()) as connection:
        yield lambda call, **body: connection.request(f"$JS.API.{call}", json.dumps(body).encode())


@pytest.fixture
def placed(jetstream):
    """A stream on three servers: its leader, and one of the others."""
    jetstream("STREAM.CREATE.S", name="S", num_replicas=3)
    told = jetstream("STREAM.INFO.S")["cluster"]
    return told["leader"], told["replicas"][0]["name"]


def prefer(name):
    return {"placement": {"preferred": name}}


def test_the_system_account_moves_no_accounts_leader(placed, system):
    assert system("STREAM.LEADER.STEPDOWN.S", **prefer(placed[1]))["error"]["err_code"] == 10039


def test_who_can_be_preferred(placed, jetstream):
    refusals = {name: jetstream("STREAM.LEADER.STEPDOWN.S", **prefer(name))["error"] for name in (placed[0], "n9")}
    assert {name: refusal["err_code"] for name, refusal in refusals.items()} == {placed[0]: 10005, "n9": 10005}
    assert refusals["n9"]["description"] == 'preferred server "n9" not known'
    assert refusals[placed[0]]["description"].endswith("is already leader")
    assert jetstream("STREAM.LEADER.STEPDOWN.S", **prefer(placed[1]))["success"] is True


def test_a_step_down_of_a_single_replica_succeeds_and_changes_nothing(jetstream):
    before = jetstream("STREAM.CREATE.R", name="R")["cluster"]["leader"]
    assert jetstream("STREAM.LEADER.STEPDOWN.R")["success"] is True
    assert jetstream("STREAM.INFO.R")["cluster"]["leader"] == before


@pytest.mark.parametrize(
    ("call", "body", "err_code"),
    [
        ("SERVER.REMOVE", {"peer": "n9"}, 10044),
        ("SERVER.EVACUATE", {"peer": "n9"}, 10044),
        ("ACCOUNT.STREAM.CANCEL_MOVE.{account}.S", {}, 10129),
        ("ACCOUNT.STREAM.MOVE.{account}.S", {"server": "n9"}, 10044),
        ("ACCOUNT.STREAM.MOVE.{account}.S", {"server": "n1"}, 10005),
        ("ACCOUNT.STREAM.MOVE.{account}.NONE", {"server": "n1"}, 10059),
    ],
)
def test_codes_of_what_can_not_move(placed, account, system, call, body, err_code):
    assert system(call.format(account=account["user"].upper()), **body)["error"]["err_code"] == err_code


def test_two_members_are_not_removed_at_once(own_cluster):
    with Connection(own_cluster.system()) as system:
        leader = named_meta_leader(Members(system, own_cluster.names()).look())

        async def remove_the_others():
            others = [name for name in own_cluster.names() if name != leader]
            return await asyncio.gather(*(system.ask("$JS.API.SERVER.REMOVE", {"peer": name}) for name in others))

        answers = system.run(remove_the_others())
    assert [answer.get("error", {}).get("err_code") for answer in answers] == [None, 10202]


def test_an_evacuation_takes_replicas_away_without_a_word(own_cluster):
    """So a stream that is too wide for the rest is refused before."""
    with Connection(own_cluster.user("t0")) as application, Connection(own_cluster.system()) as system:
        application.request("$JS.API.STREAM.CREATE.S", {"name": "S", "num_replicas": 3})
        assert system.request("$JS.API.SERVER.EVACUATE", {"peer": "n3"})["success"] is True
        members = Members(system, own_cluster.names())
        eventually(lambda: groups(members.look())[Asset("T0", "S")].servers == {"n1", "n2"})


def test_a_name_that_meta_has_forgotten_is_removed_by_its_id(own_cluster):
    own_cluster.stop(own_cluster[2])
    for server in own_cluster.servers[:2]:
        own_cluster.stop(server, signal.SIGTERM)
    for server in own_cluster.servers[:2]:
        own_cluster.start(server)
    with Connection(own_cluster.system()) as system:
        members = Members(system, ("n1", "n2"))
        eventually(lambda: peer_id("n3") in (meta_peers(members.look()) or ()))
        eventually(lambda: members.api("SERVER.REMOVE", peer="n3")[0] == 10044)
        assert peer_id("n3") in (meta_peers(members.look()) or ())
        assert remove_peer(members, "n3", 20) is True
