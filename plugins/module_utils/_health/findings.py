# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The findings of the health check: what is wrong, by severity and code. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable_line

SEVERITIES = ("info", "warning", "error")
WORST_FIRST = tuple(reversed(SEVERITIES))


@dataclass(frozen=True)
class Finding:
    severity: str
    code: str
    object: str
    evidence: str
    remedy: str
    # For what is wrong only while it stands still: a position, which must be the same in all samples.
    position: str = ""

    def __post_init__(self) -> None:
        # Names and events come from other people: a line break in one would look like a finding of its own.
        for name in ("object", "evidence", "remedy"):
            object.__setattr__(self, name, displayable_line(getattr(self, name)))

    def __str__(self) -> str:
        return f"{self.object}: {self.evidence.rstrip('.')}. {self.remedy}"

    @property
    def server(self) -> str | None:
        """The name of the server or pod that the finding is about, if it is about one."""
        kind, _space, name = self.object.partition(" ")
        return name if kind in ("server", "pod") else None

    def result(self) -> dict[str, str]:
        """The finding as modules return it."""
        return {
            "severity": self.severity,
            "code": self.code,
            "object": self.object,
            "evidence": self.evidence,
            "remedy": self.remedy,
        }


def error(code: str, what: str, evidence: str, remedy: str, position: str = "") -> Finding:
    return Finding("error", code, what, evidence, remedy, position)


def warning(code: str, what: str, evidence: str, remedy: str, position: str = "") -> Finding:
    return Finding("warning", code, what, evidence, remedy, position)


def info(code: str, what: str, evidence: str, remedy: str) -> Finding:
    return Finding("info", code, what, evidence, remedy)


def percent(part: float, whole: float) -> int:
    """How much of a limit is used; 0 where there is no limit."""
    return int(100 * part / whole) if whole > 0 else 0


# A healthy cluster shows these for a moment now and then, so they are findings only if they last.
TRANSIENT_CODES = frozenset(
    {
        "META_PEER_NOT_CURRENT",
        "META_DISAGREEMENT",
        "STREAM_REPLICA_NOT_CURRENT",
        "STREAM_NO_LEADER",
        "STREAM_UNAVAILABLE",
        "CONFIG_NOT_APPLIED",
        "CONSUMER_REPLICA_NOT_CURRENT",
        "CONSUMER_NO_LEADER",
        "CONSUMER_STUCK",
        "CONSUMER_GHOST",
        "CONSUMER_UNAVAILABLE",
        "ACCOUNT_NOT_ASKED",
        "ORPHANED_STREAMS",
        "ROUTES_MISSING",
        "HEALTH_CHECK_FAILED",
        "CPU_HIGH",
        "CLOCK_SKEW",
    }
)
