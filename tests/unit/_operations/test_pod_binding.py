# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pod needs to get a new volume, and the nodes that both are bound to."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import (
    Next,
    hosts_of,
    is_surely_off,
    next_step,
    next_step_without_volume,
    past_return,
    why_lost,
)


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
def test_the_next_step_until_a_pod_has_a_new_volume(pod, claim, step, past):
    assert next_step(pod, claim, "old") is step
    assert past_return(pod, claim, "old") is past


@pytest.mark.parametrize(
    ("pod", "step"),
    [
        (thing("old", node="w", ready=True), Next.DELETE_POD),
        (thing("old"), Next.DELETE_POD),
        (thing("old", going=True, node="w"), Next.WAIT),
        (None, Next.WAIT),
        (thing(node="w"), Next.WAIT),
        (thing(node="w", ready=True), Next.DONE),
    ],
)
def test_the_next_step_until_a_server_without_a_volume_has_a_new_store(pod, step):
    assert next_step_without_volume(pod, "old") is step


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
def test_whether_a_node_is_lost_and_surely_off(found, lost, off):
    assert (why_lost(found), is_surely_off(found)) == (lost, off)
