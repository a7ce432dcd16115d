# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.listeners import (
    Listener,
    listener_ports,
    listeners,
    port_conflicts,
    with_unknown_ports,
)


@pytest.mark.parametrize(
    ("config", "found", "unknown"),
    [
        ({}, [], []),
        ({"websocket": {"port": 8080}}, [Listener("websocket", 8080)], []),
        ({"mqtt": {"listen": "0.0.0.0:1883"}}, [Listener("mqtt", 1883)], []),
        ({"leafnodes": {"listen": 7422}}, [Listener("leafnodes", 7422)], []),
        ({"gateway": {"name": "a", "listen": "[::]:7222"}}, [Listener("gateway", 7222)], []),
        # It connects, and does not listen.
        ({"leafnodes": {"remotes": [{"url": "nats://hub:7422"}]}}, [], []),
        ({"websocket": {"port": 0}}, [], []),
        ({"websocket": {"port": -1}}, [], ["websocket"]),
        ({"websocket": {"port": {"$env": "PORT"}}}, [], ["websocket"]),
        # Only containers of the same pod reach it.
        ({"websocket": {"listen": "127.0.0.1:8080"}}, [], []),
        ({"websocket": {"host": "localhost", "port": 8080}}, [], []),
        ({"mqtt": {"listen": "[::1]:1883"}}, [], []),
    ],
)
def test_listeners_are_found_with_their_ports(config, found, unknown):
    assert (listeners(config), with_unknown_ports(config)) == (found, unknown)


WEBSOCKET = {"name": "websocket", "port": 8080}


def ports(overrides=(), extra=(), config=None):
    return listener_ports(config or {"ws": {"Port": 8080}}, dict(overrides), extra, "nats")


def service(**port):
    return {"spec": {"ports": [port]}}


def container(**port):
    return {"StatefulSet": {"spec": {"template": {"spec": {"containers": [{"name": "nats", "ports": [port]}]}}}}}


def policy(port):
    return {"kind": "NetworkPolicy", "spec": {"ingress": [{"ports": [{"port": port}]}]}}


def test_a_listener_gets_ports_and_a_rule_under_all_names_of_its_keys():
    assert ports() == {"container": [WEBSOCKET], "service": [WEBSOCKET], "policy": [WEBSOCKET]}


@pytest.mark.parametrize(
    ("overrides", "extra", "left_out"),
    [
        ({"Service": service(name="ws", port=8080)}, [], {"service"}),
        ({"Service/nats": service(name="ws", port=8080)}, [], {"service"}),
        ({"Service/nats-external": service(name="ws", port=8080)}, [], set()),
        # Under our name it is merged into our port.
        ({"Service": service(name="websocket", port=8080, appProtocol="http")}, [], set()),
        ({"Service": {"spec": {"ports": None}}}, [], set()),
        (container(name="ws", containerPort=8080), [], {"container"}),
        (container(name="websocket", containerPort=8080), [], set()),
        ({"StatefulSet": {"spec": {"template": {"spec": {"containers": [{"name": "exporter"}]}}}}}, [], set()),
        ({}, [policy(8080)], {"policy"}),
        ({}, [policy("websocket")], {"policy"}),
        ({}, [policy(1883)], set()),
        # It lets in somebody to every port, and is not made for this one.
        ({}, [{"kind": "NetworkPolicy", "spec": {"ingress": [{"from": [{"podSelector": {}}]}]}}], set()),
        ({}, [{"kind": "Role", "rules": []}], set()),
    ],
)
def test_what_somebody_has_declared_for_a_port_is_left_to_them(overrides, extra, left_out):
    assert {where for where, found in ports(overrides, extra).items() if not found} == left_out


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        ({"websocket": {"port": 8080}, "mqtt": {"port": 1883}}, []),
        ({"websocket": {"port": 4222}}, ["websocket can't listen on port 4222, which is that of clients"]),
        ({"leaf": {"listen": "0.0.0.0:6222"}}, ["leafnodes can't listen on port 6222, which is that of routes"]),
        (
            {"websocket": {"port": 8222}, "mqtt": {"port": 8222}},
            ["websocket can't listen on port 8222, which is that of monitoring", "mqtt can't listen on port 8222"],
        ),
        (
            {"websocket": {"port": 8080}, "mqtt": {"port": 8080}},
            ["mqtt can't listen on port 8080, which is that of websocket"],
        ),
        # Another check tells this.
        ({"ws": {"port": 4222}, "websocket": {"port": 4222}}, []),
    ],
)
def test_no_two_listeners_have_one_port(config, problems):
    found = list(port_conflicts(config))
    assert len(found) == len(problems), found
    assert all(words in problem for words, problem in zip(problems, found, strict=True))
