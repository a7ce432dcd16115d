# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Known secrets are masked wherever they are repeated, in each spelling."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import (
    KnownSecrets,
    kubeconfig_secrets,
)
from tests.support.secrets import AWKWARD, b64


@pytest.mark.parametrize("secret", AWKWARD)
def test_a_known_value_is_found_in_every_spelling(secret):
    known = KnownSecrets([secret])
    for written in (
        secret,
        b64(secret),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quote(secret, safe="")),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps({"a": secret}))[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
    ):
        text = f"before {written} after"
        assert known.masked(text) == "before ******** after" or secret not in known.masked(text)
        assert written not in known.masked(text)


@pytest.mark.parametrize("secret", ["hidden-secret", "p%2Fa/b+c"])
@pytest.mark.parametrize("before", ["", "a", "us", "app:"])
def test_a_known_value_is_found_inside_of_base64(secret, before):
    core = b64(f"{before}{secret} and more")
    left = KnownSecrets([secret]).masked(core)
    assert "********" in left
    assert len(left.replace("********", "")) < len(core) - len(secret)


def test_the_keys_of_a_secret_decide_which_values_are_masked():
    known = KnownSecrets()
    known.add_object(
        {
            "kind": "SecretList",
            "items": [
                {
                    "data": {
                        "username": b64("application"),
                        "password": b64("four"),
                        "tls.key": b64("-----BEGIN X-----\nabcdefghijklmnopqrstuvwxyz\n-----END X-----"),
                        "tls.crt": b64("a certificate"),
                        "host": b64("nats"),
                        "nats.conf": b64('authorization {\n  Token: "of-the-conf"\n}\n'),
                        ".dockerconfigjson": b64('{"auths": {"r": {"password": "of-the-registry"}}}'),
                    }
                }
            ],
        }
    )
    text = "application four fourteen nats 'a certificate' abcdefghijklmnopqrstuvwxyz of-the-conf of-the-registry"
    assert known.masked(text) == "application ******** fourteen nats 'a certificate' ******** ******** ********"


def test_numbers_and_keys_are_masked_too():
    assert KnownSecrets(["12345678"]).masked_data({"12345678": [12345678, True, 1]}) == {
        "********": ["********", True, 1]
    }


def test_the_secrets_of_a_kubeconfig_are_known():
    users = [
        {"name": "a", "user": {"token": "t", "client-key-data": "k"}},
        {"name": "b", "user": {"password": "p", "username": "u"}},
        {"name": "c", "user": {"exec": {"command": "c", "env": [{"name": "LOGIN", "value": "e"}]}}},
        {"name": "d", "user": {"auth-provider": {"config": {"id-token": "i", "refresh-token": "r"}}}},
    ]
    assert kubeconfig_secrets({"users": users, "clusters": []}) == {"t", "k", "p", "e", "i", "r"}
    assert kubeconfig_secrets("path") == set()
