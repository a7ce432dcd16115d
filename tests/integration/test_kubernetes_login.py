# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two Kubernetes APIs: whatever says which one and as whom, our modules and kubernetes.core's end at the same, as the same user."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core
from kubernetes.client import Configuration
from kubernetes.config import incluster_config, kube_config
from urllib3.exceptions import HTTPError

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from tests.support.certificates import certificate
from tests.support.kubernetes_apis import Caller, RecordingApi, RecordingProxy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("apis")


@pytest.fixture(scope="module")
def servers(folder):
    for name in ("carol", "dave"):
        certificate(folder, name)
    clients = tuple(str(folder / f"{name}.crt") for name in ("carol", "dave"))
    made = {name: RecordingApi(name, folder, clients) for name in ("east", "west")}
    yield made
    for server in made.values():
        server.close()


@pytest.fixture(scope="module")
def proxy():
    made = RecordingProxy()
    yield made
    made.close()


@pytest.fixture(scope="module")
def values(folder, servers, proxy):
    """What the rows below name in braces."""
    plugin = folder / "plugin"
    told = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {"token": "of-plugin"}}
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    ca = {name: {"server": server.url, "certificate-authority": server.ca} for name, server in servers.items()}
    users = {
        "token": {"token": "of-kubeconfig"},
        "file": {"tokenFile": "token"},
        "basic": {"username": "erin", "password": "pass"},
        "cert": {"client-certificate": "carol.crt", "client-key": "carol.key"},
        "exec": {"exec": {"apiVersion": told["apiVersion"], "command": "./plugin", "interactiveMode": "Never"}},
        "nobody": {},
    }
    (folder / "token").write_text("of-file")
    clusters = {
        **ca,
        "open": {"server": servers["east"].url, "insecure-skip-tls-verify": True},
        "named": {"server": servers["east"].url.replace("127.0.0.1", "localhost"), "tls-server-name": "127.0.0.1"}
        | {"certificate-authority": servers["east"].ca},
        "behind": ca["east"] | {"proxy-url": f"http://{proxy.host}"},
    }

    def kubeconfig(name, current, only=None):
        contexts = {f"{cluster}-{user}": {"cluster": cluster, "user": user} for cluster in clusters for user in users}
        found = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": key, "cluster": value} for key, value in clusters.items()],
            "users": [{"name": key, "user": value} for key, value in users.items()],
            "contexts": [{"name": key, "context": value} for key, value in contexts.items()],
        }
        found = {key: value for key, value in found.items() if only is None or key in only or isinstance(value, str)}
        if current:
            found["current-context"] = current
        (folder / name).write_text(yaml.safe_dump(found))
        return str(folder / name)

    named = {
        "east_config": kubeconfig("east.yml", "east-token"),
        "west_config": kubeconfig("west.yml", "west-token"),
        "cert_config": kubeconfig("cert.yml", "west-cert"),
        "users": kubeconfig("users.yml", None, ("users",)),
        "rest": kubeconfig("rest.yml", "west-token", ("clusters", "contexts")),
        "carol": str(folder / "carol.crt"),
        "carol_key": str(folder / "carol.key"),
        "dave": str(folder / "dave.crt"),
        "dave_key": str(folder / "dave.key"),
        "folder": str(folder),
        "proxy": f"http://{proxy.host}",
    }
    for name, server in servers.items():
        named |= {name: server.url, f"{name}_ca": server.ca, f"{name}_port": str(server.port)}
    return named


def filled(row, values):
    if isinstance(row, dict):
        return {key: filled(value, values) for key, value in row.items()}
    if isinstance(row, list):
        return [filled(value, values) for value in row]
    return row.format(**values) if isinstance(row, str) else row


EAST = {"host": "{east}", "ca_cert": "{east_ca}"}
AWX = {
    "K8S_AUTH_HOST": "{east}",
    "K8S_AUTH_API_KEY": "of-awx",
    "K8S_AUTH_VERIFY_SSL": "True",
    "K8S_AUTH_SSL_CA_CERT": "{east_ca}",
}
POD = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "{east_port}"}
TOKEN, OF_KUBECONFIG = "Bearer t", "Bearer of-kubeconfig"


