# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_reload on a cluster in Kubernetes. Molecule's scenario `reload` deploys it, and runs these tests."""

from __future__ import annotations

import base64
import json
import re
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import decoded, source_of
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import CONFIGURATION, MONITOR_PORT
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import through
from ansible_collections.messaging.nats.plugins.modules import nats_reload
from tests.support.certificates import issue
from tests.support.modules import module_runner

NAMESPACE = "molecule-reload"
SERVERS = ["nats-0", "nats-1", "nats-2"]
ANNOTATION = "messaging.nats/configuration"
# Seconds until a kubelet has brought a Secret's new content into a pod, or a pod that was deleted answers again.
BROUGHT_S = 60


class Deployed:
    """The cluster: its pods, its Secrets, and what its servers say of themselves."""

    def __init__(self) -> None:
        self.kubernetes = Kubernetes({})
        source = source_of(self.pod("nats-0"), CONFIGURATION)
        assert source
        self.secret = source.secret
        self.first = read_nats_conf(self.files(self.secret)["nats.conf"].decode())
        self.first_files = {name: self.files(name) for name in (self.secret, "web-tls", "nats-sys")}

    def path(self, kind, name):
        return f"/api/v1/namespaces/{NAMESPACE}/{kind}/{name}"

    def pod(self, name):
        return self.kubernetes.call("GET", self.path("pods", name), name)

    def files(self, secret):
        return decoded(self.kubernetes.call("GET", self.path("secrets", secret), secret))

    def write(self, secret, files):
        data = {name: base64.b64encode(content).decode() for name, content in files.items()}
        self.patch("secrets", secret, {"data": data})

    def patch(self, kind, name, body):
        self.kubernetes.call("PATCH", self.path(kind, name), name, body, "application/merge-patch+json")

    def change(self, conf=None, **more):
        """Declares another configuration."""
        self.write(self.secret, {"nats.conf": to_nats_conf({**(conf or self.first), **more}).encode()})

    def restore(self):
        for secret, files in self.first_files.items():
            self.write(secret, files)

    def annotations(self):
        return [self.pod(name)["metadata"].get("annotations", {}).get(ANNOTATION) for name in SERVERS]

    def varz(self, name):
        _status, body = self.kubernetes.get(NAMESPACE, name, MONITOR_PORT, "/varz", timeout=5)
        return json.loads(body)

    def each(self, key):
        return [self.varz(name).get(key) for name in SERVERS]

    def restart(self, name):
        """Deletes a pod, and waits until its successor is ready."""
        before = self.pod(name)["metadata"]["uid"]
        self.kubernetes.call("DELETE", self.path("pods", name), name)
        deadline = time.monotonic() + BROUGHT_S
        while True:
            pod = self.kubernetes.find(self.path("pods", name), name)
            ready = {"type": "Ready", "status": "True"}
            conditions = pod["status"].get("conditions", []) if pod and pod["metadata"]["uid"] != before else []
            if any(ready.items() <= condition.items() for condition in conditions):
                return
            assert time.monotonic() < deadline, pod
            time.sleep(0.2)

    @contextmanager
    def asking(self, name):
        """A request to one server in the system account."""
        with through(self.kubernetes, NAMESPACE, "nats", "SYS", 5, [self.pod(name)]) as connection:
            identity = connection.server()["server_id"]
            yield lambda verb: connection.request(f"$SYS.REQ.SERVER.{identity}.{verb}")


@pytest.fixture(scope="module")
def found():
    return Deployed()


@pytest.fixture
def reload(capsys):
    run = module_runner(capsys)

    def reloading(check=False, **more):
        result = run(nats_reload, kubernetes={"namespace": NAMESPACE}, check=check, **more)
        assert "S3cret" not in json.dumps({key: value for key, value in result.items() if key != "invocation"})
        return result

    return reloading


@pytest.fixture
def deployed(found, reload):
    """All servers run with what was deployed."""
    yield found
    found.restore()
    assert "failed" not in reload(wait_timeout=BROUGHT_S)


def reloads(result):
    return [server["reloaded"] for server in result["servers"].values()]


def ways(result):
    return [server["by"] for server in result["servers"].values()]


