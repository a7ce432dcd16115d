# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The causes of what is wrong, the most likely first. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding
from ansible_collections.messaging.nats.plugins.module_utils._reporting.cluster_causes import forming
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import Cause, CauseRank, Evidence
from ansible_collections.messaging.nats.plugins.module_utils._reporting.memory_causes import memory
from ansible_collections.messaging.nats.plugins.module_utils._reporting.storage_causes import persisting

# What follows from a server that is away or apart, whatever the reason.
EFFECTS = frozenset(
    {
        "META_NO_QUORUM",
        "META_NO_LEADER",
        "META_DISAGREEMENT",
        "META_PEER_NOT_CURRENT",
        "ROUTES_MISSING",
        "HEALTH_CHECK_FAILED",
        "STREAM_NO_LEADER",
        "STREAM_UNDER_REPLICATED",
        "STREAM_REPLICA_OFFLINE",
        "STREAM_REPLICA_NOT_CURRENT",
        "STREAM_UNAVAILABLE",
        "CONSUMER_NO_LEADER",
        "CONSUMER_UNDER_REPLICATED",
        "CONSUMER_REPLICA_OFFLINE",
        "CONSUMER_REPLICA_NOT_CURRENT",
    }
)
# What health says of a server about which a cause is known says less than the cause.
SAME = frozenset(
    {
        "POD_MISSING",
        "POD_PENDING",
        "POD_CRASHING",
        "POD_NOT_RUNNING",
        "IMAGE_PULL",
        "SERVER_DOWN",
        "SERVER_NOT_RESPONDING",
        "SERVER_ISOLATED",
        "ROUTE_UNRESOLVABLE",
        "CLUSTER_NAME_MISMATCH",
        "JETSTREAM_DISABLED",
        "SERVER_NOT_IN_META",
        "OOM_KILLED",
    }
)
MAX_LISTED = 6


@dataclass(frozen=True)
class Diagnosis:
    finding: Finding
    # What else is seen because of it.
    effects: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        own = {key: value for key, value in asdict(self.finding).items() if key != "mark"}
        return own | {"effects": list(self.effects)}


def diagnose(facts: Evidence) -> list[Diagnosis]:
    """Every cause once, with what it explains; then what none of them explains."""
    causes = sorted([*forming(facts), *persisting(facts), *memory(facts)], key=lambda found: found.rank)
    found = [*_without_repetition(causes)]
    roots = [one for one in found if one.rank <= CauseRank.SYMPTOM]
    effects: dict[Cause, list[str]] = {root: [] for root in roots}
    left = []
    for finding in facts.findings:
        root = _root(facts, finding, roots)
        if root is None:
            left.append(_of_health(finding))
        elif finding.code != root.finding.code:
            effects[root].append(f"{finding.code} {finding.object}")
    ranked = sorted([*found, *left], key=lambda one: (SEVERITY[one.finding.severity], one.rank))
    return [Diagnosis(one.finding, tuple(effects.get(one, ()))) for one in ranked]


SEVERITY = {"error": 0, "warning": 1, "info": 2}


def _of_health(finding: Finding) -> Cause:
    return Cause(CauseRank.SYMPTOM if finding.severity == "error" else CauseRank.RISK, finding)


def _without_repetition(causes: Sequence[Cause]) -> Iterator[Cause]:
    """Of several causes about the same pod that keep it from running, the first: the others follow from it."""
    explained: set[str] = set()
    for one in causes:
        if one.rank in (CauseRank.CANT_START, CauseRank.ENDS) and one.about and one.about <= explained:
            continue
        if one.rank <= CauseRank.ENDS:
            explained |= one.about
        yield one


def _root(facts: Evidence, finding: Finding, roots: Sequence[Cause]) -> Cause | None:
    """The cause that explains what health has found."""
    if finding.code in SAME:
        name = finding.object.split()[-1]
        about = {name, facts.servers.get(name, name)}
        if own := next((root for root in roots if root.about & about), None):
            return own
        everywhere = [root for root in roots if not root.about]
        return everywhere[0] if everywhere else None
    return roots[0] if finding.code in EFFECTS and roots else None


def page(facts: Evidence, found: Sequence[Diagnosis]) -> str:
    """The diagnosis as a person reads it."""
    lines = [f"DIAGNOSIS of cluster {facts.cluster} in namespace {facts.namespace}"]
    if not found:
        lines.append("  Nothing is wrong.")
    for number, one in enumerate(found, 1):
        finding = one.finding
        lines += [
            f"  {number}. {finding.severity} {finding.code}: {finding.object}",
            f"     {finding.evidence}.",
            f"     Remedy: {finding.remedy}",
        ]
        if one.effects:
            more = f" and {len(one.effects) - MAX_LISTED} more" if len(one.effects) > MAX_LISTED else ""
            lines.append(f"     Explains: {'; '.join(one.effects[:MAX_LISTED])}{more}")
    unread = [
        what
        for what, known in (
            ("nodes", facts.nodes),
            ("storage classes", facts.classes),
            ("events", facts.events),
            ("network policies", facts.policies),
        )
        if known is None
    ]
    if unread:
        lines.append(f"  Not looked at, for want of rights: {', '.join(unread)}.")
    return "\n".join(lines)
