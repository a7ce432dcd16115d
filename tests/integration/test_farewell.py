# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients of a real server in lame duck; `make versions` runs this on each version."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from urllib.parse import urlsplit

import nats
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._operations import lame_duck as _farewell
from tests.support.servers import secret

CLIENTS = 4


@pytest.fixture
def said_to(own_cluster):
    """A farewell of the last server; that server, and how many clients it had each time that it was ended."""
    leaves, ended = own_cluster[2], []
    own_cluster.stop(leaves)
    own_cluster.start(leaves, lame_duck_grace_period="100ms", lame_duck_duration="30s")
    own_cluster.wait()

    def get(path):
        try:
            return 200, json.dumps(leaves.get(path))
        except OSError as error:
            raise NatsError(path, str(error), "None: it has gone.") from error

    def end():
        ended.append(leaves.get("/varz")["connections"])
        leaves.process.send_signal(signal.SIGINT)

    return _farewell.LameDuck(get, end), leaves, ended


@pytest.fixture
def clients(own_cluster):
    """Of the last server, with the others for when that closes their connections; and the loop that they live in."""
    servers = [server.url for server in reversed(own_cluster.servers)]
    login = {"user": "t0", "password": secret("t0")}
    loop = asyncio.new_event_loop()

    async def connected():
        return [
            await nats.connect(servers, **login, dont_randomize=True, reconnect_time_wait=0.05)
            for _number in range(CLIENTS)
        ]

    async def closed():
        for client in found:
            await client.close()

    found = loop.run_until_complete(connected())
    yield found, loop
    loop.run_until_complete(closed())
    loop.close()


def lame_duck(farewell, leaves, loop):
    leaves.process.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + 20
    while leaves.process.poll() is None and time.monotonic() < deadline:
        farewell.look()
        loop.run_until_complete(asyncio.sleep(0.1))


def test_few_clients_leave_together_when_the_first_has_to(said_to, clients):
    farewell, leaves, ended = said_to
    found, loop = clients
    lame_duck(farewell, leaves, loop)
    assert (leaves.process.poll(), ended) == (0, [CLIENTS - 1])
    loop.run_until_complete(asyncio.sleep(1))
    assert all(client.is_connected and client.connected_url.netloc != urlsplit(leaves.url).netloc for client in found)


def test_a_server_that_is_not_in_lame_duck_keeps_them(said_to, clients):
    farewell, leaves, ended = said_to
    found, loop = clients
    loop.run_until_complete(found[0].close())
    farewell.look()
    assert (leaves.get("/varz")["connections"], ended) == (len(found) - 1, [])


def test_many_are_left_to_the_server(said_to, clients, monkeypatch):
    farewell, leaves, ended = said_to
    _found, loop = clients
    monkeypatch.setattr(_farewell, "FEW", CLIENTS - 2)
    lame_duck(farewell, leaves, loop)
    assert (leaves.process.poll(), ended) == (0, [])


def test_who_can_not_look_is_not_made_to_wait_again():
    looked = []

    def get(path):
        looked.append(path)
        raise NatsError(path, "nobody answers", "None.")

    farewell = _farewell.LameDuck(get, lambda: None)
    farewell.look()
    farewell.look()
    assert len(looked) == 1
