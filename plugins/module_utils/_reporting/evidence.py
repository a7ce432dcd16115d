# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The evidence of a diagnosis, and the causes that it may lead to. PRIVATE to the collection: it can change at any time."""

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
    """Everything that was read. What the login may not read is None."""

    namespace: str
    cluster: str
    statefulset: Object | None = None
    service: Object | None = None
    pods: Sequence[Object] = ()
    # By server: the name of its pod. They differ where SERVER_NAME has a prefix.
    servers: Mapping[str, str] = field(default_factory=dict)
    claims: Sequence[Object] = ()
    policies: Sequence[Object] | None = ()
    events: Sequence[Object] | None = ()
    classes: Sequence[Object] | None = ()
    nodes: Sequence[Object] | None = ()
    # By pod: the log of its server, and of the server process before, if that ended.
    logs: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)
    # By pod whose container runs: what it sees from inside.
    inside: Mapping[str, Inside] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=lambda: Snapshot(()))
    findings: Sequence[Finding] = ()
    # By server: its open connections, those with the most pending bytes first.
    connections: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    # By server: the connections that it closed, the latest first.
    closed: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    # The Service for clients outside of Kubernetes, where one is declared.
    external_service: Object | None = None


class CauseRank(IntEnum):
    """The kinds of causes; one that explains more problems has a lower rank."""

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
    # The pods, servers and volumes that it is about: other problems of these are its effects.
    about: frozenset[str] = frozenset()


def cause(rank: CauseRank, code: str, what: str, evidence: str, remedy: str, *about: str) -> Cause:
    severity = "warning" if rank is CauseRank.RISK else "error"
    return Cause(rank, Finding(severity, code, what, evidence.rstrip("."), remedy), frozenset(about))


def object_name(item: Object) -> str:
    name: str = item["metadata"]["name"]
    return name


def server_of(facts: Evidence, pod: Object) -> str:
    """The name of the server in a pod."""
    name = object_name(pod)
    return next((server for server, of in facts.servers.items() if of == name), name)


def container(pod: Object) -> Object:
    """The server's container, as the pod declares it."""
    found: Object = next((entry for entry in pod["spec"]["containers"] if entry["name"] == "nats"), {})
    return found


def status(pod: Object) -> Object:
    """The status of the server's container."""
    containers = pod["status"].get("containerStatuses") or []
    found: Object = next((entry for entry in containers if entry["name"] == "nats"), {})
    return found


def events_of(facts: Evidence, *names: str, reason: str = "") -> Iterator[Object]:
    """The warnings about these objects, the latest first, without those about earlier objects of the same name."""
    uids = {
        (kind, item["metadata"]["name"]): item["metadata"].get("uid")
        for kind, items in (("Pod", facts.pods), ("PersistentVolumeClaim", facts.claims))
        for item in items
    }
    warnings = []
    for event in facts.events or ():
        about = event["involvedObject"]
        event_uid, uid = about.get("uid"), uids.get((about.get("kind"), about.get("name")))
        same_object = not event_uid or not uid or event_uid == uid
        if about.get("name") in names and event.get("type") == "Warning" and same_object:
            warnings.append(event)
    for event in sorted(warnings, key=_moment, reverse=True):
        if not reason or event["reason"] == reason:
            yield event


def _moment(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def event_text(event: Object) -> str:
    return f"{event['reason']}: {event.get('message', '')}".strip()
