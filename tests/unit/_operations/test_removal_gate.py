# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server may be away for long or lose its store."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Listed, NotAsked, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import (
    against_being_without,
    against_doing_without,
    against_its_copies,
    only_there,
    unknown_accounts,
)
from tests.support.placed import ACCOUNT, answers

NAMES = ("n1", "n2", "n3")
NO_LOGIN = NotAsked("no Secret", reason=Unasked.NO_LOGIN)
LATE = NotAsked("no answer")


def snapshot(there, streams, consumers=None, meta="", accounts=None, configs=None, unasked=None):
    told = answers(there, streams, consumers, meta=meta, configs=configs)
    return Snapshot(NAMES, answers=tuple(told.values()), accounts=accounts or {}, unasked=unasked or {})


@pytest.mark.parametrize(
    ("there", "streams", "meta", "wanted"),
    [
        ("n1 n2 n3", {"S": "n1 n2 n3"}, "n1 n2 n3", []),
        ("n2 n3", {"S": "n2 !n1 n3"}, "n2 !n1 n3", []),
        ("n1 n3", {"S": "n1 !n2 n3"}, "n1 !n2 n3", ["server n2 does not answer"]),
        ("n1 n2 n3", {"S": "n1 n2 n3"}, "n1 ~n2 n3", ["server n2 is not current in meta"]),
        ("n1 n2 n3", {"S": "n1 n2 n3"}, "n1 n2", ["server n3 is no member of meta"]),
        ("n1 n2 n3", {"S": "n1 n2 n3"}, None, ["there is no meta leader"]),
        ("n1 n2 n3", {"S": "n2 n1 ~n3"}, "n1 n2 n3", ["stream S of account A would have 1 of the 2 replicas it needs"]),
        ("n1 n2 n3", {"S": "n2 ~n1 n3"}, "n1 n2 n3", []),
        ("n1 n2 n3", {"S": "- n1 n2"}, "n1 n2 n3", ["stream S of account A has no leader"]),
        ("n1 n2 n3", {"R": "n1", "T": "n2"}, "n1 n2 n3", []),
    ],
    ids=[
        "all are whole",
        "it is away already",
        "never two at once",
        "another one is behind in meta",
        "another one was removed",
        "nobody leads",
        "another copy is behind",
        "its own copy may be behind",
        "a stream has no leader",
        "single replicas are no matter of quorum",
    ],
)
def test_whether_others_can_do_without_a_server(there, streams, meta, wanted):
    assert against_doing_without(snapshot(there, streams, meta=meta), "n1") == wanted


def test_a_replica_that_is_behind_counts_where_there_is_a_quorum_too():
    names = ("n1", "n2", "n3", "n4", "n5")
    told = answers(" ".join(names), {"S": "n2 n1 n3 n4 ~n5"})
    found = against_doing_without(Snapshot(names, answers=tuple(told.values())), "n1")
    assert found == ["stream S of account A: its replica on n5 is not current"]


def test_a_single_server_depends_on_no_others():
    told = answers("n1", {"R": "n1"}, meta=None)
    assert against_doing_without(Snapshot(("n1",), answers=tuple(told.values())), "n1") == []


def told(found):
    return [str(asset) for asset in found]


@pytest.mark.parametrize(
    ("there", "streams", "consumers", "configs", "listed", "wanted"),
    [
        ("n1 n2 n3", {"S": "n1 n2 n3", "R": "n1", "T": "n2"}, {}, {}, {}, ["stream R of account A"]),
        ("n1 n2 n3", {"S": "n1 ~n2 !n3"}, {}, {}, {}, ["stream S of account A"]),
        ("n1 n2 n3", {"S": "n1 n2 n3"}, {"S/c": "n1"}, {}, {}, ["consumer c of stream S of account A"]),
        ("n1 n2 n3", {"S": "n1 n2 n3"}, {"S/c": "n1"}, {"S/c": {"durable_name": ""}}, {}, []),
        ("n1 n2 n3", {"R": "n1"}, {"R/c": "n1"}, {}, {}, ["stream R of account A"]),
        ("n2 n3", {"S": "n2 !n1 n3"}, {}, {}, {"S": [], "R": []}, ["stream R of account A"]),
        ("n2 n3", {"S": "n2 !n1 n3"}, {}, {}, {"S": ["c"]}, ["consumer c of stream S of account A"]),
        ("n2 n3", {"S": "n2 !n1 n3"}, {"S/c": "n2 !n1 n3"}, {}, {"S": ["c"]}, []),
    ],
    ids=[
        "one replica",
        "no other is current",
        "a durable consumer with one replica",
        "an ephemeral one is made anew",
        "a consumer goes with its stream",
        "a stream that nobody has who answers",
        "a consumer that nobody has who answers",
        "all is elsewhere",
    ],
)
def test_what_only_one_server_has(there, streams, consumers, configs, listed, wanted):
    accounts = {ACCOUNT: Listed(tuple(listed), {name: tuple(found) for name, found in listed.items()})}
    found = snapshot(there, streams, consumers, configs=configs, accounts=accounts, meta="n2 n1 n3")
    assert told(only_there(found, "n1")) == wanted


