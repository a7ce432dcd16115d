# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers run with until they restart."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.interim_config import (
    interim_configurations,
    with_shared_settings,
)


def conf(app="a", sys="s", route="r", more: Any = None, users=(), accounts: Any = None):
    return {
        "lame_duck_duration": "30s",
        "cluster": {
            "authorization": {"user": "routes", "password": route},
            "routes": [f"nats://routes:{route}@nats-{number}.nats:6222" for number in range(2)],
        },
        "accounts": {
            "APP": {"jetstream": "enabled", "users": [{"user": "app", "password": app}, {"nkey": "U1"}, *users]},
            "SYS": {"users": [{"user": "sys", "password": sys}]},
            **(accounts or {}),
        },
    } | (more or {})


OTHER: dict[str, Any] = {"lame_duck_duration": "40s", "max_payload": 5}
READER = {"user": "reader", "password": "x", "permissions": {"publish": {"deny": ">"}}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (conf(), conf(), None),
        (conf(), conf(more=OTHER), None),
        (conf(), conf(sys="new", more=OTHER), conf(sys="new")),
        (conf(), conf(app="new", route="new", more=OTHER), conf(app="new", route="new")),
        (conf(), conf(users=[READER], more=OTHER), conf(users=[READER])),
        # A user who is no longer declared is removed by the restart, since other lines may refer to the user.
        (conf(users=[READER]), conf(more=OTHER), None),
        (conf(accounts={"OLD": {"users": []}}), conf(accounts={"NEW": {"users": [READER]}}), None),
        (conf(more={"cluster": {"port": 1}}), conf(route="new"), None),
        (conf(), {"cluster": {"port": 1}, "accounts": conf(sys="new")["accounts"]}, conf(sys="new")),
    ],
)
def test_only_logins_change(before, after, expected):
    found = with_shared_settings(to_nats_conf(before), to_nats_conf(after))
    assert (found and read_nats_conf(found)) == expected


TLS = {"cert_file": {"$env": "ROUTES_CERTIFICATE"}, "ca_file": "/etc/nats-routes/ca.crt"}


def with_tls(block: Any, **more: Any) -> dict[str, Any]:
    found = conf(**more)
    return {**found, "cluster": found["cluster"] | ({"tls": block} if block else {})}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (with_tls(None), with_tls(TLS, more=OTHER), with_tls(TLS)),
        (with_tls(TLS), with_tls(None, more=OTHER), with_tls(None)),
        (with_tls(TLS), with_tls(TLS, more=OTHER), None),
        (with_tls(TLS), with_tls({**TLS, "timeout": 5}), with_tls({**TLS, "timeout": 5})),
        (with_tls(None), with_tls(TLS, route="new"), with_tls(TLS, route="new")),
        ({"port": 4222}, with_tls(TLS), None),
    ],
)
def test_routes_are_encrypted_as_declared(before, after, expected):
    found = with_shared_settings(to_nats_conf(before), to_nats_conf(after))
    assert (found and read_nats_conf(found)) == expected


def test_it_has_a_revision_of_its_own():
    def revisions(password):
        after = to_nats_conf(conf(sys=password))
        text = with_shared_settings(to_nats_conf(conf(more={"server_metadata": {"revision": "7", "x": "y"}})), after)
        return read_nats_conf(text or "")["server_metadata"]

    assert revisions("b") == revisions("b") != revisions("c")
    assert revisions("b")["x"] == "y"
    assert len(revisions("b")["revision"]) == 10


def test_a_configuration_that_can_not_be_parsed_is_left_alone():
    assert with_shared_settings("a = 1 # mine", to_nats_conf(conf())) is None


def test_only_present_configurations_of_a_running_cluster_get_logins():
    def secret(name, data):
        text = base64.b64encode(to_nats_conf(data).encode()).decode()
        return {"metadata": {"name": name}, "data": {"nats.conf": text}}

    secrets = [
        secret("nats-config-1", conf()),
        secret("nats-config-2", conf(sys="new")),
        {"metadata": {"name": "nats-sys"}},
    ]
    found = {"secrets": secrets, "running": {"config_secret": "nats-config-1"}}
    new = to_nats_conf(conf(sys="new"))
    assert interim_configurations(found, new, "nats-config-3") == {"nats-config-1": new}
    assert interim_configurations(found, new, "nats-config-1") == {}
    assert interim_configurations(found | {"running": {}}, new, "nats-config-3") == {}
