# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""When a verdict on a cluster stands: it is looked at several times. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import LAG_IN_FLIGHT, Asset, groups
from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import MOMENTARY, SEVERITIES, Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    says_ok,
)

# A healthy busy cluster looks doubtful now and then. Seconds that a doubt has to last, those between two samples,
# and how many samples must have it: one alone may take longer than all of them should.
DOUBT_LASTS_S, SAMPLE_INTERVAL_S, MIN_SAMPLES = 3.0, 0.3, 3

# Seconds after which a cluster that is another one in every sample is judged by the last.
MAX_RESTLESS_S = 12.0


class Source(Protocol):
    """Where snapshots come from."""

    def take(self) -> Snapshot:
        """What is seen now."""

    def note_secrets(self) -> None:
        """Have the secrets of the source hidden from what is shown."""


def observe(source: Source, wait_timeout: float, fail_on: str) -> tuple[Snapshot, list[Finding]]:
    """The first sample that leaves no doubt; or the last one, with what was wrong in all of the last samples."""
    deadline = time.monotonic() + wait_timeout
    seen: list[tuple[float, list[Finding]]] = []
    look = Steady(source.take)
    while True:
        snapshot = look()
        findings = evaluate(snapshot)
        if not any(finding.code in MOMENTARY or fails(finding, fail_on) for finding in findings):
            return snapshot, findings
        now = time.monotonic()
        seen.append((now, findings))
        if last := settled(seen, now):
            found = lasting(last)
            failing = {_same(finding) for finding in found if fails(finding, fail_on)}
            # What has only just come may be an election: it is watched for as long.
            new = bool(failing - findings_of_all(last)) and now < max(deadline, seen[0][0] + MAX_RESTLESS_S)
            if not failing or (now >= deadline and not new):
                return snapshot, found
        time.sleep(SAMPLE_INTERVAL_S)


def settled(seen: list[tuple[float, list[Finding]]], now: float) -> list[list[Finding]]:
    """The latest samples that together are enough to judge by, or none as long as there are too few."""
    old_enough = sum(moment <= now - DOUBT_LASTS_S for moment, _findings in seen)
    if not old_enough or len(seen) < MIN_SAMPLES:
        return []
    return [found for _moment, found in seen[min(old_enough - 1, len(seen) - MIN_SAMPLES) :]]


def fails(finding: Finding, fail_on: str) -> bool:
    return fail_on in SEVERITIES and SEVERITIES.index(finding.severity) >= SEVERITIES.index(fail_on)


def lasting(seen: list[list[Finding]]) -> list[Finding]:
    """The latest findings, without those that come and go where nothing is wrong."""
    common = findings_of_all(seen)
    return [finding for finding in seen[-1] if finding.code not in MOMENTARY or _same(finding) in common]


def findings_of_all(seen: list[list[Finding]]) -> set[tuple[str, str, str]]:
    return set.intersection(*({_same(finding) for finding in sample} for sample in seen))


def _same(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.object, finding.mark


class Steady:
    """A replica that was seen current stays so while no more than what is under way is missing; for one wait."""

    def __init__(self, take: Callable[[], Snapshot]) -> None:
        self._take = take
        self._current: set[tuple[Asset, str]] = set()

    def __call__(self) -> Snapshot:
        snapshot = self._take()
        # Of a server that is just back the leader may still say what it was before.
        recovered = {told["server"]["name"] for told in snapshot.healthz if says_ok(told)}
        for asset, group in groups(answered(snapshot)).items():
            for peer in group.replicas:
                replica = (asset, str(peer["name"]))
                if peer.get("offline") or replica[1] not in recovered:
                    self._current.discard(replica)
                elif peer.get("current"):
                    self._current.add(replica)
                elif replica in self._current and peer.get("lag", 0) <= LAG_IN_FLIGHT:
                    peer["current"] = True
        return snapshot

    def forget(self, server: str) -> None:
        """It is another process from now on."""
        self._current = {replica for replica in self._current if replica[1] != server}
