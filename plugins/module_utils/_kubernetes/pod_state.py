# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads the state of a pod. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    REVISION_LABEL,
    Object,
    nats_container,
)

CLIENT_PORT, ROUTE_PORT, MONITOR_PORT = 4222, 6222, 8222
CONFIGURATION = "/etc/nats/nats.conf"
# The digest that `nats-server -t` prints.
DIGEST = re.compile(r"\((sha256:[0-9a-f]+)\)")
# Reasons for which a container waits because of its image.
IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
# Reasons for which a container waits that do not go away by themselves.
HOPELESS_REASONS = (*IMAGE_REASONS, "CreateContainerConfigError", "RunContainerError", "StartError", "CrashLoopBackOff")

LOOK_AT_CLAIM = "Look at its PersistentVolumeClaim: kubectl describe pvc tells what it waits for."
# Words of the scheduler, and what to do about them; the first that match count.
SCHEDULER_REASONS = (
    (
        "unbound immediate PersistentVolumeClaims",
        LOOK_AT_CLAIM,
    ),
    ("persistentvolumeclaim", LOOK_AT_CLAIM),
    (
        "volume node affinity conflict",
        "Its volume is bound to a node that can't take the pod: bring that node back, or delete volume and pod together if its data has other replicas.",
    ),
    ("Insufficient", "Add nodes, or lower nats_cluster_resources."),
    (
        "anti-affinity",
        "Each server needs a node of its own: add nodes, or set nats_cluster_spread: preferred.",
    ),
    (
        "unschedulable",
        "A node is cordoned (kubectl get nodes says which): "
        "give it back with the playbook drain and nats_cluster_node_state=uncordoned, or kubectl uncordon.",
    ),
    ("untolerated taint", "Add nats_cluster_tolerations, or remove the taint."),
    ("node affinity/selector", "Check nats_cluster_node_selector against the nodes' labels."),
)


def runs(pod: Object) -> bool:
    """Whether the server's container runs. The pod's phase does not tell: it is Running for crashing containers too."""
    containers = pod["status"].get("containerStatuses") or []
    return any(found["name"] == "nats" and "running" in found["state"] for found in containers)


def ready(pod: Object) -> bool:
    """Whether the pod is ready."""
    return any(
        found["type"] == "Ready" and found["status"] == "True" for found in pod["status"].get("conditions") or []
    )


def is_newest(pod: Object, statefulset: Object) -> bool:
    """Whether the pod was made from the StatefulSet's current template."""
    found: str | None = (pod["metadata"].get("labels") or {}).get(REVISION_LABEL)
    return bool(found == statefulset["status"].get("updateRevision"))


def is_up(pod: Object | None) -> bool:
    """Whether the pod exists, is ready and is not being deleted."""
    return pod is not None and ready(pod) and not pod["metadata"].get("deletionTimestamp")


def unschedulable(pod: Mapping[str, Any] | None) -> str | None:
    """Why no node takes the pod, in the scheduler's words.

    Not by an event: Kubernetes folds the scheduler's later events into the first one, which keeps its old message.
    """
    for found in (pod or {"status": {}})["status"].get("conditions") or []:
        if found["type"] == "PodScheduled" and found["status"] == "False" and found.get("reason") == "Unschedulable":
            # What it says about preemption repeats the numbers of nodes without their reasons.
            return str(found.get("message") or "its scheduler gives no reason").partition(" preemption:")[0].rstrip(".")
    return None


def unschedulable_remedy(message: str) -> str:
    """What to do about a pod that no node takes; the scheduler's words are the only mark of the cause."""
    return next((remedy for words, remedy in SCHEDULER_REASONS if words in message), "Do what the message says.")


def deletion(pod: Mapping[str, Any]) -> str:
    """That the pod is being deleted, until when it should have been gone, and what holds it; empty where it is not."""
    moment, finalizers = pod["metadata"].get("deletionTimestamp"), pod["metadata"].get("finalizers") or []
    if not moment:
        return ""
    held = f", and it is held by {'finalizer' if len(finalizers) == 1 else 'finalizers'} {', '.join(finalizers)}"
    return f"it is being deleted and was to be gone at {moment}{held if finalizers else ''}"


def deletion_remedy(pod: Mapping[str, Any]) -> str:
    if pod["metadata"].get("finalizers"):
        return "Have the owner of the finalizer remove it; if the owner is gone for good, take it out of the pod (kubectl edit pod)."
    return "If its node does not answer, bring it back; if the node is gone for good, use the playbook replace."


def has_ended(pod: Object) -> bool:
    """Whether the kubelet has reported that all containers of the pod have ended."""
    states = [container["state"] for container in pod["status"].get("containerStatuses") or []]
    over = pod["status"].get("phase") in ("Succeeded", "Failed")
    return over and bool(states) and all("terminated" in state for state in states)


def waits_for_kubelet(pod: Object) -> bool:
    """Whether the pod is bound to a node whose kubelet has not started any of its containers yet."""
    states = [container["state"] for container in pod["status"].get("containerStatuses") or []]
    creating = all((state.get("waiting") or {}).get("reason") == "ContainerCreating" for state in states)
    return bool(pod["spec"].get("nodeName") and creating and not pod["metadata"].get("deletionTimestamp"))


def ordinal(name: str) -> int:
    """The number at the end of a pod's name."""
    return int(name.rpartition("-")[2])


def started_at(pod: Object) -> str:
    """When the server's process started; empty where none runs."""
    for container in pod["status"].get("containerStatuses") or []:
        if container["name"] == "nats":
            return str((container["state"].get("running") or {}).get("startedAt") or "")
    return ""


def killed(pod: Object) -> str:
    """When the kernel killed the previous server process for lack of memory; empty where it did not."""
    for container in pod["status"].get("containerStatuses") or []:
        ended = (container.get("lastState") or {}).get("terminated") or {}
        if container["name"] == "nats" and ended.get("reason") == "OOMKilled":
            return str(ended.get("finishedAt"))
    return ""


def server_name(pod: Object) -> str:
    """The name of the server in this pod: the value of SERVER_NAME, or the pod's name."""
    name: str = pod["metadata"]["name"]
    environment = nats_container(pod).get("env") or []
    pattern = next(
        (str(entry.get("value")) for entry in environment if entry["name"] == "SERVER_NAME" and entry.get("value")),
        "$(POD_NAME)",
    )
    return pattern.replace("$(POD_NAME)", name)
