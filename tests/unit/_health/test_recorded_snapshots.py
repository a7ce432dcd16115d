# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real clusters said in each state, judged again: the recordings are those of tests/integration/test_health_states.py."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_report import report
from ansible_collections.messaging.nats.plugins.module_utils._reporting.status_page import status_page
from tests.support.snapshots import FOLDER, notable, recorded, summary

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
BEHIND, COMPLAINS = "STREAM_REPLICA_NOT_CURRENT", "HEALTH_CHECK_FAILED"
# What a person expects of each; on which object is in the recording.
STATES = {
    "healthy": set(),
    "hanging": {"SERVER_DOWN", BEHIND, COMPLAINS},
    "killed": {"SERVER_DOWN", BEHIND},
    "two_of_three_down": {"SERVER_DOWN", "META_NO_QUORUM", BEHIND, COMPLAINS},
    "stream_without_leader": {"SERVER_DOWN", "META_NO_QUORUM", "STREAM_NO_LEADER"},
    "store_wiped": {"STREAM_WENT_BACK"},
    "other_cluster_name": {"CLUSTER_NAME_MISMATCH", "META_NO_LEADER", COMPLAINS},
    "isolated": {"SERVER_ISOLATED"},
    "kubernetes_routes_cut": {"SERVER_ISOLATED"},
    "peer_removed": {"SERVER_NOT_IN_META", "STREAM_UNDER_REPLICATED"},
    "catching_up": {BEHIND, COMPLAINS},
    "stream_unavailable": {"SERVER_DOWN", "STREAM_UNAVAILABLE"},
    "jetstream_off": {"JETSTREAM_DISABLED"},
    "disk_full": {"JETSTREAM_DISABLED", BEHIND, COMPLAINS},
    "disk_filled_by_a_stream": {"STORE_WRITE_FAILED", BEHIND},
    "store_limit": {"STORAGE_LIMIT", BEHIND, COMPLAINS},
    "system_account_added": {"ORPHANED_STREAMS", "STREAM_UNDER_REPLICATED"},
    "consumer_ghost": {"CONSUMER_GHOST", COMPLAINS},
    "consumer_unavailable": {"SERVER_DOWN", "STREAM_REPLICA_OFFLINE", "CONSUMER_UNAVAILABLE"},
    "consumer_stuck": {"CONSUMER_STUCK"},
    "two_of_one_name": {"SERVER_DOWN", "DUPLICATE_SERVER_NAME"},
    "slow_consumer": {"SLOW_CONSUMER"},
    "memory_stream_restarted": {"STREAM_WENT_BACK"},
}


@pytest.mark.parametrize("state", STATES)
def test_a_recorded_state_is_judged_as_it_was(state):
    snapshot, found = recorded(FOLDER / f"{state}.json")
    findings = notable(evaluate(snapshot))
    assert {finding.code for finding in findings} == STATES[state]
    assert [*map(summary, findings)] == found
    assert report(snapshot, findings, NOW)
    assert status_page(snapshot, findings, [], {}, NOW)


def test_every_recording_is_judged():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_a_recording_holds_neither_secrets_nor_paths(state):
    text = (FOLDER / f"{state}.json").read_text(encoding="utf-8")
    assert len(text) < 25_000
    assert not [found for found in ("S3cret", "/tmp", "/root", "/home", "127.0.0.1", "nats://") if found in text]
