# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a server uses much memory, as a table of what was looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._reporting.diagnosis import diagnose, diagnosis_page
from tests.support.evidence import MIB, PODS, WELL, first, pod


def varz(server="nats-0", **data):
    return Snapshot((*PODS, server), varz=({"server": {"name": server}, "data": data},))


KILLED = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "noon"}}


SLOW = {"name": "reader", "account": "APP", "ip": "10.1.1.1", "port": 4, "pending_bytes": 30 * MIB}


# What was looked at; the codes of the causes, in their order; words of the first cause.
CASES = {
    "killed for memory, and back": (
        first(
            pod("nats-0", {"lastState": KILLED, "restartCount": 1}),
            snapshot=varz(mem=400 * MIB, connections=7, subscriptions=9, jetstream={"stats": {"memory": 100 * MIB}}),
        ),
        ["OOM_KILLED"],
        "memory streams 100 MiB, waiting for clients 0 MiB, 7 connections, 9 subscriptions",
    ),
    "killed for memory, by the name of its server": (
        first(
            pod("nats-0", {"lastState": KILLED, "restartCount": 1}),
            servers={"west-nats-0": "nats-0"},
            snapshot=varz("west-nats-0", mem=400 * MIB),
        ),
        ["OOM_KILLED"],
        "Now it uses 400 MiB",
    ),
    "killed for memory, and away": (
        first(pod("nats-0", {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": KILLED})),
        ["OOM_KILLED"],
        "beyond 512 MiB, and it does not run",
    ),
    "no limit for Go": (first(pod("nats-0", go=None)), ["GOMEMLIMIT"], "GOMEMLIMIT is not set"),
    "no limit at all": (first(pod("nats-0", memory=None, go=None)), [], ""),
    "a large store for memory": (
        replace(WELL, snapshot=varz(jetstream={"config": {"max_memory": 400 * MIB}})),
        ["MEMORY_STORE_TOO_LARGE"],
        "400 of the container's 512 MiB",
    ),
    "a slow reader": (
        replace(WELL, connections={"nats-0": [SLOW]}),
        ["PENDING_BYTES"],
        "reader of account APP at 10.1.1.1:4 30 MiB",
    ),
    "a reader that was too slow": (
        replace(WELL, closed={"nats-0": [{**SLOW, "reason": "Slow Consumer (Pending Bytes)", "stop": "noon"}]}),
        ["SLOW_CONSUMERS"],
        "Slow Consumer (Pending Bytes), noon",
    ),
    "a reader that left": (replace(WELL, closed={"nats-0": [{**SLOW, "reason": "Client Closed"}]}), [], ""),
}


@pytest.mark.parametrize(("facts", "codes", "words"), CASES.values(), ids=list(CASES))
def test_why_memory_is_high(facts, codes, words):
    diagnoses = diagnose(facts)
    assert [diagnosis.finding.code for diagnosis in diagnoses] == codes
    assert words in diagnosis_page(facts, diagnoses[:1])
