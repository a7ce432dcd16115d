# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.client_trust import client_trust

FILES = {"cert_file": "/tls/tls.crt", "key_file": "/tls/tls.key"}


def mounted(**volume):
    spec = {
        "containers": [{"name": "nats", "volumeMounts": [{"name": "tls", "mountPath": "/tls"}]}],
        "volumes": [{"name": "tls", **volume}],
    }
    return {"StatefulSet": {"spec": {"template": {"spec": spec}}}}


SECRET = mounted(secret={"secretName": "web"})


@pytest.mark.parametrize(
    ("config", "overrides", "trust"),
    [
        ({}, SECRET, {}),
        ({"tls": FILES}, SECRET, {"tls": True, "first": False, "secret": "web", "key": "ca.crt"}),
        (
            {"tls": FILES | {"ca_file": "/tls/own.pem"}},
            SECRET,
            {"tls": True, "first": False, "secret": "web", "key": "own.pem"},
        ),
        (
            {"tls": FILES | {"handshake_first": True}},
            SECRET,
            {"tls": True, "first": True, "secret": "web", "key": "ca.crt"},
        ),
        # The server waits for the client's choice.
        (
            {"tls": FILES | {"handshake_first": "auto"}},
            SECRET,
            {"tls": True, "first": False, "secret": "web", "key": "ca.crt"},
        ),
        # From somewhere else than a Secret.
        ({"tls": FILES}, mounted(hostPath={"path": "/x"}), {"tls": True, "first": False}),
        ({"tls": FILES}, {}, {"tls": True, "first": False}),
    ],
)
def test_the_authority_is_beside_the_servers_certificate(config, overrides, trust):
    assert client_trust(config, overrides, "nats") == trust
