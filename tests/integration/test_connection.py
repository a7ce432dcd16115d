# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules reach a server, or say why not."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.port_forward import Tunnel
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.user_credentials import CREDS
from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_jetstream, nats_stream
from tests.support import jwt_keys


def test_a_dead_server_fails_at_once_with_its_address(run_module):
    start = time.monotonic()
    result = run_module(nats_stream, servers=["nats://127.0.0.1:1"], name="S")
    assert "nats://127.0.0.1:1: connection refused" in result["msg"]
    assert "exception" not in result
    assert time.monotonic() - start < 3


def test_the_next_server_is_tried(run_module, account):
    result = run_module(nats_stream, **account | {"servers": ["nats://127.0.0.1:1", *account["servers"]]}, name="S")
    assert result["changed"] is True, result


def test_wrong_credentials_are_told_from_a_dead_server(run_module, account):
    assert "Authorization Violation" in run_module(nats_stream, **account | {"password": "wrong"}, name="S")["msg"]


def test_tls_that_was_asked_for_is_never_plain_text(run_module, account):
    servers = [server.replace("nats://", "tls://") for server in account["servers"]]
    assert (
        "the server offers no TLS, and TLS was asked for"
        in run_module(nats_stream, **account | {"servers": servers}, name="S")["msg"]
    )


@pytest.mark.parametrize("login", ["somebody:hidden-word", "hidden-word"])
def test_a_secret_in_a_url_is_not_among_the_arguments_that_are_shown(run_module, login):
    result = run_module(nats_stream, servers=[f"nats://{login}@127.0.0.1:1"], name="S")
    assert "hidden-word" not in str(result)


def test_credentials_in_a_url_are_not_told(run_module, account):
    result = run_module(nats_stream, servers=["nats://somebody:hidden-word@127.0.0.1:1"], name="S")
    assert "hidden-word" not in result["msg"]


def test_the_environment_says_where_nats_is(run_module, account, monkeypatch):
    monkeypatch.setenv("NATS_URL", ",".join(account["servers"]))
    monkeypatch.setenv("NATS_USER", account["user"])
    monkeypatch.setenv("NATS_PASSWORD", account["password"])
    result = run_module(nats_stream, name="S")
    assert result.get("changed") is True, result["msg"]


def test_no_address_at_all_is_an_error_that_says_so(run_module, monkeypatch):
    monkeypatch.delenv("NATS_URL", raising=False)
    assert "neither the option servers, nor kubernetes, nor NATS_URL" in run_module(nats_stream, name="S")["msg"]


class Certificates:
    """A CA and what it signs, as files."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {folder.name}")])
        self.ca = str(folder / "ca.pem")
        self._write("ca", self._signed(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None)), self.key)

    def issue(self, name, *addresses):
        """Paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [
            x509.IPAddress(ip_address(entry)) if entry[0].isdigit() else x509.DNSName(entry) for entry in addresses
        ]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._write(
            name, self._signed(subject, key, x509.SubjectAlternativeName(names or [x509.DNSName(name)])), key
        )

    def _signed(self, subject, key, extension):
        now = datetime.now(timezone.utc)
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        usage = [x509.KeyUsage(True, False, False, False, False, True, True, False, False)] if key is self.key else []
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        for entry in (extension, ours, *usage):
            builder = builder.add_extension(entry, critical=isinstance(entry, (x509.BasicConstraints, x509.KeyUsage)))
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name, certificate, key):
        cert, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(certificate.public_bytes(Encoding.PEM))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(cert), str(secret)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("right"))


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("wrong"))


@pytest.fixture
def serve(tmp_path, single):
    """A server that is configured so; its port."""
    made = type(single)(tmp_path, ["own"], accounts=1)

    def start(without=(), **more):
        configuration = {key: value for key, value in made.configuration(made[0]).items() if key not in without} | more
        made.configuration = lambda server: configuration
        made.start(made[0])
        made.wait()
        return made[0].client

    yield start
    made.stop(made[0])


T0 = {"user": "t0", "password": "t0-S3cret", "name": "S"}


@pytest.fixture
def tls_server(serve, certificates):
    def start(*addresses, **tls):
        cert, key = certificates.issue("server", *addresses)
        return serve(tls={"cert_file": cert, "key_file": key, "ca_file": certificates.ca} | tls)

    return start


@pytest.mark.parametrize("more", [{}, {"handshake_first": True}])
@pytest.mark.parametrize("scheme", ["tls", "nats"])
def test_tls_with_our_own_ca(run_module, tls_server, certificates, scheme, more):
    port = tls_server("127.0.0.1", **more)
    result = run_module(nats_stream, servers=[f"{scheme}://127.0.0.1:{port}"], tls={"ca": certificates.ca} | more, **T0)
    assert result.get("changed") is True, result


