# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A server's pod, its volume and its node. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import http.client
import time
from enum import Enum
from functools import cached_property
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import MERGE_PATCH
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import is_up
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

# Annotation of the StatefulSet while a server is being replaced: its pod, and the uid of the claim (without volumes, of the pod) that is to be deleted.
REPLACING = "messaging.nats/replacing"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
POLL_INTERVAL_S = 0.5


class Next(Enum):
    """The next step until a pod has a new volume."""

    DELETE_CLAIM = "its claim goes"
    DELETE_POD = "its pod goes"
    WAIT = "wait"
    DONE = "done"


def next_step(pod: Object | None, claim: Object | None, given_up: str) -> Next:
    """What brings the pod a new claim. `given_up` is the uid of the claim that has to go; the pod was read before the claim."""
    old = claim is not None and claim["metadata"]["uid"] == given_up
    if claim is not None and old and not _going(claim):
        return Next.DELETE_CLAIM
    if pod is None or _going(pod):
        return Next.WAIT
    if claim is None:
        # The StatefulSet makes a new claim only together with a new pod.
        return Next.DELETE_POD
    if _going(claim):
        # Kubernetes keeps a claim until the pod that uses it is gone; a pod without a node does not use it.
        return Next.DELETE_POD if node_of(pod) else Next.WAIT
    return Next.DONE if is_up(pod) else Next.WAIT


def past_return(pod: Object | None, claim: Object | None, given_up: str) -> bool:
    """Whether the store that is given up has gone, or will go because no pod holds it any more."""
    if claim is None or claim["metadata"]["uid"] != given_up:
        return True
    return _going(claim) and (pod is None or _going(pod) or not node_of(pod))


def next_step_without_volume(pod: Object | None, given_up: str) -> Next:
    """What brings the server a new store where it has no volume. `given_up` is the uid of the pod that its store ends with."""
    if pod is None or _going(pod):
        return Next.WAIT
    if pod["metadata"]["uid"] == given_up:
        return Next.DELETE_POD
    return Next.DONE if is_up(pod) else Next.WAIT


def node_of(pod: Object | None) -> str:
    return str((pod or {"spec": {}})["spec"].get("nodeName") or "")


def hosts_of(volume: Object) -> list[str]:
    """The names of the nodes that a volume is bound to; empty where it can be used from any."""
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


def is_surely_off(node: Object | None) -> bool:
    """Whether a person has told Kubernetes that the node is off: by deleting it, or by the taint out-of-service."""
    return node is None or any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints") or [])


def _going(found: Object) -> bool:
    return bool(found["metadata"].get("deletionTimestamp"))


class PodBinding:
    """One pod, its volume claim and the node that they are bound to."""

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

    @cached_property
    def has_volume(self) -> bool:
        """Whether the StatefulSet claims one for its pods, which never changes."""
        return bool(self._pods.statefulset()["spec"].get("volumeClaimTemplates"))

    def store_word(self) -> str:
        return "volume" if self.has_volume else "store"

    def store(self) -> Object | None:
        """What the server's store ends with: its volume claim, or its pod where it has no volume."""
        return self.claim() if self.has_volume else self.pod()

    def next_step(self, pod: Object | None, given_up: str) -> Next:
        """What brings the server another store than the one that ends with the object of this uid."""
        if self.has_volume:
            return next_step(pod, self.claim(), given_up)
        return next_step_without_volume(pod, given_up)

    def is_past_return(self, given_up: str) -> bool:
        """Whether the store that is given up has gone, or will go."""
        pod = self.pod()
        if self.has_volume:
            return past_return(pod, self.claim(), given_up)
        return pod is None or pod["metadata"]["uid"] != given_up or _going(pod)

    def node(self, name: str) -> tuple[bool, Object | None]:
        """Whether nodes may be read here, and the node, if it exists."""
        return self._readable(f"/api/v1/nodes/{name}", f"node {name}")

    def bound_to(self) -> list[str] | None:
        """The nodes that its volume is bound to; empty where any can use it, None where that can't be read here."""
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
        """Evicts the pod, as soon as the disruption budget allows it; returns the last refusal of the budget, if there was one."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": self._pods.namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        refusal: str | None = None
        waiting = Waiting()
        while True:
            try:
                self._kubernetes.call("POST", f"{self._pod}/eviction", f"eviction of pod {name}", body)
                return refusal
            except NatsError as error:
                if error.err_code in (http.client.NOT_FOUND, http.client.CONFLICT):
                    return refusal  # the pod has gone, or another one has its name already
                if error.err_code != http.client.TOO_MANY_REQUESTS:
                    raise
                refusal = error.cause
                if time.monotonic() > deadline:
                    remedy = f"Look which other pods are not ready: kubectl -n {self._pods.namespace} get pods,pdb."
                    raise NatsError(
                        f"pod {name}",
                        f"it may not be evicted: {refusal}",
                        remedy,
                        error.err_code,
                        code="DISRUPTION_BUDGET",
                    ) from error
            waiting(f"pod {name}: it may not be evicted yet: {refusal}")
            time.sleep(POLL_INTERVAL_S)

    def delete_claim(self) -> None:
        self._pods.delete_claim(self.name)

    def delete_pod(self, by_force: bool = False) -> None:
        """With `by_force` Kubernetes does not wait until the kubelet reports that the pod has ended, as a node that is off never does."""
        if not by_force:
            self._pods.delete(self.name)
        elif self.pod():
            self._kubernetes.call("DELETE", self._pod, f"pod {self.name}", {"gracePeriodSeconds": 0})

    def replacing(self) -> tuple[str, str] | None:
        """The pod whose store is being given up, and the uid of its claim."""
        mark = (self._pods.statefulset()["metadata"].get("annotations") or {}).get(REPLACING)
        if not mark:
            return None
        name, _space, uid = mark.partition(" ")
        return name, uid

    def mark(self, uid: str | None) -> None:
        """Notes which claim is given up, for the case that this play is killed; None when the replacement is done."""
        value: Any = None if uid is None else f"{self.name} {uid}".strip()
        body = {"metadata": {"annotations": {REPLACING: value}}}
        self._kubernetes.call(
            "PATCH", self._set, f"StatefulSet {self._pods.cluster}", body, MERGE_PATCH, fieldManager=MANAGER
        )
