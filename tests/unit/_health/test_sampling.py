# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which samples are enough for a verdict, and which replicas count as current over several samples."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import LAG_IN_FLIGHT, groups
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import (
    Sample,
    Steady,
    lasting,
    settled,
)
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


DOWN = error("SERVER_DOWN", "server n3", "no answer", "Look at its log.")
BEHIND = error("STREAM_REPLICA_NOT_CURRENT", "stream S", "its replica on n3 is not current", "Wait.")
STUCK = [error("CONSUMER_STUCK", "consumer c", "it delivers nothing", "Look.", position) for position in ("7", "8")]


@pytest.mark.parametrize(
    ("samples", "findings"),
    [
        ([[DOWN], [BEHIND], [DOWN]], [DOWN]),
        ([[DOWN], [BEHIND]], []),
        ([[BEHIND], [BEHIND]], [BEHIND]),
        ([[STUCK[0]], [STUCK[0]]], [STUCK[0]]),
        ([[STUCK[0]], [STUCK[1]]], []),
        # A cluster that is never healthy is not healthy because its samples differ.
        ([[BEHIND], [DOWN]], [DOWN]),
    ],
)
def test_a_transient_finding_counts_only_if_every_sample_has_it(samples, findings):
    assert lasting(samples) == findings


@pytest.mark.parametrize(
    ("moments", "used"),
    [
        ([0.0], []),
        ([0.0, 0.5, 1.0], []),
        ([0.0, 0.5, 1.0, 3.0], [0.0, 0.5, 1.0, 3.0]),
        ([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]),
        # One sample can take longer than all of them should: it alone is no proof.
        ([0.0, 4.1], []),
        ([0.0, 4.1, 8.2], [0.0, 4.1, 8.2]),
        ([0.0, 4.1, 8.2, 12.3], [4.1, 8.2, 12.3]),
    ],
)
def test_samples_are_judged_when_they_are_enough_and_span_three_seconds(moments, used):
    assert len(settled([Sample(moment, [DOWN]) for moment in moments], moments[-1])) == len(used)
