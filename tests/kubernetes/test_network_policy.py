# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first tables of docs/network.md for the pods and policies of a real deployment, which Molecule's scenario `reload` has made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from tests.support.network_tables import PORTS, Cluster, Table, allowed, read_page

NAMESPACE = "molecule-reload"
SELECTOR = {"app": "nats", "app.kubernetes.io/instance": "nats"}


@pytest.fixture(scope="module")
def pods():
    return Kubernetes({}).items(f"/api/v1/namespaces/{NAMESPACE}/pods", "pods")


@pytest.fixture(scope="module")
def cluster(pods):
    policies = Kubernetes({}).items(
        f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies", "network policies"
    )
    servers = [
        pod
        for pod in pods
        if pod["metadata"]["name"].startswith("nats-")
        and "statefulset.kubernetes.io/pod-name" in pod["metadata"]["labels"]
    ]
    return Cluster.of_pods(policies, servers)


def for_ports(table: Table, cluster: Cluster) -> Table:
    """The rows of a table for what the cluster has: no box, and not every listener."""
    if table.direction == "to":
        return table
    known = [index for index, column in enumerate(table.columns) if PORTS.get(column, column) in cluster.ports]
    rows = {name: tuple(cells[index] for index in known) for name, cells in table.rows.items() if name in cluster.peers}
    return replace(table, columns=tuple(table.columns[index] for index in known), rows=rows)


def test_the_pods_reach_what_the_page_says(cluster):
    tables = [for_ports(table, cluster) for table in read_page()[0].tables]
    assert tables[0].columns == ("4222", "6222", "8222", "websocket", "leafnodes")
    for table in tables:
        assert allowed(cluster, table) == table.rows


def test_only_servers_have_the_labels_that_select_them(pods):
    selected = [pod["metadata"] for pod in pods if SELECTOR.items() <= (pod["metadata"].get("labels") or {}).items()]
    assert len(selected) == 3
    assert {owner["kind"] for found in selected for owner in found["ownerReferences"]} == {"StatefulSet"}
