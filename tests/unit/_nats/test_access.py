# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._nats.access import Access, KubernetesTarget, UserLogin
from ansible_collections.messaging.nats.plugins.module_utils._nats.tls import TlsOptions

NOTHING = {"kubernetes": None, "servers": None, "tls": None, "inbox_prefix": "_INBOX", "timeout": 5}
TARGET = {"namespace": "n", "cluster": "c", "account": None, "context": "x"}


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({}, {}),
        ({"account": "APP", "user": "", "token": None}, {}),
        ({"account": "APP", "user": "u", "password": "p", "jwt": None}, {"user": "u", "password": "p"}),
    ],
)
def test_a_login_is_the_login_options_that_are_set(options, given):
    assert UserLogin.from_options(options).given() == given


@pytest.mark.parametrize(
    ("options", "access"),
    [
        ({}, Access()),
        ({"kubernetes": {}}, Access()),
        ({"servers": ["nats://a"], "timeout": 2}, Access(servers=("nats://a",), timeout=2)),
        ({"tls": {}}, Access(tls=TlsOptions())),
        ({"kubernetes": TARGET}, Access(KubernetesTarget(TARGET, "n", "c"))),
        (
            {"kubernetes": TARGET | {"account": "SYS"}},
            Access(KubernetesTarget(TARGET | {"account": "SYS"}, "n", "c", "SYS")),
        ),
    ],
)
def test_access_is_what_the_options_say(options, access):
    assert Access.from_options(NOTHING | options) == access


@pytest.mark.parametrize("secret", ["password", "token", "creds", "nkey_seed", "jwt"])
def test_no_secret_is_in_the_text_of_a_value(secret):
    access = Access(KubernetesTarget({"api_key": "S3cret"}, "n", "c"), login=UserLogin(**{secret: "S3cret"}))
    assert "S3cret" not in repr(access)
