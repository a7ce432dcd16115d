# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence of clusters for tests of causes: a healthy one, and ways to change what was looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import Evidence
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Inside, Peer

PODS = ("nats-0", "nats-1", "nats-2")
MIB = 2**20
LABELS = {"app": "nats"}
SERVICE = {"metadata": {"name": "nats"}, "spec": {"selector": LABELS}}
STATEFULSET = {"metadata": {"name": "nats"}, "spec": {"replicas": 3}}
CLASSES = ({"metadata": {"name": "standard"}},)
RUNNING = {"name": "nats", "state": {"running": {}}, "ready": True, "restartCount": 0}


def pod(
    name: str,
    state: Mapping[str, Any] | None = None,
    phase: str = "Running",
    memory: str | None = "512Mi",
    go: str | None = "409MiB",
    volume: Mapping[str, Any] | None = None,
    uid: str = "",
) -> dict[str, Any]:
    """A pod whose server runs; `state` changes the status of its container, `go` is GOMEMLIMIT."""
    environment = [{"name": "GOMEMLIMIT", "value": go}] if go else []
    mounts = [{"name": "data", "mountPath": "/data"}]
    server: dict[str, Any] = {"name": "nats", "image": "nats:1", "env": environment, "volumeMounts": mounts}
    server |= {"resources": {"limits": {"memory": memory}}} if memory else {}
    spec: dict[str, Any] = {
        "containers": [server],
        "volumes": [{"name": "data", **(volume or {"persistentVolumeClaim": {}})}],
    }
    if phase != "Pending":
        spec["nodeName"] = "worker"
    found = {"phase": phase, "containerStatuses": [{**RUNNING, **(state or {})}] if phase != "Pending" else []}
    return {"metadata": {"name": name, "labels": LABELS, "uid": uid}, "spec": spec, "status": found}


def peers(*silent: str, unresolved: Collection[str] = (), cluster: str = "nats") -> dict[str, Peer]:
    """How a pod reaches each server."""
    answering = {name: Peer(f"10.0.0.{name[-1]}", True, name, cluster) for name in PODS if name not in silent}
    return answering | {name: Peer(f"10.0.0.{name[-1]}") for name in silent} | dict.fromkeys(unresolved, Peer())


def inside(**more: Any) -> Inside:
    """What a pod sees that reaches all others."""
    values: dict[str, Any] = {"mounted_on": "/data", "file_limit": 65536, "open_files": 20, "peers": peers()}
    return Inside(**values | more)


WELL = Evidence(
    "nats",
    "nats",
    STATEFULSET,
    SERVICE,
    [pod(name) for name in PODS],
    {name: name for name in PODS},
    classes=CLASSES,
    inside={name: inside() for name in PODS},
)


def event(name: str, reason: str, message: str, moment: str = "2026-01-01T00:00:00Z", uid: str = "") -> dict[str, Any]:
    about = {"involvedObject": {"kind": "Pod", "name": name, "uid": uid}, "type": "Warning", "lastTimestamp": moment}
    return about | {"reason": reason, "message": message, "metadata": {"name": "event"}}


def first(changed: Mapping[str, Any], **more: Any) -> Evidence:
    """A healthy cluster, except for its first pod."""
    return replace(WELL, pods=[changed, *WELL.pods[1:]], **more)


def ended(log: str, **more: Any) -> Evidence:
    """A cluster whose first server ended with this log."""
    state = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1, **more}}}
    return first(pod("nats-0", {**state, "restartCount": 2}), ended={"nats-0": log})


def seen(name: str, **more: Any) -> Evidence:
    """A cluster in which one pod sees something that the others don't."""
    return replace(WELL, inside={**WELL.inside, name: inside(**more)})
