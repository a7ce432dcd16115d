# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress messages of a running module."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.progress import (
    Waiting,
    listening,
    tell,
)


def test_only_a_listener_gets_progress_messages():
    heard: list[str] = []
    tell("before")
    with listening(heard.append):
        tell("now")
    tell("after")
    assert heard == ["now"]


@pytest.mark.parametrize(
    ("polls", "shown"),
    [
        ([(0.1, "s: a"), (4.9, "s: b"), (5, "s: c"), (5.1, "s: d"), (9.9, "s: e"), (10, "s: f")], ["s: c", "s: f"]),
        # What has not changed is not told again, but how long it lasts.
        (
            [(5, "s: a: b"), (10, "s: a: b"), (34, "s: a: b"), (35, "s: a: b"), (64, "s: a: b"), (65, "s: a: b")],
            ["s: a: b", "s: no change for 30 s", "s: no change for 60 s"],
        ),
        (
            [(5, "s: a"), (6, "s: b"), (11, "s: b"), (40, "s: b"), (41, "s: b")],
            ["s: a", "s: b", "s: no change for 30 s"],
        ),
        ([(5, "s: a"), (10, "s: b"), (15, "s: a")], ["s: a", "s: b", "s: a"]),
    ],
)
def test_a_wait_is_told_when_something_changes_and_counted_while_nothing_does(polls, shown):
    heard: list[str] = []
    clock = iter([0, *(moment for moment, _sentence in polls)])
    waiting = Waiting(lambda: next(clock))
    with listening(heard.append):
        for _moment, sentence in polls:
            waiting(sentence)
    assert heard == shown
