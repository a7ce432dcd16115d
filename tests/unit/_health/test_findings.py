# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with servers, streams and consumers, as tables of what the servers say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.asset_findings import (
    consumer_findings,
    stream_findings,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._health.history_findings import history_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.server_findings import server_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Listed, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._health.threshold_findings import owner_findings

MIB = 2**20


def codes(findings):
    found = list(findings)
    assert all(finding.object and finding.evidence and finding.remedy for finding in found)
    return [(finding.severity, finding.code) for finding in found]


def after(**delta):
    return (datetime.now(timezone.utc) + timedelta(**delta)).isoformat().replace("+00:00", "Z")


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


def asset(leader="nats-0", **changed):
    replicas = [
        {"name": name, "current": True, "active": 10**8} for name in ("nats-0", "nats-1", "nats-2") if name != leader
    ]
    return {"cluster": {"leader": leader, "replicas": replicas}} | changed


def held(stream=None, consumer=None):
    """What three servers say who hold one stream with one consumer."""
    made = (
        {"name": "EVENTS", "config": {"num_replicas": 3}, "state": {"messages": 5, "last_seq": 5}}
        | asset()
        | (stream or {})
    )
    if consumer is not None:
        made["consumer_detail"] = [{"name": "worker", "config": {"durable_name": "worker"}} | asset() | consumer]
    details = [{"name": "APP", "stream_detail": [made]}]
    return {
        name: {"server": {"name": name}, "data": {"account_details": details}}
        for name in ("nats-0", "nats-1", "nats-2")
    }


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ({}, []),
        ({"config": {"num_replicas": 1}}, [("info", "SINGLE_REPLICA")]),
        (asset(leader=""), [("error", "STREAM_NO_LEADER")]),
        (
            {
                "cluster": {
                    "leader": "nats-0",
                    "replicas": [{"name": "nats-1", "current": True, "lag": 5000}, {"name": "nats-2", "current": True}],
                },
                "state": {"messages": 9000, "last_seq": 9000},
            },
            [("warning", "STREAM_LAGGING")],
        ),
        ({"config": {"num_replicas": 3, "max_msgs": 5, "discard": "new"}}, [("warning", "STREAM_NEAR_LIMIT")]),
        ({"config": {"num_replicas": 3, "max_msgs": 5, "discard": "old"}}, [("info", "STREAM_AT_LIMIT")]),
        ({"config": {"num_replicas": 3, "max_msgs": 50}}, []),
        ({"state": {"messages": 5, "last_seq": 5, "num_subjects": 2_000_000}}, [("warning", "STREAM_MANY_SUBJECTS")]),
    ],
)
def test_what_a_stream_says(stream, expected):
    assert codes(stream_findings(held(stream), 3)) == expected


@pytest.mark.parametrize(
    ("consumer", "expected"),
    [
        ({}, []),
        (asset(leader=""), [("error", "CONSUMER_NO_LEADER")]),
        (
            {"config": {"durable_name": "worker", "max_ack_pending": 10}, "num_ack_pending": 10, "num_pending": 3},
            [("warning", "CONSUMER_STUCK")],
        ),
        ({"config": {"durable_name": "worker", "max_ack_pending": 10}, "num_ack_pending": 10, "num_pending": 0}, []),
        ({"config": {"durable_name": "worker", "max_ack_pending": -1}, "num_ack_pending": 10, "num_pending": 3}, []),
    ],
)
def test_what_a_consumer_says(consumer, expected):
    assert codes(consumer_findings(held(consumer=consumer))) == expected


def owned(**limits):
    return {
        "num_replicas": 3,
        "metadata": {f"io.nats.monitor.{key.replace('_', '-')}": text for key, text in limits.items()},
    }


CROSSED, NEAR = [("error", "OWNER_THRESHOLD")], [("warning", "OWNER_THRESHOLD")]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"msgs_critical": "10"}, CROSSED),
        ({"msgs_critical": "2", "msgs_warn": "7"}, NEAR),
        ({"msgs_critical": "2"}, []),
        ({"msgs_critical": "10", "enabled": "false"}, []),
        ({"subjects_warn": "1", "subjects_critical": "3"}, CROSSED),
        ({"subjects_warn": "3", "subjects_critical": "30"}, NEAR),
        ({"subjects_warn": "9", "subjects_critical": "1"}, NEAR),
        ({"peer_expect": "5"}, CROSSED),
        ({"peer_expect": "3"}, []),
        ({"peer_seen_critical": "10ms"}, CROSSED * 2),
        ({"peer_seen_critical": "10s"}, []),
        ({"min_sources": "1"}, CROSSED),
        ({"msgs_critical": "many"}, [("warning", "OWNER_THRESHOLD_UNREADABLE")]),
    ],
)
def test_thresholds_that_the_owner_of_a_stream_wrote(limits, expected):
    state = {"messages": 5, "last_seq": 5, "num_subjects": 3}
    assert codes(owner_findings(held({"config": owned(**limits), "state": state}))) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"outstanding_ack_critical": "5"}, CROSSED),
        ({"outstanding_ack_critical": "6"}, []),
        ({"unprocessed_critical": "3"}, CROSSED),
        ({"redelivery_critical": "1"}, []),
        ({"last_ack_critical": "1m"}, CROSSED),
        ({"last_delivery_critical": "1h"}, []),
        ({"pinned": "true"}, CROSSED),
    ],
)
def test_thresholds_that_the_owner_of_a_consumer_wrote(limits, expected):
    consumer = {
        "config": {"durable_name": "worker"} | owned(**limits),
        "num_ack_pending": 5,
        "num_pending": 4,
        "delivered": {"last_active": after(minutes=-5)},
    }
    assert codes(owner_findings(held(consumer=consumer))) == expected


