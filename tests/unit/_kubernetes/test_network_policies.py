# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.network_policies import (
    peers_of,
    policy_types,
    selects,
)


def policy(**spec):
    return {"kind": "NetworkPolicy", "spec": spec}


@pytest.mark.parametrize(
    ("found", "types"),
    [
        (policy(policyTypes=["Egress"]), {"Egress"}),
        (policy(policyTypes=["Ingress"], egress=[{}]), {"Ingress"}),
        (policy(ingress=[]), {"Ingress"}),
        (policy(egress=[{}]), {"Ingress", "Egress"}),
    ],
)
def test_the_directions_are_those_of_the_api_server(found, types):
    assert policy_types(found) == types


@pytest.mark.parametrize(
    ("selector", "is_selected"),
    [
        ({}, True),
        ({"matchLabels": {"app": "nats"}}, True),
        ({"matchLabels": {"app": "nats", "team": "b"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, False),
    ],
)
def test_a_selector_is_part_of_the_labels(selector, is_selected):
    assert selects(policy(podSelector=selector), {"app": "nats", "team": "a"}) is is_selected


def test_a_rule_without_ports_is_for_all_of_them():
    peer: dict = {"podSelector": {}}
    rules = [
        {"ports": [{"port": 4222}], "from": [peer]},
        {"ports": [{"port": 8222}]},
        {},
        {"ports": [{"protocol": "TCP"}]},
    ]
    assert list(peers_of(policy(ingress=rules), 4222)) == [[peer], [], []]
