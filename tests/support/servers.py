# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real nats-servers on loopback, for tests and benchmarks."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Options

BRING = Path(__file__).resolve().parents[2] / "tools" / "nats-server"
SERVER = (
    os.environ.get("NATS_SERVER")
    or subprocess.run([str(BRING)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
)
ACCOUNTS = 800
FIRST_PORT, PORTS_OF_A_WORKER, WORKERS = 10_000, 5_000, 4
STORE = 64 * 2**20
# A mount of its own, for which nobody has to be root: size and folder, then the command.
MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
SMALL_DISK = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]


@dataclass
class Server:
    name: str
    client: int
    monitor: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.client}"

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}{path}", timeout=2) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


class Cluster:
    """Servers that know each other, in a folder of their own."""

    def __init__(self, folder: Path, names: list[str], cluster: str = "C", accounts: int = ACCOUNTS) -> None:
        self.folder, self.cluster, self.accounts = folder, cluster, accounts
        self.servers = [Server(name, free_port(), free_port()) for name in names]
        self._routes = {server.name: free_port() for server in self.servers}

    def __getitem__(self, index: int) -> Server:
        return self.servers[index]

    def configuration(self, server: Server, **more: object) -> dict[str, Any]:
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

    def wipe(self, server: Server) -> None:
        """As a new disk: what the server had stored is gone."""
        shutil.rmtree(self.folder / server.name)

    def start(self, server: Server, disk: int = 0, **more: object) -> None:
        """`disk` are the bytes of one that only this process sees, and that goes with it."""
        path = self.folder / f"{server.name}-{server.client}.conf"
        path.write_text(to_nats_conf(self.configuration(server, **more)))
        with (self.folder / f"{server.name}.log").open("ab") as log:
            command = [SERVER, "--config", str(path)]
            if disk:
                (self.folder / server.name).mkdir(exist_ok=True)
                command = [*SMALL_DISK, str(disk), str(self.folder / server.name), *command]
            server.process = subprocess.Popen(command, stdout=log, stderr=log)

    def fill_disk(self, server: Server) -> None:
        """Until not a byte more fits on the disk that it was started with."""
        assert server.process is not None
        inside = Path(f"/proc/{server.process.pid}/root{self.folder / server.name}")
        with suppress(OSError), (inside / "filler").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def stop(self, server: Server, how: signal.Signals = signal.SIGKILL) -> None:
        if server.process is not None:
            server.process.send_signal(how)
            server.process.wait()
            server.process = None

    def apart(self, server: Server) -> dict[str, Any]:
        """A server's routes when no other finds it, and it finds no other."""
        found: dict[str, Any] = self.configuration(server)["cluster"]
        return found | {"listen": f"127.0.0.1:{free_port()}", "routes": [f"nats://127.0.0.1:{free_port()}"]}

    def names(self) -> tuple[str, ...]:
        return tuple(server.name for server in self.servers)

    def system(self) -> Options:
        return self.user("sys-user")

    def user(self, name: str) -> Options:
        return Options([server.url for server in self.servers], user=name, password=secret(name))

    def wait(self) -> None:
        """Until meta has a leader and all peers current: readiness is not `can place a stream`."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.1)
            if self.formed():
                return
        raise AssertionError(f"no cluster within a minute; logs are in {self.folder}")

    def formed(self) -> bool:
        if len(self.servers) == 1:
            return reachable(self.servers[0])
        if not all(reachable(server) for server in self.servers):
            return False
        metas = [server.get("/jsz").get("meta_cluster") or {} for server in self.servers]
        own = [meta for server, meta in zip(self.servers, metas, strict=True) if meta.get("leader") == server.name]
        return bool(own) and sum(peer["current"] for peer in own[0].get("replicas") or []) == len(self.servers) - 1


def running(made: Cluster) -> Iterator[Cluster]:
    """A cluster while a test uses it."""
    try:
        for server in made.servers:
            made.start(server)
        made.wait()
        yield made
    finally:
        for server in made.servers:
            made.stop(server)


def _ports() -> Iterator[int]:
    """Ports of this process: below those that the kernel gives to outgoing connections, which may take one before a server listens there."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    ports = range(FIRST_PORT + worker * PORTS_OF_A_WORKER, FIRST_PORT + (worker + 1) * PORTS_OF_A_WORKER)
    begin = os.getpid() % PORTS_OF_A_WORKER  # another run may be under way
    return itertools.cycle([*ports[begin:], *ports[:begin]])


PORTS = _ports()


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def reachable(server: Server) -> bool:
    try:
        server.get("/healthz?js-server-only=true")
    except OSError:
        return False
    return True


def secret(user: str) -> str:
    return f"{user}-S3cret"


def login(user: str) -> dict[str, Any]:
    return {"user": user, "password": secret(user)}
