# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which ports a server listens: what it says in VARZ is what the collection reads from its configuration."""

from __future__ import annotations

import time
import urllib.error

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.listeners import LISTENERS, listeners
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import canonical
from tests.support.servers import Cluster, free_port

OPEN = "0.0.0.0"
# Their names in VARZ.
IN_VARZ = {"leafnodes": "leaf"}


@pytest.fixture
def server(tmp_path):
    made = Cluster(tmp_path, ["s1"], accounts=1)
    yield made
    made.stop(made[0])


def listening(cluster, config):
    """The ports of a server with this configuration, by listener."""
    cluster.start(cluster[0], **config)
    deadline = time.monotonic() + 20
    while True:
        try:
            varz = cluster[0].get("/varz")
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            found = {name: (varz.get(IN_VARZ.get(name, name)) or {}).get("port", 0) for name in LISTENERS}
            return {name: port for name, port in found.items() if port}


@pytest.mark.parametrize(
    "declare",
    [
        lambda port: {"websocket": {"port": port(), "no_tls": True}, "mqtt": {"listen": f"{OPEN}:{port()}"}},
        lambda port: {"WS": {"Listen": f"[::]:{port()}", "no_tls": True}, "leaf": {"listen": port()}},
        lambda port: {
            "jetstream": False,
            "gateway": {"name": "west", "port": port()},
            "leafnodes": {"host": OPEN, "port": port()},
        },
        # Without a port none of them listens.
        lambda port: {"websocket": {"no_tls": True}, "mqtt": {"ack_wait": "1m"}, "leafnodes": {"no_advertise": True}},
        lambda port: {"websocket": {"port": 0, "no_tls": True}, "leafnodes": {"remotes": []}},
    ],
)
def test_a_server_listens_where_its_configuration_is_read_to(server, declare):
    config = declare(free_port)
    declared = {listener.name: listener.port for listener in listeners(canonical(config))}
    assert listening(server, config) == declared
