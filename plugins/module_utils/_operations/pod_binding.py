# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A server's pod, its volume and its node. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import http.client
import time
from enum import Enum
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import MERGE_PATCH
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import is_up
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

# On the StatefulSet, while a server's store is given up: its pod, and the volume claim that has to go.
REPLACING = "messaging.nats/replacing"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
POLL_INTERVAL_S = 0.5


class Next(Enum):
    """What a pod that shall have a new volume needs."""

    DELETE_CLAIM = "its claim goes"
    DELETE_POD = "its pod goes"
    WAIT = "wait"
    DONE = "done"


def next_step(pod: Object | None, claim: Object | None, given_up: str) -> Next:
    """`given_up` is the uid of the claim that has to go. The pod was looked at first."""
    old = claim is not None and claim["metadata"]["uid"] == given_up
    if claim is not None and old and not _going(claim):
        return Next.DELETE_CLAIM
    if pod is None or _going(pod):
        return Next.WAIT
    if claim is None:
        # Only with a new pod comes a new claim.
        return Next.DELETE_POD
    if _going(claim):
        # A claim waits for the pod that uses it; one that never found a node does not.
        return Next.DELETE_POD if node_of(pod) else Next.WAIT
    return Next.DONE if is_up(pod) else Next.WAIT


def past_return(pod: Object | None, claim: Object | None, given_up: str) -> bool:
    """Whether the store that is given up is gone, or nothing holds it any more."""
    if claim is None or claim["metadata"]["uid"] != given_up:
        return True
    return _going(claim) and (pod is None or _going(pod) or not node_of(pod))


def unschedulable(pod: Object | None) -> str | None:
    """Why no node takes it, in the scheduler's words."""
    for found in (pod or {"status": {}})["status"].get("conditions") or []:
        if found["type"] == "PodScheduled" and found["status"] == "False" and found.get("reason") == "Unschedulable":
            return str(found.get("message") or "no node takes it")
    return None


def node_of(pod: Object | None) -> str:
    return str((pod or {"spec": {}})["spec"].get("nodeName") or "")


def hosts_of(volume: Object) -> list[str]:
    """The nodes that a volume is bound to, by name; none where it can be used from others too."""
    terms = (((volume["spec"].get("nodeAffinity") or {}).get("required")) or {}).get("nodeSelectorTerms") or []
    wanted = [
        expression
        for term in terms
        for expression in [*(term.get("matchExpressions") or []), *(term.get("matchFields") or [])]
        if expression["key"] in ("kubernetes.io/hostname", "metadata.name") and expression["operator"] == "In"
    ]
    return sorted({str(value) for expression in wanted for value in expression["values"]})


def why_lost(node: Object | None) -> str | None:
    """Why nothing can be expected of a node any more, or None where it answers."""
    if node is None:
        return "it does not exist any more"
    if any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints") or []):
        return "it is out of service"
    for found in node["status"].get("conditions") or []:
        if found["type"] == "Ready" and found["status"] != "True":
            return f"it is not ready since {found.get('lastTransitionTime')}: {found.get('message') or found['status']}"
    return None


def surely_off(node: Object | None) -> bool:
    """Whether somebody has said so to Kubernetes, by deleting the node or by its taint for this."""
    return node is None or any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints") or [])


def _going(found: Object) -> bool:
    return bool(found["metadata"].get("deletionTimestamp"))


class Whereabouts:
    """Of one pod."""

    def __init__(self, pods: Pods, name: str) -> None:
        self._pods, self.name = pods, name
        self._kubernetes: Kubernetes = pods.kubernetes
        core = f"/api/v1/namespaces/{pods.namespace}"
        self._pod, self._claim = f"{core}/pods/{name}", f"{core}/persistentvolumeclaims/data-{name}"
        self._set = f"/apis/apps/v1/namespaces/{pods.namespace}/statefulsets/{pods.cluster}"

    def pod(self) -> Object | None:
        return self._pods.find(self.name)

    def claim(self) -> Object | None:
        return self._kubernetes.find(self._claim, f"volume claim data-{self.name}")

    def node(self, name: str) -> tuple[bool, Object | None]:
        """Whether nodes may be looked at, and what there is."""
        return self._readable(f"/api/v1/nodes/{name}", f"node {name}")

    def bound_to(self) -> list[str] | None:
        """The nodes that alone can use its volume, none where others can too; None where that can't be seen."""
        claim = self.claim()
        name = claim["spec"].get("volumeName") if claim else None
        if not name:
            return None
        known, volume = self._readable(f"/api/v1/persistentvolumes/{name}", f"volume {name}")
        return hosts_of(volume) if known and volume else None

    def _readable(self, path: str, what: str) -> tuple[bool, Object | None]:
        try:
            return True, self._kubernetes.find(path, what)
        except NatsError as error:
            if error.err_code == http.client.FORBIDDEN:
                return False, None
            raise

    def evict(self, pod: Object, deadline: float) -> str | None:
        """Asks Kubernetes to, for as long as the disruption budget refuses it; what it was waited for."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": self._pods.namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        waited: str | None = None
        waiting = Waiting()
        while True:
            try:
                self._kubernetes.call("POST", f"{self._pod}/eviction", f"eviction of pod {name}", body)
                return waited
            except NatsError as error:
                if error.err_code in (http.client.NOT_FOUND, http.client.CONFLICT):
                    return waited  # it went, or is another one already
                if error.err_code != http.client.TOO_MANY_REQUESTS:
                    raise
                waited = error.cause
                if time.monotonic() > deadline:
                    remedy = f"See who else is away: kubectl -n {self._pods.namespace} get pods,pdb."
                    raise NatsError(
                        f"pod {name}",
                        f"it may not be evicted: {waited}",
                        remedy,
                        error.err_code,
                        code="EVICTION_REFUSED",
                    ) from error
            waiting(f"pod {name}: it may not be evicted yet: {waited}")
            time.sleep(POLL_INTERVAL_S)

    def delete_claim(self) -> None:
        self._pods.delete_claim(self.name)

    def delete_pod(self, by_force: bool = False) -> None:
        """By force: without the word of its kubelet that it ended, for a node that is off."""
        if not by_force:
            self._pods.delete(self.name)
        elif self.pod():
            self._kubernetes.call("DELETE", self._pod, f"pod {self.name}", {"gracePeriodSeconds": 0})

    def replacing(self) -> tuple[str, str] | None:
        """The pod whose store is being given up, and its claim."""
        mark = (self._pods.statefulset()["metadata"].get("annotations") or {}).get(REPLACING)
        if not mark:
            return None
        name, _space, uid = mark.partition(" ")
        return name, uid

    def mark(self, uid: str | None) -> None:
        """Where a play that is killed stood; None when it is done."""
        value: Any = None if uid is None else f"{self.name} {uid}".strip()
        body = {"metadata": {"annotations": {REPLACING: value}}}
        self._kubernetes.call(
            "PATCH", self._set, f"StatefulSet {self._pods.cluster}", body, MERGE_PATCH, fieldManager=MANAGER
        )