def test_all_servers_load_what_their_secret_holds_once(deployed, reload):
    assert reloads(reload()) == [False] * 3
    before = deployed.annotations()
    deployed.change(max_connections=99, server_metadata={"revision": "7"})
    for _time in range(2):
        foreseen = reload(check=True)
        assert (foreseen["changed"], reloads(foreseen), deployed.annotations()) == (True, [True] * 3, before)
    done = reload()
    assert (done["changed"], reloads(done), ways(done)) == (True, [True] * 3, ["login"] * 3)
    assert {server["revision"] for server in done["servers"].values()} == {"7"}
    assert deployed.each("max_connections") == [99] * 3
    after = deployed.annotations()
    # A kubelet may have brought the files to its pod by itself, which it does once a minute.
    assert {*after} - {*before}
    again = reload()
    assert (again["changed"], reloads(again), deployed.annotations()) == (False, [False] * 3, after)


def test_only_servers_reload_that_have_not_loaded_it_yet(deployed, reload):
    deployed.change(max_connections=99)
    deployed.patch("pods", "nats-1", {"metadata": {"annotations": {ANNOTATION: f"test {time.time()}"}}})
    deadline = time.monotonic() + BROUGHT_S
    with deployed.asking("nats-1") as ask:
        while deployed.varz("nats-1")["max_connections"] != 99:
            assert time.monotonic() < deadline
            ask("RELOAD")
    assert reloads(reload()) == [True, False, True]


def test_a_renewed_certificate_is_loaded_though_the_digest_stays(deployed, reload):
    digests = deployed.each("config_digest")
    leaf = issue("leaf", ends=timedelta(days=50))
    deployed.write("web-tls", {"tls.crt": leaf.pem, "tls.key": leaf.key_pem})
    assert reloads(reload(check=True)) == [True] * 3
    assert reloads(reload()) == [True] * 3
    assert [block["tls_cert_not_after"] for block in deployed.each("websocket")] == [leaf.ends] * 3
    assert deployed.each("config_digest") == digests
    assert reloads(reload()) == [False] * 3


def test_a_configuration_that_servers_refuse_reaches_none(deployed, reload):
    before = deployed.each("config_load_time")
    deployed.change(jetstream_of_nobody=1)
    # What is not in the pods yet is not checked there.
    assert "failed" not in reload(check=True)
    for check in (False, True):
        refused = reload(check=check)
        assert refused["code"] == "CONFIGURATION_REFUSED"
        assert f"Secret {deployed.secret} holds what the server refuses" in refused["msg"]
    assert deployed.each("config_load_time") == before


def test_a_failed_reload_names_the_servers_that_refuse_it_and_those_that_loaded_it(deployed, reload):
    deployed.change(max_subscriptions=5000)
    deployed.restart("nats-1")
    refused = reload()
    assert refused["cause"].startswith("nats-0, nats-2 refuse it: config reload not supported for MaxSubs")
    assert refused["cause"].endswith("nats-1 has taken it over")
    assert "restart these servers one by one" in refused["remedy"]
    assert refused["code"] == "RESTART_REQUIRED"
    assert reload()["failed"] is True
    deployed.restore()
    deployed.restart("nats-1")


def test_a_namespace_without_a_running_pod_is_an_error(capsys):
    refused = module_runner(capsys)(nats_reload, kubernetes={"namespace": "default"})
    assert refused["code"] == "POD_NOT_READY"


def test_servers_reload_by_a_signal_where_the_login_fails(deployed, reload):
    deployed.write("nats-sys", {"password": b"wrong S3cret"})
    deployed.change(max_connections=98)
    before = deployed.annotations()
    foreseen = reload(check=True)
    assert (reloads(foreseen), ways(foreseen), deployed.annotations()) == ([True] * 3, ["exec"] * 3, before)
    done = reload()
    assert (reloads(done), ways(done)) == ([True] * 3, ["exec"] * 3)
    assert deployed.each("max_connections") == [98] * 3
    assert reloads(reload()) == [False] * 3


