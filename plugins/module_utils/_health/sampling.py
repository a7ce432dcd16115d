# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How often a cluster is looked at until its verdict is certain. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ansible_collections.messaging.nats.plugins.module_utils._common.progress import discard
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import LAG_IN_FLIGHT, Asset, groups
from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import (
    SEVERITIES,
    TRANSIENT_CODES,
    Finding,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    says_ok,
)

# A healthy busy cluster looks doubtful now and then. A finding has to last this long, in this many samples at least:
# a single sample can take longer than all of them together should.
MIN_DURATION_S, SAMPLE_INTERVAL_S, MIN_SAMPLES = 3.0, 0.3, 3

# A cluster whose findings change in every sample is judged by its last sample after this time.
MAX_CHANGING_S = 12.0


class Source(Protocol):
    """Where snapshots come from."""

    def take(self) -> Snapshot:
        """What is seen now."""

    def note_secrets(self) -> None:
        """Makes the secrets of the source known, so that they are masked in what is shown."""


class Sample(NamedTuple):
    """The findings of one moment of the monotonic clock."""

    moment: float
    findings: Sequence[Finding]


def observe(
    source: Source, wait_timeout: float, fail_on: str, waiting: Callable[[str], None] = discard
) -> tuple[Snapshot, list[Finding]]:
    """The first sample without a doubtful finding; or the last one, with the findings that all latest samples have."""
    deadline = time.monotonic() + wait_timeout
    samples: list[Sample] = []
    take = Steady(source.take)
    while True:
        snapshot = take()
        findings = evaluate(snapshot)
        if not any(finding.code in TRANSIENT_CODES or fails(finding, fail_on) for finding in findings):
            return snapshot, findings
        now = time.monotonic()
        waiting(waits_for(snapshot, findings, fail_on))
        samples.append(Sample(now, findings))
        if latest := settled(samples, now):
            lasting_findings = lasting(latest)
            failing = {_identity(finding) for finding in lasting_findings if fails(finding, fail_on)}
            # A failure that has just appeared may be an election: it has to last as long as the others.
            changing = bool(failing - _in_all(latest)) and now < max(deadline, samples[0].moment + MAX_CHANGING_S)
            if not failing or (now >= deadline and not changing):
                return snapshot, lasting_findings
        time.sleep(SAMPLE_INTERVAL_S)


def waits_for(snapshot: Snapshot, findings: Sequence[Finding], fail_on: str) -> str:
    """What is waited for, in one line: how many servers answer, and the first thing that is wrong."""
    failing = [finding for finding in findings if fails(finding, fail_on)] or findings
    more = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
    what = f": {failing[0].object}: {failing[0].evidence}{more}" if failing else ""
    return f"{len(answered(snapshot))} of {len(snapshot.expected)} servers answer{what}"


def settled(samples: Sequence[Sample], now: float) -> list[Sequence[Finding]]:
    """The findings of the latest samples that together are enough to judge by; none while there are too few."""
    old_enough = sum(sample.moment <= now - MIN_DURATION_S for sample in samples)
    if not old_enough or len(samples) < MIN_SAMPLES:
        return []
    return [sample.findings for sample in samples[min(old_enough - 1, len(samples) - MIN_SAMPLES) :]]


def fails(finding: Finding, fail_on: str) -> bool:
    return fail_on in SEVERITIES and SEVERITIES.index(finding.severity) >= SEVERITIES.index(fail_on)


def lasting(samples: Sequence[Sequence[Finding]]) -> list[Finding]:
    """The latest findings, without the transient ones that not all samples have."""
    common = _in_all(samples)
    return [finding for finding in samples[-1] if finding.code not in TRANSIENT_CODES or _identity(finding) in common]


def _in_all(samples: Sequence[Sequence[Finding]]) -> set[tuple[str, str, str]]:
    return set.intersection(*({_identity(finding) for finding in findings} for findings in samples))


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.object, finding.position


class Steady:
    """Snapshots in which a replica stays current once it was, as long as it lacks no more than what is in flight."""

    def __init__(self, take: Callable[[], Snapshot]) -> None:
        self._take = take
        self._current: set[tuple[Asset, str]] = set()

    def __call__(self) -> Snapshot:
        snapshot = self._take()
        # Of a server that has just come back the leader may still report what it was before.
        recovered = {answer["server"]["name"] for answer in snapshot.healthz if says_ok(answer)}
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
        """Drops what is known of a server that is restarted: it will be another process."""
        self._current = {replica for replica in self._current if replica[1] != server}