BEFORE = {
    "streams": {"APP/EVENTS": {"last_seq": 50, "created": "then"}},
    "servers": {"nats-0": {"slow_consumers": 1, "start": "s"}},
}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"streams": {"APP/EVENTS": {"last_seq": 50, "created": "then"}}}, []),
        ({"streams": {"APP/EVENTS": {"last_seq": 0, "created": "then"}}}, [("error", "STREAM_WENT_BACK")]),
        ({"streams": {"APP/EVENTS": {"last_seq": 0, "created": "anew"}}}, []),
        ({"streams": {}}, []),
        ({"servers": {"nats-0": {"slow_consumers": 3, "start": "s"}}}, [("warning", "SLOW_CONSUMER")]),
        ({"servers": {"nats-0": {"slow_consumers": 1, "start": "s"}}}, []),
        ({"servers": {"nats-0": {"slow_consumers": 3, "start": "later"}}}, []),
    ],
)
def test_what_only_a_comparison_shows(now, expected):
    assert codes(history_findings(BEFORE, now)) == expected


FULL = [("warning", "ACCOUNT_NEAR_LIMIT")]


def whole(**more):
    """A healthy cluster of one server that holds one stream, and what else is known of it."""
    stream = {"name": "EVENTS", "config": {"num_replicas": 1}, "state": {"messages": 5, "last_seq": 5}}
    data = {"config": {"max_storage": 1000 * MIB}, "account_details": [{"name": "APP", "stream_detail": [stream]}]}
    answer = {"server": {"name": "nats-0", "id": "1"}, "data": data}
    return Snapshot(**{"expected": ("nats-0",), "answers": (answer,)} | more)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"accounts": {"APP": Listed(("EVENTS",))}}, []),
        ({"accounts": {"APP": Listed(("EVENTS",), usage={"storage": 9, "limits": {"max_storage": 10}})}}, FULL),
        ({"accounts": {"APP": Listed(("EVENTS",), usage={"storage": 8, "limits": {"max_storage": 10}})}}, []),
        ({"accounts": {"APP": Listed(("EVENTS",), usage={"streams": 1, "limits": {"max_streams": -1}})}}, []),
        ({"accounts": {"APP": Listed(())}}, [("error", "ORPHANED_STREAMS")]),
        ({"accounts": {"APP": Listed(("EVENTS", "GONE"))}}, [("error", "STREAM_UNAVAILABLE")]),
        ({"accounts": {"APP": Listed(("EVENTS",), {"EVENTS": ("ghost",)})}}, [("error", "CONSUMER_GHOST")]),
        (
            {"accounts": {"APP": Listed(("EVENTS",), {"EVENTS": ("away",)})}, "expected": ("nats-0", "nats-1")},
            [
                ("error", "SERVER_DOWN"),
                ("error", "META_NO_QUORUM"),
                ("info", "SINGLE_REPLICA"),
                ("error", "CONSUMER_UNAVAILABLE"),
            ],
        ),
        ({"unasked": {"APP": ("connection: refused", "Check it.")}}, [("error", "ACCOUNT_NOT_ASKED")]),
        ({"volumes": {"nats-0": 2000 * MIB}}, []),
        ({"volumes": {"nats-0": 500 * MIB}}, [("warning", "VOLUME_TOO_SMALL")]),
        (
            {
                "healthz": (
                    {"server": {"name": "nats-0"}, "data": {"status": "unavailable", "status_code": 503, "error": "x"}},
                )
            },
            [("warning", "HEALTH_CHECK_FAILED")],
        ),
        ({"healthz": ({"server": {"name": "nats-0"}, "data": {"status": "ok", "status_code": 200}},)}, []),
        (
            {
                "healthz": (
                    {
                        "server": {"name": "nats-0"},
                        "data": {"status_code": 503, "error": "stream 'A > B' is not current: stream write error: x"},
                    },
                )
            },
            [("error", "STORE_WRITE_FAILED")],
        ),
    ],
)
def test_what_lists_volumes_and_health_checks_add(more, expected):
    assert codes(evaluate(whole(**more))) == expected