def caller(server, login=None, certificate=None, user=None, groups=()):
    return Caller(server, login, certificate, user, groups)


# Options, environment, who asks whom.
ROWS = {
    "host and token": (EAST | {"api_key": "t"}, {}, caller("east", TOKEN)),
    "a slash after the host": (EAST | {"host": "{east}/", "api_key": "t"}, {}, caller("east", TOKEN)),
    "not verified": ({"host": "{east}", "api_key": "t", "validate_certs": False}, {}, caller("east", TOKEN)),
    "its alias": ({"host": "{east}", "api_key": "t", "verify_ssl": False}, {}, caller("east", TOKEN)),
    "certificate": (
        EAST | {"client_cert": "{carol}", "client_key": "{carol_key}"},
        {},
        caller("east", certificate="carol"),
    ),
    "certificate by aliases": (
        {"host": "{east}", "ssl_ca_cert": "{east_ca}", "cert_file": "{carol}", "key_file": "{carol_key}"},
        {},
        caller("east", certificate="carol"),
    ),
    "token and certificate": (
        EAST | {"api_key": "t", "client_cert": "{carol}", "client_key": "{carol_key}"},
        {},
        caller("east", TOKEN, "carol"),
    ),
    "AWX": ({}, AWX, caller("east", "Bearer of-awx")),
    "AWX, not verified": (
        {},
        {"K8S_AUTH_HOST": "{east}", "K8S_AUTH_API_KEY": "of-awx", "K8S_AUTH_VERIFY_SSL": "False"},
        caller("east", "Bearer of-awx"),
    ),
    "AWX beats KUBECONFIG": ({}, AWX | {"KUBECONFIG": "{west_config}"}, caller("east", "Bearer of-awx")),
    "AWX beats K8S_AUTH_KUBECONFIG": (
        {},
        AWX | {"K8S_AUTH_KUBECONFIG": "{cert_config}"},
        caller("east", "Bearer of-awx"),
    ),
    "AWX beats a pod": ({}, AWX | POD | {"KUBERNETES_SERVICE_PORT": "{west_port}"}, caller("east", "Bearer of-awx")),
    "an option beats AWX": (
        {"host": "{west}", "ca_cert": "{west_ca}"},
        AWX,
        caller("west", "Bearer of-awx"),
    ),
    "the other name of a variable": (
        {},
        {"K8S_AUTH_HOST": "{east}", "K8S_AUTH_API_KEY": "v", "K8S_AUTH_CA_CERT": "{east_ca}"},
        caller("east", "Bearer v"),
    ),
    "certificate from the environment": (
        {},
        {
            "K8S_AUTH_HOST": "{east}",
            "K8S_AUTH_SSL_CA_CERT": "{east_ca}",
            "K8S_AUTH_CERT_FILE": "{dave}",
            "K8S_AUTH_KEY_FILE": "{dave_key}",
        },
        caller("east", certificate="dave"),
    ),
    "certificate by the option's name": (
        {},
        {
            "K8S_AUTH_HOST": "{east}",
            "K8S_AUTH_CA_CERT": "{east_ca}",
            "K8S_AUTH_CLIENT_CERT": "{dave}",
            "K8S_AUTH_CLIENT_KEY": "{dave_key}",
        },
        caller("east", certificate="dave"),
    ),
    "kubeconfig": ({"kubeconfig": "{east_config}"}, {}, caller("east", OF_KUBECONFIG)),
    "kubeconfig as a dictionary": (
        {
            "kubeconfig": {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": "{west}", "certificate-authority": "{west_ca}"}}],
                "users": [{"name": "u", "user": {"token": "of-dictionary"}}],
            }
        },
        {"K8S_AUTH_KUBECONFIG": "{east_config}"},
        caller("west", "Bearer of-dictionary"),
    ),
    "K8S_AUTH_KUBECONFIG": ({}, {"K8S_AUTH_KUBECONFIG": "{east_config}"}, caller("east", OF_KUBECONFIG)),
    "an option beats K8S_AUTH_KUBECONFIG": (
        {"kubeconfig": "{west_config}"},
        {"K8S_AUTH_KUBECONFIG": "{east_config}"},
        caller("west", OF_KUBECONFIG),
    ),
    "K8S_AUTH_KUBECONFIG beats KUBECONFIG": (
        {},
        {"K8S_AUTH_KUBECONFIG": "{east_config}", "KUBECONFIG": "{west_config}"},
        caller("east", OF_KUBECONFIG),
    ),
    "KUBECONFIG": ({}, {"KUBECONFIG": "{west_config}"}, caller("west", OF_KUBECONFIG)),
    "the one of the home": ({}, {}, caller("west", None, "carol")),
    "two files": ({}, {"KUBECONFIG": "{users}:{rest}"}, caller("west", OF_KUBECONFIG)),
    "the last current context": ({}, {"KUBECONFIG": "{east_config}:{west_config}"}, caller("west", OF_KUBECONFIG)),
    "two files, one is not there": (
        {"kubeconfig": "{folder}/none:{east_config}"},
        {},
        caller("east", OF_KUBECONFIG),
    ),
    "context": (
        {"kubeconfig": "{west_config}", "context": "east-token"},
        {"K8S_AUTH_CONTEXT": "west-cert"},
        caller("east", OF_KUBECONFIG),
    ),
    "context alone": ({"context": "east-cert"}, {"KUBECONFIG": "{west_config}"}, caller("east", None, "carol")),
    "K8S_AUTH_CONTEXT": (
        {},
        {"K8S_AUTH_CONTEXT": "east-cert", "KUBECONFIG": "{west_config}"},
        caller("east", None, "carol"),
    ),
    "token from a file": (
        {"kubeconfig": "{west_config}", "context": "east-file"},
        {},
        caller("east", "Bearer of-file"),
    ),
    "user and password": (
        {"kubeconfig": "{west_config}", "context": "east-basic"},
        {},
        caller("east", "Basic ZXJpbjpwYXNz"),
    ),
    "exec plugin": ({"kubeconfig": "{west_config}", "context": "east-exec"}, {}, caller("east", "Bearer of-plugin")),
    "a kubeconfig that does not verify": (
        {"kubeconfig": "{west_config}", "context": "open-token"},
        {},
        caller("east", OF_KUBECONFIG),
    ),
    "a kubeconfig with another TLS name": (
        {"kubeconfig": "{west_config}", "context": "named-token"},
        {},
        caller("east", OF_KUBECONFIG),
    ),
    "nobody": ({"kubeconfig": "{west_config}", "context": "east-nobody"}, {}, caller("east")),
    "pod": ({}, POD, caller("east", "bearer of-pod")),
    "a pod beats KUBECONFIG": ({}, POD | {"KUBECONFIG": "{west_config}"}, caller("east", "bearer of-pod")),
    "K8S_AUTH_KUBECONFIG beats a pod": (
        {},
        POD | {"K8S_AUTH_KUBECONFIG": "{west_config}"},
        caller("west", OF_KUBECONFIG),
    ),
    "a context beats a pod": (
        {"context": "west-token"},
        POD | {"KUBECONFIG": "{west_config}"},
        caller("west", OF_KUBECONFIG),
    ),
    "impersonated": (
        EAST | {"api_key": "t", "impersonate_user": "frank"},
        {},
        caller("east", TOKEN, user="frank"),
    ),
    "impersonated with groups": (
        EAST | {"api_key": "t", "impersonate_user": "frank", "impersonate_groups": ["g1", "g2"]},
        {},
        caller("east", TOKEN, user="frank", groups=("g1", "g2")),
    ),
    "impersonated by the environment": (
        {"kubeconfig": "{east_config}"},
        {"K8S_AUTH_IMPERSONATE_USER": "frank", "K8S_AUTH_IMPERSONATE_GROUPS": "g1,,g2"},
        caller("east", OF_KUBECONFIG, user="frank", groups=("g1", "g2")),
    ),
    "an option beats the environment's person": (
        {"kubeconfig": "{east_config}", "impersonate_user": "grace"},
        {"K8S_AUTH_IMPERSONATE_USER": "frank"},
        caller("east", OF_KUBECONFIG, user="grace"),
    ),
    "proxy": (EAST | {"api_key": "t", "proxy": "{proxy}"}, {}, caller("east", TOKEN)),
    "K8S_AUTH_PROXY with a login": (
        EAST | {"api_key": "t"},
        {"K8S_AUTH_PROXY": "{proxy}", "K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH": "me:word"},
        caller("east", TOKEN),
    ),
    "the kubeconfig's proxy": (
        {"kubeconfig": "{west_config}", "context": "behind-token"},
        {},
        caller("east", OF_KUBECONFIG),
    ),
    "HTTPS_PROXY": (EAST | {"api_key": "t"}, {"HTTPS_PROXY": "{proxy}"}, caller("east", TOKEN)),
    "not through the proxy": (
        EAST | {"api_key": "t", "proxy": "{proxy}", "no_proxy": "127.0.0.1"},
        {},
        caller("east", TOKEN),
    ),
    "a host beside a kubeconfig's certificate": (
        EAST | {"kubeconfig": "{cert_config}"},
        {},
        caller("east", None, "carol"),
    ),
    "a token beside a kubeconfig's certificate": (
        {"kubeconfig": "{cert_config}", "api_key": "t"},
        {},
        caller("west", TOKEN, "carol"),
    ),
    "a certificate beside a kubeconfig's token": (
        {"kubeconfig": "{east_config}", "client_cert": "{dave}", "client_key": "{dave_key}"},
        {},
        caller("east", OF_KUBECONFIG, "dave"),
    ),
    "another CA beside a kubeconfig": ({"kubeconfig": "{cert_config}", "ca_cert": "{east_ca}"}, {}, None),
    "a host without a login": ({"host": "{east}", "ca_cert": "{east_ca}"}, {}, caller("east", None, "carol")),
}


