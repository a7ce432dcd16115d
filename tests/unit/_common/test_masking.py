# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are masked by the keys that they stand under."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.masking import (
    masked_conf,
    masked_log,
    masked_object,
    secrets_in_conf,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan_summary import masked_config_diff
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import short_value
from tests.support.secrets import b64

SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"


@pytest.mark.parametrize(
    "data",
    [
        {"authorization": {"user": "a", "password": "hidden-1"}},
        {"authorization": {"user": "a", "Password": "hidden-1"}},
        {"authorization": {"user": "a", "PASS": "hidden-1"}},
        {"authorization": {"Token": "hidden-1"}},
        {"authorization": {"password": 12345678}},
        {"authorization": {"password": 1.5}},
        {"jetstream": {"key": "hidden-1", "PREV_KEY": "hidden-1", "ek": "hidden-1", "encryption_key": "hidden-1"}},
        {"jetstream": {"tpm": {"keys_file": "/k", "encryption_password": "hidden-1", "srk_password": "hidden-1"}}},
        {"websocket": {"port": 80, "headers": {"X-Any": "hidden-1", "More": ["hidden-1"]}}},
        {"mqtt": {"username": "m", "password": "hidden-1", "token": "hidden-1"}},
        {"leafnodes": {"remotes": [{"url": "nats-leaf://user:hidden-1@host:7422"}]}},
        {"leafnodes": {"remotes": [{"urls": ["nats-leaf://hidden-1@host:7422"]}]}},
        {"leafnodes": {"remotes": [{"credentials": "hidden-1"}, {"nkey": SEED}]}},
        {"leafnodes": {"authorization": {"users": [{"user": "a", "pass": "hidden-1"}]}}},
        {"cluster": {"routes": ["nats://routes:hi#dden-1@w/rd@host:6222"]}},
        {"gateway": {"gateways": [{"name": "x", "url": "nats://u:hidden-1@host"}]}},
        {"accounts": {"TOKEN": {"users": [{"user": "a", "password": "hidden-1"}]}}},
        {"whatever": {"clientSecret": "hidden-1", "api_token": ["hidden-1"]}},
    ],
    ids=json.dumps,
)
def test_nats_conf_is_masked_by_its_tree(data):
    text = to_nats_conf(data)
    hidden = masked_conf(text)
    found = list(secrets_in_conf(text))
    assert found
    for secret in ("hidden-1", "dden-1", "12345678", "1.5", SEED, *found):
        assert secret not in hidden
    assert "********" in hidden


def test_other_values_are_shown():
    text = to_nats_conf(
        {
            "port": 4222,
            "tls": {"cert_file": "/c", "key_file": "/k"},
            "accounts": {
                "APP": {"users": [{"user": "app", "nkey": "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"}]}
            },
            "cluster": {"routes": ["nats://nats-0:6222"]},
            "authorization": {"password": {"$env": "PASSWORD"}},
        }
    )
    assert masked_conf(text) == text
    assert list(secrets_in_conf(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "authorization = { user = a, pass = hidden-1 }\n",
        "password hidden-1 # by hand\n",
        'include "other.conf"\nroutes = [nats://u:hidden-1@h]\n',
        'a: "b" "hidden-1"',
    ],
)
def test_a_configuration_that_can_not_be_parsed_is_not_shown(text):
    assert "hidden-1" not in masked_conf(text)
    assert "not shown" in masked_conf(text)
    assert not any("hidden-1" in line for line in masked_config_diff(text, "port: 4222\n"))


def test_secrets_of_a_configuration_that_can_not_be_parsed_are_found():
    text = "authorization = { user = a, pass = hidden-1 }\nroutes = [nats://u:hidden-2@h]\n"
    assert {"hidden-1", "hidden-2"} <= set(secrets_in_conf(text))


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("[ERR] error parsing route url [nats://u:pa#ss@w/rd-hidden@h:1]", "nats://u:********@h:1"),
        ("Remote: wss://hidden@host", "wss://********@host"),
        ('CONNECT {"user":"app","pass":"hidden"}', '"user":"app"'),
        ("PASSWORD=hidden and Token: 'hidden'", "and"),
        (f"seed {SEED}", "seed ********"),
        ("no login in nats://host:4222, mail a@b", "nats://host:4222, mail a@b"),
    ],
)
def test_secrets_in_lines_of_a_log_are_masked(line, kept):
    assert "hidden" not in masked_log(line)
    assert SEED not in masked_log(line)
    assert kept in masked_log(line)


def test_of_a_secret_only_the_names_of_its_keys_are_shown():
    item = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": "s",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"hidden"}}',
                "other": "hidden",
            },
        },
        "data": {"tls.key": b64("hidden"), "number": 7},
        "stringData": {"word": "hidden"},
    }
    for form in (short_value(item), masked_object({"kind": "List", "items": [item]})):
        assert "hidden" not in str(form)
        assert b64("hidden") not in str(form)
        assert "annotations" not in str(form)
        assert "tls.key" in str(form)
    assert short_value({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": None})["data"] == {}


def test_secrets_in_other_objects_are_masked():
    pod: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hidden", "a": "b"},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "nats",
                    "env": [
                        {"name": "DB_PASSWORD", "value": "hidden"},
                        {"name": "apiToken", "value": "hidden"},
                        {"name": "UPSTREAM", "value": "nats://a:hidden@b"},
                        {"name": "PLAIN", "value": "seen"},
                        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}},
                    ],
                }
            ],
        },
    }
    form = masked_object(pod)
    assert "hidden" not in str(form)
    assert form["spec"]["containers"][0]["env"][3:] == pod["spec"]["containers"][0]["env"][3:]
    assert form["spec"]["automountServiceAccountToken"] is False
    assert form["metadata"]["annotations"] == {"a": "b"}


@pytest.mark.parametrize(
    "line",
    [
        'key: "hidden"',
        '"token": "hidden"',
        'seed: "hidden"',
        "remote: wss://user:hidden@host:443",
        'prev_key: "hidden"',
    ],
)
def test_every_kind_of_secret_in_nats_conf_is_masked(line):
    assert "hidden" not in masked_conf(line)
