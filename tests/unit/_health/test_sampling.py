# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which replicas count as current over several looks at a busy cluster."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import LAG_IN_FLIGHT, groups
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Steady
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot, answered
from tests.support.placed import answers

NAMES = "n1 n2 n3"


def sample(streams, lag=4, recovers=()):
    told = answers(NAMES, streams, {"A/c": streams["A"]})
    for group in groups(told).values():
        for peer in group.replicas:
            if not peer.get("current"):
                peer["lag"] = lag
    healthz = tuple(
        {"server": {"name": name}, "data": {"status_code": 503 if name in recovers else 200}} for name in NAMES.split()
    )
    return Snapshot(tuple(NAMES.split()), answers=tuple(told.values()), healthz=healthz)


ALL, LATE, AWAY = {"A": "n1 n2 n3"}, {"A": "n1 n2 ~n3"}, {"A": "n1 n2 !n3"}


@pytest.mark.parametrize(
    ("samples", "current"),
    [
        ([sample(ALL), sample(LATE)], True),
        ([sample(LATE)], False),
        ([sample(LATE), sample(LATE)], False),
        ([sample(ALL), sample(LATE, lag=LAG_IN_FLIGHT + 1)], False),
        ([sample(ALL), sample(AWAY), sample(LATE)], False),
        ([sample(ALL), sample({"A": "n2 n1 ~n3"})], True),
        # What the leader says of a server that is not back yet is of before it went.
        ([sample(ALL, recovers=["n3"]), sample(LATE)], False),
        ([sample(ALL), sample(LATE, recovers=["n3"]), sample(LATE)], False),
        # Of two streams each is complete once, and never both.
        ([sample({"A": "n1 n2 n3", "B": "n1 n2 ~n3"}), sample({"A": "n1 n2 ~n3", "B": "n1 n2 n3"})], True),
    ],
    ids=["busy", "late", "always late", "far behind", "was away", "other leader", "stale", "restarted", "two streams"],
)
def test_who_is_current_after_several_looks(samples, current):
    left = iter(samples)
    look = Steady(lambda: next(left))
    last = [look() for _sample in samples][-1]
    assert all("n3" in group.current for group in groups(answered(last)).values()) is current


def test_of_a_server_that_was_restarted_nothing_is_remembered():
    left = iter([sample(ALL), sample(LATE)])
    look = Steady(lambda: next(left))
    look()
    look.forget("n3")
    assert all("n3" not in group.current for group in groups(answered(look())).values())