# What contradicts itself: the client library has a kubeconfig's token bring its own server and login along, past these options.
CONTRADICTIONS = {
    "a host beside a kubeconfig's token": (
        {"host": "{west}", "ca_cert": "{west_ca}", "kubeconfig": "{east_config}"},
        {},
        "host {west}: it has no effect beside context east-token of kubeconfig {east_config}, whose token is only sent to its own server {east}.",
    ),
    "K8S_AUTH_HOST beside KUBECONFIG": (
        {},
        {"K8S_AUTH_HOST": "{west}", "KUBECONFIG": "{east_config}"},
        "host {west}: it has no effect beside context east-token of kubeconfig {east_config}, whose token",
    ),
    "a token beside a kubeconfig's token": (
        {"kubeconfig": "{east_config}", "api_key": "t"},
        {},
        "api_key: it has no effect beside context east-token of kubeconfig {east_config}, which has a token of its own. Set host",
    ),
    "a host in a pod": (
        {"host": "{west}", "ca_cert": "{west_ca}"},
        POD,
        "host {west}: it has no effect beside this pod's service account, whose token is only sent to its own server {east}.",
    ),
}


@pytest.fixture
def surroundings(folder, values, monkeypatch, tmp_path):
    """A home with a kubeconfig, a pod's service account that only counts with KUBERNETES_SERVICE_HOST, and these variables."""

    def enter(environment):
        for name in list(os.environ):
            if name.startswith(("K8S_AUTH_", "KUBE")) or name.lower().endswith("_proxy"):
                monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / ".kube").mkdir(exist_ok=True)
        (tmp_path / ".kube" / "config").write_text(
            (folder / "cert.yml").read_text().replace("carol.", f"{folder}/carol.")
        )
        (tmp_path / "token").write_text("of-pod")
        monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
        monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", values["east_ca"])
        # As in a process of its own, which a module of kubernetes.core has.
        monkeypatch.setattr(
            kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", environment.get("KUBECONFIG", "~/.kube/config")
        )
        monkeypatch.setattr(Configuration, "_default", None)
        monkeypatch.setattr(core, "_pool", {})
        # kubernetes.core keeps what an API offers in a file of this folder.
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    return enter


