# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong on the way to a Kubernetes API is said by file, context and cause; what passes is waited for."""

from __future__ import annotations

import os
import socket
import stat
import time
from typing import Any

import pytest
import yaml
from kubernetes.config import incluster_config

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import APPLY_PATCH
from ansible_collections.messaging.nats.plugins.modules import nats_cluster_lease
from tests.support.kubernetes_apis import RecordingApi

POD = "/api/v1/namespaces/n/pods/nats-0"
BETA = "client.authentication.k8s.io/v1beta1"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    made = RecordingApi("api", tmp_path_factory.mktemp("api"), ())
    yield made
    made.close()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path, api):
    for name in list(os.environ):
        if name.startswith(("K8S_AUTH_", "KUBE")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    api.requests.clear()
    api.script.clear()


def kubeconfig(api, user, **more):
    found = {
        "current-context": "prod",
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "ann"}}],
        "clusters": [{"name": "c", "cluster": {"server": api.url, "certificate-authority": api.ca}}],
        "users": [{"name": "ann", "user": user}],
    } | more
    return yaml.safe_dump({key: value for key, value in found.items() if value is not None})


def plugin(*words, **more):
    return {
        "exec": {"apiVersion": BETA, "command": words[0], "args": list(words[1:]), "interactiveMode": "Never"} | more
    }


HERE = "context prod of kubeconfig {path}"
ANN = f"{HERE}, user ann"
CREDENTIAL = '{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {}}'
WRONG: dict[str, tuple[Any, Any, str]] = {
    "an exec plugin that is missing": (
        plugin("aws-login"),
        {},
        f"{ANN}: its exec plugin aws-login is not installed. Install it",
    ),
    "its own hint": (
        plugin("aws-login", installHint="See https://example.org/\n  to install it."),
        {},
        "is not installed. See https://example.org/ to install it.",
    ),
    "an exec plugin that fails": (
        plugin("sh", "-c", "echo Your session has expired. >&2; echo Log in again. >&2; exit 3"),
        {},
        f"{ANN}: its exec plugin sh returned no login: process returned 3. Your session has expired. Log in again. Run it by hand",
    ),
    "an exec plugin that tells no JSON": (
        plugin("echo", "hello"),
        {},
        "its exec plugin echo returned no login: failed to decode",
    ),
    "an exec plugin without a token": (
        plugin("echo", CREDENTIAL),
        {},
        "returned no login: missing token or clientCertificateData",
    ),
    "an exec plugin of another version": (
        plugin("echo", CREDENTIAL.replace("v1beta1", "v1")),
        {},
        "returned no login: plugin api version client.authentication.k8s.io/v1 does not match",
    ),
    "an exec plugin without a command": (
        {"exec": {"apiVersion": BETA}},
        {},
        "returned no login: malformed request. missing key",
    ),
    "Google's auth-provider": (
        {"auth-provider": {"name": "gcp"}},
        {},
        f"{ANN}: its auth-provider gcp returned no login",
    ),
    "Azure's auth-provider": (
        {"auth-provider": {"name": "azure", "config": {"access-token": "t"}}},
        {},
        f"{ANN}: its auth-provider azure returned no login. Kubernetes has removed auth-providers: use an exec plugin, or set api_key.",
    ),
    "OpenID without its issuer": (
        {"auth-provider": {"name": "oidc", "config": {"id-token": "a.eyJleHAiOjB9.c"}}},
        {},
        f"{ANN}: its auth-provider oidc returned no login",
    ),
    "impersonation": (
        {"token": "t", "as": "bob", "as-groups": ["g"]},
        {},
        f"{ANN}: it says as: bob, which kubernetes.core ignores, so a play would act with the rights of ann itself. Set impersonate_user",
    ),
    "no such user": ({}, {"users": None}, f"{HERE}: its user ann is not among the users."),
    "a user that is nothing": (None, {}, f"{HERE}: entry ann of users has no user."),
    "no such cluster": ({}, {"clusters": []}, f"{HERE}: its cluster c is not among the clusters."),
    "a cluster without a server": (
        {},
        {"clusters": [{"name": "c", "cluster": {}}]},
        f"{HERE}: its cluster c has no server.",
    ),
    "a server that is no URL": (
        {},
        {"clusters": [{"name": "c", "cluster": {"server": "10.0.0.1:6443"}}]},
        "the kubeconfig's server: '10.0.0.1:6443' is not a URL of a Kubernetes API. Write it as https://",
    ),
    "a CA that is not there": (
        {},
        {"clusters": [{"name": "c", "cluster": {"server": "https://h", "certificate-authority": "/none.crt"}}]},
        f"{ANN}: File does not exist: /none.crt",
    ),
    "a CA that is no base64": (
        {},
        {"clusters": [{"name": "c", "cluster": {"server": "https://h", "certificate-authority-data": "abc"}}]},
        f"{ANN}: one of its values ending in -data is not base64: Incorrect padding.",
    ),
    "no current context": (
        {},
        {"current-context": None},
        "kubeconfig {path}: it has no current-context, and the option context is not set. Set context. It has prod.",
    ),
    "a current context that is not there": (
        {},
        {"current-context": "test"},
        "context test of kubeconfig {path}: there is no such context, which is its current-context. Set context, or K8S_AUTH_CONTEXT. It has prod.",
    ),
    "no contexts": ({}, {"contexts": None}, "It has no context at all."),
    "a context without a cluster": (
        {},
        {"contexts": [{"name": "prod", "context": {"user": "ann"}}]},
        f"{HERE}: it names no cluster.",
    ),
    "contexts that are no list": ({}, {"contexts": {"prod": {}}}, "kubeconfig {path}: contexts is not a list."),
    "a context without a name": ({}, {"contexts": [{}]}, "kubeconfig {path}: entry 1 of contexts has no name."),
}


