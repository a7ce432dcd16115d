# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls of the JetStream API, and what its answers mean."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place, missing_replicas
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step


@pytest.mark.parametrize(
    ("place", "step", "call", "body"),
    [
        (Place("S"), Step("create", {"name": "S"}), "STREAM.CREATE.S", {"name": "S"}),
        (Place("S"), Step("delete", {"name": "S"}), "STREAM.DELETE.S", None),
        (Place("S", "C"), Step("delete"), "CONSUMER.DELETE.S.C", None),
        (
            Place("S", "C"),
            Step("update", {"filter_subject": "a.b"}),
            "CONSUMER.CREATE.S.C.a.b",
            {"stream_name": "S", "action": "update", "config": {"filter_subject": "a.b"}},
        ),
        (
            Place("S", "C"),
            Step("create", {"filter_subjects": ["a", "b"]}),
            "CONSUMER.CREATE.S.C",
            {"stream_name": "S", "action": "create", "config": {"filter_subjects": ["a", "b"]}},
        ),
    ],
)
def test_a_step_is_a_call_with_a_body(place, step, call, body):
    assert place.request(step) == (call, body)


CURRENT, BEHIND, OFFLINE = {"current": True}, {"current": False}, {"current": True, "offline": True}


@pytest.mark.parametrize(
    ("replicas", "cluster", "sentence"),
    [
        (1, {}, None),
        (1, {"leader": "n1"}, None),
        (3, {"leader": "n1", "replicas": [CURRENT, CURRENT]}, None),
        (3, {"leader": "n1", "replicas": [CURRENT, BEHIND]}, "2 of 3 replicas are current"),
        (3, {"leader": "n1", "replicas": [CURRENT, OFFLINE]}, "2 of 3 replicas are current"),
        (3, {"replicas": [CURRENT, CURRENT]}, "2 of 3 replicas are current"),
        (1, {"leader": "n1", "replicas": [CURRENT]}, "2 of 1 replicas are current"),
        (3, {"leader": "n1", "replicas": [CURRENT, CURRENT], "desired": {}}, None),
        (3, {"leader": "n1", "replicas": [CURRENT, CURRENT], "desired": {"n": 1}}, "3 of 3 replicas are current"),
    ],
)
def test_a_change_is_done_when_all_replicas_are_current(replicas, cluster, sentence):
    assert missing_replicas({"config": {"num_replicas": replicas}, "cluster": cluster}) == sentence
