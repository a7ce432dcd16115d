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
    waits_for_kubelet,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.lame_duck import LameDuck

POLL_INTERVAL_S = 0.1
# A pull that failed is tried again: a pod is only stuck when its trouble lasts.
STUCK_AFTER_S = 8.0
MAX_LOG_LINES = 15
# How much earlier than here the Kubernetes cluster may think that an event was.
CLOCK_SKEW = timedelta(seconds=5)
# A kubelet that may not read a volume's claim yet waits 10 to 15 s, unless something of the pod changes: then it looks again at once.
WAKE_INTERVAL_S, MAX_WAKES = 0.5, 20
WOKEN_ANNOTATION = "messaging.nats/woken"
LAME_DUCK, QUIT = "ldm=", "quit="


@dataclass(frozen=True)
class Stuck:
    """A pod that will not run, and what tells why."""

    reason: str
    evidence: str
    # Whether what it was given is at fault, and not where it should run.
    own_fault: bool


class Pods:
    """The Kubernetes side of a cluster."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, cluster: str) -> None:
        self.kubernetes, self.namespace, self.cluster = kubernetes, namespace, cluster
        self._core = f"/api/v1/namespaces/{namespace}"
        self._path = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{cluster}"
        self._what = f"StatefulSet {cluster} in namespace {namespace}"

    def statefulset(self) -> Object:
        """As its controller knows it: what was just changed is in its status too."""
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
        """A server's pod by its name; another's pod in its place is nothing to deal with."""
        pod = self.kubernetes.find(f"{self._core}/pods/{name}", f"pod {name}")
        if pod is not None and not is_server_pod(pod, self.cluster):
            cause = f"it is not of {self._what}"
            remedy = "Look at who made it, and remove it or write another name."
            raise NatsError(f"pod {name}", cause, remedy, code="FOREIGN_OBJECT")
        return pod

    def refuse_foreign(self, name: str) -> None:
        """A name that this StatefulSet gives no pod: its ordinal would be taken for one of ours."""
        if not is_server_name(name, self.cluster):
            cause = f"{self._what} has no such pod"
            raise NatsError(f"pod {name}", cause, f"Write names such as {self.cluster}-0.", code="NOT_FOUND")

    def all(self) -> list[Object]:
        return self.kubernetes.pods(self.namespace, self.cluster)

    def set_partition(self, partition: int) -> None:
        """Pods from this ordinal on move to the newest revision."""
        self._change({"updateStrategy": {"rollingUpdate": {"partition": partition}}})

    def outdate(self, moment: str, replicas: int) -> None:
        """All pods are of an older revision from now on; at rest, so that none moves by itself."""
        self._change(
            {
                "template": {"metadata": {"annotations": {RESTARTED_ANNOTATION: moment}}},
                "updateStrategy": {"rollingUpdate": {"partition": replicas}},
            }
        )

    def scale(self, replicas: int) -> None:
        """At rest: newcomers get the revision that is proven."""
        self._change({"replicas": replicas, "updateStrategy": {"rollingUpdate": {"partition": replicas}}})

    def _change(self, spec: Object) -> None:
        self.kubernetes.call("PATCH", self._path, self._what, {"spec": spec}, MERGE_PATCH, fieldManager=MANAGER)

    def rest(self) -> None:
        """At rest nothing moves, and a pod that comes back is what it was."""
        found = self.statefulset()
        partition = found["spec"]["updateStrategy"]["rollingUpdate"].get("partition", 0)
        if partition != found["spec"]["replicas"]:
            self.set_partition(found["spec"]["replicas"])

    def settle(self, timeout: float) -> None:
        """Rest, once the newest revision is the current one."""
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
        """None when the pod is as wanted; or why it will not be."""
        deadline, tell = time.monotonic() + timeout, Waiting()
        began = datetime.now(timezone.utc)
        trouble: float | None = None
        woken, wakes = time.monotonic(), 0
        farewell = LameDuck(partial(self.kubernetes.get, self.namespace, name, MONITOR_PORT), partial(self._end, name))
        while True:
            pod = self.find(name)
            if wanted(pod):
                return None
            if pod and pod["metadata"].get("deletionTimestamp"):
                farewell.look()
                if has_ended(pod):
                    self._forget(pod)
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
                # One that was never made, or that no node takes, serves nobody: to put it back costs nothing.
                unplaced = pod is None or not pod["spec"].get("nodeName")
                return Stuck(f"{waiting} after {timeout:.0f} s", self.evidence(name), own_fault=unplaced)
            tell(f"pod {name}: {reason or waiting}")
            time.sleep(POLL_INTERVAL_S)

    def _not_created(self, name: str, since: datetime) -> str | None:
        """Why its StatefulSet can't make a pod, which only the StatefulSet's own events tell."""
        with suppress(NatsError):
            for event in reversed(self.kubernetes.warnings(self.namespace, self.cluster)):
                seen = instant(event.get("lastTimestamp") or event.get("eventTime"))
                is_new = seen is not None and seen[0] >= since - CLOCK_SKEW
                if event.get("reason") == "FailedCreate" and is_new and f" {name} " in event.get("message", ""):
                    return f"{event['reason']}: {event['message']}"
        return None

    def _wake(self, name: str) -> None:
        patch = {"metadata": {"annotations": {WOKEN_ANNOTATION: str(int(time.time()))}}}
        # Who may not do that waits a little longer.
        with suppress(NatsError):
            self.kubernetes.call("PATCH", f"{self._core}/pods/{name}", f"pod {name}", patch, MERGE_PATCH)

    def _forget(self, pod: Object) -> None:
        """A kubelet reports that a pod's containers have ended, and takes up to a second more until it lets go of its name."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        # Who may not do that waits a little longer; and it may have gone meanwhile.
        with suppress(NatsError):
            name = pod["metadata"]["name"]
            self.kubernetes.call("DELETE", f"{self._core}/pods/{name}", f"pod {name}", body)

    def _end(self, name: str) -> None:
        """Of a server in lame duck, the way in which its preStop hook told it to begin."""
        pod = self.find(name)
        hook = (nats_container(pod).get("lifecycle") or {}).get("preStop") or {} if pod else {}
        command = (hook.get("exec") or {}).get("command") or []
        if any(LAME_DUCK in part for part in command):
            command = [part.replace(LAME_DUCK, QUIT) for part in command]
            self.kubernetes.check_lease()
            self.kubernetes.run(self.namespace, name, "nats", command, timeout=5)

    def evidence(self, name: str) -> str:
        """A pod's last words and what Kubernetes says of it."""
        pod = self.find(name)
        note_secrets(self.kubernetes, self.namespace, self.cluster, [pod] if pod else [])
        return masked_log("\n".join([*self._events(name), *self._log(name)]))

    def _events(self, name: str) -> Iterator[str]:
        pod = self.find(name)
        of_what = [(name, pod["metadata"]["uid"] if pod else None), (f"data-{name}", None)]
        for of, uid in of_what if pod else [*of_what, (self.cluster, None)]:
            for event in self.kubernetes.warnings(self.namespace, of, uid)[-3:]:
                yield f"  event: {event['reason']}: {event['message']}"

    def _log(self, name: str) -> Iterator[str]:
        where = (self.namespace, name, "nats", MAX_LOG_LINES)
        text = self.kubernetes.logs(*where) or self.kubernetes.logs(*where, previous=True)
        for line in text.splitlines():
            yield f"  log: {line}"


def _hopeless(pod: Object) -> str | None:
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
