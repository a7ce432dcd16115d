# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A configuration as the server answers it."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stored import limited_defaults, stored_config

SECOND = 10**9
LIMITED = Context(ceilings={"duplicate_window": 30 * SECOND, "max_ack_pending": 400, "max_batch": 50})
OLD = Context(level=0)
SOURCES = {"name": "S", "sources": [{"name": "O"}]}


@pytest.mark.parametrize(
    ("kind", "config", "context", "expected"),
    [
        ("streams", {"name": "S"}, Context(), {"subjects": ["S"], "duplicate_window": 120 * SECOND, "sealed": False}),
        ("streams", {"name": "S", "max_age": SECOND}, Context(), {"duplicate_window": SECOND}),
        ("streams", {"name": "S"}, LIMITED, {"duplicate_window": 30 * SECOND}),
        ("streams", SOURCES, OLD, {"duplicate_window": 120 * SECOND, "allow_msg_ttl": None}),
        ("streams", SOURCES, Context(), {"duplicate_window": None, "subjects": None, "allow_msg_ttl": False}),
        (
            "streams",
            {"name": "S", "no_ack": False, "persist_mode": "default"},
            Context(),
            {"no_ack": None, "persist_mode": None},
        ),
        (
            "streams",
            {
                "name": "S",
                "mirror": {"name": "O", "external": {"api": "far"}, "opt_start_time": "2020-01-01T00:00:00.50+00:00"},
            },
            Context(),
            {
                "mirror": {
                    "name": "O",
                    "external": {"api": "far", "deliver": ""},
                    "opt_start_time": "2020-01-01T00:00:00.5Z",
                }
            },
        ),
        ("kv", {"name": "KV_b", "subjects": ["k"]}, LIMITED, {"duplicate_window": 30 * SECOND, "storage": "file"}),
        ("consumers", {"name": "c", "ack_policy": "explicit"}, LIMITED, {"max_ack_pending": 400, "max_batch": 50}),
        ("consumers", {"name": "c", "deliver_subject": "d"}, LIMITED, {"max_waiting": None, "max_batch": None}),
        ("consumers", {"name": "c", "ack_policy": "none"}, Context(), {"max_ack_pending": None, "ack_wait": None}),
        ("consumers", {"name": "c"}, Context({"consumer_limits": {"max_ack_pending": 7}}), {"max_ack_pending": 7}),
    ],
)
def test_the_server_adds_its_defaults_and_leaves_out_what_says_nothing(kind, config, context, expected):
    found = stored_config(KINDS[kind], config, context)
    assert {key: found.get(key) for key in expected} == expected


def test_a_default_that_is_not_needed_is_no_reason_to_look_for_a_limit():
    assert [*limited_defaults(KINDS["streams"], {"duplicate_window": SECOND})] == []
    assert [*limited_defaults(KINDS["consumers"], {"max_ack_pending": 5})] == ["max_batch"]
