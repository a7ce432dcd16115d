# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server may go, and whether the cluster is as it was before one went."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    KubernetesView,
    NotAsked,
    Pod,
    Snapshot,
    as_if_down,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import (
    against_going_on,
    against_stopping,
)
from tests.support.placed import answers

NAMES = "n1 n2 n3"


def snapshot(streams=None, consumers=None, there=NAMES, healthz=None, last=5, down=None, **more):
    """`down` are the servers whose pods Kubernetes finds not ready; None where it was not asked."""
    told = answers(NAMES, streams or {}, consumers, **more)
    for answer in told.values():
        for stream in answer["data"]["account_details"][0]["stream_detail"]:
            stream["state"] |= {"last_seq": last, "messages": last}
            stream["created"] = "2026-11-25T10:00:00Z"
    healthz = [(name, {"status_code": 200}) for name in there.split()] if healthz is None else healthz
    checks = tuple({"server": {"name": name, "cluster": "C"}, "data": data} for name, data in healthz)
    answering = tuple(told[name] for name in there.split())
    found = Snapshot(tuple(NAMES.split()), answers=answering, healthz=checks)
    if down is None:
        return found
    pods = {name: Pod(name, "Running", down=name in down.split()) for name in NAMES.split()}
    return replace(found, kubernetes=KubernetesView(pods))


SILENT = "server n3 does not answer, and neither Kubernetes nor the other servers say that it is down"


@pytest.mark.parametrize(
    ("state", "server", "sentences"),
    [
        ({"streams": {"S": "n1 n2 n3"}}, "n1", []),
        ({"streams": {"S": "n1 ~n2 n3"}}, "n3", ["stream S of account A would have 1 of the 2 replicas it needs"]),
        # The one that is behind may go itself.
        ({"streams": {"S": "n1 ~n2 n3"}}, "n2", []),
        ({"streams": {"S": "n1 ~n2"}}, "n1", ["stream S of account A would have 0 of the 2 replicas it needs"]),
        # What is elsewhere, or has only one copy anyway, asks for nothing.
        ({"streams": {"R": "n1"}}, "n1", []),
        (
            {"streams": {"S": "n1 n2 n3"}, "consumers": {"S/c": "n1 n2 !n3"}},
            "n2",
            ["consumer c of stream S of account A would have 1 of the 2 replicas it needs"],
        ),
        ({"streams": {"S": "- n2 n3"}}, "n1", ["stream S of account A has no leader"]),
        ({"there": "n1 n2"}, "n1", ["server n3 does not answer"]),
        # Who is silent may serve all the same.
        ({"there": "n1 n2"}, "n3", [SILENT]),
        ({"there": "n1 n2", "down": ""}, "n3", [SILENT]),
        ({"there": "n1 n2", "meta": "n1 n2 ~n3"}, "n3", [SILENT]),
        # A server that is away can't be missed more: to restart it may be what helps.
        ({"there": "n1 n2", "meta": "n1 n2 !n3"}, "n3", []),
        ({"there": "n1 n2", "down": "n3"}, "n3", []),
        ({"there": "", "down": "n3"}, "n3", []),
        ({"there": "n1", "meta": "n1 n2 !n3"}, "n3", ["server n2 does not answer", "there is no meta leader"]),
        # What its followers say of a leader that is silent is of before.
        (
            {"there": "n1 n2", "meta": "n1 n2 !n3", "streams": {"S": "n3 n1 n2"}},
            "n3",
            ["stream S of account A has no leader"],
        ),
        ({"meta": "n1 ~n2 n3"}, "n3", ["server n2 is not current in meta"]),
        ({"meta": "n1 n3"}, "n3", ["server n2 is no member of meta"]),
        ({"meta": None}, "n3", ["there is no meta leader"]),
    ],
)
def test_a_server_may_go_when_nothing_depends_on_it_alone(state, server, sentences):
    assert against_stopping(snapshot(**state), server) == sentences


BEFORE = {"streams": {"S": "n1 n2 n3", "R": "n3"}, "consumers": {"S/c": "n3 n1 n2"}}


@pytest.mark.parametrize(
    ("now", "sentences"),
    [
        (BEFORE, []),
        (BEFORE | {"there": "n1 n2"}, ["server n3 does not answer"]),
        (BEFORE | {"there": "n1 n3"}, ["server n2 does not answer"]),
        (BEFORE | {"healthz": [("n1", {}), ("n2", {})]}, ["server n3 does not answer its health check"]),
        (BEFORE | {"meta": "n1 n2 ~n3"}, ["server n3 is not current in meta"]),
        (
            BEFORE | {"streams": {"S": "n1 n2 ~n3", "R": "n3"}},
            ["stream S of account A: its replica on n3 is not current"],
        ),
        (BEFORE | {"streams": {"S": "- n2 n3", "R": "n3"}}, ["stream S of account A has no leader"]),
        (
            {"streams": {"S": "n1 n2", "R": "n3"}, "configs": {"S": {"num_replicas": 3}}},
            ["stream S of account A has 2 of 3 replicas"],
        ),
        (
            BEFORE | {"healthz": [("n3", {"status_code": 503, "error": "stream catching up"})]},
            ["server n3 says: stream catching up"],
        ),
        # The health check of another server does not hold this one up.
        (BEFORE | {"healthz": [("n1", {"status_code": 503, "error": "elections"}), ("n3", {})]}, []),
        # A stream that its users deleted meanwhile is not missed.
        ({"streams": {"S": "n1 n2 n3"}, "consumers": {"S/c": "n3 n1 n2"}}, []),
    ],
)
def test_the_next_server_waits_until_all_is_as_before(now, sentences):
    assert against_going_on(snapshot(**BEFORE), snapshot(**now), "n3") == sentences


def test_a_stream_that_came_back_with_less_is_seen():
    (sentence, _other) = against_going_on(snapshot(**BEFORE, last=50), snapshot(**BEFORE, last=0), "n3")
    assert sentence == "stream S of account A: last_seq is 0, and was 50 before"


def test_a_stream_that_had_too_few_replicas_before_does_not_stop_the_restart():
    few = {"streams": {"S": "n1 n2"}, "configs": {"S": {"num_replicas": 3}}}
    assert against_going_on(snapshot(**few), snapshot(**few), "n3") == []


MEMORY = {"streams": {"M": "n3"}, "configs": {"M": {"storage": "memory"}}}


@pytest.mark.parametrize(
    ("placed", "count"),
    [("n3", 0), ("n2", 1), ("n3 n1 n2", 1)],
    ids=["its only copy was in this server's memory", "of another server", "others had it, too"],
)
def test_a_stream_in_the_memory_of_one_server_is_empty_after_it(placed, count):
    state = MEMORY | {"streams": {"M": placed}}
    assert len(against_going_on(snapshot(**state, last=50), snapshot(**state, last=0), "n3")) == count


def test_what_was_not_seen_before_can_not_be_compared():
    (sentence,) = against_going_on(snapshot(**BEFORE, there="n1 n2"), snapshot(**BEFORE), "n3")
    assert sentence == "server n3 was not seen before, so what it had is not known"
    assert against_going_on(snapshot(**BEFORE, there="n1 n2", down="n3"), snapshot(**BEFORE), "n3") == []
    assert against_going_on(as_if_down(snapshot(**BEFORE), "n3"), snapshot(**BEFORE), "n3") == []


def test_where_nobody_could_be_asked_one_sentence_says_why():
    unasked = NotAsked("Authorization Violation")
    found = Snapshot(tuple(NAMES.split()), system_not_asked=unasked)
    assert against_stopping(found, "n1") == ["the servers could not be asked: Authorization Violation"]