@pytest.mark.parametrize(
    ("there", "accounts", "unasked", "wanted"),
    [
        ("n1 n2 n3", {ACCOUNT: Listed()}, {}, {}),
        ("n1 n2 n3", {}, {ACCOUNT: NO_LOGIN}, {}),
        ("n1 n2 n3", {}, {ACCOUNT: LATE}, {ACCOUNT: "no answer"}),
        ("n1 n2 n3", {}, {}, {ACCOUNT: "it was not asked"}),
        ("n2 n3", {}, {ACCOUNT: NO_LOGIN}, {ACCOUNT: "no Secret"}),
        ("n2 n3", {ACCOUNT: Listed()}, {}, {}),
    ],
    ids=["asked", "the server tells itself", "it did not answer", "forgotten", "the server is silent", "asked then"],
)
def test_an_account_that_could_not_be_asked(there, accounts, unasked, wanted):
    found = snapshot(there, {"S": "n2 n3"}, accounts=accounts, unasked=unasked)
    assert unknown_accounts(found, "n1") == wanted


def with_states(found, states):
    """`{"n1": 5}`: the last sequence and the messages of a server's own copies."""
    for answer in found.answers:
        for stream in answer["data"]["account_details"][0]["stream_detail"]:
            last = states[answer["server"]["name"]]
            stream |= {"state": {"last_seq": last, "messages": last}}
    return found


@pytest.mark.parametrize(
    ("mine", "wanted"),
    [
        (5000, []),
        (4950, []),
        (3000, ["stream S of account A: n1 lacks 2000 messages"]),
        (0, ["stream S of account A: n1 lacks 5000 messages"]),
    ],
)
def test_only_the_server_itself_says_what_it_has_copied(mine, wanted):
    states = {"n1": mine, "n2": 5000, "n3": 5000}
    before = with_states(snapshot("n2 n3", {"S": "n2 n1 n3"}), states)
    # Each answer has its own stream, as servers do.
    now = Snapshot(
        NAMES,
        answers=tuple(answers("n1 n2 n3", {"S": "n2 n1 n3"})[name] for name in NAMES),
    )
    assert against_its_copies(before, with_states(now, states), "n1") == wanted


def test_a_copy_that_does_not_exist_yet_is_missing():
    now = snapshot("n1 n2 n3", {"S": "n2 n1 n3"})
    now.answers[0]["data"]["account_details"] = []
    assert against_its_copies(now, now, "n1") == ["stream S of account A is not on n1 yet"]


@pytest.mark.parametrize(
    ("accounts", "wanted"),
    [
        ({}, ["stream S of account A is on no server"]),
        ({ACCOUNT: Listed(("S",))}, ["stream S of account A is on no server"]),
        ({ACCOUNT: Listed()}, []),
    ],
    ids=["nobody can say", "it is missed", "its owner deleted it"],
)
def test_a_stream_on_no_server_is_missing_unless_its_account_deleted_it(accounts, wanted):
    before, now = snapshot("n1 n2 n3", {"S": "n1 n2 n3"}), snapshot("n1 n2 n3", {}, accounts=accounts)
    assert against_its_copies(before, now, "n1") == wanted
    assert against_being_without(before, now, "n1") == wanted


def test_others_have_to_lead_before_a_server_is_away_for_long():
    found = snapshot("n1 n2 n3", {"S": "n1 n2 n3"})
    assert against_being_without(found, found, "n1") == ["stream S of account A has no leader but n1"]
