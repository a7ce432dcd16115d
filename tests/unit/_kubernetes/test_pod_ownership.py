# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods are a cluster's servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_ownership import (
    is_server_name,
    is_server_pod,
)

OURS = {"app": "nats", "app.kubernetes.io/managed-by": "messaging.nats", "controller-revision-hash": "nats-1"}


def owner(kind="StatefulSet", name="nats", controller=True):
    return {"kind": kind, "name": name, "uid": "1", "controller": controller}


@pytest.mark.parametrize(
    ("name", "owners", "labels", "server"),
    [
        ("nats-0", [owner()], {"app": "nats"}, True),
        ("nats-10", [owner("Node", controller=False), owner()], {}, True),
        ("nats-0", [], OURS, True),
        ("debug", [], {"app": "nats"}, False),
        ("nats-0", [], {"app": "nats"}, False),
        ("nats-debug", [], OURS, False),
        ("nats-0", [owner(name="web")], OURS, False),
        ("web-0", [owner(name="web")], {"app": "nats"}, False),
        ("nats-7d9f-0", [owner("ReplicaSet", "nats-7d9f")], {"app": "nats"}, False),
    ],
    ids=[
        "a server",
        "a server that a node owns, too",
        "left behind while its StatefulSet is replaced",
        "a debug pod with the label",
        "a bare pod with a server's name",
        "a bare pod with all labels and another name",
        "a pod of another StatefulSet with our labels",
        "another StatefulSet's first pod",
        "a pod of a Deployment",
    ],
)
def test_a_label_makes_no_server(name, owners, labels, server):
    assert is_server_pod({"metadata": {"name": name, "ownerReferences": owners, "labels": labels}}, "nats") is server


@pytest.mark.parametrize(
    ("name", "ours"), [("nats-0", True), ("nats-12", True), ("nats-01", False), ("web-0", False), ("nats-x-0", False)]
)
def test_the_names_that_a_statefulset_gives(name, ours):
    assert is_server_name(name, "nats") is ours
