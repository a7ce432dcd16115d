# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a cluster, as a table of its states."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    KubernetesView,
    NotAsked,
    Pod,
    Snapshot,
)

MEMBERS = ("nats-0", "nats-1", "nats-2")


def answer(name, leader="nats-0", cluster="nats", streams=()):
    """One server's JSZ, in the shape that 2.15 gives it."""
    peers = [{"name": peer, "current": leader == name, "active": 1} for peer in MEMBERS if peer != name]
    meta = {"name": cluster, "leader": leader, "replicas": peers, "cluster_size": 3}
    details = [{"name": "APP", "stream_detail": list(streams)}]
    data = {"config": {"max_storage": 1}, "meta_cluster": meta, "account_details": details}
    return {"server": {"name": name, "id": f"ID-{name}", "cluster": cluster, "ver": "2.15.1"}, "data": data}


def stream(leader="nats-0", replicas=None, wanted=3):
    if replicas is None:
        replicas = [{"name": name, "current": True} for name in MEMBERS if name != leader]
    return {"name": "EVENTS", "cluster": {"leader": leader, "replicas": replicas}, "config": {"num_replicas": wanted}}


def snapshot(answers=None, **more):
    made = [answer(name) for name in MEMBERS] if answers is None else answers
    return Snapshot(**{"expected": MEMBERS, "cluster_name": "nats", "answers": tuple(made)} | more)


def with_stream(found):
    return snapshot([answer("nats-0", streams=[found]), answer("nats-1"), answer("nats-2")])


def only(*names):
    return [answer(name) for name in names]


def changed(path, value):
    """The leader's answer with one thing in it changed."""
    first = copy.deepcopy(answer("nats-0"))
    *way, last = path
    target = first
    for key in way:
        target = target[key]
    target[last] = value
    return snapshot([first, answer("nats-1"), answer("nats-2")])


def pods(**other):
    """All pods run, unless they are given."""
    return KubernetesView({name: Pod(name, "Running") for name in MEMBERS} | other)


