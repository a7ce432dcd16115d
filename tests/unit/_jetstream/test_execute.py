# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done when a request of a plan is not answered, and between two updates."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.execute import is_purged, rebased
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step


@pytest.mark.parametrize(
    ("body", "state", "first", "expected"),
    [
        ({}, {"messages": 0, "last_seq": 10}, 0, True),
        ({}, {"messages": 1, "last_seq": 11}, 11, True),
        ({}, {"messages": 11, "last_seq": 11}, 1, False),
        ({"seq": 5}, {"messages": 6, "last_seq": 10}, 5, True),
        ({"seq": 5}, {"messages": 10, "last_seq": 10}, 1, False),
        ({"keep": 3}, {"messages": 4, "last_seq": 11}, 8, True),
        ({"keep": 3}, {"messages": 11, "last_seq": 11}, 1, False),
    ],
)
def test_whether_a_purge_was_carried_out(body, state, first, expected):
    assert is_purged(body, state, first, 10) is expected


def test_a_later_update_is_made_of_what_is_there_by_then():
    first, second = Step("update", {"a": 1, "b": 1}), Step("update", {"a": 1, "b": 2})
    assert rebased(second, first, {"config": {"a": 5, "b": 1, "c": 1}}).config == {"a": 5, "b": 2, "c": 1}
