# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress messages of a running module."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._common.progress import (
    REPORT_INTERVAL_S,
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


def test_a_wait_is_reported_once_in_each_interval():
    heard: list[str] = []
    clock = iter(
        [
            0,
            0.1,
            REPORT_INTERVAL_S - 0.1,
            REPORT_INTERVAL_S,
            REPORT_INTERVAL_S + 0.1,
            2 * REPORT_INTERVAL_S - 0.1,
            2 * REPORT_INTERVAL_S,
        ]
    )
    waiting = Waiting(lambda: next(clock))
    with listening(heard.append):
        for number in range(6):
            waiting(str(number))
    assert heard == ["2", "5"]
