# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who reaches what by the NetworkPolicies of the role: the tables of docs/network.md, each for the declaration above it."""

from __future__ import annotations

import pytest

from tests.support.network_tables import Cluster, allowed, read_page
from tests.support.reach import Attempt, Peer, pod_of, pod_template, reached
from tests.support.role_templates import render

DECLARATIONS = read_page()


def test_the_page_has_tables_of_both_directions():
    directions = [table.direction for declaration in DECLARATIONS for table in declaration.tables]
    assert {*directions} == {"from", "to"}
    assert len(DECLARATIONS) > 5


def objects_of(rendered, declaration):
    return rendered[declaration.title]["objects"]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    config = {"__nats_cluster_config": "{{ __nats_cluster_config_template }}"}
    hosts = {declaration.title: {**declaration.variables, **config} for declaration in DECLARATIONS}
    hosts["without"] = hosts[DECLARATIONS[0].title] | {"nats_cluster_network_policy": False}
    running = {"replicas": 3, "zoned": False, "restricts_egress": False}
    hosts["running"] = config | {"__nats_cluster_found": {"secrets": [], "running": running}}
    return render(tmp_path_factory.mktemp("policies"), hosts)


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda declaration: declaration.title)
def test_they_reach_what_the_page_says(rendered, declaration):
    cluster = Cluster.of_objects(objects_of(rendered, declaration))
    for table in declaration.tables:
        assert allowed(cluster, table) == table.rows


def labelled(rendered):
    """The pods of all objects with a policy, of the declaration with the most objects."""
    objects = objects_of(rendered, DECLARATIONS[0])
    return objects, [item for item in objects if pod_template(item)]


def test_the_servers_labels_are_the_selectors_alone(rendered):
    objects, workloads = labelled(rendered)
    selector = next(item["spec"]["selector"]["matchLabels"] for item in workloads if item["kind"] == "StatefulSet")
    selected = [
        item["kind"] for item in workloads if selector.items() <= pod_template(item)["metadata"]["labels"].items()
    ]
    assert {item["kind"] for item in workloads} == {"StatefulSet", "Deployment"}
    assert selected == ["StatefulSet"]
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    of_servers = [item for item in policies if item["spec"]["podSelector"]["matchLabels"] == selector]
    assert [item["metadata"]["name"] for item in of_servers] == ["nats"]


def test_without_a_policy_everybody_reaches_everything(rendered):
    objects = rendered["without"]["objects"]
    server = pod_of(next(item for item in objects if item["kind"] == "StatefulSet"), "10.0.0.1")
    assert [item for item in objects if item["kind"] == "NetworkPolicy"] == []
    assert reached([], [Attempt(Peer("203.0.113.7"), server, 6222)]) == [True]


def test_a_running_cluster_without_egress_rules_gets_none(rendered):
    (policy,) = (item for item in rendered["running"]["objects"] if item["kind"] == "NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert "egress" not in policy["spec"]


def test_the_service_and_the_pods_have_the_ports_of_all_listeners(rendered):
    objects = objects_of(rendered, DECLARATIONS[0])
    (service,) = (item for item in objects if item["kind"] == "Service")
    statefulset = next(item for item in objects if item["kind"] == "StatefulSet")
    (container,) = statefulset["spec"]["template"]["spec"]["containers"]
    of_service = {
        port["name"]: (port["port"], port["targetPort"], port["appProtocol"]) for port in service["spec"]["ports"]
    }
    of_pod = {port["name"]: port["containerPort"] for port in container["ports"]}
    more = {"websocket": 8080, "mqtt": 1883, "leafnodes": 7422}
    assert of_pod == {"client": 4222, "cluster": 6222, "monitor": 8222} | more
    assert {name: of_service[name] for name in more} == {name: (port, port, "tcp") for name, port in more.items()}
    assert of_service.keys() == of_pod.keys()
