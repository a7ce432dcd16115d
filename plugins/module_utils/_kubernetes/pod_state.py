# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a pod says about itself. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    REVISION_LABEL,
    Object,
    nats_container,
)

CLIENT_PORT, MONITOR_PORT = 4222, 8222


def runs(pod: Object) -> bool:
    """A pod whose containers crash is in phase Running too."""
    containers = pod["status"].get("containerStatuses") or []
    return any(found["name"] == "nats" and "running" in found["state"] for found in containers)


def ready(pod: Object) -> bool:
    return any(
        found["type"] == "Ready" and found["status"] == "True" for found in pod["status"].get("conditions") or []
    )


def is_newest(pod: Object, statefulset: Object) -> bool:
    found: str | None = (pod["metadata"].get("labels") or {}).get(REVISION_LABEL)
    return bool(found == statefulset["status"].get("updateRevision"))


def is_up(pod: Object | None) -> bool:
    return pod is not None and ready(pod) and not pod["metadata"].get("deletionTimestamp")


def has_ended(pod: Object) -> bool:
    """Its kubelet's own word that nothing of it runs any more."""
    states = [container["state"] for container in pod["status"].get("containerStatuses") or []]
    over = pod["status"].get("phase") in ("Succeeded", "Failed")
    return over and bool(states) and all("terminated" in state for state in states)


def waits_for_kubelet(pod: Object) -> bool:
    """It has a node, which has started none of its containers."""
    states = [container["state"] for container in pod["status"].get("containerStatuses") or []]
    creating = all((state.get("waiting") or {}).get("reason") == "ContainerCreating" for state in states)
    return bool(pod["spec"].get("nodeName") and creating and not pod["metadata"].get("deletionTimestamp"))


def ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])


DIGEST = re.compile(r"\((sha256:[0-9a-f]+)\)")

CONFIGURATION = "/etc/nats/nats.conf"


def killed(pod: Object) -> str:
    """When the kernel ended the server that ran here before, or nothing."""
    for container in pod["status"].get("containerStatuses") or []:
        ended = (container.get("lastState") or {}).get("terminated") or {}
        if container["name"] == "nats" and ended.get("reason") == "OOMKilled":
            return str(ended.get("finishedAt"))
    return ""


def server_name(pod: Object) -> str:
    """The name that the server in this pod has: its SERVER_NAME, or the pod's own."""
    name: str = pod["metadata"]["name"]
    environment = nats_container(pod).get("env") or []
    pattern = next(
        (str(entry.get("value")) for entry in environment if entry["name"] == "SERVER_NAME" and entry.get("value")),
        "$(POD_NAME)",
    )
    return pattern.replace("$(POD_NAME)", name)


IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
# Reasons for which a container waits that time alone does not cure.
HOPELESS_REASONS = (*IMAGE_REASONS, "CreateContainerConfigError", "RunContainerError", "StartError", "CrashLoopBackOff")
