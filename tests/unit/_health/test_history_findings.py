# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a comparison with an earlier result shows."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.history_findings import (
    earlier_figures,
    history_findings,
)
from tests.support.findings import codes

BEFORE = {
    "streams": {"APP/EVENTS": {"last_seq": 50, "created": "then"}},
    "servers": {"nats-0": {"slow_consumers": 1, "start": "s"}},
}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"streams": {"APP/EVENTS": {"last_seq": 50, "created": "then"}}}, []),
        ({"streams": {"APP/EVENTS": {"last_seq": 0, "created": "then"}}}, [("error", "STREAM_WENT_BACK")]),
        ({"streams": {"APP/EVENTS": {"last_seq": 0, "created": "anew"}}}, []),
        ({"streams": {}}, []),
        ({"servers": {"nats-0": {"slow_consumers": 3, "start": "s"}}}, [("warning", "SLOW_CONSUMER")]),
        ({"servers": {"nats-0": {"slow_consumers": 1, "start": "s"}}}, []),
        ({"servers": {"nats-0": {"slow_consumers": 3, "start": "later"}}}, []),
    ],
)
def test_what_only_a_comparison_shows(now, expected):
    assert codes(history_findings(BEFORE, now)) == expected


@pytest.mark.parametrize(
    ("previous", "figures"),
    [
        ({}, {}),
        (BEFORE, BEFORE),
        # A whole result, registered by a task that passed or failed.
        ({"changed": False, "streams": {"count": 1}, "figures": BEFORE}, BEFORE),
        ({"failed": True, "figures": {}}, {}),
    ],
)
def test_a_whole_result_is_taken_as_its_figures(previous, figures):
    assert earlier_figures(previous) == figures


@pytest.mark.parametrize(
    "previous", [{"streams": {"count": 1}}, {"healthy": True}, {"figures": "text"}, {"results": []}]
)
def test_what_has_no_figures_is_refused(previous):
    with pytest.raises(NatsError, match="neither a result of nats_health nor the figures of one"):
        earlier_figures(previous)
