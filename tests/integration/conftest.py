# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real nats-servers on loopback, made once; each test has an account of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.messaging.nats.plugins.module_utils._connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._nats_conf import to_nats_conf

SERVER = (
    shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "nats-server"
)
ACCOUNTS = 400
STORE = 64 * 2**20


@dataclass
class Server:
    name: str
    client: int
    monitor: int
    process: subprocess.Popen | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.client}"

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}{path}", timeout=2) as answer:
            return json.load(answer)


class Cluster:
    """Servers that know each other, in a folder of their own."""

    def __init__(self, folder: Path, names: list[str], cluster: str = "C", accounts: int = ACCOUNTS) -> None:
        self.folder, self.cluster, self.accounts = folder, cluster, accounts
        self.servers = [Server(name, free_port(), free_port()) for name in names]
        self._routes = {server.name: free_port() for server in self.servers}

    def __getitem__(self, index: int) -> Server:
        return self.servers[index]

    def configuration(self, server: Server, **more: object) -> dict:
        users = {
            f"T{number}": {"jetstream": "enabled", "users": [login(f"t{number}")]} for number in range(self.accounts)
        }
        found = {
            "server_name": server.name,
            "listen": f"127.0.0.1:{server.client}",
            "http": f"127.0.0.1:{server.monitor}",
            "jetstream": {
                "store_dir": str(self.folder / server.name),
                "max_file_store": STORE,
                "max_memory_store": STORE,
            },
            "system_account": "SYS",
            "accounts": {"SYS": {"users": [login("sys-user")]}, **users},
        }
        if len(self.servers) > 1:
            found["cluster"] = {
                "name": self.cluster,
                "listen": f"127.0.0.1:{self._routes[server.name]}",
                "no_advertise": True,
                "routes": [f"nats://127.0.0.1:{port}" for port in self._routes.values()],
            }
        return found | more

    def start(self, server: Server, **more: object) -> None:
        path = self.folder / f"{server.name}.conf"
        path.write_text(to_nats_conf(self.configuration(server, **more)))
        with (self.folder / f"{server.name}.log").open("ab") as log:
            server.process = subprocess.Popen([SERVER, "--config", str(path)], stdout=log, stderr=log)

    def stop(self, server: Server, how: signal.Signals = signal.SIGKILL) -> None:
        if server.process is not None:
            server.process.send_signal(how)
            server.process.wait()
            server.process = None

    def system(self) -> Options:
        return Options([server.url for server in self.servers], user="sys-user", password=secret("sys-user"))

    def wait(self) -> None:
        """Until meta has a leader and all peers current: readiness is not `can place a stream`."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            time.sleep(0.1)
            if self.formed():
                return
        raise AssertionError(f"no cluster within 30 s; logs are in {self.folder}")

    def formed(self) -> bool:
        if len(self.servers) == 1:
            return reachable(self.servers[0])
        if not all(reachable(server) for server in self.servers):
            return False
        metas = [server.get("/jsz").get("meta_cluster") or {} for server in self.servers]
        own = [meta for server, meta in zip(self.servers, metas, strict=True) if meta.get("leader") == server.name]
        return bool(own) and sum(peer["current"] for peer in own[0].get("replicas") or []) == len(self.servers) - 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def reachable(server: Server) -> bool:
    try:
        server.get("/healthz?js-server-only=true")
    except OSError:
        return False
    return True


def secret(user: str) -> str:
    return f"{user}-S3cret"


def login(user: str) -> dict:
    return {"user": user, "password": secret(user)}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """Three servers."""
    yield from running(Cluster(tmp_path_factory.mktemp("cluster"), ["n1", "n2", "n3"]))


@pytest.fixture(scope="session")
def single(tmp_path_factory) -> Iterator[Cluster]:
    """One server."""
    yield from running(Cluster(tmp_path_factory.mktemp("single"), ["s1"]))


@pytest.fixture
def own_cluster(tmp_path) -> Iterator[Cluster]:
    """Three servers for a test that breaks them."""
    yield from running(Cluster(tmp_path, ["n1", "n2", "n3"], accounts=1))


def running(made: Cluster) -> Iterator[Cluster]:
    try:
        for server in made.servers:
            made.start(server)
        made.wait()
        yield made
    finally:
        for server in made.servers:
            made.stop(server)


@pytest.fixture(scope="session")
def accounts() -> Iterator[str]:
    return (f"t{number}" for number in range(ACCOUNTS))


@pytest.fixture
def account(cluster, accounts) -> dict:
    """Connection options of an account on three servers that no other test uses."""
    user = next(accounts)
    return {"servers": [server.url for server in cluster.servers], "user": user, "password": secret(user)}


@pytest.fixture
def account_connection(account) -> Iterator[Connection]:
    """The same account for a test's own questions."""
    with ExitStack() as opened:
        yield opened.enter_context(
            Connection(Options(account["servers"], user=account["user"], password=account["password"]))
        )


@pytest.fixture
def run_module(capsys):
    """Runs a module's main() and returns what it would tell Ansible."""

    def run(module, /, *, check: bool = False, **params) -> dict:
        arguments = {**params, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run