def test_a_ca_that_is_not_ours_is_not_trusted(run_module, tls_server, others):
    port = tls_server("127.0.0.1")
    for tls in ({"ca": others.ca}, {}):
        message = run_module(nats_stream, servers=[f"tls://127.0.0.1:{port}"], tls=tls, **T0)["msg"]
        assert "certificate verify failed" in message.lower(), message


def test_a_certificate_has_the_name_that_was_asked_for(run_module, tls_server, certificates):
    servers = [f"tls://127.0.0.1:{tls_server('nats.example.org')}"]
    tls = {"ca": certificates.ca}
    message = run_module(nats_stream, servers=servers, tls=tls, **T0)["msg"]
    assert "127.0.0.1" in message
    assert "certificate" in message
    message = run_module(nats_stream, servers=servers, tls=tls | {"server_name": "other.example.org"}, **T0)["msg"]
    assert "other.example.org" in message
    result = run_module(nats_stream, servers=servers, tls=tls | {"server_name": "nats.example.org"}, **T0)
    assert result.get("changed") is True, result


def test_a_server_that_asks_for_a_certificate_gets_one(run_module, tls_server, certificates, others):
    servers = [f"tls://127.0.0.1:{tls_server('127.0.0.1', verify=True)}"]
    for issuer, works in ((certificates, True), (others, False), (None, False)):
        cert, key = issuer.issue("client") if issuer else (None, None)
        result = run_module(nats_stream, servers=servers, tls={"ca": certificates.ca, "cert": cert, "key": key}, **T0)
        assert (result.get("changed") is True) is works, result
        assert works or "127.0.0.1" in result["msg"]


def test_tls_that_is_offered_is_taken_and_not_passed_by(run_module, tls_server, certificates, others, serve):
    """nats-py goes on in clear text unless the server insists."""
    cert, key = certificates.issue("server", "127.0.0.1")
    port = serve(tls={"cert_file": cert, "key_file": key}, allow_non_tls=True)
    servers = [f"nats://127.0.0.1:{port}"]
    assert run_module(nats_stream, servers=servers, tls={"ca": certificates.ca}, **T0).get("changed") is True
    assert (
        "certificate verify failed"
        in run_module(nats_stream, servers=servers, tls={"ca": others.ca}, **T0)["msg"].lower()
    )


@pytest.mark.parametrize("tls", [{"ca": "/nowhere.pem"}, {"cert": "/nowhere.pem"}])
def test_files_that_are_missing_are_told_by_option(run_module, tls):
    assert (
        "option tls: its files can't be used"
        in run_module(nats_stream, servers=["tls://127.0.0.1:1"], tls=tls, name="S")["msg"]
    )


def test_a_token(run_module, serve):
    url = f"nats://127.0.0.1:{serve(without=('accounts', 'system_account'), authorization={'token': 't0ken'})}"
    assert run_module(nats_stream, servers=[url], token="t0ken", name="S").get("changed") is True
    assert "Authorization Violation" in run_module(nats_stream, servers=[url], token="wrong", name="S")["msg"]


class Busy(socket.socket):
    """What is sent to it arrives late."""

    def sendall(self, *data):
        time.sleep(0.5)
        super().sendall(*data)


@pytest.mark.parametrize(("late", "sentence"), [(1, ""), (2, "Authentication Timeout")])
def test_a_login_that_took_too_long_gets_a_second_chance(run_module, serve, late, sentence):
    authorization = {"token": "t0ken", "timeout": 0.2}
    address = ("127.0.0.1", serve(without=("accounts", "system_account"), authorization=authorization))
    dialled: list[socket.socket] = []

    def dial():
        dialled.append(Busy() if len(dialled) < late else socket.socket())
        dialled[-1].connect(address)
        return dialled[-1]

    with closing(Tunnel(dial)) as tunnel:
        result = run_module(nats_stream, servers=[f"nats://127.0.0.1:{tunnel.port}"], token="t0ken", name="S")
    assert sentence in result.get("msg", "")
    assert (result.get("changed", False), len(dialled)) == (not sentence, 2)


class AsOnMacOS(socket.socket):
    """A listening socket there can't be shut down, which wakes nobody."""

    def shutdown(self, how):
        raise OSError(errno.ENOTCONN, "Socket is not connected")


@pytest.mark.parametrize("kind", [socket.socket, AsOnMacOS])
def test_a_tunnel_ends_with_its_thread(kind, monkeypatch):
    def listen(address):
        listener = kind()
        listener.bind(address)
        listener.listen()
        return listener

    monkeypatch.setattr(socket, "create_server", listen)
    dialled = []
    before = set(threading.enumerate())
    tunnel = Tunnel(lambda: dialled.append(True))
    (thread,) = set(threading.enumerate()) - before
    tunnel.close()
    thread.join(2)
    assert not thread.is_alive()
    assert not dialled
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", tunnel.port), timeout=1)


