# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the replicas of a stream are kept in different zones."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.zones import (
    SELECTED_NODE,
    ZONE,
    unusable_zones,
    zones,
)

NEW, OLD = {"major": "1", "minor": "37"}, {"major": "1", "minor": "34+"}


def nodes(*names, taint=None):
    """Nodes n0, n1, … in these zones."""
    taints = [{"key": "dedicated", "effect": "NoSchedule"}] if taint else []
    return [
        {
            "metadata": {"name": f"{'t' if taint else 'n'}{number}", "labels": {ZONE: zone} if zone else {}},
            "spec": {"taints": taints},
        }
        for number, zone in enumerate(names)
    ]


def claims(*numbers):
    return [{"metadata": {"annotations": {SELECTED_NODE: f"n{number}"}}} for number in numbers] + [{"metadata": {}}]


@pytest.mark.parametrize(
    ("there", "version", "held", "enough", "reason"),
    [
        (nodes("a", "b", "c"), NEW, (), True, ""),
        (nodes("a", "a", "b", "c"), {"major": "1", "minor": "35+"}, (), True, ""),
        (nodes("a", "b"), NEW, (), False, ""),
        (nodes("a", "b", "c", None), NEW, (), False, "node n3 has no label topology.kubernetes.io/zone"),
        # Where no server can be, no zone is needed.
        (nodes("a", "b", "c") + nodes(None, taint=True), NEW, (), True, ""),
        (nodes(), NEW, (), False, ""),
        (nodes("a", "b", "c"), OLD, (), False, "Kubernetes 1.34 does not copy a node's zone"),
        (None, NEW, (), False, "nodes may not be read here"),
        # Volumes of a cluster that was uninstalled, or runs: where they are, the servers have to be.
        (nodes("a", "b", "c"), NEW, (0, 1, 2), True, ""),
        (nodes("a", "b", "c", "a"), NEW, (0, 3, 1), False, "are not spread over the zones (a: 2, b: 1, c: 0)"),
        (nodes("a", "b", "c"), NEW, (7, 8, 9), True, ""),
    ],
)
def test_zones_are_used_where_every_server_can_tell_its_own(there, version, held, enough, reason):
    found = zones(there, version, {}, claims(*held))
    assert found.are_enough is enough
    assert reason in found.reason


def statefulset(zoned=True):
    env = [{"name": "ZONE_TAG", "value": "az:$(ZONE)"}] if zoned else []
    return {"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "nats", "env": env}]}}}}


@pytest.mark.parametrize(
    ("there", "declared", "running", "sentence"),
    [
        (nodes("a", "b"), statefulset(), None, None),
        (nodes("a", "a"), statefulset(), None, "all nodes that can take a server are in zone a"),
        (nodes("a", None), statefulset(), None, "node n1 has no label"),
        (nodes("a", None), statefulset(zoned=False), None, None),
        # What runs with it goes on, whatever becomes of the nodes.
        (nodes("a", None), statefulset(), statefulset(), None),
        (nodes("a", None), statefulset(), statefulset(zoned=False), "node n1 has no label"),
        (None, statefulset(), None, None),
    ],
)
def test_required_zones_that_do_not_exist_are_refused_before_anything_is_created(there, declared, running, sentence):
    facts = ClusterFacts(True, there, kubernetes=NEW, running=Running(running) if running else None)
    found = "\n".join(unusable_zones(declared, facts))
    assert (sentence or "") in found
    assert bool(found) is (sentence is not None)
