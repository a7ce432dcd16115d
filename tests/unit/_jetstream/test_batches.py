# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A large declaration in parts."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.batches import batch_resources


@pytest.mark.parametrize(
    ("lists", "parts"),
    [
        ({"streams": [], "kv": []}, [{"streams": [], "kv": [], "others": {}, "label": "nothing"}]),
        ({"streams": [1], "kv": [2]}, [{"streams": [1], "kv": [2], "others": {}, "label": "1 streams, 1 kv"}]),
        (
            {"streams": [1, 2, 3], "kv": [4]},
            [
                {"streams": [1, 2], "kv": [], "others": {"streams": [3], "kv": [4]}, "label": "streams 1 to 2 of 3"},
                {"streams": [3], "kv": [], "others": None, "label": "streams 3 to 3 of 3"},
                {"streams": [], "kv": [4], "others": None, "label": "kv 1 to 1 of 1"},
            ],
        ),
        (
            {"streams": [], "kv": [4, 5, 6]},
            [
                {"streams": [], "kv": [4, 5], "others": {"streams": [], "kv": [6]}, "label": "kv 1 to 2 of 3"},
                {"streams": [], "kv": [6], "others": None, "label": "kv 3 to 3 of 3"},
            ],
        ),
    ],
)
def test_a_part_has_at_most_so_many_entries_and_the_first_knows_the_others(lists, parts):
    assert batch_resources(lists, 2) == parts


def test_a_part_without_entries_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        batch_resources({"streams": []}, 0)
