# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a resource is, and what that forbids."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import decide
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import (
    OWNER_KEY,
    foreign_owner,
    labelled,
    owner_of,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import ResourceFacts
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM

LATEST = 5
CONFIG = {"name": "S", "subjects": ["S"], "max_msgs": -1, "duplicate_window": 120 * 10**9}
SHOP, BILLING = {OWNER_KEY: "shop"}, {OWNER_KEY: "billing"}


def planned(has, guards=None, **options):
    """The plan for a stream with this metadata; for one that does not exist without."""
    item = declared_resource(STREAM, {"name": "S"} | options, guards or {})
    if has is None:
        return decide(item, ResourceFacts(None, None, level=LATEST))
    config = CONFIG | {"metadata": has}
    return decide(item, ResourceFacts({"config": config}, Current(config), level=LATEST))


def codes(plan):
    return [refusal.code for refusal in plan.refusals]


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [(None, ""), ({}, ""), ({"a": "b"}, ""), (SHOP, "shop"), ({OWNER_KEY: ""}, ""), ({OWNER_KEY: None}, "")],
)
def test_the_owner_is_a_label(metadata, owner):
    assert owner_of({"metadata": metadata}) == owner
    assert owner_of({}) == ""


@pytest.mark.parametrize(
    ("fields", "found", "owner", "expected"),
    [
        ({}, {}, "shop", {"metadata": SHOP}),
        ({}, {"a": "b"}, "shop", {"metadata": SHOP | {"a": "b"}}),
        ({"metadata": {"c": "d"}}, {"a": "b"}, "shop", {"metadata": SHOP | {"c": "d"}}),
        ({"metadata": {"c": "d"}}, SHOP, "", {"metadata": {"c": "d"}}),
        ({}, {"a": "b"}, "", {}),
    ],
)
def test_the_label_is_added_to_the_metadata_that_will_hold(fields, found, owner, expected):
    assert labelled(fields, {"metadata": found}, owner) == expected


@pytest.mark.parametrize(
    ("metadata", "owner", "labels", "refused"),
    [
        # Named by its declaration.
        ({}, "", None, False),
        (BILLING, "", None, False),
        ({}, "shop", None, False),
        (SHOP, "shop", None, False),
        (BILLING, "shop", None, True),
        # Found by a pattern.
        ({}, "", {""}, False),
        (BILLING, "", {""}, True),
        ({}, "shop", {"shop"}, True),
        (SHOP, "shop", {"shop"}, False),
        (BILLING, "shop", {"shop"}, True),
        ({}, "shop", {"shop", ""}, False),
        (BILLING, "shop", {"shop", ""}, True),
    ],
)
def test_what_belongs_to_somebody_else_is_refused(metadata, owner, labels, refused):
    found = foreign_owner({"metadata": metadata}, owner, frozenset(labels) if labels is not None else None)
    assert [refusal.code for refusal in found] == (["OTHER_OWNER"] if refused else [])


@pytest.mark.parametrize(
    ("metadata", "options", "expected"),
    [
        (None, {"owner": "shop"}, SHOP),
        (None, {"owner": "shop", "metadata": {"a": 1}}, SHOP | {"a": "1"}),
        (None, {"metadata": BILLING}, BILLING),
        ({}, {"owner": "shop"}, SHOP),
        ({"a": "b"}, {"owner": "shop", "metadata": {"c": "d"}}, SHOP | {"a": "b", "c": "d"}),
        ({"a": "b"}, {"owner": "shop", "metadata": {}}, SHOP),
        (SHOP, {"owner": "shop"}, None),
        (SHOP, {"owner": "shop", "exact": True}, None),
        (SHOP, {"exact": True}, None),
        (SHOP, {"metadata": {}}, None),
        (SHOP, {"unset": ["metadata"]}, None),
        (SHOP | {"a": "b"}, {"owner": "shop", "exact": True}, SHOP),
        (SHOP | {"a": "b", "_nats.ver": "2"}, {"metadata": {}}, SHOP | {"_nats.ver": "2"}),
        ({OWNER_KEY: "", "a": "b"}, {"metadata": {}}, {}),
        (SHOP, {"metadata": BILLING}, BILLING),
        (SHOP, {"metadata": {OWNER_KEY: ""}}, {OWNER_KEY: ""}),
    ],
)
def test_the_metadata_after_a_plan(metadata, options, expected):
    """None: there is nothing to change."""
    plan = planned(metadata, **options)
    assert codes(plan) == []
    assert ([step.config.get("metadata", {}) for step in plan.steps] or [None]) == [expected]


@pytest.mark.parametrize(
    ("metadata", "options", "expected"),
    [
        ({}, {"exact": True}, []),
        ({"a": "b"}, {"exact": True}, ["NOT_OWNED"]),
        ({"a": "b"}, {"exact": True, "metadata": {"a": "c"}}, []),
        ({}, {"exact": True, "max_msgs": 5}, []),
        (SHOP | {"a": "b"}, {"exact": True}, []),
        (BILLING, {"exact": True}, ["OTHER_OWNER"]),
        (BILLING, {"state": "absent"}, ["OTHER_OWNER"]),
        (BILLING, {"state": "purged"}, ["OTHER_OWNER"]),
        (BILLING, {}, ["OTHER_OWNER"]),
        ({}, {"state": "absent"}, []),
    ],
)
def test_what_an_owner_may_not_do(metadata, options, expected):
    assert codes(planned(metadata, owner="shop", **options)) == expected


def test_an_entrys_own_owner_beats_that_of_the_task():
    assert planned(None, {"owner": "shop"}).steps[0].config["metadata"] == SHOP
    assert planned(None, {"owner": "shop"}, owner="billing").steps[0].config["metadata"] == BILLING
    assert "metadata" not in planned(None, {"owner": "shop"}, owner="").steps[0].config


@pytest.mark.parametrize("kind", KINDS)
def test_two_owners_are_a_contradiction(kind):
    names = {KINDS[kind].named: "x", "stream": "S"} if kind == "consumers" else {KINDS[kind].named: "x"}
    with pytest.raises(NatsError, match=r"metadata: messaging\.nats/owner is 'billing', and owner is 'shop'"):
        declared_resource(KINDS[kind], {**names, "metadata": BILLING, "owner": "shop"}, {})
    assert declared_resource(KINDS[kind], {**names, "metadata": SHOP, "owner": " shop "}, {}).policy.owner == "shop"


def test_a_recreated_resource_keeps_its_owner():
    plan = planned(SHOP, storage="memory", recreate="always")
    assert [step.action for step in plan.steps] == ["delete", "create"]
    assert plan.steps[1].config["metadata"] == SHOP
