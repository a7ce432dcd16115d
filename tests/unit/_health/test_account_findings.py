# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What accounts list beside what the servers hold, and their limits."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Listed, NotAsked, Snapshot
from tests.support.findings import MIB, codes

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
        ({"unasked": {"APP": NotAsked("connection: refused", "Check it.")}}, [("error", "ACCOUNT_NOT_ASKED")]),
    ],
)
def test_what_accounts_list_is_compared_with_what_the_servers_hold(more, expected):
    assert codes(evaluate(whole(**more))) == expected
