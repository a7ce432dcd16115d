# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names a pattern means."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.patterns import matches, not_ours


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("SHOP_A", "SHOP_*", True),
        ("SHOP_A", "SHOP_?", True),
        ("shop_a", "SHOP_*", False),
        ("KV_a", "*", False),
        ("KV_a", "K*", False),
        ("KV_a", "KV_*", True),
        ("OBJ_a", "*", False),
        ("OBJ_a", "OBJ_?", True),
        ("$SYS", "*", False),
        ("$SYS", "$*", True),
        ("KVX", "*", True),
    ],
)
def test_buckets_are_meant_only_by_their_prefix(name, pattern, expected):
    assert matches(name, pattern) is expected


@pytest.mark.parametrize(
    ("owner", "labels", "why"),
    [
        ("shop", {"shop"}, ""),
        ("", {"shop"}, "it has no owner"),
        ("billing", {"shop", ""}, "it belongs to billing"),
        ("", {""}, ""),
    ],
)
def test_why_a_resource_is_left_out(owner, labels, why):
    assert not_ours(owner, labels) == why
