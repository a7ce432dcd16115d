# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reload does, asked of the server: each line of _reload's tables, and what they can't say."""

from __future__ import annotations

import asyncio
import copy
import re
import socket
import ssl
import subprocess
import time
from contextlib import closing
from operator import itemgetter
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import (
    HOT,
    NOT_CARRIED_OUT,
    RELOAD_FIRST,
    TLS_BLOCKS,
    TLS_FILE_KEYS,
    needs_restart,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import parsed
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._nats.tls import TlsOptions
from tests.support.certificates import certificate
from tests.support.servers import SERVER, Cluster, free_port, login, reachable, secret
from tests.support.waiting import eventually, published

MB = 2**20
DIGEST = re.compile(r"\((sha256:[0-9a-f]+)\)")


def tls(name, **more):
    """A certificate of the test; its folder is filled in where the file is written."""
    return {f"{key}_file": f"CERTIFICATES/{name}.{ending}" for key, ending in TLS_FILES} | more


TLS_FILES = (("cert", "crt"), ("key", "key"), ("ca", "crt"))


class Reloaded:
    """Three servers of which one is told to reload."""

    def __init__(self, folder, names=("n1", "n2", "n3")) -> None:
        self.cluster = Cluster(folder, list(names), accounts=1)
        self.server = self.cluster[0]
        self.runs = {server.name: self.cluster.configuration(server) for server in self.cluster.servers}
        for server in self.cluster.servers:
            self.cluster.start(server)
        self.cluster.wait()
        self.version = self.varz()["version"]
        for name in "ab":
            certificate(folder, name)

    def base(self, changes=None, server=None):
        """The configuration with other values at dotted paths; None takes a key out."""
        made = copy.deepcopy(self.cluster.configuration(server or self.server))
        for path, value in (changes or {}).items():
            place, (*way, last) = made, path.split(".")
            for key in way:
                place = place.setdefault(key, {})
            place.pop(last, None)
            if value is not None:
                place[last] = value
        return made

    def text(self, configuration):
        return to_nats_conf(configuration).replace("CERTIFICATES", str(self.cluster.folder))

    def run(self, configuration):
        """Has the server run with this: by a reload, where our own table says that it will do."""
        now = self.runs[self.server.name]
        if now is None or needs_restart(self.text(now), self.text(configuration), self.version):
            self.restart(configuration)
        elif now != configuration:
            assert self.reload(configuration) == ""

    def reload(self, configuration, server=None, timeout=5):
        """The server's reason to refuse it, or nothing."""
        server = server or self.server
        self.path(server).write_text(self.text(configuration))
        with self.connect("sys-user", server) as connection:
            subject = f"$SYS.REQ.SERVER.{connection.server()['server_id']}.RELOAD"
            answer = connection.request(subject, timeout=timeout)
        if "error" in answer:
            return answer["error"]["description"]
        self.runs[server.name] = configuration
        return ""

    def reload_all(self, changes):
        """All servers at once, as the module does."""
        said = {}

        def one(server):
            said[server.name] = self.reload(self.base(changes(server), server), server)

        threads = [Thread(target=one, args=(server,)) for server in self.cluster.servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return said

    def restart(self, configuration, server=None):
        server = server or self.server
        self.cluster.stop(server)
        path = self.path(server)
        path.write_text(self.text(configuration))
        with (self.cluster.folder / f"{server.name}.log").open("ab") as log:
            server.process = subprocess.Popen([SERVER, "--config", str(path)], stdout=log, stderr=log)
        self.runs[server.name] = configuration
        eventually(lambda: reachable(server))

    def path(self, server):
        return self.cluster.folder / f"{server.name}-{server.client}.conf"

    def connect(self, user, server=None, **more):
        server = server or self.server
        if files := self.runs[server.name].get("tls"):
            more["tls"] = TlsOptions(ca=files["ca_file"].replace("CERTIFICATES", str(self.cluster.folder)))
        return Connection(Options([server.url], user=user, password=secret(user), timeout=2, **more))

    def works(self, user):
        """Whether this user can log in."""
        try:
            with self.connect(user) as connection:
                return bool(connection.server())
        except NatsError:
            return False

    def ask(self, user, call, seconds=10, server=None, **body):
        """What JetStream answers, as soon as it does."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with self.connect(user, server) as connection:
                    return connection.request(f"$JS.API.{call}", body, timeout=1)
            except NatsError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def varz(self):
        return self.server.get("/varz")

    def log(self):
        return (self.cluster.folder / f"{self.server.name}.log").read_text()

    def digest(self, configuration):
        """What this configuration's digest will be, by the server's own word; empty where it is none."""
        path = self.cluster.folder / "checked.conf"
        path.write_text(self.text(configuration))
        checked = subprocess.run([SERVER, "-t", "-c", str(path)], capture_output=True, text=True, check=False)
        found = DIGEST.search(checked.stderr + checked.stdout)
        return found[1] if found else ""

    def close(self):
        for server in self.cluster.servers:
            self.cluster.stop(server)


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory):
    with closing(Reloaded(tmp_path_factory.mktemp("reload"))) as made:
        yield made


@pytest.fixture
def own(tmp_path):
    """Servers for a test that leaves them broken."""
    with closing(Reloaded(tmp_path)) as made:
        yield made


@pytest.fixture
def lonely(tmp_path):
    with closing(Reloaded(tmp_path, ["alone"])) as made:
        yield made


# What proves that a change is carried out.


def varz(field, value):
    def shown(servers):
        found = servers.varz()
        for key in field.split("."):
            found = found[key]
        return found == value

    return shown


def info(field, value):
    """A server tells a client of it at connect."""

    def told(servers):
        with servers.connect("t0") as connection:
            return connection.server()[field] == value

    return told


def logs(pattern):
    """A line that is new, since the log is the test's own."""

    def written(servers):
        begins = len(servers.log())
        assert servers.works("t0")
        assert not servers.works("nobody")
        return re.search(pattern, servers.log()[begins:]) is not None

    return written


def in_use(servers):
    """Nothing shows it but the digest: the server reads it where it uses it (source)."""
    return True


def stored(field, value):
    return lambda servers: servers.server.get("/jsz")["config"][field] == value


def logged_in(user, can=True):
    return lambda servers: servers.works(user) is can


def mapped(servers):
    async def publish(client):
        listening = await client.subscribe("mapped.to")
        await client.publish("mapped.from", b"")
        return (await listening.next_msg(timeout=1)).subject == "mapped.to"

    return as_client(servers, publish)


def imported(servers):
    async def publish(client):
        await client.publish("event.a", b"")
        await client.flush()
        return True

    with servers.connect("other") as other:

        async def listen():
            client = await other.client()
            listening = await client.subscribe("event.>")
            await client.flush()
            return listening

        listening = other.run(listen())
        as_client(servers, publish)
        return other.run(listening.next_msg(timeout=1)).subject == "event.a"


def denied(servers):
    async def publish(client):
        await client.publish("not.allowed", b"")
        await client.flush()
        await asyncio.sleep(0.05)
        return "permissions violation" in str(client.last_error)

    return as_client(servers, publish)


def as_client(servers, work):
    with servers.connect("t0") as connection:

        async def run():
            return await work(await connection.client())

        return connection.run(run())


def only_one(servers):
    with servers.connect("t0") as first:
        return bool(first.server()) and not servers.works("t0")


def pinged(servers):
    """The server asks for a sign of life in the new interval."""
    with socket.create_connection(("127.0.0.1", servers.server.client), timeout=3) as link:
        link.sendall(b'CONNECT {"user":"t0","pass":"t0-S3cret","verbose":false}\r\n')
        seen = b""
        while b"PING" not in seen:
            seen += link.recv(4096)
        return True


def tagged(servers):
    """In /varz only since 2.12."""
    with servers.connect("sys-user") as connection:
        answer = connection.request(f"$SYS.REQ.SERVER.{connection.server()['server_id']}.STATSZ")
    return answer["server"]["tags"] == ["az:1"]


def presents(listener, name="b"):
    """The certificate of a new handshake is the file's, and since 2.12 /varz tells its end."""

    def shown(servers):
        block = servers.runs["n1"] if listener == "tls" else servers.runs["n1"][listener]
        port = block.get("port") or int(block["listen"].rpartition(":")[2])
        shows = presented(port, listener in ("cluster", "gateway", "mqtt", "websocket"))
        return shows == file(servers, name) and tells(servers, listener, name)

    return shown


def presented(port, at_once):
    """The certificate that a port shows; most ports say a line in clear text first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=3) as link:
        if not at_once:
            assert b"\r\n" in link.recv(4096)
        with context.wrap_socket(link) as wrapped:
            return wrapped.getpeercert(binary_form=True)


def file(servers, name):
    return ssl.PEM_cert_to_DER_cert((servers.cluster.folder / f"{name}.crt").read_text())


def tells(servers, listener, name):
    block = {"tls": lambda varz: varz, "leafnodes": lambda varz: varz["leaf"]}.get(listener, itemgetter(listener))
    ends = (servers.cluster.folder / f"{name}.ends").read_text()
    return parsed(servers.version) < (2, 12) or block(servers.varz())["tls_cert_not_after"] == ends


ROUTE = f"nats://127.0.0.1:{free_port()}"
OTHER = {"users": [login("other")]}
EXPORTS = [{"stream": "event.>"}]
IMPORTS = [{"stream": {"account": "T0", "subject": "event.>"}}]
SECOND = 10**9
PORT = free_port()
WEBSOCKET = {"host": "127.0.0.1", "port": free_port()}
LEAFNODES = {"host": "127.0.0.1", "port": free_port()}
MQTT = {"host": "127.0.0.1", "port": free_port()}
GATEWAY = {"name": "C", "host": "127.0.0.1", "port": free_port()}

# key, before, after, what proves it. `None` is a key that is not there.
CARRIED_OUT = [
    ("max_payload", 1 * MB, 2 * MB, info("max_payload", 2 * MB)),
    ("max_connections", None, 100, varz("max_connections", 100)),
    ("max_control_line", 4096, 8192, varz("max_control_line", 8192)),
    ("write_deadline", "10s", "5s", varz("write_deadline", 5 * SECOND)),
    ("ping_interval", None, "1s", pinged),
    ("ping_max", None, 5, varz("ping_max", 5)),
    ("max_traced_msg_len", None, 50, in_use),
    ("connect_error_reports", None, 10, in_use),
    ("reconnect_error_reports", None, 10, in_use),
    ("no_fast_producer_stall", None, True, in_use),
    ("debug", None, True, logs(r"\[DBG\]")),
    ("trace", None, True, logs(r"\[TRC\]")),
    ("trace_verbose", None, True, logs(r"\[TRC\]")),
    ("logtime", None, False, logs(r"(?m)^\[\d+\] \[")),
    ("logtime_utc", None, True, in_use),
    ("client_advertise", None, "127.0.0.1:4999", info("host", "127.0.0.1")),
    ("server_tags", None, ["az:1"], tagged),
    ("server_metadata", None, {"revision": "7"}, varz("metadata", {"revision": "7"})),
    ("server_metadata.Revision", "1", "2", varz("metadata", {"Revision": "2"})),
    ("mappings", None, {"mapped.from": "mapped.to"}, in_use),  # of the account $G, which has no users here
    ("jetstream.max_file_store", 64 * MB, 128 * MB, stored("max_storage", 128 * MB)),
    ("jetstream.max_memory_store", 64 * MB, 128 * MB, stored("max_memory", 128 * MB)),
    ("jetstream.max_memory_store", 0, 64 * MB, stored("max_memory", 64 * MB)),
    ("jetstream.meta_compact", None, 100, in_use),
    ("jetstream.meta_compact_size", None, MB, in_use),
    ("jetstream.meta_compact_sync", None, True, in_use),
    ("jetstream.limits", None, {"max_ack_pending": 10}, in_use),
    ("cluster.routes", [ROUTE], [ROUTE, ROUTE.replace("127.0.0.1", "localhost")], lambda it: len(urls(it)) == 2),
    ("cluster.routes", [ROUTE, ROUTE.replace("127.0.0.1", "localhost")], [ROUTE], lambda it: len(urls(it)) == 1),
    ("cluster.authorization", None, {"user": "r", "password": "one"}, in_use),  # and below
    ("accounts.OTHER", None, OTHER, logged_in("other")),
    ("accounts.OTHER", None, {**OTHER, "jetstream": {"max_file": MB}}, logged_in("other")),  # and below
    ("accounts.OTHER", OTHER, None, logged_in("other", False)),
    ("accounts.T0.users", [login("t0"), login("more")], [login("t0")], logged_in("more", False)),
    ("accounts.T0.users", [login("t0")], [login("t0"), login("more")], logged_in("more")),
    (
        "accounts.T0.users",
        [login("t0")],
        [login("t0") | {"permissions": {"publish": ["allowed"]}}],
        denied,
    ),
    ("accounts.T0.default_permissions", None, {"publish": ["allowed"]}, denied),
    ("accounts.T0.limits", None, {"max_connections": 1}, only_one),
    ("accounts.T0.mappings", None, {"mapped.from": "mapped.to"}, mapped),
    ("accounts.T0.exports", None, EXPORTS, in_use),
    ("accounts", None, {"T0": {"exports": EXPORTS}, "OTHER": {"imports": IMPORTS}}, imported),
    ("accounts.T0.jetstream", {"max_file": MB}, {"max_file": 2 * MB}, in_use),  # and below, as for the next three
    ("accounts.T0.jetstream", {"max_file": 2 * MB}, {"max_file": MB}, in_use),
    ("accounts.T0.jetstream", {"max_streams": 5}, {"max_memory": MB, "max_streams": 3}, in_use),
    ("accounts.T0.jetstream", "enabled", {"max_consumers": 3}, in_use),
    ("tls", tls("a"), tls("b"), presents("tls")),
    ("cluster.tls", tls("a", timeout=5), tls("b", timeout=5), presents("cluster")),
    ("websocket", WEBSOCKET | {"tls": tls("a")}, WEBSOCKET | {"tls": tls("b")}, presents("websocket")),
    ("leafnodes", LEAFNODES | {"tls": tls("a")}, LEAFNODES | {"tls": tls("b")}, presents("leafnodes")),
    ("gateway", GATEWAY | {"tls": tls("a")}, GATEWAY | {"tls": tls("b")}, presents("gateway")),
    ("mqtt", MQTT | {"tls": tls("a")}, MQTT | {"tls": tls("b")}, presents("mqtt")),
]
REFUSED = [
    ("max_subscriptions", None, 100),
    ("max_pending", None, 128 * MB),
    ("max_closed_clients", None, 10),
    ("max_subscription_tokens", None, 10),
    ("lame_duck_duration", "2m", "30s"),
    ("lame_duck_grace_period", "10s", "1s"),
    ("log_size_limit", None, 100 * MB),
    ("disable_sublist_cache", None, True),
    ("prof_port", None, PORT),
    ("http_base_path", None, "/x"),
    ("server_name", "n1", "other"),
    ("system_account", "SYS", None),
    ("no_auth_user", None, "t0"),
    ("no_auth_user", "t0", None),
    ("jetstream.max_file_store", 64 * MB, 32 * MB),
    ("jetstream.max_file_store", 64 * MB, None),
    ("jetstream.max_file_store", None, 64 * MB),
    ("jetstream.max_memory_store", 64 * MB, 32 * MB),
    ("jetstream.sync_interval", None, "1m"),
    ("jetstream.max_outstanding_catchup", None, 32 * MB),
    ("jetstream.max_buffered_size", None, 64 * MB),
    ("jetstream.max_buffered_msgs", None, 20000),
    ("jetstream.request_queue_limit", None, 5000),
    ("jetstream.unique_tag", None, "az:"),
    ("jetstream.domain", None, "hub"),
    ("jetstream.key", None, "S3cret"),
    ("jetstream.store_dir", "CERTIFICATES/one", "CERTIFICATES/two"),
    ("websocket", None, WEBSOCKET | {"no_tls": True}),
    ("websocket", WEBSOCKET | {"no_tls": True}, WEBSOCKET | {"no_tls": True, "compression": True}),
    ("mqtt", None, MQTT),
    ("mqtt", MQTT, None),
    ("leafnodes", None, LEAFNODES),
    ("leafnodes", LEAFNODES, LEAFNODES | {"no_advertise": True}),
    ("gateway", None, GATEWAY),
    ("resolver", None, "MEMORY"),
]
# The server takes these over; what comes of it is tested below, or not known here.
NOT_TRUSTED = [
    ("accounts.T0.jetstream", "enabled", None),
    ("accounts.OTHER", {**OTHER, "jetstream": {"max_file": MB}}, None),
    ("accounts.T0.msg_trace", None, "trace.a"),
    ("cluster.accounts", None, ["T0"]),
    ("cluster.compression", None, "s2_fast"),
    ("cluster.connect_retries", None, 10),
    ("cluster.name", "C", "D"),
    ("cluster.no_advertise", True, False),
    ("cluster.permissions", None, {"import": ["a"]}),
    ("cluster.ping_interval", None, "20s"),
    ("cluster.pool_size", None, 5),
    ("cluster.tls", None, tls("a")),
    ("jetstream", None, "enabled"),
    ("jetstream.cipher", None, "chacha"),
    ("pid_file", None, "CERTIFICATES/pid"),
    ("prof_block_rate", None, 10),
    ("tls", None, tls("a")),
    ("tls", tls("a"), None),
    ("tls", tls("a"), tls("a", verify=True)),
]


def urls(servers):
    return servers.varz()["cluster"]["urls"]


def both(servers, key, before, after):
    if key == "accounts":  # what only several accounts together show
        more = {"accounts.OTHER": OTHER | after["OTHER"], "accounts.T0.exports": after["T0"]["exports"]}
        return servers.base({"accounts.OTHER": OTHER}), servers.base(more)
    return servers.base({key: before}), servers.base({key: after})


def restarts(servers, before, after):
    return needs_restart(servers.text(before), servers.text(after), servers.version)


@pytest.mark.parametrize(("key", "before", "after", "proof"), CARRIED_OUT, ids=[row[0] for row in CARRIED_OUT])
def test_what_the_table_calls_hot_is_carried_out_and_taken_back(reloaded, key, before, after, proof):
    old, new = both(reloaded, key, before, after)
    needs = restarts(reloaded, old, new)
    if not reloaded.digest(old):  # the server is too old for the key
        assert needs
        return
    reloaded.run(old)
    refusal = reloaded.reload(new)
    # An older server may not know the key, or refuse it; then the table says so too.
    assert bool(refusal) == bool(needs), (refusal, needs)
    assert reloaded.varz()["config_digest"] == reloaded.digest(old if needs else new)
    if not needs:
        assert proof(reloaded)
        if not restarts(reloaded, new, old):
            assert reloaded.reload(old) == ""
            assert reloaded.varz()["config_digest"] == reloaded.digest(old)


@pytest.mark.parametrize(("key", "before", "after"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_the_server_refuses_needs_a_restart_and_changes_nothing(reloaded, key, before, after):
    old, new = both(reloaded, key, before, after)
    assert restarts(reloaded, old, new)
    reloaded.run(old)
    assert reloaded.reload(new)
    assert reloaded.varz()["config_digest"] == reloaded.digest(old)


@pytest.mark.parametrize(("key", "before", "after"), NOT_TRUSTED, ids=[row[0] for row in NOT_TRUSTED])
def test_what_is_accepted_and_not_trusted_needs_a_restart(reloaded, key, before, after):
    old, new = both(reloaded, key, before, after)
    assert restarts(reloaded, old, new)
    reloaded.run(old)
    assert reloaded.reload(new) == ""
    reloaded.restart(reloaded.base())


def test_every_line_of_the_tables_is_asked():
    asked = {fixed(row[0]) for row in (*CARRIED_OUT, *NOT_TRUSTED)} | TESTED_BELOW
    listeners = {key.removesuffix(f".{file}") for file in TLS_FILE_KEYS for key in HOT if key.endswith(file)}
    assert listeners == set(TLS_BLOCKS)
    assert {where.removesuffix(".tls") for where in TLS_BLOCKS} <= asked | {"cluster"}
    assert {key for key in HOT if key not in asked and not key.endswith(TLS_FILE_KEYS)} == set()
    assert {key for key in NOT_CARRIED_OUT if key not in asked} == set()


TESTED_BELOW = {"accounts.*.imports", "accounts.*.jetstream.cluster_traffic", "proxies", "tls.verify"}


def fixed(key):
    return re.sub(r"^accounts\.\w+", "accounts.*", key)


GROWN = "jetstream.max_file_store"


def test_a_grown_limit_that_is_taken_back_has_every_later_reload_refused_until_a_restart(reloaded):
    less, more = reloaded.base({GROWN: 64 * MB}), reloaded.base({GROWN: 128 * MB})
    if restarts(reloaded, less, more):
        assert parsed(reloaded.version) < (2, 12, 7)
        return
    reloaded.run(less)
    assert reloaded.reload(more) == ""
    assert restarts(reloaded, more, less) == [GROWN]
    assert "decreasing jetstream" in reloaded.reload(less)
    # Something else in the same file: before and after of the file alone do not show it, so `before` is what the server runs.
    harmless = reloaded.base({GROWN: 64 * MB, "max_connections": 99})
    assert restarts(reloaded, less, harmless) == []
    assert "decreasing jetstream" in reloaded.reload(harmless)
    assert restarts(reloaded, more, harmless) == [GROWN]
    reloaded.restart(harmless)
    assert reloaded.reload(reloaded.base({"max_connections": 98})) == ""


def test_on_all_servers_an_account_and_its_limits_come_and_change(reloaded):
    def limits(**jetstream):
        refusals = reloaded.reload_all(lambda _server: {"accounts.FRESH": fresh | {"jetstream": jetstream}})
        assert not any(refusals.values()), refusals
        return reloaded.ask("fresh", "INFO")["limits"]

    fresh = {"users": [login("fresh")]}
    reloaded.run(reloaded.base())
    eventually(reloaded.cluster.formed)
    assert limits(max_file=MB)["max_storage"] == MB
    stream = {"name": "S", "num_replicas": 3}
    eventually(lambda: "error" not in reloaded.ask("fresh", "STREAM.CREATE.S", **stream))
    assert limits(max_file=2 * MB)["max_storage"] == 2 * MB
    assert limits(max_file=MB, max_streams=1) | {"max_storage": MB, "max_streams": 1} == limits(
        max_file=MB, max_streams=1
    )
    assert "maximum number of streams" in reloaded.ask("fresh", "STREAM.CREATE.T", name="T")["error"]["description"]
    assert limits(max_consumers=3)["max_consumers"] == 3
    # The streams' traffic stays where it is.
    limits(cluster_traffic="owner")
    assert reloaded.ask("fresh", "STREAM.INFO.S")["cluster"].get("traffic_account", "SYS") == "SYS"
    # An account that goes leaves its streams running.
    reloaded.reload_all(lambda _server: {})
    details = reloaded.server.get("/jsz?accounts=1")["account_details"]
    assert "FRESH" in [account["name"] for account in details]
    assert not reloaded.works("fresh")


def test_an_account_that_comes_back_by_reload_has_streams_that_nobody_reaches(own):
    account = {"users": [login("back")], "jetstream": "enabled"}
    with_it = {"accounts.BACK": account}
    assert not any(own.reload_all(lambda _server: with_it).values())
    eventually(lambda: "error" not in own.ask("back", "STREAM.CREATE.S", name="S", subjects=["s"], num_replicas=3))
    with own.connect("back") as connection:
        assert published(connection, "s", b"") == 1
    for server in own.cluster.servers:
        own.restart(own.base({}, server), server)
    eventually(own.cluster.formed)
    assert not any(own.reload_all(lambda _server: with_it).values())
    time.sleep(1)
    with own.connect("back") as connection, pytest.raises(NatsError, match="nobody answers it"):
        connection.request("s", b"")


def test_the_routes_password_changes_without_a_loss_when_all_servers_change_it_at_once(own):
    def password(word):
        def changes(server):
            routes = [
                route.replace("//", f"//r:{word}@") for route in own.cluster.configuration(server)["cluster"]["routes"]
            ]
            return {"cluster.authorization": {"user": "r", "password": word}, "cluster.routes": routes}

        return changes

    def reached():
        """Each server reaches each other one; further connections of the pool may take half a minute."""
        names = {*own.cluster.names()}
        return all(
            {route["remote_name"] for route in server.get("/routez")["routes"]} == names - {server.name}
            for server in own.cluster.servers
        )

    def whole():
        """Three connections of the pool to each other server, and one of the system account."""
        servers = own.cluster.servers
        return all(server.get("/routez")["num_routes"] == 4 * (len(servers) - 1) for server in servers)

    for word in ("one", "two"):
        assert not any(own.reload_all(password(word)).values())
        eventually(lambda: reached() and own.cluster.formed())
    # A connection that is being made while the password changes stays.
    eventually(whole, within=60)
    # One alone is cut off, and in again when the others follow.
    assert own.reload(own.base(password("three")(own.server))) == ""
    eventually(lambda: own.server.get("/routez")["num_routes"] == 0)
    assert not any(own.reload_all(password("three")).values())
    eventually(lambda: reached() and own.cluster.formed())


def test_other_addresses_of_the_same_servers_close_every_route(own):
    """So they need a restart, one server at a time."""

    def routes():
        return {route["rid"] for route in own.server.get("/routez")["routes"]}

    def renamed(server):
        known = own.cluster.configuration(server)["cluster"]["routes"]
        return {"cluster.routes": [route.replace("127.0.0.1", "localhost") for route in known]}

    before = routes()
    assert not any(own.reload_all(renamed).values())
    eventually(lambda: routes() and not before & routes() and own.cluster.formed())


def test_tls_for_routes_and_clients_leaves_connections_that_are_there_in_clear(own):
    with own.connect("t0") as old:
        assert old.server()
        assert not any(own.reload_all(lambda _server: {"cluster.tls": tls("a"), "tls": tls("a")}).values())
        time.sleep(0.5)
        assert [route.get("tls_version") for route in own.server.get("/routez")["routes"]].count(None) > 0
        flushed = old.run(old.ask("$JS.API.INFO"))
        assert "error" not in flushed
    assert own.varz()["tls_required"] is True
    assert RELOAD_FIRST == ("cluster.tls",)


def test_a_certificate_renewed_in_place_is_taken_with_the_same_digest_and_junk_is_not(reloaded):
    configuration = reloaded.base({"websocket": WEBSOCKET | {"tls": tls("c")}})
    certificate(reloaded.cluster.folder, "c", days=50)
    reloaded.run(configuration)
    proof, digest = presents("websocket", "c"), reloaded.varz()["config_digest"]
    assert proof(reloaded)
    certificate(reloaded.cluster.folder, "c", days=60)
    assert not proof(reloaded)
    assert reloaded.reload(configuration) == ""
    assert proof(reloaded)
    assert reloaded.varz()["config_digest"] == digest
    renewed = file(reloaded, "c")
    (reloaded.cluster.folder / "c.crt").write_text("junk")
    assert "certificate" in reloaded.reload(configuration)
    assert presented(WEBSOCKET["port"], True) == renewed
    reloaded.restart(reloaded.base())


def test_proxies_crash_a_server_that_reloads_them(own):
    if parsed(own.version) >= (2, 12):
        with pytest.raises(NatsError):
            own.reload(own.base({"proxies": {"trusted": []}}), timeout=1)
        eventually(lambda: own.server.process.poll() is not None)


def test_a_server_alone_gives_its_accounts_no_more_than_it_has(lonely):
    fits = lonely.base({"accounts.T0.jetstream": {"max_file": 50 * MB}})
    more = lonely.base({"accounts.T0.jetstream": {"max_file": 65 * MB}})
    assert restarts(lonely, lonely.base(), fits) == []
    assert restarts(lonely, fits, more) == ["accounts.T0.jetstream.max_file"]
    assert lonely.reload(fits) == ""
    assert lonely.reload(more) == ""
    assert lonely.ask("t0", "INFO")["limits"]["max_storage"] == 50 * MB
    assert "insufficient storage resources" in lonely.log()


POOL = {
    "max_payload": (1 * MB, 2 * MB, None),
    "max_connections": (100, 200, None),
    "write_deadline": ("10s", "5s", None),
    "debug": (True, False),
    "server_tags": (["a"], ["b", "a"], None),
    "lame_duck_duration": ("30s", "40s"),
    "max_subscriptions": (10**5, None),
    "jetstream.max_file_store": (64 * MB, 128 * MB),
    "jetstream.max_memory_store": (64 * MB, 128 * MB),
    "jetstream.sync_interval": ("1m", "2m"),
    "jetstream.meta_compact": (10, None),
    "accounts.T0.jetstream": ("enabled", {"max_file": MB}, {"max_file": 2 * MB, "max_mem": MB}),
    "accounts.T0.users": ([login("t0")], [login("t0"), login("more")]),
    "accounts.T0.exports": ([{"service": "q"}], None),
    "accounts.T0.limits": ({"max_connections": 50}, None),
    "accounts.OTHER": (OTHER, {**OTHER, "jetstream": {"max_streams": 3}}, None),
    "cluster.routes": ([ROUTE], [ROUTE, ROUTE.replace("127.0.0.1", "localhost")]),
    "cluster.authorization": ({"user": "r", "password": "one"}, {"user": "r", "password": 'tw"o\\'}, None),
    "tls": (None, tls("a"), tls("b")),
    "websocket": (None, WEBSOCKET | {"no_tls": True}, WEBSOCKET | {"tls": tls("a")}, WEBSOCKET | {"tls": tls("b")}),
}
CONFIGURATIONS = st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in POOL.items()})


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(before=CONFIGURATIONS, changed=CONFIGURATIONS)
def test_what_needs_no_restart_is_always_taken_over(reloaded, before, changed):
    old, new = reloaded.base(before), reloaded.base({**before, **changed})
    reloaded.run(old)
    if not restarts(reloaded, old, new):
        assert reloaded.reload(new) == ""
        assert reloaded.varz()["config_digest"] == reloaded.digest(new)
