# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status of a cluster as a page of text."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error, warning
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Listed, NotAsked, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._reporting.status_page import status_page
from tests.support.pages import cluster

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
WELL = cluster(3, 20)


def lines(snapshot, findings=(), pods=(), logs=None):
    return [" ".join(line.split()) for line in status_page(snapshot, findings, pods, logs or {}, NOW).splitlines()]


def test_a_healthy_cluster():
    found = lines(WELL)
    assert found[0] == "3 of 3 servers answer, version 2.15.1, meta leader nats-0, 2026-01-02 03:04:05 UTC"
    assert "HEALTH Nothing is wrong." in found
    assert "nats-0 10 % 32 MiB (6 %) 3 2 0 0 0 1d" in found
    assert "nats-0 1.0 GiB of 4.0 GiB (25 %) 5.0 GiB 1.0 MiB of 256 MiB (0 %) 0 7 0 0" in found


def test_the_worst_finding_comes_first():
    found = lines(
        WELL, [warning("CPU_HIGH", "server a", "93 %", "Spread."), error("META_NO_LEADER", "cluster", "x", "Wait.")]
    )
    start = found.index("HEALTH")
    assert found[start + 1 : start + 3] == ["error cluster: x. Wait.", "warning server a: 93 %. Spread."]


def test_only_the_largest_streams_are_listed():
    found = lines(WELL)
    assert any(line.endswith("the 15 largest of 20") for line in found)
    assert "APP S19 19 19 KiB 3/3 nats-1 0 1" in found
    assert not any(line.startswith("APP S0 ") for line in found)


def test_a_stream_that_no_server_has_is_listed_after_the_others():
    listed = Listed(("S0", "GONE"))
    found = lines(replace(cluster(3, 1), accounts={"APP": listed}))
    assert found[found.index("APP S0 0 0 B 3/3 nats-0 0 1") + 1] == "APP GONE no server that answers has it"


def test_a_replica_that_is_behind_is_not_counted_as_current():
    behind = cluster(3, 1)
    peers = behind.answers[0]["data"]["account_details"][0]["stream_detail"][0]["cluster"]["replicas"]
    peers[0] |= {"current": False, "lag": 1234}
    assert "APP S0 0 0 B 2/3 nats-0 1234 1" in lines(behind)


def test_a_system_account_that_could_not_be_asked_is_named():
    found = lines(Snapshot(("nats-0",), system_not_asked=NotAsked("the login was refused")))
    assert found[0].startswith("0 of 1 servers answer, version unknown")
    assert found[1] == "The system account could not be asked: the login was refused"


def test_pods_have_the_reason_why_they_wait_and_how_they_ended():
    container = {
        "name": "nats",
        "ready": False,
        "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "OOMKilled"}},
    }
    pod = {
        "metadata": {"name": "nats-0", "creationTimestamp": "2026-01-02T01:04:05Z"},
        "spec": {"nodeName": "worker", "containers": [{"name": "nats"}]},
        "status": {"phase": "Running", "containerStatuses": [container]},
    }
    assert "nats-0 worker CrashLoopBackOff 0/1 4 OOMKilled 2h" in lines(WELL, pods=[pod])


def test_log_lines_of_all_pods_are_ordered_by_time():
    logs = {"nats-0": "[7] 12:00:02 second\n", "nats-1": "[7] 12:00:01 first\n[7] 12:00:03 third\n"}
    found = lines(replace(WELL, varz=()), logs=logs)
    assert [line.split()[-1] for line in found[-3:]] == ["first", "second", "third"]