def test_a_server_that_refuses_after_a_signal_is_named_with_the_reason_in_its_log(deployed, reload):
    deployed.write("nats-sys", {"password": b"wrong S3cret"})
    deployed.change(max_subscriptions=5000)
    refused = reload()
    reason = "refuse it: Failed to reload server configuration: config reload not supported for MaxSubs"
    assert refused["cause"].startswith(f"nats-0, nats-1, nats-2 {reason}")
    assert refused["cause"].endswith("none has taken it over")
    assert "restart these servers one by one" in refused["remedy"]


def test_a_reload_that_changes_the_password_of_its_own_login_is_verified_without_it(deployed, reload):
    changed = json.loads(json.dumps(deployed.first))
    changed["accounts"]["SYS"]["users"][0]["password"] = "another S3cret"
    deployed.change(changed)
    done = reload()
    assert (reloads(done), ways(done)) == ([True] * 3, ["exec"] * 3)
    # And back, with a login that fails from the start.
    deployed.change()
    done = reload()
    assert (reloads(done), ways(done)) == ([True] * 3, ["exec"] * 3)
    assert ways(reload()) == ["login"] * 3


TLS = {"cert_file": "/etc/web/tls.crt", "key_file": "/etc/web/tls.key"}


def test_servers_whose_certificate_is_of_an_unknown_ca_reload_by_a_signal(deployed, reload):
    deployed.change(tls=TLS)
    assert reloads(reload()) == [True] * 3
    leaf = issue("leaf", issue("ca", ca=True))
    deployed.write("web-tls", {"tls.crt": leaf.pem, "tls.key": leaf.key_pem})
    deployed.change(tls=TLS, max_connections=97)
    done = reload()
    assert (reloads(done), ways(done)) == ([True] * 3, ["exec"] * 3)
    assert deployed.each("max_connections") == [97] * 3
    assert deployed.each("tls_cert_not_after") == [leaf.ends] * 3
    deployed.change()
    assert ways(reload()) == ["exec"] * 3
    assert ways(reload()) == ["login"] * 3


def test_a_certificate_that_expired_while_it_is_served_is_in_the_way_of_nothing(deployed, reload):
    short = issue("leaf", ends=timedelta(seconds=6))
    deployed.write("web-tls", {"tls.crt": short.pem, "tls.key": short.key_pem})
    assert reloads(reload()) == [True] * 3
    time.sleep(max(0, short.certificate.not_valid_after_utc.timestamp() - time.time()) + 1)
    deployed.change(max_connections=96)
    assert reloads(reload()) == [True] * 3
    leaf = issue("leaf")
    deployed.write("web-tls", {"tls.crt": leaf.pem, "tls.key": leaf.key_pem})
    assert reloads(reload()) == [True] * 3
    assert [block["tls_cert_not_after"] for block in deployed.each("websocket")] == [leaf.ends] * 3


def test_a_certificate_with_which_no_client_could_connect_reaches_no_server(deployed, reload):
    authority, day = issue("ca", ca=True), timedelta(days=1)
    good, other = issue("leaf", authority), issue("other", ca=True)
    expired = issue("leaf", authority, begins=-9 * day, ends=-day)
    future = issue("leaf", authority, begins=9 * day)
    tls = TLS | {"ca_file": "/etc/web/ca.crt"}
    deployed.change(websocket={**deployed.first["websocket"], "tls": tls})
    before = deployed.annotations()
    for certificate, key, ca, said in (
        (expired.pem, expired.key_pem, authority.pem, "CN=leaf expired on"),
        (future.pem, future.key_pem, authority.pem, "CN=leaf is not valid before"),
        (good.pem, expired.key_pem, authority.pem, "is not the key of"),
        (good.pem, good.key_pem, other.pem, "is not signed by any certificate in ca.crt of Secret web-tls"),
        (b"junk", good.key_pem, authority.pem, "is not a valid PEM certificate"),
    ):
        deployed.write("web-tls", {"tls.crt": certificate, "tls.key": key, "ca.crt": ca})
        for check in (True, False):
            refused = reload(check=check)
            assert refused["code"] == "CERTIFICATE_INVALID"
            where = r"tls\.(crt|key) of Secret web-tls, for listener websocket: "
            assert re.search(where + f".*{re.escape(said)}", refused["msg"])
        assert deployed.annotations() == before
