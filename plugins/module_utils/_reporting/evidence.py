# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is known of a cluster in trouble, and what may be its cause. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Inside

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """All that was looked at. What may not be read is None."""

    namespace: str
    cluster: str
    statefulset: Object | None = None
    service: Object | None = None
    pods: Sequence[Object] = ()
    # The pod of each server.
    servers: Mapping[str, str] = field(default_factory=dict)
    claims: Sequence[Object] = ()
    policies: Sequence[Object] | None = ()
    events: Sequence[Object] | None = ()
    classes: Sequence[Object] | None = ()
    nodes: Sequence[Object] | None = ()
    # By pod: the log of its server, and of the one before where that ended.
    logs: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)
    # By pod whose container runs.
    inside: Mapping[str, Inside] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=lambda: Snapshot(()))
    findings: Sequence[Finding] = ()
    # By server: its connections, those with the most pending bytes first.
    connections: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    # By server: connections that it closed, the latest first.
    closed: Mapping[str, Sequence[Object]] = field(default_factory=dict)


class CauseRank(IntEnum):
    """What explains more comes first."""

    NOT_THERE = 1
    CANT_START = 2
    ENDS = 3
    CANT_MEET = 4
    CANT_STORE = 5
    SYMPTOM = 6
    RISK = 7


@dataclass(frozen=True)
class Cause:
    rank: CauseRank
    finding: Finding
    # The pods, servers and volumes that it is about: what else is wrong with them is its effect.
    about: frozenset[str] = frozenset()


def cause(rank: CauseRank, code: str, what: str, evidence: str, remedy: str, *about: str) -> Cause:
    severity = "warning" if rank is CauseRank.RISK else "error"
    return Cause(rank, Finding(severity, code, what, evidence.rstrip("."), remedy), frozenset(about))


def object_name(item: Object) -> str:
    name: str = item["metadata"]["name"]
    return name


def container(pod: Object) -> Object:
    """The container of the server, as it is declared."""
    found: Object = next((entry for entry in pod["spec"]["containers"] if entry["name"] == "nats"), {})
    return found


def status(pod: Object) -> Object:
    """The state of that container."""
    containers = pod["status"].get("containerStatuses") or []
    found: Object = next((entry for entry in containers if entry["name"] == "nats"), {})
    return found


def events_of(facts: Evidence, *names: str, reason: str = "") -> Iterator[Object]:
    """The warnings about these objects, the latest first; not those about what had their name before."""
    present = {
        (kind, item["metadata"]["name"]): item["metadata"].get("uid")
        for kind, items in (("Pod", facts.pods), ("PersistentVolumeClaim", facts.claims))
        for item in items
    }
    found = []
    for event in facts.events or ():
        about = event["involvedObject"]
        told, uid = about.get("uid"), present.get((about.get("kind"), about.get("name")))
        if about.get("name") in names and event.get("type") == "Warning" and (not told or not uid or told == uid):
            found.append(event)
    for event in sorted(found, key=_moment, reverse=True):
        if not reason or event["reason"] == reason:
            yield event


def _moment(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def said(event: Object) -> str:
    return f"{event['reason']}: {event.get('message', '')}".strip()
