# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that run without their StatefulSet."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.orphaned_statefulset import (
    is_lost,
    left_behind,
    lost_statefulset,
)

OURS = {"app.kubernetes.io/managed-by": "messaging.nats"}
CONTROLLED = [{"kind": "StatefulSet", "name": "nats", "controller": True}]
TEMPLATE = {"spec": {"containers": [{"name": "nats", "image": "registry.example.com:5000/nats:2.15.1-alpine"}]}}


def pod(number, owners=None, labels=None, revision="nats-b"):
    labels = (OURS if labels is None else labels) | {"controller-revision-hash": revision}
    meta = {"name": f"nats-{number}", "namespace": "nats", "labels": labels}
    return {"metadata": meta | ({"ownerReferences": owners} if owners else {})}


def revision(name, number, owners=None):
    meta = {"name": name} | ({"ownerReferences": owners} if owners else {})
    return {"metadata": meta, "revision": number, "data": {"spec": {"template": TEMPLATE | {"$patch": "replace"}}}}


def test_what_pods_were_made_from_is_known_without_their_statefulset():
    volumes = [{"metadata": {"name": "data-nats-2"}, "spec": {"resources": {"requests": {"storage": "6Gi"}}}}]
    pods = [pod(0, revision="nats-a"), pod(2)]
    found = lost_statefulset("nats", pods, [revision("nats-b", 2), revision("nats-a", 1)], volumes)
    assert found is not None
    assert is_lost(found)
    # One pod was evicted meanwhile: it comes back.
    assert (found["spec"]["replicas"], found["spec"]["template"]) == (3, TEMPLATE)
    assert (found["status"]["updateRevision"], found["status"]["currentRevision"]) == ("nats-b", "nats-a")
    assert found["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "6Gi"
    assert found["metadata"]["labels"]["app.kubernetes.io/version"] == "2.15.1"


@pytest.mark.parametrize(
    ("pods", "revisions"),
    [
        ([], [revision("nats-a", 1)]),
        ([pod(0, CONTROLLED)], [revision("nats-a", 1, CONTROLLED)]),
        ([pod(0, labels={})], [revision("nats-a", 1)]),
        ([pod(0)], []),
    ],
)
def test_pods_of_others_and_pods_that_have_one_are_left_alone(pods, revisions):
    assert lost_statefulset("nats", pods, revisions, []) is None


def test_pods_that_are_left_behind_are_those_that_nobody_controls():
    assert left_behind([pod(0), pod(1, CONTROLLED), pod(2, labels={})]) == [pod(0)]
