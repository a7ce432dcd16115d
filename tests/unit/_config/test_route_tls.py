# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the servers of a running cluster can encrypt their routes."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.route_tls import (
    pods_without_files,
    startable_config,
)

TLS = {
    "cert_file": {"$env": "ROUTES_CERTIFICATE"},
    "key_file": {"$env": "ROUTES_KEY"},
    "ca_file": "/etc/nats-routes/ca.crt",
}
CLEAR: dict[str, Any] = {"cluster": {"name": "nats", "port": 6222}, "port": 4222}
ENCRYPTED: dict[str, Any] = {"cluster": {**CLEAR["cluster"], "tls": TLS}, "port": 4222}


def pod(name: str, mounted: bool = True, variables: bool = True) -> dict[str, Any]:
    env = [
        {"name": "ROUTES_CERTIFICATE", "value": "/etc/nats-routes/$(POD_NAME).crt"},
        {"name": "ROUTES_KEY", "value": "/etc/nats-routes/$(POD_NAME).key"},
    ]
    mounts = [{"name": "routes-tls", "mountPath": "/etc/nats-routes"}] if mounted else []
    container = {"name": "nats", "env": env if variables else [], "volumeMounts": mounts}
    volumes = [{"name": "routes-tls", "secret": {"secretName": "nats-routes-tls"}}] if mounted else []
    return {"metadata": {"name": name}, "spec": {"containers": [container], "volumes": volumes}}


def found(pods: list[dict[str, Any]], conf: dict[str, Any] | None = None) -> dict[str, Any]:
    text = b64encode(to_nats_conf(conf or CLEAR).encode()).decode()
    secrets = [{"metadata": {"name": "nats-config-1"}, "data": {"nats.conf": text}}]
    return {"secrets": secrets, "running": {"config_secret": "nats-config-1", "pods": pods}}


@pytest.mark.parametrize(
    ("conf", "there", "expected"),
    [
        # A new cluster starts with it.
        (ENCRYPTED, {"secrets": [], "running": {}}, ENCRYPTED),
        # It has to wait for the last pod that lacks the files.
        (ENCRYPTED, found([pod("nats-0", mounted=False)]), CLEAR),
        (ENCRYPTED, found([pod("nats-0"), pod("nats-1", mounted=False)]), CLEAR),
        (ENCRYPTED, found([pod("nats-0"), pod("nats-1", variables=False)]), CLEAR),
        (ENCRYPTED, found([pod("nats-0"), pod("nats-1")]), ENCRYPTED),
        # Pods that are gone come back with the files.
        (ENCRYPTED, found([]), ENCRYPTED),
        # Routes that are encrypted are never in clear again for a while.
        (ENCRYPTED, found([pod("nats-0", mounted=False)], ENCRYPTED), ENCRYPTED),
        (CLEAR, found([pod("nats-0", mounted=False)]), CLEAR),
        (CLEAR, found([pod("nats-0")], ENCRYPTED), CLEAR),
        ({"port": 4222}, found([pod("nats-0", mounted=False)], {"port": 4222}), {"port": 4222}),
        ({"Cluster": {"TLS": TLS, "port": 1}}, found([pod("nats-0", mounted=False)]), {"Cluster": {"port": 1}}),
    ],
)
def test_what_servers_can_take_over_now(conf, there, expected):
    assert startable_config(conf, there) == expected


@pytest.mark.parametrize(
    ("running", "conf", "own", "opened"),
    [
        (ENCRYPTED, ENCRYPTED, True, True),
        # Others may have certificates of this authority.
        (ENCRYPTED, ENCRYPTED, False, False),
        # Without certificates the password is all that keeps others out.
        (CLEAR, CLEAR, False, False),
        (CLEAR, ENCRYPTED, True, False),
        (ENCRYPTED, CLEAR, True, False),
    ],
)
def test_no_password_is_asked_for_only_where_certificates_keep_others_out(running, conf, own, opened):
    login = {"user": "routes", "password": "word"}
    declared = {**conf, "cluster": {**conf["cluster"], "authorization": login}}
    there = found([pod("nats-0")], running)
    there["running"]["route_tls"] = own
    found_now = startable_config(declared, there, open_routes=True)
    assert found_now == (conf if opened else declared)


def test_it_names_the_pods_that_lack_files():
    pods = [pod("nats-0"), pod("nats-1", mounted=False), pod("nats-2", variables=False)]
    assert pods_without_files(ENCRYPTED, pods) == ["nats-1", "nats-2"]
    assert pods_without_files(CLEAR, pods) == []
