# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.listeners import listener_remarks


def service(*ports, key="port"):
    return {"kind": "Service", "spec": {"ports": [{key: port} for port in ports]}}


def policy(*ports):
    return {"kind": "NetworkPolicy", "spec": {"ingress": [{"ports": [{"port": port} for port in ports]}]}}


def only(*peers):
    return {"kind": "NetworkPolicy", "spec": {"ingress": [{"ports": [{"port": 7222}], "from": list(peers)}]}}


NATS = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "nats"}}}
EAST = 'gateway { name: "west", port: 7222, gateways: [{ name: "west" }, { name: "east", urls: ["nats://east.example.org:7222"] }] }\n'
WEBSOCKET = "websocket { port: 8080, no_tls: true }\n"
NEITHER = "which no Service has and no NetworkPolicy lets in: write its port into nats_cluster_overrides (Service) and a NetworkPolicy for it into"


@pytest.mark.parametrize(
    ("configuration", "objects", "said"),
    [
        (WEBSOCKET, [service(4222), policy(4222)], [f"by hand: websocket listens on port 8080, {NEITHER}"]),
        (
            WEBSOCKET,
            [service(8080), policy(4222)],
            ["websocket listens on port 8080, which no NetworkPolicy lets in: write a"],
        ),
        (WEBSOCKET, [service(4222), policy(4222), policy(8080)], ["which no Service has: write its port into"]),
        (WEBSOCKET, [service(8080, key="targetPort"), policy()], []),
        # Without a NetworkPolicy, everybody is let in.
        (WEBSOCKET, [service(8080)], []),
        ('mqtt { listen: "0.0.0.0:1883" }\n', [service(), policy(4222)], ["mqtt listens on port 1883"]),
        (
            'gateway { name: "a", port: 7222 }\nleafnodes { listen: 7422 }\n',
            [],
            ["leafnodes listens on port 7422", "gateway listens on port 7222"],
        ),
        # It connects, and does not listen.
        ('leafnodes { remotes: [{ url: "nats://hub:7422" }] }\n', [], []),
        ("port: 4222\n", [], []),
        (None, [], []),
        ("websocket { port: $WS_PORT }\n", [], ["websocket listens on a port that is not known here"]),
        (EAST, [service(7222), policy(7222)], []),
        (EAST, [service(7222), only(NATS)], ["is open to NATS servers of this Kubernetes cluster only"]),
        (EAST, [service(7222), only(NATS), only({"ipBlock": {"cidr": "192.0.2.0/24"}})], []),
        (EAST.replace("east.example.org", "nats.east.svc"), [service(7222), only(NATS)], []),
        ('gateway { name: "west", port: 7222 }\n', [service(7222), only(NATS)], ["is open to NATS servers of this"]),
    ],
)
def test_a_listener_that_nobody_reaches_is_told(configuration, objects, said):
    found = list(listener_remarks(configuration, objects))
    assert len(found) == len(said), found
    assert all(words in remark for words, remark in zip(said, found, strict=True))
