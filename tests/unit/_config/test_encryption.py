# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key and the cipher of a store that holds data do not change."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.encryption import (
    encryption_problems,
    kept_key,
    sources,
)

ENV = {"$env": "JS_KEY"}
ENTRY = {"name": "JS_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}}
OTHER = {"name": "JS_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}}
CONTAINERS = "spec.template.spec.containers"


def conf(**jetstream):
    return {"port": 4222, "jetstream": {"store_dir": "/data", **jetstream}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (conf(key="one"), conf(key="two"), "jetstream.key changes"),
        (conf(), conf(key="one"), "jetstream.key is new"),
        (conf(key="one"), conf(), "jetstream.key is gone"),
        (conf(ek="one"), conf(encryption_key="two"), "jetstream.key changes"),
        (conf(EK="one"), conf(Key="two"), "jetstream.key changes"),
        (conf(key="one", cipher="aes"), conf(key="one", cipher="chacha"), "jetstream.cipher changes"),
        (conf(key="one"), conf(key="one", cipher="aes"), "jetstream.cipher is new"),
        (conf(key="one"), conf(key="two", prev_key="one"), "jetstream.prev_key is new"),
        (conf(key="one"), conf(key=ENV), "jetstream.key changes"),
        (conf(key=ENV), conf(key={"$env": "OTHER"}), "jetstream.key changes"),
        (conf(), conf(tpm={"keys_file": "x"}), "jetstream.tpm is new"),
    ],
)
def test_another_key_or_cipher_is_refused(before, after, said):
    problems = list(encryption_problems(after, before, []))
    assert any(said in problem for problem in problems)
    assert not any(value in problem for problem in problems for value in ("'one'", "'two'"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (conf(), conf()),
        (conf(key="one"), conf(key="one", max_file_store=5)),
        (conf(ek="one"), conf(key="one")),
        # Without a key, a cipher has no effect.
        (conf(), conf(cipher="aes")),
        # The running configuration is not known, or none is declared.
        ({}, conf(key="one")),
        (conf(key="one"), {}),
    ],
)
def test_the_same_encryption_is_not_refused(before, after):
    assert list(encryption_problems(after, before, [])) == []


@pytest.mark.parametrize(
    "change",
    [
        (f"{CONTAINERS}[nats].env[JS_KEY].value", "one", "two"),
        (f"{CONTAINERS}[nats].env[JS_KEY].valueFrom.secretKeyRef.key", "a", "b"),
        (f"{CONTAINERS}[nats].env", [ENTRY], [{"name": "X"}, OTHER]),
        (f"{CONTAINERS}[nats].env", [ENTRY, {"name": "X"}], [{"name": "X"}]),
        (CONTAINERS, [{"name": "nats", "env": [ENTRY]}], [{"name": "nats", "env": [OTHER]}, {"name": "side"}]),
        (f"{CONTAINERS}[nats].envFrom", None, [{"secretRef": {"name": "other"}}]),
    ],
)
def test_another_source_of_the_key_is_refused(change):
    assert "JS_KEY" in "".join(encryption_problems(conf(key=ENV), conf(key=ENV), [change]))


def test_another_variable_may_change():
    change = (f"{CONTAINERS}[nats].env", [ENTRY], [ENTRY, {"name": "X"}])
    assert list(encryption_problems(conf(key=ENV), conf(key=ENV), [change])) == []


def test_the_secret_that_a_key_is_read_from_is_known():
    template = {"spec": {"containers": [{"name": "side"}, {"name": "nats", "env": [ENTRY]}]}}
    assert sources(conf(key=ENV), template) == {"JS_KEY": ("keys", "a")}
    assert sources(conf(key="plain"), template) == {}


def test_a_key_is_made_once():
    made = kept_key([], "nats-encryption", "key")
    assert len(base64.b64decode(made)) == 43
    assert kept_key([], "nats-encryption", "key") != made
    there = {"metadata": {"name": "nats-encryption"}, "data": {"key": made}}
    assert kept_key([there], "nats-encryption", "key") == made
    assert kept_key([there], "other-encryption", "key") != made
