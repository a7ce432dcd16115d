# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_reload against real servers on loopback, whose files a stand-in for the Kubernetes API delivers."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import CONFIGURATION
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._operations import reload as _reloading
from ansible_collections.messaging.nats.plugins.modules import nats_reload
from tests.support.certificates import certificate, issue
from tests.support.servers import SERVER, Cluster, free_port, secret


class Pods:
    """A pod for each server. A Secret of each holds its configuration, and comes into the pod with an annotation."""

    def __init__(self, cluster) -> None:
        self.cluster, self.stuck, self.password = cluster, False, secret("sys-user")
        self.annotated: list[str] = []
        self.files: dict[str, dict[str, bytes]] = {}
        self.secrets = {server.name: self.file(server.name).read_text() for server in cluster.servers}

    def file(self, name) -> Path:
        server = next(server for server in self.cluster.servers if server.name == name)
        return self.cluster.folder / f"{server.name}-{server.client}.conf"

    def change(self, **more) -> None:
        for server in self.cluster.servers:
            self.secrets[server.name] = to_nats_conf(self.cluster.configuration(server, **more))

    def pods(self, _namespace, _cluster):
        return [self.pod(server.name) for server in self.cluster.servers]

    def pod(self, name):
        mount, volume = {"name": "config", "mountPath": "/etc/nats"}, {"secretName": name}
        web = {"name": "web", "mountPath": "/etc/web"}
        return {
            "metadata": {"name": name, "namespace": "n", "annotations": {}},
            "spec": {
                "containers": [{"name": "nats", "volumeMounts": [mount, web]}],
                "volumes": [{"name": "config", "secret": volume}, {"name": "web", "secret": {"secretName": "web-tls"}}],
            },
            "status": {"containerStatuses": [{"name": "nats", "state": {"running": {}}}]},
        }

    def find(self, path, _what):
        if (files := self.files.get(path.rpartition("/")[2])) is not None:
            return {"data": {name: base64.b64encode(content).decode() for name, content in files.items()}}
        return {"data": {"nats.conf": base64.b64encode(self.secrets[path.rpartition("/")[2]].encode()).decode()}}

    def call(self, method, path, _what, body, _type):
        assert (method, list(body["metadata"]["annotations"])) == ("PATCH", ["messaging.nats/configuration"])
        name = path.rpartition("/")[2]
        self.annotated.append(name)
        if not self.stuck:
            self.file(name).write_text(self.secrets[name])

    def run(self, _namespace, pod, _container, command, timeout=30):
        script = command[2].replace("nats-server -t", f"{SERVER} -t").replace("exec nats-server", f"exec {SERVER}")
        files = [str(self.file(pod)) if path == CONFIGURATION else path for path in command[3:]]
        done = subprocess.run(["sh", "-c", script, *files], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.replace(str(self.file(pod)), CONFIGURATION)

    def check_lease(self):
        """No Lease was named."""

    def get(self, _namespace, pod, port, path, timeout):
        assert port == 8222
        server = next(server for server in self.cluster.servers if server.name == pod)
        return 200, json.dumps(server.get(path))

    def logs(self, _namespace, pod, _container, lines):
        return "\n".join((self.cluster.folder / f"{pod}.log").read_text().splitlines()[-lines:])

    @contextmanager
    def through(self, _kubernetes, _namespace, _cluster, account, timeout, pods):
        assert account == "SYS"
        (server,) = [server for server in self.cluster.servers if server.name == pods[0]["metadata"]["name"]]
        options = Options([server.url], user="sys-user", password=self.password, timeout=timeout)
        with Connection(options, lambda _server, sentence: f"pod {server.name}: {sentence}") as connection:
            yield connection


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("reload-module"), ["n1", "n2", "n3"], accounts=1)
    try:
        for server in made.servers:
            made.start(server)
        made.wait()
        yield made
    finally:
        for server in made.servers:
            made.stop(server)


@pytest.fixture
def pods(servers, monkeypatch, reload):
    """All run with what is in their Secrets."""
    made = Pods(servers)
    monkeypatch.setattr(nats_reload, "Kubernetes", lambda *_: made)
    monkeypatch.setattr(_reloading, "through", made.through)
    made.change()
    reload()
    made.annotated = []
    return made


@pytest.fixture
def reload(run_module):
    def run(check=False, **more):
        result = run_module(nats_reload, kubernetes={"namespace": "n"}, check=check, **more)
        assert "S3cret" not in json.dumps({key: value for key, value in result.items() if key != "invocation"})
        return result

    return run


def reloads(result):
    return [server["reloaded"] for server in result["servers"].values()]


