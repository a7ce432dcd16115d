# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pod as declared would meet, as far as it can be reckoned."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts
from ansible_collections.messaging.nats.plugins.module_utils._deploy.pod_check import (
    QUOTA,
    fits_quota,
    hosts_to_resolve,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.preconditions import (
    parse_amount,
    requests,
    room,
    schedules_otherwise,
)


def container(name="nats", limits=None, **asked):
    return {"name": name, "resources": {"requests": asked} | ({"limits": limits} if limits else {})}


def statefulset(*containers, spread=False, **spec):
    terms = [{"topologyKey": "kubernetes.io/hostname"}] if spread else []
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    return {"spec": {"template": {"spec": {"containers": [*containers], "affinity": affinity} | spec}}}


def node(cpu="4", memory="8Gi", **labels):
    return {
        "metadata": {"name": "n", "labels": labels},
        "spec": {},
        "status": {"allocatable": {"cpu": cpu, "memory": memory}},
    }


@pytest.mark.parametrize(
    ("text", "amount"), [("250m", 250), ("4", 4000), (2, 2000), ("0.5", 500), ("1Ki", 1024000), ("1e3", 1000000)]
)
def test_an_amount(text, amount):
    assert parse_amount(text) == amount


def test_a_pod_asks_for_all_its_containers_together_or_for_the_largest_that_comes_first():
    spec = {
        "containers": [container(cpu="250m"), container("side", {"cpu": "1"})],
        "initContainers": [container(cpu="2")],
    }
    assert requests(spec) == {"cpu": 2000}


@pytest.mark.parametrize(
    ("declared", "nodes", "said"),
    [
        (
            statefulset(container(cpu="64")),
            [node()] * 3,
            "nats_cluster_resources: a server asks for cpu 64, and only 0 of the 3 nodes",
        ),
        (statefulset(container(memory="9Gi")), [node()] * 3, "a server asks for memory 9216Mi"),
        (statefulset(container(cpu="3"), spread=True), [node(), node("2"), node()], "only 2 of the 3 nodes"),
        (
            statefulset(container(), nodeSelector={"no": "such"}),
            [node()] * 3,
            "nats_cluster_node_selector: none of 3 nodes",
        ),
        (statefulset(container(cpu="3")), [node("2"), node()], ""),
        (statefulset(container(cpu="64")), None, ""),
        (statefulset(container(cpu="64")), [{"metadata": {"name": "n"}, "spec": {}}], ""),
    ],
)
def test_a_node_has_to_be_large_enough(declared, nodes, said):
    assert said in "".join(room(declared, ClusterFacts(True, nodes), 3))
    assert bool(list(room(declared, ClusterFacts(True, nodes), 3))) is bool(said)


def test_nodes_matter_where_pods_are_scheduled_otherwise():
    plain = statefulset(container(cpu="1"))
    assert not schedules_otherwise(plain, statefulset(container(cpu="1000m"), nodeSelector={}))
    assert schedules_otherwise(statefulset(container(cpu="2")), plain)
    assert schedules_otherwise(statefulset(container(cpu="1"), nodeSelector={"a": "b"}), plain)


OLD = {
    "metadata": {"name": "nats-2"},
    "spec": {"containers": [container(limits={"memory": "512Mi"}, cpu="100m", memory="256Mi")]},
}


@pytest.mark.parametrize(
    ("message", "old", "fits"),
    [
        ("exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3", OLD, True),
        ("exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3", None, False),
        (
            "exceeded quota: q, requested: requests.memory=256Mi, used: requests.memory=768Mi, limited: requests.memory=800Mi",
            OLD,
            True,
        ),
        (
            "exceeded quota: q, requested: requests.memory=512Mi, used: requests.memory=768Mi, limited: requests.memory=800Mi",
            OLD,
            False,
        ),
        (
            "exceeded quota: q, requested: limits.memory=512Mi,pods=1, used: limits.memory=1536Mi,pods=3, limited: limits.memory=1536Mi,pods=3",
            OLD,
            True,
        ),
        ("exceeded quota: q, requested: count/things=1, used: count/things=1, limited: count/things=1", OLD, False),
    ],
)
def test_a_server_that_restarts_gives_its_share_of_a_quota_back_first(message, old, fits):
    told = QUOTA.search(f'pods "nats-2" is forbidden: {message}')
    assert told is not None
    assert fits_quota(told, old) is fits


def test_names_of_servers_that_are_there_and_of_what_every_cluster_has_are_looked_up():
    routes = [f"nats://routes:p@nats-{number}.nats.ns.svc.example.org.:6222" for number in range(5)]
    urls = ["nats://nats.ns.svc.example.org:4222"]
    assert hosts_to_resolve({"cluster": {"routes": routes}}, urls, ["nats-0", "nats-2"]) == [
        "kubernetes.default.svc.example.org.",
        "nats-0.nats.ns.svc.example.org.",
        "nats-2.nats.ns.svc.example.org.",
    ]
    assert hosts_to_resolve({}, urls, []) == ["kubernetes.default.svc.example.org."]
    assert hosts_to_resolve({}, ["nats://nats.ns.svc:4222"], []) == []
