# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers without a file store, or without a memory store, do: 0 is no store, and not a limit that the server chooses."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from signal import SIGTERM
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.modules import nats_smoke
from tests.support.servers import STORE, Cluster, login, running, secret
from tests.support.waiting import published

NO_PEERS, NO_MEMORY, NO_STORAGE = 10005, 10028, 10047


class Limited(Cluster):
    """Servers as the role configures them: the account may use eight tenths of all of their stores."""

    def __init__(self, folder, names, file, memory) -> None:
        super().__init__(folder, names, accounts=1)
        self._stores = {"max_file_store": file, "max_memory_store": memory}

    def configuration(self, server, **more) -> dict[str, Any]:
        found = super().configuration(server)
        found["jetstream"] |= self._stores
        file, memory = (size * len(self.servers) * 8 // 10 for size in self._stores.values())
        found["accounts"] |= {
            "T0": {"jetstream": {"max_file": file, "max_mem": memory}, "users": [login("t0")]},
            # No limit of its own, so that the server's alone counts.
            "FREE": {"jetstream": "enabled", "users": [login("free")]},
        }
        return found | more

    def ask(self, call, user="t0", **body) -> Mapping[str, Any]:
        """Asked again while nobody answers, as after servers were started."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with Connection(self.user(user)) as connection:
                    return connection.request(f"$JS.API.{call}", json.dumps(body).encode() if body else b"")
            except NatsError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def make(self, name, storage, user="t0", replicas=None) -> int:
        """The error of the server; 0 where it makes the stream."""
        body = {
            "name": name,
            "subjects": [f"{name}.>"],
            "storage": storage,
            "num_replicas": replicas or len(self.servers),
        }
        deadline = time.monotonic() + 30
        while True:
            code: int = self.ask(f"STREAM.CREATE.{name}", user, **body).get("error", {}).get("err_code", 0)
            # Right after the start, 2.11 may not have seen all servers.
            if code != NO_PEERS or time.monotonic() > deadline:
                return code
            time.sleep(0.2)


@pytest.fixture
def memory_only(tmp_path):
    yield from running(Limited(tmp_path, ["n1", "n2", "n3"], 0, STORE))


@pytest.mark.parametrize(
    ("file", "memory", "refused"),
    [(0, STORE, {"file": NO_STORAGE, "memory": 0}), (STORE, 0, {"file": 0, "memory": NO_MEMORY})],
)
def test_a_store_of_size_zero_takes_no_stream(tmp_path, file, memory, refused):
    cluster = Limited(tmp_path, ["n1"], file, memory)
    for _running in running(cluster):
        config = cluster[0].get("/jsz")["config"]
        assert (config["max_storage"], config["max_memory"]) == (file, memory)
        assert {storage: cluster.make(f"{storage}-limited", storage) for storage in refused} == refused
        assert {storage: cluster.make(f"{storage}-free", storage, "free") for storage in refused} == refused
        assert cluster[0].get("/healthz") == {"status": "ok"}


def test_streams_in_memory_survive_servers_that_come_back_empty_one_at_a_time(memory_only):
    assert memory_only.make("S", "memory") == 0
    with Connection(memory_only.user("t0")) as connection:
        for number in range(100):
            published(connection, "S.a", str(number).encode())
    for server in memory_only.servers:
        memory_only.stop(server, SIGTERM)
        memory_only.wipe(server)  # the pod's emptyDir ends with it
        memory_only.start(server)
        memory_only.wait()
        recovered(server)
        info = whole(memory_only, "S")
        assert (info["state"]["messages"], info["state"]["last_seq"]) == (100, 100)


def test_all_is_gone_once_all_servers_were_down_at_the_same_time(memory_only):
    assert memory_only.make("S", "memory") == 0
    for server in memory_only.servers:
        memory_only.stop(server, SIGTERM)
        memory_only.wipe(server)
    for server in memory_only.servers:
        memory_only.start(server)
    memory_only.wait()
    assert memory_only.ask("STREAM.NAMES")["total"] == 0


def test_smoke_tries_a_stream_in_memory_where_there_is_nothing_else(memory_only, run_module):
    options = {"servers": [server.url for server in memory_only.servers], "user": "t0", "password": secret("t0")}
    result = run_module(nats_smoke, **options)
    assert not result.get("failed"), result["msg"]
    assert "made with 3 replicas in memory" in [check["evidence"] for check in result["checks"]]


def recovered(server) -> None:
    """Once the server itself says so, as the gate of a restart asks: the others may still tell what it was before."""
    deadline = time.monotonic() + 30
    while True:
        try:
            if server.get("/healthz") == {"status": "ok"}:
                return
        except OSError:
            assert time.monotonic() < deadline
        time.sleep(0.1)


def whole(cluster, stream) -> Mapping[str, Any]:
    """The stream, once all its replicas are current."""
    deadline = time.monotonic() + 30
    while True:
        info = cluster.ask(f"STREAM.INFO.{stream}")
        replicas = (info.get("cluster") or {}).get("replicas") or []
        if len(replicas) == 2 and all(peer["current"] for peer in replicas):
            return info
        assert time.monotonic() < deadline, info
        time.sleep(0.1)
