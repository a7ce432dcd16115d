# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server a replica is sent to."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._operations.rebalance import directed
from tests.support.placed import answers


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [({"n1": ["n1"]}, True), ({"n1": ["n1", "ssd"]}, True), ({"n1": ["n1"], "n2": ["n1"]}, False), ({}, False)],
)
def test_a_server_is_chosen_by_a_tag_that_no_other_server_has(tags, wanted):
    servers = answers("n1 n2", {})
    for name, given_tags in tags.items():
        servers[name]["server"]["tags"] = given_tags
    assert directed(servers, "n1") is wanted
