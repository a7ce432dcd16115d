# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a resource differs from what its plan was made of."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.current_state import has_changed

LISTED: dict = {
    "config": {"name": "S", "max_msgs": -1, "metadata": {"own": "1", "_nats.req.level": "0"}},
    "state": {"messages": 5},
    "ts": "2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (None, True),
        (LISTED, False),
        (LISTED | {"ts": "2026-01-01T00:00:01Z", "cluster": {"leader": "n1"}}, False),
        # STREAM.LIST leaves out what STREAM.INFO adds to the metadata.
        (LISTED | {"config": LISTED["config"] | {"metadata": {"own": "1", "_nats.ver": "2.15.1"}}}, False),
        (LISTED | {"config": LISTED["config"] | {"metadata": {"own": "2"}}}, True),
        (LISTED | {"config": LISTED["config"] | {"max_msgs": 7}}, True),
        (LISTED | {"state": {"messages": 6}}, True),
        (LISTED | {"paused": True}, True),
    ],
)
def test_a_resource_has_changed_where_a_plan_could_be_another_one(now, changed):
    assert has_changed(LISTED, now) is changed