def ask(run_module, **options):
    return run_module(nats_cluster_lease, name="nats", namespace="n", **options)


@pytest.mark.parametrize("row", WRONG)
def test_a_kubeconfig_that_leads_nowhere(row, run_module, api, tmp_path):
    user, more, sentence = WRONG[row]
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(api, user, **more))
    result = ask(run_module, kubeconfig=str(path))
    assert sentence.format(path=path) in result["msg"]
    assert "exception" not in result
    assert "NoneType" not in result["msg"].replace("'NoneType' object has no attribute 'token'", "")
    assert api.requests == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty."),
        (b"hello", "it is not a kubeconfig: it has no clusters, contexts and users."),
        (b"[a]", "it is not a kubeconfig: it has no clusters, contexts and users."),
        (b"users: [\n  token: {", "it is not valid YAML in line 3, column"),
        (b"\xff\xfe\x00", "it is not a text file."),
        (b"a: \x07", "it is not valid YAML"),
    ],
)
def test_a_file_that_is_no_kubeconfig(content, sentence, run_module, tmp_path, monkeypatch):
    path = tmp_path / "kubeconfig"
    path.write_bytes(content)
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", str(path))
    assert ask(run_module)["msg"].startswith(f"kubeconfig {path}: {sentence}")


def test_the_file_among_several_is_named(run_module, api, tmp_path, monkeypatch):
    (tmp_path / "good").write_text(kubeconfig(api, {"token": "t"}))
    (tmp_path / "bad").write_text("text")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/good:{tmp_path}/bad")
    assert ask(run_module)["msg"].startswith(f"kubeconfig {tmp_path}/bad: it is not a kubeconfig")


def test_no_kubeconfig_at_all(run_module, tmp_path, monkeypatch):
    assert ask(run_module)["msg"].startswith("kubeconfig ~/.kube/config: there is no such file.")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a:{tmp_path}/b")
    assert ask(run_module)["msg"].startswith(f"kubeconfig {tmp_path}/a:{tmp_path}/b: none of these files exists.")
    assert ask(run_module, kubeconfig=str(tmp_path))["msg"].startswith(
        f"kubeconfig {tmp_path}: it can't be read: Is a dir"
    )
    assert "neither a path nor a dictionary" in ask(run_module, kubeconfig=["a"])["msg"]


