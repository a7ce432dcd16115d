# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The diagnosis: all causes, the most likely first, each with its effects. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable_line
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import WORST_FIRST, Finding
from ansible_collections.messaging.nats.plugins.module_utils._reporting.cluster_causes import forming
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import Cause, CauseRank, Evidence
from ansible_collections.messaging.nats.plugins.module_utils._reporting.memory_causes import memory
from ansible_collections.messaging.nats.plugins.module_utils._reporting.storage_causes import persisting

# Findings that follow from any server that is down or cut off, whatever the cause.
EFFECT_CODES = frozenset(
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
# Findings about a server that say less than a cause that is known for the same server.
SYMPTOM_CODES = frozenset(
    {
        "POD_MISSING",
        "POD_PENDING",
        "POD_CRASHING",
        "POD_NOT_RUNNING",
        "POD_TERMINATING",
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
MAX_EFFECTS_LISTED = 6


@dataclass(frozen=True)
class Diagnosis:
    finding: Finding
    # The findings that it explains.
    effects: tuple[str, ...] = ()

    def result(self) -> dict[str, Any]:
        """The diagnosis as the module returns it."""
        return {**self.finding.result(), "effects": list(self.effects)}


def diagnose(facts: Evidence) -> list[Diagnosis]:
    """Every cause once with the findings that it explains, and the findings that no cause explains."""
    possible = sorted([*forming(facts), *persisting(facts), *memory(facts)], key=lambda cause: cause.rank)
    causes = [*_without_consequences(possible)]
    roots = [cause for cause in causes if cause.rank <= CauseRank.SYMPTOM]
    effects: dict[Cause, list[str]] = {root: [] for root in roots}
    unexplained = []
    for finding in facts.findings:
        root = _root(facts, finding, roots)
        if root is None:
            unexplained.append(_as_cause(finding))
        elif finding.code != root.finding.code:
            effects[root].append(f"{finding.code} {finding.object}")
    ranked = sorted([*causes, *unexplained], key=lambda cause: (WORST_FIRST.index(cause.finding.severity), cause.rank))
    return [Diagnosis(cause.finding, tuple(effects.get(cause, ()))) for cause in ranked]


def _as_cause(finding: Finding) -> Cause:
    return Cause(CauseRank.SYMPTOM if finding.severity == "error" else CauseRank.RISK, finding)


def _without_consequences(causes: Sequence[Cause]) -> Iterator[Cause]:
    """Of several causes that keep the same pod from running, or from meeting the others, only the first: the others follow from it."""
    explained: set[str] = set()
    for cause in causes:
        if CauseRank.CANT_START <= cause.rank <= CauseRank.CANT_MEET and cause.about and cause.about <= explained:
            continue
        if cause.rank <= CauseRank.ENDS:
            explained |= cause.about
        yield cause


def _root(facts: Evidence, finding: Finding, roots: Sequence[Cause]) -> Cause | None:
    """The cause that explains a finding of the health check."""
    if finding.code in SYMPTOM_CODES:
        name = finding.server or ""
        about = {name, facts.servers.get(name, name)}
        if own := next((root for root in roots if root.about & about), None):
            return own
        everywhere = [root for root in roots if not root.about]
        return everywhere[0] if everywhere else None
    return roots[0] if finding.code in EFFECT_CODES and roots else None


def diagnosis_page(facts: Evidence, diagnoses: Sequence[Diagnosis]) -> str:
    """The diagnosis as text for people."""
    view = facts.snapshot.kubernetes
    place = (view.place if view else "") or f"cluster {facts.cluster} in namespace {facts.namespace}"
    lines = [f"DIAGNOSIS of {displayable_line(place)}"]
    if not diagnoses:
        lines.append("  Nothing is wrong.")
    for number, diagnosis in enumerate(diagnoses, 1):
        finding, effects = diagnosis.finding, diagnosis.effects
        lines += [
            f"  {number}. {finding.severity} {finding.code}: {finding.object}",
            f"     {finding.evidence.rstrip('.')}.",
            f"     Remedy: {finding.remedy}",
        ]
        if effects:
            more = f" and {len(effects) - MAX_EFFECTS_LISTED} more" if len(effects) > MAX_EFFECTS_LISTED else ""
            lines.append(f"     Explains: {'; '.join(effects[:MAX_EFFECTS_LISTED])}{more}")
    if unread := _unread(facts):
        lines.append(f"  Not looked at, because the login may not read them: {', '.join(unread)}.")
    return "\n".join(lines)


def _unread(facts: Evidence) -> list[str]:
    objects = {
        "nodes": facts.nodes,
        "storage classes": facts.classes,
        "events": facts.events,
        "network policies": facts.policies,
    }
    return [kind for kind, found in objects.items() if found is None]