TWO = only("nats-0", "nats-1")
META = ("data", "meta_cluster")
NAMELESS = {
    "leader": "nats-0",
    "replicas": [{"name": "nats-1", "current": True}, {"name": "Server name unknown at this time (peerID: x)"}],
}
ALONE = answer("nats-0") | {"data": {"config": {"max_storage": 1}}}
CASES = {
    "healthy": (snapshot(), []),
    "healthy with a stream": (with_stream(stream()), []),
    "a follower's word about other followers does not count": (
        snapshot(
            [
                answer("nats-0", streams=[stream()]),
                answer("nats-1", streams=[stream(replicas=[{"name": "nats-2", "current": False}])]),
                answer("nats-2"),
            ]
        ),
        [],
    ),
    "one alone": (Snapshot(("nats-0",), None, (ALONE,)), []),
    "no answer": (snapshot(TWO), ["SERVER_DOWN"]),
    "no pod": (
        snapshot(TWO, kubernetes=KubernetesView({name: Pod(name, "Running") for name in MEMBERS[:2]})),
        ["POD_MISSING"],
    ),
    "pending": (
        snapshot(TWO, kubernetes=pods(**{"nats-2": Pod("nats-2", "Pending", "", "no StorageClass fast")})),
        ["POD_PENDING"],
    ),
    "image": (
        snapshot(TWO, kubernetes=pods(**{"nats-2": Pod("nats-2", "Pending", "ErrImagePull", "no such image")})),
        ["IMAGE_PULL"],
    ),
    "crashing": (
        snapshot(TWO, kubernetes=pods(**{"nats-2": Pod("nats-2", "Running", "CrashLoopBackOff", "exit 1")})),
        ["POD_CRASHING"],
    ),
    "being deleted": (
        snapshot(
            TWO,
            kubernetes=pods(
                **{"nats-2": Pod("nats-2", "Succeeded", deletion="it is being deleted", deletion_remedy="Wait.")}
            ),
        ),
        ["POD_TERMINATING"],
    ),
    "other cluster name": (
        snapshot(TWO, kubernetes=pods(), varz_of_silent={"nats-2": {"cluster": {"name": "natz"}, "routes": 0}}),
        ["CLUSTER_NAME_MISMATCH"],
    ),
    "isolated": (
        snapshot(TWO, kubernetes=pods(), varz_of_silent={"nats-2": {"cluster": {"name": "nats"}, "routes": 0}}),
        ["SERVER_ISOLATED"],
    ),
    "unresolvable route": (
        snapshot(
            TWO,
            kubernetes=replace(pods(), route_errors={"nats-2": "no such host"}),
            varz_of_silent={"nats-2": {"cluster": {"name": "nats"}, "routes": 0}},
        ),
        ["ROUTE_UNRESOLVABLE"],
    ),
    "hangs": (
        snapshot(TWO, kubernetes=pods(), varz_of_silent={"nats-2": {"cluster": {"name": "nats"}, "routes": 2}}),
        ["SERVER_NOT_RESPONDING"],
    ),
    "no quorum": (snapshot(only("nats-1")), ["SERVER_DOWN", "SERVER_DOWN", "META_NO_QUORUM"]),
    "without quorum no account answers": (
        snapshot(only("nats-1"), unasked={"APP": NotAsked("no answer")}),
        ["SERVER_DOWN", "SERVER_DOWN", "META_NO_QUORUM"],
    ),
    "no leader": (snapshot([answer(name, leader="") for name in MEMBERS]), ["META_NO_LEADER"]),
    "a leader that two others do not see is no leader": (
        snapshot(only("nats-0")),
        ["SERVER_DOWN", "SERVER_DOWN", "META_NO_QUORUM"],
    ),
    "removed peer": (changed((*META, "replicas"), [{"name": "nats-1", "current": True}]), ["SERVER_NOT_IN_META"]),
    "meta peer behind": (
        changed((*META, "replicas"), [{"name": "nats-1", "current": True}, {"name": "nats-2", "current": False}]),
        ["META_PEER_NOT_CURRENT"],
    ),
    "offline though current": (
        changed(
            (*META, "replicas"),
            [{"name": "nats-1", "current": True}, {"name": "nats-2", "current": True, "offline": True}],
        ),
        ["META_PEER_NOT_CURRENT"],
    ),
    "JetStream off": (changed(("data", "disabled"), True), ["JETSTREAM_DISABLED"]),
    "unexpected": (snapshot([*only(*MEMBERS), answer("nats-3")]), ["SERVER_UNEXPECTED"]),
    "unexpected peer": (
        changed((*META, "replicas"), [{"name": name, "current": True} for name in ("nats-1", "nats-2", "nats-3")]),
        ["SERVER_UNEXPECTED"],
    ),
    "a missing peer that nobody knows the name of is no other server": (
        snapshot(
            [
                answer(name) | {"data": answer(name)["data"] | {"meta_cluster": NAMELESS}}
                for name in ("nats-0", "nats-1")
            ]
        ),
        ["SERVER_DOWN"],
    ),
    "two of one name": (snapshot([*only(*MEMBERS), answer("nats-2")]), ["DUPLICATE_SERVER_NAME"]),
    "another cluster's server is none of ours": (
        snapshot([*only(*MEMBERS), answer("else-0", cluster="else")]),
        ["OTHER_CLUSTER"],
    ),
    "most servers of these names are of another cluster": (
        replace(
            snapshot([answer(name, cluster="else") for name in MEMBERS] + list(only(*MEMBERS[:2]))),
            cluster_name=None,
            asked_in="nats",
        ),
        ["SERVER_DOWN", "OTHER_CLUSTER"],
    ),
    "another cluster with servers of the same names": (
        replace(
            snapshot([answer(name, cluster="else") for name in MEMBERS] + list(only(*MEMBERS))),
            cluster_name=None,
            asked_in="nats",
        ),
        ["OTHER_CLUSTER"],
    ),
    "leaderless stream": (with_stream(stream(leader="", replicas=[])), ["STREAM_NO_LEADER"]),
    "too few replicas": (
        with_stream(stream(replicas=[{"name": "nats-1", "current": True}])),
        ["STREAM_UNDER_REPLICATED"],
    ),
    "replica behind": (
        with_stream(
            stream(replicas=[{"name": "nats-1", "current": True}, {"name": "nats-2", "current": False, "lag": 7}])
        ),
        ["STREAM_REPLICA_NOT_CURRENT"],
    ),
    "replica offline": (
        with_stream(
            stream(replicas=[{"name": "nats-1", "current": True}, {"name": "nats-2", "current": True, "offline": True}])
        ),
        ["STREAM_REPLICA_OFFLINE"],
    ),
    "R1 needs no replica": (with_stream(stream(replicas=[], wanted=1)), ["SINGLE_REPLICA"]),
}


@pytest.mark.parametrize(("state", "codes"), CASES.values(), ids=CASES)
def test_the_findings_of_a_state(state, codes):
    found = evaluate(state)
    assert [finding.code for finding in found] == codes
    assert all(finding.object and finding.evidence and finding.remedy for finding in found)


def found_without_answers(reason, down=None):
    why = NotAsked("it is so", "Change it.", reason)
    view = None if down is None else KubernetesView({name: Pod(name, "Running", down=name in down) for name in MEMBERS})
    found = Snapshot(MEMBERS, system_not_asked=why, kubernetes=view)
    return [(finding.code, finding.object) for finding in evaluate(found)]


NOT_ASKED = ("SYSTEM_ACCOUNT_NOT_ASKED", "system account")


@pytest.mark.parametrize("reason", [reason for reason in Unasked if reason is not Unasked.NO_ANSWER])
def test_a_login_that_fails_is_one_finding_and_says_nothing_of_the_servers(reason):
    assert found_without_answers(reason) == [NOT_ASKED]
    assert found_without_answers(reason, down=()) == [NOT_ASKED]
    assert found_without_answers(reason, down=("nats-1",)) == [NOT_ASKED, ("SERVER_DOWN", "pod nats-1")]


def test_where_no_server_is_there_each_is_told():
    servers = [("SERVER_DOWN", f"server {name}") for name in MEMBERS]
    assert found_without_answers(Unasked.NO_ANSWER) == servers
    assert found_without_answers(Unasked.NO_ANSWER, down=MEMBERS) == [
        ("SERVER_DOWN", f"pod {name}") for name in MEMBERS
    ]
    # The way to pods that Kubernetes finds ready is at fault.
    assert found_without_answers(Unasked.NO_ANSWER, down=()) == [NOT_ASKED]
