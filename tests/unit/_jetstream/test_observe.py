# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an observed resource differs from its declaration."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.observe import compare
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import ResourceFacts
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current

HOUR = 3600 * 10**9
STREAM = {
    "name": "S",
    "subjects": ["S"],
    "max_msgs": -1,
    "num_replicas": 1,
    "duplicate_window": HOUR // 60,
    "metadata": {"messaging.nats/owner": "x"},
}
BUCKET = {"name": "KV_b", "subjects": ["$KV.b.>"], "max_msgs_per_subject": 5, "discard": "new", "max_age": HOUR}


def compared(kind, config, level=5, **options):
    item = declared_resource(KINDS[kind], {"manage": "observe", **options}, {})
    found = None if config is None else Current(config)
    info = None if config is None else {"config": config}
    return compare(item, ResourceFacts(info, found, level=level))


@pytest.mark.parametrize(
    ("options", "differences"),
    [
        ({}, {}),
        ({"owner": "shop"}, {}),
        ({"max_msgs": -1}, {}),
        ({"max_msgs": 5}, {"max_msgs": (-1, 5)}),
        ({"max_age": "1h"}, {"max_age": ("0s", "1h")}),
        (
            {"metadata": {"a": "b"}},
            {"metadata": ({"messaging.nats/owner": "x"}, {"messaging.nats/owner": "x", "a": "b"})},
        ),
        # What would be refused is a difference all the same.
        ({"storage": "memory"}, {"storage": ("file", "memory")}),
        ({"allow_batched": True, "level": 0}, {"allow_batched": (False, True)}),
        ({"exact": True}, {"duplicate_window": ("1m", "2m")}),
        ({"state": "absent"}, {"state": ("present", "absent")}),
        ({"state": "sealed"}, {"sealed": (False, True)}),
        ({"state": "sealed", "max_msgs": 5}, {"max_msgs": (-1, 5), "sealed": (False, True)}),
    ],
)
def test_the_differences_of_a_stream(options, differences):
    found = compared("streams", STREAM, name="S", **options)
    assert dict(found.differences) == differences


def test_the_differences_of_a_bucket_have_its_own_options():
    found = compared("kv", BUCKET, bucket="b", history=3, ttl="2h")
    assert dict(found.differences) == {"history": (5, 3), "ttl": ("1h", "2h")}
    assert found.config["max_msgs_per_subject"] == 3


@pytest.mark.parametrize(("state", "differs"), [("present", True), ("sealed", True), ("absent", False)])
def test_a_missing_resource(state, differs):
    found = compared("streams", None, name="S", state=state, **({} if state == "absent" else {"max_msgs": 5}))
    assert dict(found.differences) == ({"state": ("absent", state)} if differs else {})
    assert found.config == ({"name": "S", "max_msgs": 5} if differs else {})