def by_core(options):
    """A request as kubernetes.core's modules send it."""
    parameters = {name: options.get(name) for name in KUBECONFIG}
    for name, spec in KUBECONFIG.items():
        for alias in spec.get("aliases", ()):
            parameters[name] = options.get(alias, parameters[name])
    core.get_api_client(**parameters).client.request("get", "/api/v1/namespaces/x")


def by_us(options):
    Kubernetes(options).find("/api/v1/namespaces/x", "Namespace x")


def by_our_websocket(options):
    Kubernetes(options).run("x", "nats-0", "nats", ["true"])


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("row", ROWS)
def test_both_collections_ask_the_same_api_as_the_same_user(row, servers, proxy, values, surroundings):
    options, environment, expected = filled(ROWS[row][0], values), filled(ROWS[row][1], values), ROWS[row][2]
    surroundings(environment)
    seen = {}
    for ask in (by_core, by_us, by_our_websocket):
        for server in servers.values():
            server.callers.clear()
        proxy.asked.clear()
        with suppress(NatsError, HTTPError):  # the websocket's answer; a certificate that is not trusted
            ask(options)
        seen[ask.__name__] = {entry for server in servers.values() for entry in server.callers}, set(proxy.asked)
    assert seen["by_us"] == seen["by_core"]
    assert seen["by_our_websocket"] == seen["by_core"]
    if expected:
        assert seen["by_us"][0] == {expected}


