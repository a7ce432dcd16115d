# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which streams give up subjects and take them."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import (
    SubjectChange,
    rounds,
    taken_in_turn,
)


def change(stream, before, after):
    return SubjectChange(stream, tuple(before), tuple(after))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([change("A", "x", "y"), change("B", "z", "w")], [({"A", "B"}, {})]),
        ([change("B", "b", "bx"), change("A", "ax", "a")], [({"A"}, {}), ({"B"}, {})]),
        ([change("B", "", "x"), change("A", "ax", "ax")], [({"A", "B"}, {})]),  # nobody gives it up
        (
            [change("A", "ax", "ay"), change("B", "by", "bx")],
            [({"B"}, {"A": ("a",)}), ({"A"}, {})],
        ),
    ],
)
def test_a_stream_that_gives_up_a_subject_comes_before_the_one_that_takes_it(changes, expected):
    assert [(set(turn.streams), dict(turn.released)) for turn in rounds(changes)] == expected


@pytest.mark.parametrize(
    ("changes", "keeping", "taken"),
    [
        # The one that is written first has it.
        (
            [change("A", "", ["a.>"]), change("B", "", ["a.b"]), change("C", "", "c")],
            {},
            {"B": {"a.b": ["A"]}},
        ),
        # One that has it already keeps it, also against a stream that is written before.
        ([change("A", "", "x"), change("B", "xy", "xz")], {}, {"A": {"x": ["B"]}}),
        ([change("A", "", "xy")], {"B": ["x"]}, {"A": {"x": ["B"]}}),
        # One that is refused takes nothing from the others.
        ([change("A", "", "xy"), change("C", "", "y")], {"B": ["x"]}, {"A": {"x": ["B"]}}),
    ],
)
def test_of_two_streams_with_one_subject_the_later_one_is_refused(changes, keeping, taken):
    assert taken_in_turn(changes, keeping) == taken
