# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan is refused with the reason where its preconditions do not hold."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy import plan as _cluster_plan
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, DeclaredCluster
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Counterpart

WANTED = DeclaredCluster(3, "2.15.1")
OURS = {"app.kubernetes.io/managed-by": "messaging.nats"}
NODE = {"metadata": {"name": "n", "labels": {"disk": "ssd"}}, "spec": {}}
CONTROL = {
    "metadata": {"name": "c"},
    "spec": {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]},
}
CORDONED = {"metadata": {"name": "d"}, "spec": {"unschedulable": True}}
STANDARD = {"metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}
FAST = {"metadata": {"name": "fast"}}
FACTS = ClusterFacts(True, [NODE, NODE, NODE, CONTROL], [STANDARD, FAST])


def statefulset(replicas=3, storage_class=None, spread=True, **pod):
    affinity = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]
        }
    }
    claim = {"spec": {"storageClassName": storage_class} if storage_class else {}}
    containers = [{"name": "nats", "image": "nats:2.15.1-alpine"}]
    template = {"spec": {"containers": containers, "affinity": affinity if spread else {}, **pod}}
    spec = {"replicas": replicas, "template": template, "volumeClaimTemplates": [claim]}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "nats", "namespace": "nats", "labels": OURS},
        "spec": spec,
    }


def service(**metadata):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "nats", "namespace": "nats", "labels": OURS} | metadata,
        "spec": {},
    }


def plan(pairs, facts, wanted=WANTED):
    return _cluster_plan.plan(pairs, facts, wanted)


def missing(item):
    return Counterpart(item)


def same(item):
    """What runs differs from what applying gives only in what the API server writes."""
    running = copy.deepcopy(item) | {"status": {"ready": 3}}
    running["metadata"]["resourceVersion"] = "7"
    running["metadata"]["managedFields"] = [
        {"manager": "messaging.nats", "operation": "Apply"},
        {"manager": "kubelet", "operation": "Update"},
    ]
    return Counterpart(item, running, copy.deepcopy(item))


def owned(**metadata):
    item = service()
    return Counterpart(item, service(**metadata), item)


def test_nothing_there_is_created_and_what_is_there_is_left():
    assert plan([missing(statefulset()), missing(service())], FACTS).verb == "create"
    assert plan([same(statefulset()), same(service())], FACTS).verb == "nothing"
    half = plan([same(service()), missing(statefulset())], FACTS)
    assert (half.verb, half.summary[-1]) == ("create", "create StatefulSet nats")


def test_what_stays_open_is_told_in_each_plan():
    sidecar = statefulset(containers=[{"name": "nats", "image": "nats:2.15.1-alpine"}, {"name": "exporter"}])
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}}
    policy["metadata"] = {"name": "nats", "namespace": "nats", "labels": OURS}
    why = "open: egress of the servers is not restricted, because servers connect to container exporter"
    for pairs in ([missing(sidecar), missing(policy)], [same(sidecar), same(policy)]):
        assert any(sentence.startswith(why) for sentence in plan(pairs, FACTS).summary)


def test_a_login_that_stayed_and_differs_is_applied_with_what_is_created():
    def login(password):
        meta = {"name": "nats-sys", "namespace": "nats", "labels": OURS}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"password": password}}

    found = plan([missing(statefulset()), Counterpart(login("bmV3"), login("b2xk"), login("bmV3"))], FACTS)
    assert (found.verb, found.apply_secrets) == ("create", ("nats-sys",))
    assert plan([missing(statefulset()), same(login("b2xk"))], FACTS).apply_secrets == ()


@pytest.mark.parametrize(
    ("pairs", "facts", "sentence"),
    [
        ([missing(service())], ClusterFacts(False), "nats_cluster_namespace: namespace nats does not exist"),
        (
            [missing(statefulset(storage_class="slow"))],
            FACTS,
            "nats_cluster_storage_class: the cluster has no StorageClass slow, and no volume names it. Choose one of fast, standard",
        ),
        (
            [missing(statefulset())],
            ClusterFacts(True, [NODE] * 3, [FAST]),
            "no default StorageClass. Choose one of fast",
        ),
        ([missing(statefulset())], ClusterFacts(True, [NODE, NODE, CORDONED], [STANDARD]), "only 2 of 3"),
        ([missing(statefulset(nodeSelector={"disk": "hdd"}))], FACTS, "only 0 of 4"),
        (
            [owned(labels={"app.kubernetes.io/managed-by": "Helm"}, annotations={"meta.helm.sh/release-name": "nats"})],
            FACTS,
            "belongs to the Helm release nats",
        ),
        ([owned(labels={})], FACTS, "belongs to somebody else"),
        (
            [owned(managedFields=[{"manager": "argocd-controller", "operation": "Apply"}])],
            FACTS,
            "belongs to argocd-controller too",
        ),
        (
            [missing(statefulset())],
            ClusterFacts(True, [NODE] * 3, [STANDARD], [{"metadata": {"name": "data-nats-0"}}]),
            "the servers would take its data over",
        ),
    ],
)
def test_what_can_not_be_is_refused_with_the_reason(pairs, facts, sentence):
    refused = plan(pairs, facts)
    assert refused.verb == "refuse"
    assert sentence in "\n".join(refused.refusals)


@pytest.mark.parametrize(
    ("item", "facts"),
    [
        (statefulset(5, spread=False), FACTS),
        (statefulset(storage_class="fast"), FACTS),
        (statefulset(4, tolerations=[{"operator": "Exists"}]), FACTS),
        (statefulset(3, nodeSelector={"disk": "ssd"}), FACTS),
    ],
)
def test_what_can_be_is_not_refused(item, facts):
    assert plan([missing(item)], facts, DeclaredCluster(item["spec"]["replicas"], "2.15.1")).verb == "create"


def test_more_servers_than_nodes_are_refused():
    (refusal,) = plan([missing(statefulset(5))], FACTS, DeclaredCluster(5, "2.15.1")).refusals
    assert refusal.startswith("nats_cluster_replicas: 5 servers need as many nodes, and only 3 of 4")


def test_what_may_not_be_read_is_said_and_not_refused():
    planned = plan([missing(statefulset())], ClusterFacts(True))
    assert planned.verb == "create"
    assert planned.summary[-2:] == (
        "not checked: nodes, which may not be read here",
        "not checked: storage classes, which may not be read here",
    )
