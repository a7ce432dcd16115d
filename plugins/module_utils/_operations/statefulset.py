# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A cluster's StatefulSet and its pods. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.cluster_secrets import note_secrets
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import MERGE_PATCH
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    MANAGER,
    RESTARTED_ANNOTATION,
    Object,
    nats_container,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_ownership import (
    is_server_name,
    is_server_pod,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    HOPELESS_REASONS,
    MONITOR_PORT,
    has_ended,
    unschedulable,
    waits_for_kubelet,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.lame_duck import LameDuck

POLL_INTERVAL_S = 0.1
# The kubelet tries a failed pull again, so a pod is stuck only when its trouble lasts as long as this.
STUCK_AFTER_S = 8.0
MAX_LOG_LINES = 15
# The clock of the Kubernetes cluster may be this much behind the clock of this machine.
CLOCK_SKEW = timedelta(seconds=5)
# A kubelet that may not read a volume's claim yet tries again after 10 to 15 s, or as soon as anything of the pod changes.
WAKE_INTERVAL_S, MAX_WAKES = 0.5, 20
WOKEN_ANNOTATION = "messaging.nats/woken"
# The signals of `nats-server -sl=…` that a preStop hook sends, and that ends the server at once.
LAME_DUCK, QUIT = "ldm=", "quit="


@dataclass(frozen=True)
class Stuck:
    """A pod that does not run, and the evidence why."""

    reason: str
    evidence: str
    # Whether its specification is at fault, and not the node where it should run.
    own_fault: bool


class Pods:
    """The Kubernetes side of a cluster."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, cluster: str) -> None:
        self.kubernetes, self.namespace, self.cluster = kubernetes, namespace, cluster
        self._core = f"/api/v1/namespaces/{namespace}"
        self._path = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{cluster}"
        self._what = f"StatefulSet {cluster} in namespace {namespace}"

    def statefulset(self) -> Object:
        """The StatefulSet, once its controller has taken up the last change, so that its status includes it."""
        deadline = time.monotonic() + 15
        while True:
            found = self.kubernetes.find(self._path, self._what)
            if found is None:
                raise NatsError(self._what, "it does not exist", "Deploy the cluster first.", code="NOT_FOUND")
            if found["status"].get("observedGeneration") == found["metadata"]["generation"]:
                return found
            if time.monotonic() > deadline:
                cause = "its controller has not taken up the last change after 15 s"
                raise NatsError(self._what, cause, "Look at kube-controller-manager.", code="TIMED_OUT")
            time.sleep(POLL_INTERVAL_S)

    def find(self, name: str) -> Object | None:
        """A server's pod by its name; refuses a pod of that name that belongs to something else."""
        pod = self.kubernetes.find(f"{self._core}/pods/{name}", f"pod {name}")
        if pod is not None and not is_server_pod(pod, self.cluster):
            cause = f"it is not of {self._what}"
            remedy = "Look at who made it, and remove it or write another name."
            raise NatsError(f"pod {name}", cause, remedy, code="FOREIGN_OBJECT")
        return pod

    def refuse_foreign(self, name: str) -> None:
        """Refuses a name that this StatefulSet gives to no pod, since its ordinal would be taken for that of a server."""
        if not is_server_name(name, self.cluster):
            cause = f"{self._what} has no such pod"
            raise NatsError(f"pod {name}", cause, f"Write names such as {self.cluster}-0.", code="NOT_FOUND")

    def all(self) -> list[Object]:
        return self.kubernetes.pods(self.namespace, self.cluster)

    def set_partition(self, partition: int) -> None:
        """Lets the pods from this ordinal on move to the newest revision."""
        self._change({"updateStrategy": {"rollingUpdate": {"partition": partition}}})

    def outdate(self, moment: str, replicas: int) -> None:
        """Makes a new revision, with a partition that lets no pod move to it by itself."""
        self._change(
            {
                "template": {"metadata": {"annotations": {RESTARTED_ANNOTATION: moment}}},
                "updateStrategy": {"rollingUpdate": {"partition": replicas}},
            }
        )

    def scale(self, replicas: int) -> None:
        """Changes the number of pods, with a partition that gives new pods the revision that runs already."""
        self._change({"replicas": replicas, "updateStrategy": {"rollingUpdate": {"partition": replicas}}})

    def _change(self, spec: Object) -> None:
        self.kubernetes.call("PATCH", self._path, self._what, {"spec": spec}, MERGE_PATCH, fieldManager=MANAGER)

    def rest(self) -> None:
        """Sets the partition so that no pod moves, and a pod that comes back has the revision that it had."""
        found = self.statefulset()
        partition = found["spec"]["updateStrategy"]["rollingUpdate"].get("partition", 0)
        if partition != found["spec"]["replicas"]:
            self.set_partition(found["spec"]["replicas"])

    def settle(self, timeout: float) -> None:
        """Waits until the newest revision is the current one, then comes to rest."""
        deadline = time.monotonic() + timeout
        while True:
            status = self.statefulset()["status"]
            if status.get("currentRevision") == status.get("updateRevision"):
                self.rest()
                return
            if time.monotonic() > deadline:
                cause = (
                    f"{status.get('updatedReplicas', 0)} of {status.get('replicas')} pods are of the newest revision"
                )
                raise NatsError(self._what, cause, "Look at its pods, and run the play again.", code="TIMED_OUT")
            time.sleep(POLL_INTERVAL_S)

    def delete(self, name: str) -> None:
        if self.find(name):
            self.kubernetes.call("DELETE", f"{self._core}/pods/{name}", f"pod {name}")

    def delete_claim(self, name: str) -> None:
        path = f"{self._core}/persistentvolumeclaims/data-{name}"
        if self.kubernetes.find(path, f"volume of {name}"):
            self.kubernetes.call("DELETE", path, f"volume of {name}")

    def wait_until(
        self, name: str, wanted: Callable[[Object | None], bool], timeout: float, waiting: str
    ) -> Stuck | None:
        """Waits until the pod is as wanted; returns why it is not, when that lasts or time is over."""
        deadline, tell = time.monotonic() + timeout, Waiting()
        began = datetime.now(timezone.utc)
        trouble: float | None = None
        woken, wakes = time.monotonic(), 0
        lame_duck = LameDuck(
            partial(self.kubernetes.get, self.namespace, name, MONITOR_PORT), partial(self._quit, name)
        )
        while True:
            pod = self.find(name)
            if wanted(pod):
                return None
            if pod and pod["metadata"].get("deletionTimestamp"):
                lame_duck.look()
                if has_ended(pod):
                    self._release_name(pod)
            reason = _hopeless(pod) if pod else self._not_created(name, began)
            now = time.monotonic()
            if pod is None or not waits_for_kubelet(pod):
                woken = now
            elif now - woken > WAKE_INTERVAL_S and wakes < MAX_WAKES:
                self._wake(name)
                woken, wakes = now, wakes + 1
            trouble = (trouble or now) if reason else None
            if reason and trouble is not None and now - trouble > STUCK_AFTER_S:
                return Stuck(reason, self.evidence(name), own_fault=True)
            if now > deadline:
                # A pod that was never created, or that no node takes, serves no client: it can be put back without harm.
                unplaced = pod is None or not pod["spec"].get("nodeName")
                return Stuck(f"{waiting} after {timeout:.0f} s", self.evidence(name), own_fault=unplaced)
            tell(f"pod {name}: {reason or waiting}")
            time.sleep(POLL_INTERVAL_S)

    def _not_created(self, name: str, since: datetime) -> str | None:
        """Why its StatefulSet can't create a pod, which only the events of the StatefulSet tell."""
        with suppress(NatsError):
            for event in reversed(self.kubernetes.warnings(self.namespace, self.cluster)):
                seen = instant(event.get("lastTimestamp") or event.get("eventTime"))
                is_new = seen is not None and seen[0] >= since - CLOCK_SKEW
                if event.get("reason") == "FailedCreate" and is_new and f" {name} " in event.get("message", ""):
                    return f"{event['reason']}: {event['message']}"
        return None

    def _wake(self, name: str) -> None:
        """Changes an annotation of the pod, so that its kubelet looks at it again."""
        patch = {"metadata": {"annotations": {WOKEN_ANNOTATION: str(int(time.time()))}}}
        # Without the permission for it the pod starts a little later.
        with suppress(NatsError):
            self.kubernetes.call("PATCH", f"{self._core}/pods/{name}", f"pod {name}", patch, MERGE_PATCH)

    def _release_name(self, pod: Object) -> None:
        """Deletes a pod whose containers have ended, which its kubelet would do up to a second later."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        # Without the permission for it the pod goes a little later; it may also have gone meanwhile.
        with suppress(NatsError):
            name = pod["metadata"]["name"]
            self.kubernetes.call("DELETE", f"{self._core}/pods/{name}", f"pod {name}", body)

    def _quit(self, name: str) -> None:
        """Ends a server in lame duck, by the command of its preStop hook with another signal."""
        pod = self.find(name)
        hook = (nats_container(pod).get("lifecycle") or {}).get("preStop") or {} if pod else {}
        command = (hook.get("exec") or {}).get("command") or []
        if any(LAME_DUCK in part for part in command):
            command = [part.replace(LAME_DUCK, QUIT) for part in command]
            self.kubernetes.check_lease()
            self.kubernetes.run(self.namespace, name, "nats", command, timeout=5)

    def evidence(self, name: str) -> str:
        """The last warnings of Kubernetes about a pod, and the end of its log."""
        pod = self.find(name)
        note_secrets(self.kubernetes, self.namespace, self.cluster, [pod] if pod else [])
        return masked_log("\n".join([*self._events(name), *self._log(name)]))

    def _events(self, name: str) -> Iterator[str]:
        pod = self.find(name)
        unscheduled = unschedulable(pod)
        objects = [(name, pod["metadata"]["uid"] if pod else None), (f"data-{name}", None)]
        for object_name, uid in objects if pod else [*objects, (self.cluster, None)]:
            for event in self.kubernetes.warnings(self.namespace, object_name, uid)[-3:]:
                if event["reason"] != "FailedScheduling" or not unscheduled:
                    yield f"  event: {event['reason']}: {event['message']}"
        if unscheduled:
            yield f"  event: FailedScheduling: {unscheduled}"

    def _log(self, name: str) -> Iterator[str]:
        where = (self.namespace, name, "nats", MAX_LOG_LINES)
        text = self.kubernetes.logs(*where) or self.kubernetes.logs(*where, previous=True)
        for line in text.splitlines():
            yield f"  log: {line}"


def _hopeless(pod: Object) -> str | None:
    """Why the pod will not run as it is, as its containers tell."""
    if pod["metadata"].get("deletionTimestamp"):
        return None
    for container in pod["status"].get("containerStatuses") or []:
        waiting = container["state"].get("waiting") or {}
        if waiting.get("reason") in HOPELESS_REASONS:
            return f"{waiting['reason']}: {waiting.get('message', '')}".strip(": ")
        ended = container["state"].get("terminated") or {}
        if container.get("restartCount", 0) > 0 and ended.get("exitCode"):
            return f"it ended with exit code {ended['exitCode']}"
    return None