@pytest.fixture
def nobody(tmp_path):
    """Root reads every file, so it is somebody else for the test."""
    if os.geteuid():
        yield
        return
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o111)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_kubeconfig_that_may_not_be_read(tmp_path, request):
    path = tmp_path / "kubeconfig"
    path.touch(mode=0)
    request.getfixturevalue("nobody")
    with pytest.raises(NatsError, match=f"kubeconfig {path}: it can't be read: Permission"):
        Kubernetes({"kubeconfig": str(path)})


def test_a_pod_without_its_token(run_module, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    message = ask(run_module)["msg"]
    assert (
        "though KUBERNETES_SERVICE_HOST is set, this pod's service account can't be used: Service token file does not"
        in message
    )
    assert "automountServiceAccountToken" in message


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"host": "10.0.0.1:6443"}, "K8S_AUTH_HOST or host: '10.0.0.1:6443' is not a URL"),
        (
            {"ca_cert": "/none.crt"},
            "ca_cert /none.crt: there is no such file. Correct ca_cert, or K8S_AUTH_SSL_CA_CERT.",
        ),
        ({"username": "u", "password": "hidden-word", "api_key": None}, "would see an anonymous user. Set api_key"),
        ({"impersonate_groups": ["g"]}, "impersonate_groups: impersonate_user is missing"),
        (
            {"ca_cert": None},
            "the certificate of {url} is not trusted: certificate verify failed: self-signed certificate. Set ca_cert",
        ),
    ],
)
def test_options_that_lead_nowhere(options, sentence, run_module, api):
    given = {"host": api.url, "api_key": "hidden-word", "ca_cert": api.ca} | options
    result = ask(run_module, **{name: value for name, value in given.items() if value is not None})
    assert sentence.format(url=api.url) in result["msg"]
    assert "exception" not in result


def test_the_secrets_of_a_kubeconfig_in_a_variable_are_not_shown(run_module, api):
    content = yaml.safe_load(kubeconfig(api, {"token": "hidden-word"}, clusters=[]))
    for options in ({"kubeconfig": content}, {"kubeconfig": content, "none": 1}):
        result = ask(run_module, **options)
        assert result["failed"]
        assert "hidden-word" not in str(result)
        assert "prod" in str(result)


@pytest.fixture
def kubernetes(api):
    return Kubernetes({"host": api.url, "api_key": "t", "ca_cert": api.ca})


def status(code, message):
    return code, {}, {"kind": "Status", "code": code, "message": message}


def test_an_expired_login_is_told_with_its_source(run_module, api, tmp_path):
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(api, {"token": "old"}))
    api.script.append(status(401, "Unauthorized"))
    assert (
        f"{api.url} does not accept the login of context prod of kubeconfig {path}: it has expired, or belongs to another cluster. Log in"
        in ask(run_module, kubeconfig=str(path))["msg"]
    )
    path.write_text(kubeconfig(api, {}))
    api.script.append(status(403, 'leases is forbidden: User "system:anonymous" cannot get resource "leases"'))
    assert (
        f"Context prod of kubeconfig {path} holds no login: add one, or set api_key."
        in ask(run_module, kubeconfig=str(path))["msg"]
    )


@pytest.mark.parametrize(
    ("script", "requests"),
    [
        ([(429, {"Retry-After": "0"}, b"Too many requests")] * 3, 4),
        ([status(500, "etcdserver: leader changed")], 2),
        ([status(503, "no endpoints"), status(504, "timeout")], 3),
    ],
)
def test_a_read_outlasts_what_passes(script, requests, kubernetes, api):
    api.script += script
    assert kubernetes.find(POD, "pod nats-0")
    assert api.requests == [f"GET {POD}"] * requests


