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
from ansible_collections.messaging.nats.plugins.module_utils._operations import lame_duck
from tests.support.servers import secret

CLIENTS = 4


@pytest.fixture
def watched(own_cluster):
    """The watch over the last server; that server; and how many clients it had each time that it was ended."""
    leaves, ended = own_cluster[2], []
    own_cluster.stop(leaves)
    own_cluster.start(leaves, lame_duck_grace_period="100ms", lame_duck_duration="30s")
    own_cluster.wait()

    def get(path):
        try:
            return 200, json.dumps(leaves.get(path))
        except OSError as error:
            raise NatsError(path, str(error), "Nothing: it has gone.") from error

    def end():
        ended.append(leaves.get("/varz")["connections"])
        leaves.process.send_signal(signal.SIGINT)

    return lame_duck.LameDuck(get, end), leaves, ended


@pytest.fixture
def clients(own_cluster):
    """Clients of the last server, which know the others too; and the event loop that they run in."""
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


def shut_down(watch, leaves, loop):
    leaves.process.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + 20
    while leaves.process.poll() is None and time.monotonic() < deadline:
        watch.look()
        loop.run_until_complete(asyncio.sleep(0.1))


def test_a_server_with_few_clients_is_ended_when_it_closes_the_first_connection(watched, clients):
    watch, leaves, ended = watched
    found, loop = clients
    shut_down(watch, leaves, loop)
    assert (leaves.process.poll(), ended) == (0, [CLIENTS - 1])
    loop.run_until_complete(asyncio.sleep(1))
    assert all(client.is_connected and client.connected_url.netloc != urlsplit(leaves.url).netloc for client in found)


def test_a_server_that_is_not_in_lame_duck_is_not_ended(watched, clients):
    watch, leaves, ended = watched
    found, loop = clients
    loop.run_until_complete(found[0].close())
    watch.look()
    assert (leaves.get("/varz")["connections"], ended) == (len(found) - 1, [])


def test_a_server_with_many_clients_is_not_ended(watched, clients, monkeypatch):
    watch, leaves, ended = watched
    _found, loop = clients
    monkeypatch.setattr(lame_duck, "FEW", CLIENTS - 2)
    shut_down(watch, leaves, loop)
    assert (leaves.process.poll(), ended) == (0, [])


def test_a_server_that_can_not_be_asked_is_not_asked_again():
    looked = []

    def get(path):
        looked.append(path)
        raise NatsError(path, "it does not answer", "None.")

    watch = lame_duck.LameDuck(get, lambda: None)
    watch.look()
    watch.look()
    assert len(looked) == 1