def test_all_servers_load_what_their_secrets_hold_once(pods, reload):
    assert reloads(reload()) == [False] * 3
    pods.change(max_connections=99, server_metadata={"revision": "7"})
    for _time in range(2):
        foreseen = reload(check=True)
        assert (foreseen["changed"], reloads(foreseen), pods.annotated) == (True, [True] * 3, [])
    done = reload()
    assert (done["changed"], reloads(done), sorted(pods.annotated)) == (True, [True] * 3, ["n1", "n2", "n3"])
    assert {server["revision"] for server in done["servers"].values()} == {"7"}
    assert [server.get("/varz")["max_connections"] for server in pods.cluster.servers] == [99] * 3
    again = reload()
    assert (again["changed"], reloads(again), len(pods.annotated)) == (False, [False] * 3, 3)


def test_only_servers_reload_that_have_not_loaded_it_yet(pods, reload):
    pods.change(max_connections=99)
    pods.call("PATCH", "n2", "", {"metadata": {"annotations": {"messaging.nats/configuration": ""}}}, "")
    with pods.through(None, "", "", "SYS", 5, [pods.pod("n2")]) as connection:
        connection.request(f"$SYS.REQ.SERVER.{connection.server()['server_id']}.RELOAD")
    assert reloads(reload()) == [True, False, True]


def test_a_renewed_certificate_is_loaded_though_the_digest_stays(pods, reload):
    folder = pods.cluster.folder
    certificate(folder, "a", days=50)
    tls = {"cert_file": str(folder / "a.crt"), "key_file": str(folder / "a.key")}
    first = pods.cluster[0]
    websocket = {"host": "127.0.0.1", "port": free_port(), "tls": tls}
    pods.secrets["n1"] = to_nats_conf(pods.cluster.configuration(first, websocket=websocket))
    pods.cluster.stop(first)
    pods.cluster.start(first, websocket=websocket)
    pods.cluster.wait()
    assert reloads(reload()) == [False] * 3
    ends = certificate(folder, "a", days=60)
    assert reloads(reload(check=True)) == [True, False, False]
    assert reloads(reload()) == [True, False, False]
    assert first.get("/varz")["websocket"]["tls_cert_not_after"] == ends
    assert reloads(reload()) == [False] * 3
    pods.cluster.stop(first)
    pods.cluster.start(first)
    pods.cluster.wait()


def test_a_failed_reload_names_the_servers_that_refuse_it_and_those_that_loaded_it(pods, reload):
    pods.change(max_connections=99)
    pods.secrets["n2"] += "jetstream_of_n2: 1\n"
    for check in (True, False):
        refused = reload(check=check)
        # What lies in a pod is not told of before it is there.
        assert ("failed" in refused) is not check
    assert "server n2: Secret n2 holds what the server refuses" in refused["msg"]
    assert refused["code"] == "CONFIGURATION_REFUSED"
    assert pods.cluster[0].get("/varz")["max_connections"] != 99
    pods.secrets["n2"] = pods.secrets["n2"].replace("jetstream_of_n2: 1", "max_subscriptions: 5")
    refused = reload()
    assert refused["cause"].startswith("n2 refuses it: config reload not supported for MaxSubs")
    assert refused["cause"].endswith("n1, n3 have taken it over")
    assert "restart these servers one by one" in refused["remedy"]
    assert refused["code"] == "RESTART_REQUIRED"
    assert reload()["failed"] is True


def test_a_reload_that_takes_too_long_says_what_each_server_lacks(pods, reload):
    pods.change(max_connections=99)
    pods.stuck = True
    late = reload(wait_timeout=0.2)
    assert "n1: the kubelet has not brought /etc/nats/nats.conf of Secret n1; n2: " in late["cause"]
    assert late["cause"].endswith("none is done")
    assert late["code"] == "TIMED_OUT"
    pods.stuck = False
    assert reloads(reload()) == [True] * 3


def test_the_option_kubernetes_is_required(run_module):
    result = run_module(nats_reload, servers=["nats://127.0.0.1:1"])
    assert (result["code"], result["remedy"]) == ("INVALID_OPTIONS", "Set kubernetes.namespace.")


def test_no_running_pod_is_an_error(pods, reload, monkeypatch):
    monkeypatch.setattr(pods, "pods", lambda *_: [])
    assert reload()["code"] == "POD_NOT_READY"


@pytest.fixture
def locked_out(pods, monkeypatch):
    """The servers refuse the login that the Secret holds."""
    monkeypatch.setattr(pods, "password", "wrong")

    def locks(pid_files=True):
        files = {"pid_file": ""} if pid_files else {}
        for server in pods.cluster.servers:
            files = {"pid_file": str(pods.cluster.folder / f"{server.name}.pid")} if pid_files else {}
            pods.secrets[server.name] = to_nats_conf(pods.cluster.configuration(server, max_connections=98, **files))
            if pid_files:
                Path(files["pid_file"]).write_text(str(server.process.pid))

    return locks