def test_the_environment_gives_a_token(run_module, serve, monkeypatch):
    port = serve(without=("accounts", "system_account"), authorization={"token": "t0ken"})
    monkeypatch.setenv("NATS_URL", f"nats://127.0.0.1:{port}")
    monkeypatch.setenv("NATS_TOKEN", "t0ken")
    assert run_module(nats_stream, name="S").get("changed") is True


def test_an_nkey(run_module, serve):
    user = jwt_keys.Key(nkeys.PREFIX_BYTE_USER)
    accounts = {"A": {"jetstream": "enabled", "users": [{"nkey": user.public}]}}
    url = f"nats://127.0.0.1:{serve(without=('system_account',), accounts=accounts)}"
    assert run_module(nats_stream, servers=[url], nkey_seed=user.seed, name="S").get("changed") is True
    other = jwt_keys.Key(nkeys.PREFIX_BYTE_USER)
    assert "Authorization Violation" in run_module(nats_stream, servers=[url], nkey_seed=other.seed, name="S")["msg"]
    result = run_module(nats_stream, servers=[url], nkey_seed="nonsense", name="S")
    assert result["failed"] is True
    assert "exception" not in result
    assert "nkey_seed" in result["msg"]


@pytest.fixture
def operated(serve):
    """A server of an operator; its URL, and a user's JWT and seed."""
    found = jwt_keys.operated(**dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1))
    return f"nats://127.0.0.1:{serve(without=('accounts',), **found.configuration)}", found.jwt, found.seed


def test_a_jwt_and_credentials_inline_in_a_file_and_in_the_environment(run_module, operated, tmp_path, monkeypatch):
    url, jwt, seed = operated
    inline, file = CREDS.format(jwt=jwt, seed=seed), tmp_path / "user.creds"
    file.write_text(inline)
    ways = ({"jwt": jwt, "nkey_seed": seed}, {"creds": inline}, {"creds": str(file)})
    for number, way in enumerate(ways):
        result = run_module(nats_stream, servers=[url], **way, name=f"S{number}")
        assert result.get("changed") is True, result
    monkeypatch.setenv("NATS_CREDS", str(file))
    assert run_module(nats_stream, servers=[url], name="S9").get("changed") is True


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"creds": "/nowhere.creds"}, "creds"),
        ({"creds": "-----BEGIN nonsense"}, "creds"),
        ({"jwt": "x", "nkey_seed": "nonsense"}, "nkey_seed"),
        ({"jwt": "x"}, "nkey_seed"),
        ({"user": "me"}, "password"),
        ({"domain": "hub", "api_prefix": "$JS.hub.API"}, "mutually exclusive: domain|api_prefix"),
        ({"kubernetes": {}}, "mutually exclusive: servers|kubernetes"),
    ],
)
def test_bad_options_are_refused_by_name(run_module, single, options, sentence):
    result = run_module(nats_stream, servers=[single[0].url], **options, name="S")
    assert result["failed"] is True
    assert "exception" not in result
    assert sentence in result["msg"], result["msg"]


def test_what_a_task_says_beats_the_environment(run_module, alone, monkeypatch, tmp_path):
    monkeypatch.setenv("NATS_CREDS", str(tmp_path / "nowhere.creds"))
    monkeypatch.setenv("NATS_TOKEN", "wrong")
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:1")
    result = run_module(nats_stream, **alone, name="S")
    assert result.get("changed") is True, result


def test_kubernetes_beats_the_environment(run_module, monkeypatch, tmp_path):
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:1")
    message = run_module(nats_stream, kubernetes={"kubeconfig": str(tmp_path / "none")}, name="S")["msg"]
    assert "127.0.0.1:1" not in message
    assert "kubeconfig" in message.lower()


@pytest.fixture
def limited(serve):
    """A server where one user has these permissions."""

    def start(**permissions):
        user = {"user": "u", "password": "pass", "permissions": permissions}
        port = serve(without=("system_account",), accounts={"A": {"jetstream": "enabled", "users": [user]}})
        return {"servers": [f"nats://127.0.0.1:{port}"], "user": "u", "password": "pass"}

    return start


def test_a_denial_names_the_subject_and_fails_nothing_else(run_module, limited):
    options = limited(publish={"deny": ["$JS.API.STREAM.CREATE.Two"]})
    message = run_module(nats_stream, **options, name="Two")["msg"]
    assert "the server denies this user to publish to $JS.API.STREAM.CREATE.Two" in message
    assert "stream Two" in message
    start = time.monotonic()
    result = run_module(nats_jetstream, **options, streams=[{"name": name} for name in ("One", "Two", "Three")])
    assert [bool(entry.get("failed")) for entry in result["resources"]] == [False, True, False]
    assert time.monotonic() - start < 2


