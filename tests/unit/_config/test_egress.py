# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.egress import outgoing, restricts_egress
from ansible_collections.messaging.nats.plugins.module_utils._config.overrides import server_pod

REMOTE = {"leafnodes": {"remotes": [{"urls": ["nats-leaf://edge:secret@hub.example.org:7422"], "account": "APP"}]}}
EXPORTER = {
    "StatefulSet": {"spec": {"template": {"spec": {"containers": [{"name": "exporter", "image": "exporter:1"}]}}}}
}
RULE = {"ports": [{"port": 7422}]}


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, []),
        ({"leafnodes": {"port": 7422}, "websocket": {"port": 8080}, "mqtt": {"port": 1883}}, []),
        # No password is told.
        (REMOTE, ["leaf node remote hub.example.org:7422"]),
        ({"leaf": {"remotes": [{"URL": "wss://hub"}]}}, ["leaf node remote hub"]),
        ({"leafnodes": {"remotes": [{"url": {"$env": "HUB"}}]}}, ["leaf node remote $HUB"]),
        (
            {"gateway": {"name": "west", "port": 7222, "gateways": [{"name": "west"}, {"name": "east"}]}},
            ["gateway east"],
        ),
        ({"gateway": {"name": "west", "port": 7222}}, ["the gateways of clusters that connect"]),
        ({"ocsp": True}, ["an OCSP responder"]),
        ({"ocsp": {"mode": "MUST"}}, ["an OCSP responder"]),
        ({"ocsp": {"url": "http://ocsp.example.org"}}, ["an OCSP responder"]),
        ({"ocsp": False}, []),
        ({"ocsp": {"mode": "never"}}, []),
        ({"tls": {"cert_file": "/tls/tls.crt", "ocsp_peer": True}}, ["an OCSP responder"]),
        ({"websocket": {"port": 8080, "tls": {"ocsp_peer": {"verify": True}}}}, ["an OCSP responder"]),
        ({"tls": {"cert_file": "/tls/tls.crt", "ocsp_peer": False}}, []),
        ({"remote_syslog": "udp://logs:514"}, ["syslog server logs:514"]),
        # A server asks the service of an auth callout by a message, and the service is a client.
        ({"accounts": {"AUTH": {"users": []}}, "jetstream": {"domain": "hub"}}, []),
    ],
)
def test_what_a_configuration_connects_to_is_named(config, found):
    assert outgoing(config, server_pod({}, "nats")) == found


@pytest.mark.parametrize(
    ("overrides", "metadata", "found"),
    [
        ({}, {"labels": {"app": "nats"}, "annotations": {}}, []),
        (EXPORTER, {}, ["container exporter"]),
        (
            {"StatefulSet/nats": {"spec": {"template": {"spec": {"initContainers": [{"name": "fetch"}]}}}}},
            {},
            ["container fetch"],
        ),
        # It is for another object.
        ({"Deployment": {"spec": {"template": {"spec": {"containers": [{"name": "box"}]}}}}}, {}, []),
        (
            {},
            {"annotations": {"linkerd.io/inject": "enabled"}},
            ["the container that annotation linkerd.io/inject adds"],
        ),
        (
            {},
            {"labels": {"sidecar.istio.io/inject": "true"}},
            ["the container that label sidecar.istio.io/inject adds"],
        ),
        ({}, {"annotations": {"vault.hashicorp.com/agent-inject": "true"}}, ["the container that annotation vault"]),
        ({}, {"annotations": {"sidecar.istio.io/inject": "false"}}, []),
    ],
)
def test_what_containers_beside_the_server_connect_to_is_not_known(overrides, metadata, found):
    told = outgoing({}, server_pod(overrides, "nats", metadata))
    assert len(told) == len(found), told
    assert all(name.startswith(words) for words, name in zip(found, told, strict=True))


@pytest.mark.parametrize(
    ("config", "overrides", "rules", "running", "restricted"),
    [
        # A new cluster.
        ({}, {}, [], {}, True),
        (REMOTE, {}, [], {}, False),
        ({}, EXPORTER, [], {}, False),
        (REMOTE, EXPORTER, [RULE], {}, True),
        # A running one stays as it is.
        ({}, {}, [], {"replicas": 3, "restricts_egress": False}, False),
        ({}, {}, [], {"replicas": 3, "restricts_egress": True}, True),
        ({}, {}, [RULE], {"replicas": 3, "restricts_egress": False}, True),
        # What a running one begins to connect to would be cut off.
        (REMOTE, {}, [], {"replicas": 3, "restricts_egress": True}, False),
        (REMOTE, {}, [RULE], {"replicas": 3, "restricts_egress": True}, True),
    ],
)
def test_egress_is_restricted_where_nothing_declared_or_running_is_cut_off(
    config, overrides, rules, running, restricted
):
    assert restricts_egress(config, rules, running, server_pod(overrides, "nats")) is restricted
