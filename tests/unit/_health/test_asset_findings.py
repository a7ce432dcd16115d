# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with streams and consumers, as tables of what the servers report of them."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.asset_findings import (
    consumer_findings,
    stream_findings,
)
from tests.support.findings import asset, codes, held


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
