# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server may be away for long or lose its store, and what its pod and its volume need then."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Listed, NotAsked, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import (
    Next,
    hosts_of,
    is_surely_off,
    next_step,
    past_return,
    unschedulable,
    why_lost,
)
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


def test_who_is_alone_is_not_asked_about_others():
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
def test_a_server_has_to_tell_itself_what_it_has_copied(mine, wanted):
    states = {"n1": mine, "n2": 5000, "n3": 5000}
    before = with_states(snapshot("n2 n3", {"S": "n2 n1 n3"}), states)
    # Each answer has its own stream, as servers do.
    now = Snapshot(
        NAMES,
        answers=tuple(answers("n1 n2 n3", {"S": "n2 n1 n3"})[name] for name in NAMES),
    )
    assert against_its_copies(before, with_states(now, states), "n1") == wanted


def test_a_copy_that_is_not_there_yet_is_told():
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
def test_a_stream_that_vanished(accounts, wanted):
    before, now = snapshot("n1 n2 n3", {"S": "n1 n2 n3"}), snapshot("n1 n2 n3", {}, accounts=accounts)
    assert against_its_copies(before, now, "n1") == wanted
    assert against_being_without(before, now, "n1") == wanted


def test_others_have_to_lead_before_a_server_is_away_for_long():
    found = snapshot("n1 n2 n3", {"S": "n1 n2 n3"})
    assert against_being_without(found, found, "n1") == ["stream S of account A has no leader but n1"]


def thing(uid="new", going=False, node="", ready=False):
    meta = {"name": "x", "uid": uid} | ({"deletionTimestamp": "now"} if going else {})
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": meta, "spec": {"nodeName": node} if node else {}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("pod", "claim", "step", "past"),
    [
        (thing(node="w", ready=True), thing("old"), Next.DELETE_CLAIM, False),
        (thing(), thing("old"), Next.DELETE_CLAIM, False),
        (None, thing("old"), Next.DELETE_CLAIM, False),
        (thing(node="w", ready=True), thing("old", going=True), Next.DELETE_POD, False),
        (thing(), thing("old", going=True), Next.WAIT, True),
        (thing(node="w", going=True), thing("old", going=True), Next.WAIT, True),
        (thing(node="w", going=True), None, Next.WAIT, True),
        (thing(), None, Next.DELETE_POD, True),
        (None, None, Next.WAIT, True),
        (None, thing(), Next.WAIT, True),
        (thing(), thing(), Next.WAIT, True),
        (thing(node="w"), thing(), Next.WAIT, True),
        (thing(node="w", ready=True), thing(), Next.DONE, True),
    ],
    ids=[
        "it runs with the old one",
        "its volume is on a lost node",
        "there is no pod",
        "the claim waits for the pod",
        "the claim waits for nobody",
        "the pod is ending",
        "the claim is gone first",
        "a pod without its claim",
        "both are gone",
        "a new claim",
        "it waits for a node",
        "it starts",
        "it is up",
    ],
)
def test_what_a_pod_needs_to_get_a_new_volume(pod, claim, step, past):
    assert next_step(pod, claim, "old") is step
    assert past_return(pod, claim, "old") is past


def test_where_no_node_takes_a_pod():
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/4 nodes"}
    assert unschedulable({"status": {"conditions": [condition]}}) == "0/4 nodes"
    assert unschedulable({"status": {"conditions": [condition | {"status": "True"}]}}) is None
    assert unschedulable(None) is None


@pytest.mark.parametrize(
    ("affinity", "wanted"),
    [
        ({}, []),
        (
            {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}]},
            [],
        ),
        ({"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["w1"]}]}, ["w1"]),
        ({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["w1"]}]}, ["w1"]),
    ],
)
def test_the_nodes_that_a_volume_is_bound_to(affinity, wanted):
    required = {"required": {"nodeSelectorTerms": [affinity]}}
    assert hosts_of({"spec": {"nodeAffinity": required}}) == wanted
    assert hosts_of({"spec": {}}) == []


def node(ready="True", taint=None):
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": "noon", "message": "silent"}]
    return {"spec": {"taints": [{"key": taint}]} if taint else {}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("found", "lost", "off"),
    [
        (node(), None, False),
        (node("Unknown"), "it is not ready since noon: silent", False),
        (node(taint="node.kubernetes.io/out-of-service"), "it is out of service", True),
        (node(taint="other"), None, False),
        (None, "it does not exist any more", True),
    ],
)
def test_a_lost_node(found, lost, off):
    assert (why_lost(found), is_surely_off(found)) == (lost, off)
