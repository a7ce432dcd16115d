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
from ansible_collections.messaging.nats.plugins.module_utils._plan import NOTHING

SERVER = os.environ.get("NATS_SERVER") or (
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
def alone(single, accounts) -> dict:
    """The same on one server, for what does not depend on the number of servers: a file makes it its `account`."""
    user = next(accounts)
    return {"servers": [single[0].url], "user": user, "password": secret(user)}


@pytest.fixture
def account_connection(account) -> Iterator[Connection]:
    """The same account for a test's own questions."""
    with ExitStack() as opened:
        yield opened.enter_context(
            Connection(Options(account["servers"], user=account["user"], password=account["password"]))
        )


@pytest.fixture
def jetstream(account_connection):
    """JetStream's own answers, past the collection's code."""

    def ask(call, **body) -> dict:
        return account_connection.request(f"$JS.API.{call}", json.dumps(body).encode() if body else b"")

    return ask


@pytest.fixture
def publish(account_connection):
    """Stores so many messages under each subject."""

    def send(*subjects, count=1) -> None:
        for subject in subjects:
            for number in range(count):
                assert "seq" in account_connection.request(subject, str(number).encode())

    return send


@pytest.fixture
def take(account_connection):
    """Has a pull consumer deliver so many messages, and acknowledges none."""

    def pull(stream, consumer, count=1) -> None:
        async def work() -> None:
            client = await account_connection._connected()
            inbox = client.new_inbox()
            listening = await client.subscribe(inbox)
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", str(count).encode(), reply=inbox)
            for _message in range(count):
                await listening.next_msg(timeout=5)
            await listening.unsubscribe()

        account_connection.run(work())

    return pull


@pytest.fixture
def run_module(capsys):
    """Runs a module's main() and returns what it would tell Ansible."""

    def run(module, /, *, check: bool = False, **params) -> dict:
        arguments = {**params, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def declare(run_module, account):
    """A module in the test's account, which must not fail."""

    def run(module, /, **params) -> dict:
        result = run_module(module, **account | params)
        assert not result.get("failed"), result["msg"]
        return result

    return run


@pytest.fixture
def refused(run_module, account):
    """A module in the test's account that fails, the same in check mode and for real, with a sentence."""

    def run(module, /, *, foreseen=True, **params) -> str:
        results = [
            run_module(module, **account | params, check=check) for check in ((True, False) if foreseen else (False,))
        ]
        assert [result.get("failed") for result in results] == [True] * len(results), results
        assert all("exception" not in result for result in results)
        return results[-1]["msg"]

    return run


def said(config, by=None):
    """What a configuration says, or as much of it as another one says."""
    if isinstance(config, list) and (by is None or len(config) == len(by)):
        return [said(entry, other) for entry, other in zip(config, by or config, strict=True)]
    if not isinstance(config, dict):
        return config
    by = by if isinstance(by, dict) else config
    return {name: said(config.get(name), value) for name, value in by.items() if value not in SILENT}


SILENT = (*NOTHING, 0, "0s", "none", "default")


@pytest.fixture
def twice(declare):
    """Whether a task changes something in check mode, again, for real, and again; what check mode shows is what comes."""

    def run(module, key, /, **params) -> list[bool]:
        results = [declare(module, **params, check=check) for check in (True, True, False, False)]
        foreseen, made, again = results[0][key], results[2][key], results[3][key]
        assert said(foreseen) == said(made, foreseen)
        assert again == made
        assert declare(module, **params, check=True)["changed"] is False
        return [result["changed"] for result in results]

    return run


@pytest.fixture
def steps(twice):
    """Once: check mode tells it and changes nothing, then it is done, then there is nothing to do."""

    def run(module, key, /, **params) -> None:
        assert twice(module, key, **params) == [True, True, True, False]

    return run