def test_what_may_not_be_done_twice_is_done_once(kubernetes, api):
    api.script += [status(500, "it broke")] * 2
    with pytest.raises(NatsError, match="it broke"):
        kubernetes.call("POST", f"{POD}/eviction", "eviction", {})
    assert len(api.requests) == 1
    assert kubernetes.call("PATCH", POD, "pod", {}, APPLY_PATCH, force="true")
    assert api.requests[1:] == [f"PATCH {POD}?force=true"] * 2


def test_a_busy_api_is_asked_again_whatever_it_was(kubernetes, api):
    api.script.append((429, {"Retry-After": "0"}, b"busy"))
    assert kubernetes.call("DELETE", POD, "pod")
    assert len(api.requests) == 2


def test_an_api_that_stays_busy_is_given_up(kubernetes, api):
    api.script += [(429, {"Retry-After": "0"}, b"busy")] * 9
    with pytest.raises(NatsError, match="status 429 Too Many Requests: busy"):
        kubernetes.find(POD, "pod")
    assert len(api.requests) == 5


def test_a_guard_is_asked_before_each_try(kubernetes, api):
    asked = []
    api.script.append((429, {"Retry-After": "0"}, b"busy"))
    kubernetes.guarded(lambda: asked.append(len(api.requests))).call("DELETE", POD, "pod")
    assert asked == [0, 1]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            (302, {"Location": "https://login.example.org"}, b""),
            "redirects to another address (status 302). Is it the Kubernetes API?",
        ),
        ((200, {}, b"<html>Log in</html>"), "is not JSON. Is it the Kubernetes API?"),
    ],
)
def test_what_is_no_api_is_told(script, sentence, kubernetes, api):
    api.script.append(script)
    with pytest.raises(NatsError) as error:
        kubernetes.find(POD, "pod")
    assert sentence in str(error.value)


def test_a_websocket_tells_the_missing_right(kubernetes, api):
    told = 'pods "nats-0" is forbidden: User "u" cannot get resource "pods/exec" in API group "" in the namespace "n"'
    api.script += [(429, {"Retry-After": "0"}, b"busy"), status(403, told)]
    with pytest.raises(NatsError) as error:
        kubernetes.run("n", "nats-0", "nats", ["true"])
    assert str(error.value).startswith(f"pod nats-0 in namespace n: {told}. Ask for the right")
    assert "Handshake" not in str(error.value)
    api.script.append(status(403, told.replace("exec", "portforward")))
    with pytest.raises(NatsError, match="pods/portforward"):
        kubernetes.forward("n", "nats-0", 4222)


def test_an_api_that_is_away_is_tried_again_and_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(NatsError, match=r"does not answer: .*refused.* Check that the Kubernetes API can be reached"):
        Kubernetes({"host": url, "api_key": "t"}).find(POD, "pod")
    assert 1.4 < time.monotonic() - started < 10


def test_a_websocket_to_what_says_nothing_ends(monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http.CONNECT_TIMEOUT_S", 0.3
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kubernetes = Kubernetes({"host": f"https://127.0.0.1:{silent.getsockname()[1]}", "api_key": "t"})
        started = time.monotonic()
        with pytest.raises(NatsError, match="does not answer"):
            kubernetes.forward("n", "nats-0", 4222)
        assert time.monotonic() - started < 10


def test_an_exec_plugin_is_run_where_its_kubeconfig_lies(api, tmp_path):
    script = tmp_path / "login"
    told = CREDENTIAL.replace("{}}", '{"token": "of-plugin"}}')
    script.write_text(f"#!/bin/sh\necho '{told}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "kubeconfig").write_text(kubeconfig(api, plugin("./login")))
    api.callers.clear()
    Kubernetes({"kubeconfig": str(tmp_path / "kubeconfig")}).find(POD, "pod")
    assert [caller.login for caller in api.callers] == ["Bearer of-plugin"]
