# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which vulnerabilities a version has, what of a configuration exposes them, and where they are corrected."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.known_vulnerabilities import (
    VULNERABILITIES,
    affects,
    corrected_in,
    features_of_conf,
    features_of_varz,
    vulnerabilities,
)

BY_ID = {found.id: found for found in VULNERABILITIES}


@pytest.mark.parametrize(
    ("advisory", "version", "affected"),
    [
        ("2025-01", "2.10.26", True),
        ("2025-01", "2.10.27", False),
        ("2025-01", "2.11.0", True),
        ("2025-01", "2.11.1", False),
        ("2025-01", "2.12.0", False),
        ("2026-16", "2.10.29", True),
        ("2026-16", "2.11.15", True),
        ("2026-16", "2.11.16", False),
        ("2026-16", "2.12.6", True),
        ("2026-16", "2.12.7", False),
        ("2026-16", "2.14.0", False),
        ("2026-19", "2.14.0", False),
        # No version of 2.11 has the corrections of June 2026.
        ("2026-28", "2.11.17", True),
        ("2026-28", "2.12.12", False),
        ("2026-28", "2.14.2", True),
        ("2026-28", "2.14.3", False),
        ("2026-28", "2.15.2", False),
        ("2026-28", "2.14.3-preview.1", True),
        ("2026-28", "2.14.4-preview.1", False),
    ],
)
def test_a_version_has_it_until_its_correction(advisory, version, affected):
    assert affects(BY_ID[advisory], version) is affected


LEAF = {"leafnodes": {"port": 7422}}


@pytest.mark.parametrize(
    ("version", "conf", "found"),
    [
        ("2.15.2", {"websocket": {"port": 8080}, "mqtt": {"port": 1883}, "no_auth_user": "u", "cluster": {"a": 1}}, []),
        ("2.14.2", {}, ["2026-28"]),
        ("2.14.2", {"websocket": {"port": 8080}}, ["2026-27", "2026-28"]),
        ("2.14.2", {"WebSocket": {"port": 8080}}, ["2026-27", "2026-28"]),
        ("2.14.2", {"WebSocket": {"port": 8080}, "MQTT": {"port": 1883}}, ["2026-21", "2026-25", "2026-26", "2026-28"]),
        ("2.14.1", {"operator": "jwt"}, ["2026-23", "2026-28"]),
        ("2.12.7", LEAF, ["2026-19", "2026-20", "2026-28"]),
        ("2.12.7", {"leafnodes": {"listen": "0.0.0.0:7422", "compression": "off"}}, ["2026-20", "2026-28"]),
        ("2.12.7", {"LeafNodes": {"Port": 7422, "Compression": {"Mode": "Off"}}}, ["2026-20", "2026-28"]),
        ("2.12.7", {"leafnodes": {"remotes": [{"url": "nats-leaf://hub"}]}}, ["2026-28"]),
        ("2.12.6", {"no_auth_user": "u"}, ["2026-28"]),
        ("2.12.6", {"no_auth_user": "u", "cluster": {"port": 6222}}, ["2026-16", "2026-28"]),
        ("2.12.6", {"no_auth_user": "u", **LEAF}, ["2026-16", "2026-19", "2026-20", "2026-28"]),
        ("2.12.11", {"no_auth_user": "u", "accounts": {"A": {"users": [{"user": "u", "allowed_connection_types": ["MQTT"]}]}}},
            ["2026-24", "2026-28"]),
        ("2.12.6", {"accounts": {"A": {"users": [{"permissions": {"subscribe": {"deny": "a.*"}}}]}}}, ["2026-17", "2026-28"]),
        ("2.12.6", {"accounts": {"A": {"users": [{"permissions": {"subscribe": {"deny": ["a q"]}}}]}}},
            ["2026-17", "2026-18", "2026-28"]),
        ("2.12.6", {"accounts": {"A": {"users": [{"permissions": {"publish": {"deny": ["a.*"]}}}]}}}, ["2026-28"]),
        ("2.12.6", {"tls": {"verify_and_map": False}}, ["2026-28"]),
        ("2.12.5", {"tls": {"verify_and_map": True}}, ["2026-09", "2026-12", "2026-13", "2026-15", "2026-28"]),
    ],
)  # fmt: skip
def test_what_is_configured_decides_which_of_them_bite(version, conf, found):
    assert [each.id for each in vulnerabilities(version, features_of_conf(conf))] == found


@pytest.mark.parametrize(
    ("version", "advisories", "upgrade"),
    [
        ("2.12.6", ["2026-16"], "2.12.7"),
        ("2.12.6", ["2026-16", "2026-28"], "2.12.12"),
        ("2.11.15", ["2026-16"], "2.11.16"),
        ("2.11.17", ["2026-28"], "2.12.12"),
        ("2.14.0", ["2026-22", "2026-23", "2026-28"], "2.14.3"),
        ("2.11.0", ["2025-01", "2026-22"], "2.12.9"),
        ("2.10.20", ["2026-19", "2026-28"], "2.12.12"),
    ],
)
def test_the_version_to_upgrade_to_has_all_corrections(version, advisories, upgrade):
    found = [BY_ID[advisory] for advisory in advisories]
    assert corrected_in(found, version) == upgrade
    assert not any(affects(each, upgrade) for each in found)


def test_a_server_that_runs_tells_its_listeners():
    varz = {"websocket": {"port": 8080}, "mqtt": {}, "leaf": {"port": 7422}, "cluster": {"cluster_port": 6222}}
    assert features_of_varz(varz) == {"websocket", "leafnodes", "leafnode compression", "routes"}
    assert features_of_varz({}) == set()


def test_every_advisory_is_named_once():
    assert len(BY_ID) == len(VULNERABILITIES) == len({found.alias for found in VULNERABILITIES})