def ways(result):
    return [server["by"] for server in result["servers"].values()]


def test_servers_reload_by_a_signal_where_the_login_fails(pods, reload, locked_out):
    locked_out()
    foreseen = reload(check=True)
    assert (reloads(foreseen), ways(foreseen), pods.annotated) == ([True] * 3, ["exec"] * 3, [])
    done = reload()
    assert (reloads(done), ways(done)) == ([True] * 3, ["exec"] * 3)
    assert [server.get("/varz")["max_connections"] for server in pods.cluster.servers] == [98] * 3
    assert reloads(reload()) == [False] * 3


def test_a_server_that_refuses_after_a_signal_is_named_with_the_reason_in_its_log(pods, reload, locked_out):
    locked_out()
    pods.secrets["n2"] += "max_subscriptions: 5\n"
    refused = reload()
    assert (
        "n2 refuses it: Failed to reload server configuration: config reload not supported for MaxSubs"
        in refused["cause"]
    )
    assert refused["cause"].endswith("n1, n3 have taken it over")
    assert "restart these servers one by one" in refused["remedy"]


def test_a_signal_without_a_pid_file_fails_with_what_is_needed(pods, reload, locked_out):
    locked_out(pid_files=False)
    refused = reload()
    assert "Authorization Violation" in refused["msg"]
    assert "no pid_file, and process 1 of the container is not nats-server" in refused["msg"]
    assert refused["code"] == "SIGNAL_FAILED"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, "Client sent an HTTP request to an HTTPS server."), "it speaks https"),
        ((404, ""), "it answers with status 404"),
    ],
)
def test_a_server_without_login_and_monitoring_port_is_an_error(pods, reload, locked_out, monkeypatch, answer, said):
    locked_out()
    monkeypatch.setattr(pods, "get", lambda *_arguments, **_more: answer)
    refused = reload(wait_timeout=0.2)
    assert (
        "the login fails (pod n1: Authorization Violation), and port 8222 does not tell what the server runs with"
        in refused["msg"]
    )
    assert said in refused["msg"]


def test_a_reload_that_changes_the_password_of_its_own_login_is_verified_without_it(pods, reload):
    for server in pods.cluster.servers:
        configuration = pods.cluster.configuration(server)
        configuration["accounts"]["SYS"] = {"users": [{"user": "sys-user", "password": "another S3cret"}]}
        configuration["pid_file"] = ""
        pods.secrets[server.name] = to_nats_conf({key: value for key, value in configuration.items() if value})
    done = reload()
    assert (reloads(done), ways(done)) == ([True] * 3, ["exec"] * 3)
    # And back, with a login that fails from the start.
    pods.change()
    for server in pods.cluster.servers:
        (pods.cluster.folder / f"{server.name}.pid").write_text(str(server.process.pid))
        pods.secrets[server.name] += f'pid_file: "{pods.cluster.folder / server.name}.pid"\n'
    assert (reloads(reload()), ways(reload())) == ([True] * 3, ["login"] * 3)


@pytest.mark.parametrize("wrong", ["expired", "future", "key", "ca", "junk"])
def test_a_certificate_with_which_no_client_could_connect_reaches_no_server(pods, reload, monkeypatch, wrong):
    authority, day = issue("ca", ca=True), timedelta(days=1)
    good = issue("good", authority)
    leaf = {
        "expired": issue("leaf", authority, begins=-9 * day, ends=-day),
        "future": issue("leaf", authority, begins=9 * day),
    }.get(wrong, issue("leaf", authority))
    files = {
        "tls.crt": b"junk" if wrong == "junk" else leaf.pem,
        "tls.key": good.key_pem if wrong == "key" else leaf.key_pem,
        "ca.crt": issue("other", ca=True).pem if wrong == "ca" else authority.pem,
    }
    tls = {
        f"{name}_file": f"/etc/web/{file}" for name, file in (("cert", "tls.crt"), ("key", "tls.key"), ("ca", "ca.crt"))
    }
    pods.change(websocket={"host": "127.0.0.1", "port": free_port(), "tls": tls})
    pods.files["web-tls"] = files
    for check in (True, False):
        refused = reload(check=check)
        assert refused["code"] == "CERTIFICATE_INVALID"
        assert re.search(rf"tls\.(crt|key) of Secret web-tls, for listener websocket: .*{SAID[wrong]}", refused["msg"])
        assert pods.annotated == []


SAID = {
    "expired": "CN=leaf expired on",
    "future": "CN=leaf is not valid before",
    "key": "is not the key of",
    "ca": "is not signed by any certificate in ca.crt of Secret web-tls",
    "junk": "is not a valid PEM certificate",
}
