# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thresholds that owners set in the metadata of their streams and consumers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.threshold_findings import owner_findings
from tests.support.findings import after, codes, held


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
