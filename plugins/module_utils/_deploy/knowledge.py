# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What the servers of a cluster say, and which of them could not be asked. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import Running
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import answered
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    VERSION_LABEL,
    Object,
    nats_container,
    nats_image,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import server_name


@dataclass(frozen=True)
class Knowledge:
    """What is known of each server: every one is either in `answers` or in `unseen`."""

    answers: Mapping[str, Answer]
    # By server, why it could not be asked about its streams.
    unseen: Mapping[str, str]
    # The unseen servers that may serve streams all the same, because Kubernetes does not say that their container is down.
    may_serve: frozenset[str] = frozenset()
    # The versions of nats-server that those run which answer, and by Kubernetes' word the others.
    versions: frozenset[str] = frozenset()
    unseen_versions: frozenset[str] = frozenset()

    @property
    def has_quorum(self) -> bool:
        return len(self.answers) > (len(self.answers) + len(self.unseen)) // 2

    def unseen_and_why(self) -> str:
        """The servers that could not be asked, and why, as the end of a sentence."""
        by_reason: dict[str, list[str]] = {}
        for server, why in self.unseen.items():
            by_reason.setdefault(why, []).append(server)
        return "; ".join(f"{', '.join(servers)} ({why})" for why, servers in by_reason.items())


def knowledge(running: Running) -> Knowledge:
    pods = {pod["metadata"]["name"]: pod for pod in running.pods}
    template = running.statefulset["spec"]["template"]["spec"]
    name = running.statefulset["metadata"]["name"]
    names = {
        f"{name}-{ordinal}": server_name({"metadata": {"name": f"{name}-{ordinal}"}, "spec": template})
        for ordinal in range(running.replicas)
    }
    names |= {pod_name: server_name(pod) for pod_name, pod in pods.items() if pod_name in names}
    # In a snapshot a server without a pod has the name that its pod would have.
    servers = {*names.values(), *(found for found in running.snapshot.expected if found not in names)}
    answering = answered(running.snapshot)
    answers = {
        server: answering[server]
        for server in sorted(servers & answering.keys())
        if not answering[server]["data"].get("disabled")
    }
    pod_of = {server: pods.get(pod_name) for pod_name, server in names.items()}
    not_asked = running.snapshot.system_not_asked
    unseen = {
        server: _why_unseen(server in answering, pod_of.get(server), not_asked.cause if not_asked else "")
        for server in sorted(servers - answers.keys())
    }
    fallback = str((running.statefulset["metadata"].get("labels") or {}).get(VERSION_LABEL, ""))
    return Knowledge(
        answers,
        unseen,
        frozenset(server for server in unseen if server not in answering and _may_serve(pod_of.get(server))),
        frozenset(str(answer["server"]["ver"]) for answer in answers.values()),
        frozenset(filter(None, (_version_of(pod_of.get(server)) or fallback for server in unseen))),
    )


def _why_unseen(has_answered: bool, pod: Object | None, not_asked: str) -> str:
    if has_answered:
        return "its JetStream is disabled"
    if pod is None:
        return "it has no pod"
    if not _may_serve(pod):
        return "its container does not run"
    return not_asked or "it did not answer"


def _may_serve(pod: Object | None) -> bool:
    """False only where Kubernetes says that the container does not run: what a pod's status leaves out is not known."""
    if pod is None:
        return False
    status = pod.get("status") or {}
    if status.get("phase") in ("Pending", "Succeeded", "Failed"):
        return False
    states = [found.get("state") or {} for found in status.get("containerStatuses") or [] if found["name"] == "nats"]
    return not any("waiting" in state or "terminated" in state for state in states)


def _version_of(pod: Object | None) -> str:
    """The version in the tag of the pod's image."""
    if pod is None or not any(entry["name"] == "nats" for entry in pod["spec"].get("containers") or []):
        return ""
    found = re.search(r":v?(\d+\.\d+\.\d+[^-@]*)", nats_image(pod)) if nats_container(pod) else None
    return found[1] if found else ""