@pytest.mark.parametrize("row", CONTRADICTIONS)
def test_options_that_kubernetes_core_would_pass_over_are_refused(row, servers, values, surroundings):
    options, environment, sentence = (filled(part, values) for part in CONTRADICTIONS[row])
    surroundings(environment)
    with pytest.raises(NatsError) as refused:
        by_us(options)
    assert sentence in str(refused.value)


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  vars_files: [ROLE/defaults/main.yml, ROLE/vars/main/kubernetes.yml]
  module_defaults:
    group/kubernetes.core.k8s: "{{ __nats_cluster_kubernetes }}"
    messaging.nats.nats_cluster_lease: "{{ __nats_cluster_kubernetes }}"
  tasks:
    - kubernetes.core.k8s_info: {kind: Namespace, name: x}
      ignore_errors: true
    - messaging.nats.nats_cluster_lease: {name: nats, namespace: x, state: absent, holder: me}
    - messaging.nats.nats_status: {kubernetes: "{{ __nats_cluster_target }}"}
      ignore_errors: true
"""


@pytest.mark.parametrize(
    ("variables", "environment", "expected"),
    [
        (
            {
                "nats_cluster_kubernetes": EAST
                | {"api_key": "t", "impersonate_user": "frank", "impersonate_groups": ["g"]}
            },
            {"K8S_AUTH_KUBECONFIG": "{west_config}", "K8S_AUTH_IMPERSONATE_USER": "grace"},
            caller("east", TOKEN, user="frank", groups=("g",)),
        ),
        (
            {"nats_cluster_kubernetes": {"context": "east-exec"}, "nats_cluster_context": "west-token"}
            | {"nats_cluster_kubeconfig": "{west_config}"},
            {"KUBECONFIG": "{east_config}"},
            caller("east", "Bearer of-plugin"),
        ),
        ({}, AWX | {"KUBECONFIG": "{west_config}"}, caller("east", "Bearer of-awx")),
    ],
)
def test_all_tasks_of_a_play_ask_the_same_api(
    variables, environment, expected, servers, values, surroundings, tmp_path
):
    surroundings(filled(environment, values))
    role = Path(__file__).resolve().parents[2] / "roles" / "nats_cluster"
    (tmp_path / "play.yml").write_text(PLAY.replace("ROLE", str(role)))
    (tmp_path / "variables.json").write_text(json.dumps(filled(variables, values)))
    for server in servers.values():
        server.callers.clear()
        server.requests.clear()
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-e", "@variables.json", "play.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert {entry for server in servers.values() for entry in server.callers} == {expected}, done.stdout + done.stderr
    asked = " ".join(servers[expected.server].requests)
    assert ("/version" in asked, "/leases/" in asked, "/pods" in asked) == (True, True, True), done.stdout + done.stderr
