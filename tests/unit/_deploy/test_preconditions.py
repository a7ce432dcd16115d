# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether nodes can take the servers, and whether there are volumes for them."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts
from ansible_collections.messaging.nats.plugins.module_utils._deploy.preconditions import (
    DEFAULT_CLASS,
    parse_amount,
    requests,
    room,
    schedules_otherwise,
    storage_classes_of,
    storage_refusals,
)


def container(name="nats", limits=None, **asked):
    return {"name": name, "resources": {"requests": asked} | ({"limits": limits} if limits else {})}


def requesting(*containers, spread=False, **spec):
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
def test_a_quantity_is_parsed_in_thousandths(text, amount):
    assert parse_amount(text) == amount


def test_a_pod_requests_the_sum_of_its_containers_or_its_largest_init_container():
    spec = {
        "containers": [container(cpu="250m"), container("side", {"cpu": "1"})],
        "initContainers": [container(cpu="2")],
    }
    assert requests(spec) == {"cpu": 2000}


@pytest.mark.parametrize(
    ("declared", "nodes", "said"),
    [
        (
            requesting(container(cpu="64")),
            [node()] * 3,
            "nats_cluster_resources: a server asks for cpu 64, and only 0 of the 3 nodes",
        ),
        (requesting(container(memory="9Gi")), [node()] * 3, "a server asks for memory 9216Mi"),
        (requesting(container(cpu="3"), spread=True), [node(), node("2"), node()], "only 2 of the 3 nodes"),
        (
            requesting(container(), nodeSelector={"no": "such"}),
            [node()] * 3,
            "nats_cluster_node_selector: none of 3 nodes",
        ),
        (requesting(container(cpu="3")), [node("2"), node()], ""),
        (requesting(container(cpu="64")), None, ""),
        (requesting(container(cpu="64")), [{"metadata": {"name": "n"}, "spec": {}}], ""),
    ],
)
def test_a_node_has_to_be_large_enough(declared, nodes, said):
    assert said in "".join(room(declared, ClusterFacts(True, nodes), 3))
    assert bool(list(room(declared, ClusterFacts(True, nodes), 3))) is bool(said)


def test_nodes_are_checked_where_pods_are_scheduled_otherwise():
    plain = requesting(container(cpu="1"))
    assert not schedules_otherwise(plain, requesting(container(cpu="1000m"), nodeSelector={}))
    assert schedules_otherwise(requesting(container(cpu="2")), plain)
    assert schedules_otherwise(requesting(container(cpu="1"), nodeSelector={"a": "b"}), plain)


def claims(storage="1Gi", **spec):
    template = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": storage}}, **spec}}
    return {"kind": "StatefulSet", "spec": {"volumeClaimTemplates": [template]}}


def storage_class(name, default=False):
    return {"metadata": {"name": name, "annotations": {DEFAULT_CLASS: "true"} if default else {}}}


def volume(storage="1Gi", phase="Available", of="manual"):
    return {"spec": {"storageClassName": of, "capacity": {"storage": storage}}, "status": {"phase": phase}}


MANUAL = claims(storageClassName="manual")


@pytest.mark.parametrize(
    ("declared", "known", "said"),
    [
        (claims(), {"storage_classes": [storage_class("fast", default=True)]}, None),
        (claims(), {"storage_classes": [storage_class("fast")]}, "has no default StorageClass. Choose one of fast"),
        (claims(storageClassName="fast"), {"storage_classes": [storage_class("fast")]}, None),
        (MANUAL, {"storage_classes": None}, None),
        (MANUAL, {"storage_classes": []}, "has no StorageClass manual, and no volume names it"),
        (MANUAL, {"storage_classes": [], "static_volumes": None}, None),
        # Volumes that somebody has made.
        (MANUAL, {"storage_classes": [], "static_volumes": [volume()] * 3}, None),
        (
            MANUAL,
            {"storage_classes": [], "static_volumes": [volume("2Gi"), volume(), volume("500Mi")]},
            "2 of the 3 volumes that name it",
        ),
        (
            MANUAL,
            {"storage_classes": [], "static_volumes": [volume(phase="Bound"), volume(), volume()]},
            "2 of the 3 volumes that name it",
        ),
        (
            MANUAL,
            {"storage_classes": [], "static_volumes": [volume(phase="Bound"), volume(), volume()], "claims": [{}]},
            None,
        ),
        (MANUAL, {"storage_classes": [], "static_volumes": [volume(of="other")] * 3}, "no volume names it"),
    ],
)
def test_volumes_come_from_a_class_or_are_there(declared, known, said):
    refusals = list(storage_refusals(declared, ClusterFacts(True, **known), replicas=3))
    assert refusals == [] if said is None else said in refusals[0]


def test_which_classes_are_declared():
    assert storage_classes_of([MANUAL, claims(), {"kind": "Service"}]) == ["manual"]
