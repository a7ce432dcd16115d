# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes with certificates of a cluster's own authority: who gets in, and how they are replaced while servers run."""

from __future__ import annotations

import base64
import signal
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.own_certificates import STAGES, own_certificates
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._operations.route_handshake import RouteFiles, refused_by
from tests.support.publisher import Publisher
from tests.support.servers import SERVER, Cluster, Server
from tests.support.waiting import eventually

NAMES = ["one", "two", "three"]
LOGIN = {"user": "routes", "password": "word"}


class Encrypted(Cluster):
    """Servers whose routes are encrypted. They expect the name of the first route, as all others are told by address."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        super().__init__(folder, names, accounts=1)
        self.stored: dict[str, Any] = {}
        self.write("keep")

    def write(self, stage: str) -> None:
        """Makes the files of a stage of the rotation, as the role does; servers take them over when they are told to."""
        secrets = [{"metadata": {"name": name}, "data": encoded(data)} for name, data in self.stored.items()]
        leaves = {server.name: [f"{server.name}.example.org", "localhost"] for server in self.servers}
        made = own_certificates(secrets, "ca", "tls", leaves, "routes of tests", stage)
        self.stored = {"ca": made["authority"], "tls": made["files"]}
        for name, text in made["files"].items():
            (self.folder / name).write_text(text)

    def configuration(self, server: Server, **more: object) -> dict[str, Any]:
        return super().configuration(server, **({"cluster": self.block(server)} | more))

    def block(self, server: Server, tls: Any = None) -> dict[str, Any]:
        block = super().configuration(server)["cluster"]
        routes = [route.replace("127.0.0.1", "routes:word@localhost") for route in block["routes"]]
        return block | {"authorization": LOGIN, "routes": routes, "tls": tls or self.tls(server.name)}

    def tls(self, name: str) -> dict[str, Any]:
        return {
            "cert_file": str(self.folder / f"{name}.crt"),
            "key_file": str(self.folder / f"{name}.key"),
            "ca_file": str(self.folder / "ca.crt"),
        }

    def files(self, server: Server) -> RouteFiles:
        names = (f"{server.name}.crt", f"{server.name}.key", "ca.crt")
        return RouteFiles(*((self.folder / name).read_bytes() for name in names))

    def refuses(self, server: Server, files: RouteFiles | None = None) -> str:
        return refused_by(self._routes[server.name], files or self.files(server), 5)

    def reload(self, servers: list[Server] | None = None) -> None:
        told = servers or self.servers
        before = {server.name: server.get("/varz")["config_load_time"] for server in told}
        for server in told:
            assert server.process is not None
            server.process.send_signal(signal.SIGHUP)
        eventually(lambda: all(server.get("/varz")["config_load_time"] != before[server.name] for server in told))


def encoded(data: dict[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}


@pytest.fixture
def cluster(tmp_path):
    made = Encrypted(tmp_path, NAMES)
    try:
        for server in made.servers:
            made.start(server)
        made.wait()
        yield made
    finally:
        for server in made.servers:
            made.stop(server)


def rids(server: Server) -> set[int]:
    return {route["rid"] for route in server.get("/routez")["routes"]}


def neighbours(server: Server) -> set[str]:
    return {route["remote_name"] for route in server.get("/routez")["routes"]}


def test_every_server_reaches_every_other_one_and_no_handshake_fails(cluster):
    eventually(lambda: all(server.get("/routez")["num_routes"] == 8 for server in cluster.servers), within=60)
    logs = "".join((cluster.folder / f"{name}.log").read_text() for name in NAMES)
    assert "handshake error" not in logs
    assert all(server.get("/varz")["cluster"]["tls_verify"] for server in cluster.servers)


@pytest.mark.parametrize("presents", ["nothing", "a foreign certificate", "a certificate of the authority"])
def test_the_password_alone_lets_no_server_in(cluster, tmp_path, presents):
    """What a rogue presents decides: with a certificate of the authority it would be in, so that the other two refusals mean something."""
    (tmp_path / "rogue").mkdir()
    rogue = Encrypted(tmp_path / "rogue", ["rogue", "other"])
    server = rogue[0]
    routes = cluster.block(cluster[0])["routes"]
    block: dict[str, Any] = {"name": "C", "listen": "127.0.0.1:-1", "authorization": LOGIN, "routes": routes}
    if presents == "a foreign certificate":
        # It accepts any certificate itself, and names the cluster's own authority.
        block["tls"] = rogue.tls("rogue") | {"ca_file": str(cluster.folder / "ca.crt")}
    elif presents == "a certificate of the authority":
        block["tls"] = cluster.tls("three")
    rogue.start(server, cluster=block, jetstream=False)
    try:
        log = tmp_path / "rogue" / "rogue.log"
        if presents == "a certificate of the authority":
            eventually(lambda: all("rogue" in neighbours(member) for member in cluster.servers))
            return
        eventually(lambda: "Router connection closed" in log.read_text() or "handshake error" in log.read_text())
        assert not [member for member in cluster.servers if "rogue" in neighbours(member)]
        assert rids(server) == set()
    finally:
        rogue.stop(server)


def test_the_authority_is_replaced_without_a_closed_route_or_a_refused_message(cluster):
    with Connection(cluster.user("t0")) as connection:
        config = {"name": "S", "subjects": ["s"], "num_replicas": 3}
        connection.request("$JS.API.STREAM.CREATE.S", config)
    eventually(lambda: all(server.get("/routez")["num_routes"] == 8 for server in cluster.servers), within=60)
    before = {server.name: rids(server) for server in cluster.servers}
    with Publisher(cluster, ["s"]) as publisher:
        eventually(lambda: publisher.acked["s"] > 10)
        for stage in STAGES[1:]:
            cluster.write(stage)
            cluster.reload()
            assert [cluster.refuses(server) for server in cluster.servers] == [""] * 3
        assert {server.name: rids(server) for server in cluster.servers} == before
    assert publisher.retried == 0
    with Connection(cluster.user("t0")) as connection:
        state = connection.request("$JS.API.STREAM.INFO.S")["state"]
    assert state["messages"] == publisher.acked["s"]
    # A server that restarts finds the others with the new files alone.
    cluster.stop(cluster[0])
    cluster.start(cluster[0])
    eventually(lambda: neighbours(cluster[0]) == {"two", "three"})


def test_what_would_show_only_at_the_next_restart_is_told(cluster):
    server = cluster[0]
    assert cluster.refuses(server) == ""
    old = cluster.files(server)
    cluster.write("trust")
    cluster.write("issue")
    # The server has not loaded the new files.
    with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
        cluster.refuses(server)
    other = cluster.files(cluster[1])
    both = RouteFiles(old.certificate, old.key, other.authorities)
    assert cluster.refuses(server, both) == ""
    cluster.reload()
    assert cluster.refuses(server, both) == "it presents another certificate to a new route than the one in its file"
    assert cluster.refuses(server) == ""


def test_the_password_is_replaced_without_a_loss(cluster):
    """Certificates keep others out while no password is asked for, and one server after the other makes its routes anew.

    A route that a server made by an address that others told it has no password, and closes when one is asked for again.
    """

    def write(server: Server, password: str, login: dict[str, str] | None) -> None:
        block = cluster.block(server) | {"authorization": login}
        block["routes"] = [route.replace(":word@", f":{password}@") for route in block["routes"]]
        if login is None:
            del block["authorization"]
        text = to_nats_conf(cluster.configuration(server, cluster=block))
        (cluster.folder / f"{server.name}-{server.client}.conf").write_text(text)

    def whole() -> bool:
        return all(server.get("/routez")["num_routes"] == 8 for server in cluster.servers)

    with Connection(cluster.user("t0")) as connection:
        connection.request("$JS.API.STREAM.CREATE.S", {"name": "S", "subjects": ["s"], "num_replicas": 3})
    eventually(whole, within=60)
    before = {server.name: rids(server) for server in cluster.servers}
    with Publisher(cluster, ["s"]) as publisher:
        eventually(lambda: publisher.acked["s"] > 10)
        for server in cluster.servers:
            write(server, "word", None)
        cluster.reload()
        assert {server.name: rids(server) for server in cluster.servers} == before
        for server in cluster.servers:
            write(server, "other", None)
            cluster.reload([server])
            eventually(whole)
        for server in cluster.servers:
            write(server, "other", {"user": "routes", "password": "other"})
        cluster.reload()
        eventually(whole)
    with Connection(cluster.user("t0")) as connection:
        assert connection.request("$JS.API.STREAM.INFO.S")["state"]["messages"] == publisher.acked["s"]
    # A server that restarts with the new password is let in.
    cluster.stop(cluster[0])
    path = cluster.folder / f"one-{cluster[0].client}.conf"
    with (cluster.folder / "one.log").open("ab") as log:
        cluster[0].process = subprocess.Popen([SERVER, "--config", str(path)], stdout=log, stderr=log)
    eventually(lambda: neighbours(cluster[0]) == {"two", "three"})
