# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    deletion,
    deletion_remedy,
    has_ended,
    killed,
    server_name,
    unschedulable,
    waits_for_kubelet,
)

CREATING = {"waiting": {"reason": "ContainerCreating"}}


@pytest.mark.parametrize(
    ("node", "states", "metadata", "expected"),
    [
        ("worker", [], {}, True),
        ("worker", [CREATING], {}, True),
        ("worker", [{"running": {"startedAt": "2026-11-25T23:17:03Z"}}], {}, False),
        ("worker", [CREATING, {"running": {}}], {}, False),
        ("worker", [{"waiting": {"reason": "ImagePullBackOff"}}], {}, False),
        ("worker", [{"terminated": {"exitCode": 1}}], {}, False),
        ("worker", [CREATING], {"deletionTimestamp": "2026-11-25T23:17:03Z"}, False),
        (None, [], {}, False),
    ],
)
def test_only_a_pod_that_its_node_has_not_started_waits_for_the_kubelet(
    node: str | None, states: list[dict[str, Any]], metadata: dict[str, str], expected: bool
) -> None:
    pod = {
        "metadata": metadata,
        "spec": {"nodeName": node} if node else {},
        "status": {"containerStatuses": [{"state": state} for state in states]},
    }

    assert waits_for_kubelet(pod) is expected


@pytest.mark.parametrize(
    ("phase", "states", "expected"),
    [
        ("Succeeded", [{"terminated": {"exitCode": 0}}], True),
        ("Failed", [{"terminated": {"exitCode": 137}}, {"terminated": {"exitCode": 0}}], True),
        ("Running", [{"terminated": {"exitCode": 0}}], False),
        ("Failed", [{"terminated": {"exitCode": 137}}, {"running": {}}], False),
        ("Running", [{"running": {}}], False),
        # The node was lost, so it is not known.
        ("Failed", [], False),
        ("Failed", [{"waiting": {"reason": "ContainerCreating"}}], False),
    ],
)
def test_a_pod_has_ended_when_its_kubelet_says_so_of_every_container(
    phase: str, states: list[dict[str, Any]], expected: bool
) -> None:
    assert (
        has_ended({"status": {"phase": phase, "containerStatuses": [{"state": state} for state in states]}}) is expected
    )


def test_the_server_is_found_beside_a_sidecar_by_its_name():
    sidecar, nats = {"name": "proxy"}, {"name": "nats", "env": [{"name": "SERVER_NAME", "value": "eu-$(POD_NAME)"}]}
    ended = {"lastState": {"terminated": {"reason": "OOMKilled", "finishedAt": "noon"}}}
    pod = {
        "metadata": {"name": "nats-1"},
        "spec": {"containers": [sidecar, nats]},
        "status": {"containerStatuses": [{"name": "proxy"} | ended, {"name": "nats"}]},
    }
    assert server_name(pod) == "eu-nats-1"
    assert killed(pod) == ""


@pytest.mark.parametrize(
    ("meta", "said", "remedy"),
    [
        ({}, "", ""),
        ({"finalizers": ["a/b"]}, "", ""),
        (
            {"deletionTimestamp": "T"},
            "it is being deleted and was to be gone at T",
            "If its node does not answer, bring it back; if the node is gone for good, use the playbook replace.",
        ),
        (
            {"deletionTimestamp": "T", "finalizers": ["a/b", "c/d"]},
            "it is being deleted and was to be gone at T, and it is held by finalizers a/b, c/d",
            "Have the owner of the finalizer remove it; if the owner is gone for good, take it out of the pod (kubectl edit pod).",
        ),
    ],
)
def test_a_pod_that_is_being_deleted_is_told_with_what_holds_it(meta, said, remedy):
    pod = {"metadata": meta}
    assert deletion(pod) == said
    if said:
        assert deletion_remedy(pod) == remedy


def test_why_no_node_takes_a_pod():
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/4 nodes"}
    assert unschedulable({"status": {"conditions": [condition]}}) == "0/4 nodes"
    assert unschedulable({"status": {"conditions": [condition | {"status": "True"}]}}) is None
    assert unschedulable(None) is None
