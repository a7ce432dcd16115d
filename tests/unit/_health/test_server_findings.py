# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with servers, as tables of what they report."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.command_line import module_target
from ansible_collections.messaging.nats.plugins.module_utils._health.server_findings import (
    health_check_findings,
    server_findings,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import KubernetesView, Pod
from tests.support.findings import MIB, after, codes


def varz(name="nats-0", offset=0.0, version="2.15.1", **changed):
    data = {
        "auth_required": True,
        "cores": 2,
        "cpu": 20.0,
        "mem": 30 * MIB,
        "connections": 5,
        "max_connections": 65536,
        "remotes": 2,
        "cluster": {"name": "nats"},
        "jetstream": {
            "config": {"max_storage": 1000 * MIB, "max_memory": 100 * MIB},
            "stats": {"storage": 10 * MIB, "memory": 0, "ha_assets": 3},
        },
    }
    return {"server": {"name": name, "ver": version}, "offset": offset, "data": data | changed}


def store(storage=0, memory=0, assets=0):
    return {
        "config": {"max_storage": 1000 * MIB, "max_memory": 100 * MIB},
        "stats": {"storage": storage * MIB, "memory": memory * MIB, "ha_assets": assets},
    }


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"cpu": 195.0}, [("warning", "CPU_HIGH")]),
        ({"mem": 475 * MIB, "gomemlimit": 500 * MIB}, [("warning", "MEMORY_HIGH")]),
        ({"mem": 475 * MIB}, []),
        ({"connections": 60000}, [("warning", "CONNECTIONS_LIMIT")]),
        ({"jetstream": store(storage=790)}, []),
        ({"jetstream": store(storage=800)}, [("warning", "STORAGE_LIMIT")]),
        ({"jetstream": store(storage=1001)}, [("error", "STORAGE_LIMIT")]),
        ({"jetstream": store(memory=95)}, [("warning", "MEMORY_STORE_LIMIT")]),
        ({"jetstream": store(assets=1500)}, [("warning", "HA_ASSETS")]),
        ({"tls_cert_not_after": after(days=60)}, []),
        ({"tls_cert_not_after": after(days=20)}, [("warning", "CERTIFICATE_EXPIRES")]),
        ({"tls_cert_not_after": after(days=3)}, [("error", "CERTIFICATE_EXPIRES")]),
        ({"cluster": {"name": "nats", "tls_cert_not_after": after(days=-1)}}, [("error", "CERTIFICATE_EXPIRES")]),
        ({"tls_cert_not_after": "0001-01-01T00:00:00Z"}, []),
        ({"auth_required": False}, [("warning", "NO_AUTHENTICATION")]),
        ({"cluster": {"name": "my nats"}}, [("warning", "NAME_WITH_SPACE")]),
        ({"remotes": 1}, [("warning", "ROUTES_MISSING")]),
    ],
)
def test_what_one_server_says(changed, expected):
    servers = {"nats-0": varz(**changed)} | {name: varz(name) for name in ("nats-1", "nats-2")}
    assert codes(server_findings(servers, 3)) == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (varz("nats-1", version="2.14.6"), [("warning", "VERSION_SKEW")]),
        (varz("nats-1", gateway={"name": "A", "gateways": [{"name": "B"}]}), [("warning", "GATEWAYS_DIFFER")]),
        (varz("nats-1", gateway={"name": "A", "gateways": [{"name": "A"}]}), []),
        (varz("nats-1", offset=5.0), [("warning", "CLOCK_SKEW")]),
        (varz("nats-1", offset=0.4), []),
        (varz("nats-1", mem=2000 * MIB), [("info", "MEMORY_OUTLIER")]),
    ],
)
def test_what_only_several_servers_together_show(other, expected):
    assert codes(server_findings({"nats-0": varz(), "nats-1": other, "nats-2": varz("nats-2")}, 3)) == expected


@pytest.mark.parametrize(
    ("healthz", "expected"),
    [
        ({"status": "ok", "status_code": 200}, []),
        ({"status": "unavailable", "status_code": 503, "error": "x"}, [("warning", "HEALTH_CHECK_FAILED")]),
        ({"status": "error", "errors": [{"error": "x"}]}, [("warning", "HEALTH_CHECK_FAILED")]),
        (
            {"status_code": 503, "error": "stream 'A > B' is not current: stream write error: x"},
            [("error", "STORE_WRITE_FAILED")],
        ),
        (
            {"status_code": 503, "error": "JetStream stream 'A > B' could not be recovered: no space left on device"},
            [("error", "STORE_WRITE_FAILED")],
        ),
    ],
)
def test_a_complaint_of_the_health_check_is_a_finding(healthz, expected):
    assert codes(health_check_findings({"nats-0": {"server": {"name": "nats-0"}, "data": healthz}}, None)) == expected


@pytest.mark.parametrize(
    ("view", "command"),
    [
        (None, "restart the server; it does not catch up by itself."),
        (
            KubernetesView(
                pods={"eu-nats-0": Pod("nats-0", "Running")},
                target=module_target({"context": "eu", "api_key": "s3cret"}, "messaging", "nats", {}),
            ),
            "by itself. ansible-playbook messaging.nats.restart -e nats_cluster_namespace=messaging -e nats_cluster_context=eu -e nats_cluster_server=nats-0",
        ),
    ],
)
def test_a_failed_write_is_mended_by_a_restart_of_its_pod(view, command):
    complaint = {"server": {"name": "eu-nats-0"}, "data": {"status_code": 503, "error": "stream write error: x"}}
    (finding,) = health_check_findings({"eu-nats-0": complaint}, view)
    assert finding.remedy.endswith(command)


@pytest.mark.parametrize(
    ("digests", "odd"),
    [
        ("aaa", []),
        ("aab", ["server n2"]),
        ("baaaa", ["server n0"]),
        # Nobody knows which are right.
        ("aabb", []),
        ("ab", []),
        # Each has its own, as with a server_name in the file.
        ("abc", []),
        # Servers before 2.12 tell none.
        (" ab", []),
    ],
)
def test_the_one_server_with_another_configuration_is_told(digests, odd):
    servers = {f"n{number}": varz(f"n{number}", config_digest=digest.strip()) for number, digest in enumerate(digests)}
    found = [finding for finding in server_findings(servers, 1) if finding.code == "CONFIG_DIFFERS"]
    assert [finding.object for finding in found] == odd
    assert all(finding.severity == "info" for finding in found)