def test_a_user_who_may_not_list_consumers_can_declare_one(run_module, limited):
    options = limited(publish={"deny": ["$JS.API.CONSUMER.LIST.>", "$JS.API.CONSUMER.NAMES.>", "$JS.API.STREAM.LIST"]})
    run_module(nats_stream, **options, name="S")
    assert run_module(nats_consumer, **options, stream="S", name="c")["changed"] is True
    assert run_module(nats_consumer, **options, stream="S", name="c")["changed"] is False


def test_a_private_inbox(run_module, limited):
    options = limited(publish={"allow": ["$JS.API.>"]}, subscribe={"allow": ["_MINE.>"]})
    assert run_module(nats_stream, **options, inbox_prefix="_MINE", name="S").get("changed") is True
    message = run_module(nats_stream, **options, name="S")["msg"]
    assert "the server denies this user to subscribe to _INBOX.>" in message


@pytest.mark.parametrize(
    "option", [{"domain": "hub"}, {"api_prefix": "$JS.hub.API"}, {"api_prefix": "$JS.hub.API."}, {}]
)
def test_a_domain_is_a_prefix(run_module, serve, single, tmp_path, option):
    store = {"store_dir": str(tmp_path / "js"), "max_file_store": 2**20, "max_memory_store": 2**20, "domain": "hub"}
    url = f"nats://127.0.0.1:{serve(jetstream=store)}"
    assert run_module(nats_stream, servers=[url], **T0, **option).get("changed") is True
    assert "nobody answers" in run_module(nats_stream, servers=[url], **T0, domain="other")["msg"]


def test_servers_that_never_answer_fail_within_three_seconds(run_module):
    with ExitStack() as opened:
        silent = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _server in range(3)]
        servers = [f"nats://127.0.0.1:{server.getsockname()[1]}" for server in silent]
        start = time.monotonic()
        message = run_module(nats_stream, servers=servers, name="S")["msg"]
        assert time.monotonic() - start < 3
        assert all(f"{server}: no answer in time" in message for server in servers), message


def test_a_server_that_dies_between_two_requests_is_replaced_by_another_one(own_cluster):
    leader = own_cluster[0].get("/jsz")["meta_cluster"]["leader"]
    # While a leader is elected nobody answers, whoever is asked.
    servers = sorted(own_cluster.servers, key=lambda server: server.name == leader)
    options = Options([server.url for server in servers], user="t0", password="t0-S3cret")
    with Connection(options) as connection:
        jetstream = JetStream(connection)
        assert connection.run(jetstream.surely("INFO", "JetStream"))["streams"] == 0
        first = connection.server()["server_name"]
        own_cluster.stop(servers[0])
        assert connection.run(jetstream.names()) == []
        assert connection.server()["server_name"] != first


def test_an_account_without_jetstream_is_told_as_that(run_module, single):
    result = run_module(nats_stream, servers=[single[0].url], user="sys-user", password="sys-user-S3cret", name="S")
    assert "JetStream" in result["msg"], result["msg"]


def test_a_server_that_dies_while_it_is_asked_is_not_waited_for(own_cluster):
    server = own_cluster.servers[0]
    options = Options([server.url], user="t0", password="t0-S3cret")
    with Connection(options) as connection:

        async def ask_and_die():
            client = await connection.client()
            await client.subscribe("silent")  # so that somebody is there who never answers
            asked = asyncio.ensure_future(connection.ask("silent", timeout=60))
            await client.flush()
            await asyncio.to_thread(own_cluster.stop, server)
            with pytest.raises(NatsError, match="whether it was carried out is unknown"):
                await asyncio.wait_for(asked, 10)

        connection.run(ask_and_die())


def test_requests_that_still_wait_when_another_one_has_failed_are_cancelled(single):
    ended = []

    async def wait():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    async def fail():
        raise NatsError("request", "it fails", "", code="UNEXPECTED")

    async def both():
        await asyncio.gather(wait(), fail())

    with Connection(Options([single[0].url], user="t0", password="t0-S3cret")) as connection:
        connection.server()
        with pytest.raises(NatsError, match="it fails"):
            connection.run(both())
        assert ended == []
    assert ended == ["cancelled"]


def test_a_server_that_died_unnoticed_is_not_asked(own_cluster):
    leader = own_cluster[0].get("/jsz")["meta_cluster"]["leader"]
    servers = sorted(own_cluster.servers, key=lambda server: server.name == leader)
    options = Options([server.url for server in servers], user="t0", password="t0-S3cret")
    with Connection(options) as connection:
        connection.run(JetStream(connection).surely("INFO", "JetStream"))
        own_cluster.stop(servers[0])
        time.sleep(0.3)  # nobody looks at the connection meanwhile
        assert connection.request("$JS.API.INFO", timeout=60)["streams"] == 0
