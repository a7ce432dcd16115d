# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a deployment holds the cipher, and never the key."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import cipher

ENV = {"$env": "JS_KEY"}


def conf(**jetstream):
    return {"port": 4222, "jetstream": {"store_dir": "/data", **jetstream}}


@pytest.mark.parametrize(
    ("config", "expected"),
    [(conf(), ""), (conf(key="k"), "default"), (conf(ek=ENV, cipher="AES"), "aes"), (conf(cipher="aes"), ""), ({}, "")],
)
def test_the_record_tells_the_cipher_and_never_the_key(config, expected):
    assert cipher(config) == expected
