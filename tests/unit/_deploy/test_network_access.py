# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.network_access import (
    egress_remarks,
    external_remarks,
)

LABELS = {"app": "nats", "app.kubernetes.io/instance": "nats", "team": "a"}
SELECTOR = {"app": "nats", "app.kubernetes.io/instance": "nats"}
BLOCK = {"ipBlock": {"cidr": "192.0.2.0/24"}}


def statefulset(*containers):
    spec = {"containers": [{"name": name} for name in ("nats", *containers)]}
    return {"kind": "StatefulSet", "spec": {"template": {"metadata": {"labels": LABELS}, "spec": spec}}}


def policy(*types, selector=None, peers=None):
    rule = {"ports": [{"port": 4222}]} | ({"from": peers} if peers else {})
    spec = {"podSelector": {"matchLabels": selector or SELECTOR}, "policyTypes": list(types), "ingress": [rule]}
    return {"kind": "NetworkPolicy", "metadata": {"name": "nats"}, "spec": spec}


OPEN, CLOSED = policy("Ingress"), policy("Ingress", "Egress")
ADDS_EGRESS = {"kind": "NetworkPolicy", "metadata": {"name": "own"}, "spec": {"podSelector": {}, "egress": [{}]}}
BOX = policy("Ingress", "Egress", selector={"app.kubernetes.io/component": "box"})
REMOTE = 'leafnodes { remotes: [{ url: "nats://edge:secret@hub:7422" }] }\n'


@pytest.mark.parametrize(
    ("configuration", "containers", "policies", "is_running", "said"),
    [
        ("port: 4222\n", [], [CLOSED], False, ""),
        (REMOTE, [], [OPEN], False, "servers connect to leaf node remote hub:7422: write rules for it into nats_cluster_network_policy_egress"),
        (REMOTE, ["exporter"], [OPEN], True, "servers connect to leaf node remote hub:7422, container exporter: write"),
        ("port: 4222\n", [], [OPEN], True, "that of the running cluster is not"),
        ("port: 4222\n", [], [OPEN, BOX], True, "that of the running cluster is not"),
        ("port: 4222\n", [], [OPEN], False, "nats_cluster_overrides says so"),
        # Rules for all that it needs are declared.
        (REMOTE, [], [CLOSED], True, ""),
        ("port: 4222\n", [], [OPEN, ADDS_EGRESS], True, ""),
        # nats_cluster_network_policy: false
        (REMOTE, [], [], False, ""),
    ],
)  # fmt: skip
def test_open_egress_is_told_with_its_reason(configuration, containers, policies, is_running, said):
    found = list(egress_remarks(configuration, statefulset(*containers), policies, is_running))
    assert len(found) == bool(said), found
    assert all(said in remark and "secret" not in remark for remark in found)


def service(kind="LoadBalancer", traffic="Cluster", selector=None, **spec):
    found = {"type": kind, "selector": selector or SELECTOR, "externalTrafficPolicy": traffic, **spec}
    return {"kind": "Service", "metadata": {"name": "nats-external"}, "spec": found}


RANGES = {"loadBalancerSourceRanges": ["192.0.2.0/24"]}


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([service("ClusterIP"), OPEN], []),
        ([service("NodePort"), OPEN], ["the NetworkPolicy lets clients in from everywhere"]),
        ([service(**RANGES), OPEN], ["source_ranges hold at the load balancer, not for the port that it opens on every node, nor for the pods"]),
        ([service(**RANGES)], ["nor for the pods themselves"]),
        ([service("NodePort")], []),
        ([service(traffic="Local", **RANGES), policy("Ingress", peers=[BLOCK])], ["not for the port that it opens on every node: write"]),
        ([service(traffic="Local"), policy("Ingress", peers=[BLOCK])], []),
        ([service(), policy("Ingress", peers=[BLOCK])], ["ipBlock in nats_cluster_network_policy_from means nodes: write traffic_policy: Local"]),
        ([service(), policy("Ingress", peers=[{"podSelector": {}}])], ["lets in no client from outside"]),
        # It is not for the servers.
        ([service(selector={"app": "web"}), OPEN], []),
    ],
)  # fmt: skip
def test_what_source_ranges_do_not_narrow_is_told(objects, said):
    found = list(external_remarks(statefulset(), objects))
    assert len(found) == len(said), found
    assert all(words in remark for words, remark in zip(said, found, strict=True))
