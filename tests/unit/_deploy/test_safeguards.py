# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan makes of servers that do not answer: unknown is no consent, and what needs no answer goes on."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import combinations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import DeploymentRecord
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import DeclaredCluster, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.knowledge import knowledge
from ansible_collections.messaging.nats.plugins.module_utils._deploy.safeguards import (
    what_is_not_known,
    what_is_refused,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot

CONF = """\
max_payload: 1048576
jetstream {
  max_file_store: 2097152
}
accounts {
  APP {
    jetstream: "enabled"
  }
  ORDERS {
    jetstream: "enabled"
  }
  SYS {}
}
"""
WITHOUT_ORDERS = CONF.replace('  ORDERS {\n    jetstream: "enabled"\n  }\n', "")
ORDERS_OFF = CONF.replace('  ORDERS {\n    jetstream: "enabled"\n  }\n', "  ORDERS {}\n")
LOWER = CONF.replace("2097152", "1048576")
HIGHER = CONF.replace("2097152", "4194304")
SERVES = {"phase": "Running", "containerStatuses": [{"name": "nats", "state": {"running": {}}}]}
CRASHES = {
    "phase": "Running",
    "containerStatuses": [{"name": "nats", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
}
SAME = DeclaredCluster(3, "2.15.1")


def problems(*change):
    running, wanted, declared, _template, rolling = change
    return [*what_is_refused(*change), *what_is_not_known(running, wanted, declared, rolling)]


def pod(number, status=None, image="nats:2.15.1-alpine"):
    container = {"name": "nats", "image": image, "env": [{"name": "SERVER_NAME", "value": "$(POD_NAME)"}]}
    return {
        "metadata": {"name": f"nats-{number}"},
        "spec": {"containers": [container]},
        "status": SERVES if status is None else status,
    }


def stream(name, replicas=1, storage="file", level="0"):
    config = {"num_replicas": replicas, "storage": storage, "metadata": {"_nats.req.level": level}}
    return {"name": name, "config": config, "state": {"messages": 1}}


def answer(number, account="APP", streams=(), used=0, version="2.15.1", **data):
    details = [{"name": account, "stream_detail": list(streams)}] if streams else []
    return {
        "server": {"name": f"nats-{number}", "ver": version},
        "data": {"account_details": details, "storage": used} | data,
    }


def cluster(answers, pods=None, size=3, **more):
    labels = {"app.kubernetes.io/version": "2.15.1"}
    template = {"metadata": {}, "spec": pod(0)["spec"]}
    statefulset = {"metadata": {"name": "nats", "labels": labels}, "spec": {"replicas": size, "template": template}}
    names = tuple(f"nats-{number}" for number in range(size))
    pods = tuple(pod(number) for number in range(size)) if pods is None else pods
    return Running(statefulset, pods, CONF, Snapshot(names, answers=tuple(answers)), **more)


# Each with what only one server knows.
SAFEGUARDS = {
    "an account that holds a stream": (answer(2, "ORDERS", [stream("S")]), SAME, WITHOUT_ORDERS, False),
    "an account that loses jetstream": (answer(2, "ORDERS", [stream("S")]), SAME, ORDERS_OFF, False),
    "a limit below what is held": (answer(2, used=2000000), SAME, LOWER, False),
    "a stream in memory": (answer(2, streams=[stream("S", storage="memory")]), SAME, CONF, True),
    "a stream in memory that can't be moved": (
        answer(2, streams=[stream("S", storage="memory")]),
        DeclaredCluster(3, "2.15.1", "move"),
        CONF,
        True,
    ),
    "a setting that is newer": (answer(2, streams=[stream("S", level="5")]), DeclaredCluster(3, "2.14.6"), CONF, False),
    "a stream with more replicas": (answer(4, streams=[stream("S", 5)]), SAME, CONF, False),
}


def all_answers(special):
    size = 5 if special["server"]["name"] == "nats-4" else 3
    number = int(special["server"]["name"][-1])
    return [*(answer(other) for other in range(size) if other != number), special], size


@pytest.mark.parametrize("case", SAFEGUARDS)
def test_taking_answers_away_never_turns_a_refusal_into_consent(case):
    special, wanted, conf, rolling = SAFEGUARDS[case]
    answers, size = all_answers(special)
    seen = problems(cluster(answers, size=size), wanted, conf, [], rolling)
    assert seen or wanted.single_replica == "move"
    for count in range(size):
        for left in combinations(answers, count):
            if special in left and wanted.single_replica == "move" and count > 1:
                continue
            assert problems(cluster(left, size=size), wanted, conf, [], rolling), [found["server"] for found in left]


@pytest.mark.parametrize("case", SAFEGUARDS)
def test_a_server_whose_jetstream_is_disabled_has_not_answered(case):
    special, wanted, conf, rolling = SAFEGUARDS[case]
    answers, size = all_answers(special)
    disabled = answer(int(special["server"]["name"][-1]), disabled=True)
    running = cluster([*answers[:-1], disabled], size=size)
    # To restart such a server is what repairs it, and its streams in memory are gone.
    assert bool(what_is_not_known(running, wanted, conf, rolling)) is not rolling
    assert disabled["server"]["name"] in knowledge(running).unseen


@pytest.mark.parametrize(
    ("wanted", "conf", "rolling"),
    [
        (SAME, CONF, False),
        (SAME, CONF.replace("1048576", "2097152"), False),
        (SAME, HIGHER, False),
        (DeclaredCluster(3, "2.15.2"), CONF, False),
        (DeclaredCluster(5, "2.15.1"), CONF, False),
        (SAME, CONF.replace("  SYS {}", "  NEW {}\n  SYS {}"), False),
        (DeclaredCluster(3, "2.15.1", "accept"), CONF, True),
    ],
)
def test_a_change_that_takes_nothing_away_needs_no_answer(wanted, conf, rolling):
    assert problems(cluster([]), wanted, conf, [], rolling) == []


@pytest.mark.parametrize("pods", [(), (pod(0, CRASHES), pod(1, CRASHES), pod(2, {"phase": "Pending"}))])
def test_a_cluster_that_is_down_is_repaired(pods):
    assert problems(cluster([], pods), SAME, CONF.replace("1048576", "2097152"), [], True) == []


@pytest.mark.parametrize(
    ("wanted", "conf"),
    [(SAME, WITHOUT_ORDERS), (SAME, LOWER), (DeclaredCluster(3, "2.14.6"), CONF), (DeclaredCluster(1, "2.15.1"), CONF)],
)
def test_a_cluster_that_is_down_loses_nothing_by_it(wanted, conf):
    assert problems(cluster([], ()), wanted, conf, [], True)


def test_back_to_what_the_majority_runs_is_a_repair():
    pods = (pod(0, image="nats:2.14.6-alpine"), pod(1, image="nats:2.14.6-alpine"), pod(2, CRASHES))
    others = [answer(0, version="2.14.6"), answer(1, version="2.14.6")]
    assert problems(cluster(others, pods), DeclaredCluster(3, "2.14.6"), CONF, [], True) == []
    assert problems(cluster(others[:1], pods), DeclaredCluster(3, "2.14.6"), CONF, [], True)
    # It runs, and may have stored what the others can't read.
    assert problems(cluster(others, (*pods[:2], pod(2))), DeclaredCluster(3, "2.14.6"), CONF, [], False)


def test_without_a_readable_configuration_the_note_or_the_logins_tell_the_accounts():
    noted = replace(
        cluster([], ()), configuration=None, record=DeploymentRecord("nats", "", ("APP", "ORDERS", "SYS"), 3, "2.15.1")
    )
    by_login = replace(cluster([], ()), configuration=None, accounts_with_logins=frozenset({"app", "orders", "sys"}))
    for running in (noted, by_login):
        assert problems(running, SAME, WITHOUT_ORDERS, [], False)
        assert not problems(running, SAME, CONF, [], False)
    encrypted = CONF.replace("max_file_store", 'key: "hidden"\n  max_file_store')
    (problem,) = problems(noted, SAME, encrypted, [], False)
    assert "jetstream.cipher was none" in problem
    assert "hidden" not in problem


def test_what_could_not_be_seen_is_said_and_what_helps():
    silent = cluster([answer(0)], (pod(0), pod(1), pod(2, CRASHES)))
    (problem,) = what_is_not_known(silent, SAME, WITHOUT_ORDERS, False)
    assert problem == (
        "nats_cluster_accounts: ORDERS would lose what it holds, and these servers could not be asked: "
        "nats-1 (it did not answer); nats-2 (its container does not run). Bring them back, or leave this change out until they answer"
    )
    assert what_is_refused(silent, SAME, WITHOUT_ORDERS, [], False) == []


def test_every_server_is_known_or_unknown():
    prefixed = [pod(number) for number in range(3)]
    for found in prefixed:
        found["spec"] = copy.deepcopy(found["spec"])
        found["spec"]["containers"][0]["env"][0]["value"] = "west-$(POD_NAME)"
    running = cluster([answer(0)], tuple(prefixed[:2]))
    template = copy.deepcopy(running.statefulset)
    template["spec"]["template"]["spec"] = prefixed[0]["spec"]
    # A snapshot has no other name for a server that has no pod.
    running = replace(running, statefulset=template, snapshot=Snapshot(("west-nats-0", "west-nats-1", "nats-2")))
    known = knowledge(running)
    assert (dict(known.answers), sorted(known.unseen)) == ({}, ["west-nats-0", "west-nats-1", "west-nats-2"])
    assert known.unseen["west-nats-2"] == "it has no pod"
