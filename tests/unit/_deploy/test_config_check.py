# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files the pod that checks a configuration has."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.config_check import (
    _checking_pod,
    _declared_files,
    _imported,
    has_declared_inputs,
)

WEB = {"name": "web", "secret": {"secretName": "web-tls"}}
MOUNT = {"name": "web", "mountPath": "/etc/web", "readOnly": True}
CONFIG = {"name": "config", "secret": {"secretName": "nats-config-1"}}
DATA = {"name": "data", "persistentVolumeClaim": {"claimName": "data-nats-0"}}
ITEMS = [{"key": "tls.crt", "path": "web.crt"}]


FROM = {"prefix": "NATS_", "secretRef": {"name": "more"}}


def spec(*volumes, mounts=(MOUNT,), **container):
    nats = {"name": "nats", "image": "nats", "volumeMounts": [*mounts], **container}
    return {"containers": [nats], "volumes": [*volumes]}


@pytest.mark.parametrize(
    ("running", "declared", "has_them"),
    [
        (spec(CONFIG, DATA, mounts=()), spec(CONFIG, mounts=()), True),
        (spec(CONFIG, mounts=()), spec(CONFIG, WEB), False),
        (spec(WEB), spec(CONFIG, mounts=()), True),
        # What the API server adds is no difference.
        (spec({**WEB, "secret": {"secretName": "web-tls", "defaultMode": 420}}), spec(WEB), True),
        (spec({**WEB, "secret": {"secretName": "other"}}), spec(WEB), False),
        (spec({**WEB, "secret": {"secretName": "web-tls", "items": ITEMS}}), spec(WEB), False),
        (spec(WEB), spec(WEB, envFrom=[FROM]), False),
        (spec(WEB, envFrom=[FROM]), spec(WEB, envFrom=[FROM]), True),
        (spec(WEB, mounts=[{**MOUNT, "mountPath": "/etc/tls"}]), spec(WEB), False),
        (
            spec({"name": "web", "projected": {"sources": [{"secret": {"name": "a"}}, {"configMap": {"name": "b"}}]}}),
            spec({"name": "web", "projected": {"sources": [{"secret": {"name": "a"}}]}}),
            False,
        ),
    ],
)
def test_whether_a_running_pod_has_the_declared_files(running, declared, has_them):
    assert has_declared_inputs({"spec": running}, {"spec": declared}) is has_them


@pytest.mark.parametrize(
    ("volume", "declared", "files"),
    [
        (WEB, {}, {}),
        (WEB, {"other": {"tls.crt": b"x"}}, {}),
        (WEB, {"web-tls": {"tls.crt": b"x", "tls.key": b"y"}}, {"/etc/web/tls.crt": b"x", "/etc/web/tls.key": b"y"}),
        (
            {**WEB, "secret": {"secretName": "web-tls", "items": ITEMS}},
            {"web-tls": {"tls.crt": b"x", "tls.key": b"y"}},
            {"/etc/web/web.crt": b"x"},
        ),
    ],
)
def test_the_files_of_declared_secrets_are_written_where_they_are_mounted(volume, declared, files):
    assert dict(_declared_files(spec(CONFIG, volume), declared)) == files


def test_a_declared_secret_is_an_empty_volume_in_the_checking_pod():
    statefulset = {"metadata": {"name": "nats", "namespace": "n"}, "spec": {"template": {"spec": spec(CONFIG, WEB)}}}
    there = _checking_pod(statefulset, {})["spec"]
    assert there["volumes"] == [{"name": "web", "secret": {"secretName": "web-tls", "optional": True}}]
    new = _checking_pod(statefulset, {"web-tls": {"tls.crt": b"x"}})["spec"]
    assert new["volumes"] == [{"name": "web", "emptyDir": {}}]
    assert new["containers"][0]["volumeMounts"] == [{"name": "web", "mountPath": "/etc/web"}]


def test_single_files_of_a_declared_secret_are_written_where_they_are_mounted():
    renamed = {**WEB, "secret": {"secretName": "web-tls", "items": ITEMS}}
    mounts = [
        {"name": "web", "mountPath": "/etc/web/server.crt", "subPath": "tls.crt"},
        {"name": "web", "mountPath": "/etc/web/server.key", "subPath": "tls.key"},
    ]
    data = {"web-tls": {"tls.crt": b"x", "tls.key": b"y"}}
    assert dict(_declared_files(spec(WEB, mounts=mounts), data)) == {
        "/etc/web/server.crt": b"x",
        "/etc/web/server.key": b"y",
    }
    only = [{**mounts[0], "subPath": "web.crt"}, mounts[1]]
    assert dict(_declared_files(spec(renamed, mounts=only), data)) == {"/etc/web/server.crt": b"x"}
    template = {"spec": {"template": {"spec": spec(WEB, mounts=mounts)}}}
    statefulset = {"metadata": {"name": "nats", "namespace": "n"}, **template}
    (new,) = _checking_pod(statefulset, data)["spec"]["containers"]
    assert new["volumeMounts"] == [{"name": "web", "mountPath": "/etc/web"}]
    (there,) = _checking_pod(statefulset, {})["spec"]["containers"]
    assert there["volumeMounts"] == mounts


def test_the_checking_pod_runs_where_the_servers_may_and_starts_without_what_does_not_exist_yet():
    env = [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "PLAIN", "value": "x"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}},
    ]
    near = {"nodeAffinity": {"required": 1}, "podAntiAffinity": {"required": 2}}
    declared = spec(env=env, envFrom=[FROM], mounts=()) | {"affinity": near}
    statefulset = {"metadata": {"name": "nats", "namespace": "n"}, "spec": {"template": {"spec": declared}}}
    pod = _checking_pod(statefulset, {})["spec"]
    assert pod["affinity"] == {"nodeAffinity": {"required": 1}}
    (container,) = pod["containers"]
    assert container["env"] == [
        {"name": "POD_NAME", "value": "nats-0"},
        {"name": "PLAIN", "value": "x"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k", "optional": True}}},
    ]
    assert container["envFrom"] == [{"prefix": "NATS_", "secretRef": {"name": "more", "optional": True}}]


def test_variables_that_a_declared_secret_will_bring_are_known_by_name():
    assert _imported({"envFrom": [FROM]}, {"more": {"A": b"", "B": b""}}) == ["NATS_A", "NATS_B"]
    assert _imported({"envFrom": [FROM]}, {}) == []
