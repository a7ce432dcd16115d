# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a consumer that contradict one another, or its stream."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer_rules import contradictions

QUEUE = {"retention": "workqueue", "subjects": ["q.>"]}
PUSH = {"deliver_subject": "to.me"}


@pytest.mark.parametrize(
    ("config", "stream", "words"),
    [
        ({"deliver_subject": "to.*"}, {}, "it has a wildcard"),
        ({"deliver_subject": "q.a"}, QUEUE, "deliver its own deliveries"),
        ({**PUSH, "ack_policy": "none", "max_ack_pending": 5}, {}, "nothing is acknowledged"),
        ({"ack_policy": "all"}, QUEUE, "ack_policy: each message of a work queue"),
        ({"deliver_policy": "new"}, QUEUE, "consumers of a work queue get all"),
        ({"num_replicas": 1}, {"retention": "interest", "num_replicas": 3}, "has as many as its consumers"),
        ({"deliver_policy": "last_per_subject"}, {}, "needs a filter"),
        ({**PUSH, "flow_control": True}, {}, "flow_control needs idle_heartbeat"),
        ({**PUSH, "priority_policy": "overflow", "priority_groups": ["a"]}, {}, "a push consumer has none"),
        ({"priority_policy": "overflow"}, {}, "priority_policy needs priority_groups"),
        ({"priority_groups": ["a"]}, {}, "need a priority_policy"),
        ({"priority_policy": "overflow", "priority_groups": ["a b"]}, {}, "1 to 16 letters"),
        ({"ack_policy": "flow_control"}, {}, "is for push consumers"),
        ({**PUSH, "ack_policy": "flow_control", "max_deliver": 3}, {}, "has no ack_wait, backoff or max_deliver"),
        ({**PUSH, "ack_policy": "flow_control", "idle_heartbeat": 5}, {}, "idle_heartbeat: 1s"),
    ],
)
def test_a_contradiction_is_named(config, stream, words):
    found = [refusal.cause for refusal in contradictions({"ack_policy": "explicit", **config}, stream)]
    assert [words in cause for cause in found] == [True], found


@pytest.mark.parametrize(
    ("config", "stream"),
    [
        ({}, QUEUE),
        ({}, {}),
        ({**PUSH, "flow_control": True, "idle_heartbeat": 5}, {"subjects": ["to"]}),
        ({"priority_policy": "pinned_client", "priority_groups": ["a"], "priority_timeout": 5}, {}),
        ({"num_replicas": 3}, {"retention": "interest", "num_replicas": 3}),
        ({**PUSH, "ack_policy": "flow_control", "flow_control": True, "idle_heartbeat": 10**9}, QUEUE),
    ],
)
def test_what_fits_is_not_refused(config, stream):
    assert [*contradictions({"ack_policy": "explicit", **config}, stream)] == []
