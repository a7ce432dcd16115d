# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Makes the volumes of running servers larger. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import http.client
import time
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity
from ansible_collections.messaging.nats.plugins.module_utils._deploy.orphaned_statefulset import is_lost, left_behind
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import (
    claims_of,
    list_objects,
    statefulset,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.volume_expansion_plan import (
    how_far,
    is_replaced,
    lacks,
    template_size,
    too_small,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import APPLY_PATCH, MERGE_PATCH
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, Object

POLL_INTERVAL_S = 0.3
KEPT_METADATA = ("labels", "annotations")


class UnfinishedError(NatsError):
    """The change may still come about: the role looks again until its own time is over."""

    code = "TIMED_OUT"

    def result(self) -> dict[str, Any]:
        return super().result() | {"waiting": True}


class VolumeNotGrownError(NatsError):
    """The driver of the volume has said that it can't grow it."""

    code = "VOLUME_NOT_GROWN"


class Volumes:
    """The volumes of a cluster, and the StatefulSet that claims them."""

    def __init__(self, kubernetes: Kubernetes, declared: Object) -> None:
        self._kubernetes, self._declared = kubernetes, declared
        self._name, self._namespace = (declared["metadata"][key] for key in ("name", "namespace"))
        self._path = f"/apis/apps/v1/namespaces/{self._namespace}/statefulsets/{self._name}"
        self._what = f"StatefulSet {self._name} in namespace {self._namespace}"
        self._claims = f"/api/v1/namespaces/{self._namespace}/persistentvolumeclaims"
        self.size = template_size(declared)

    def statefulset(self) -> Object:
        found = statefulset(self._kubernetes, self._name, self._namespace)
        if found is None:
            raise NatsError(self._what, "it does not exist", "Deploy the cluster first.", code="NOT_FOUND")
        if parse_quantity(self.size) < parse_quantity(template_size(found)):
            cause = f"volumes of {template_size(found)} can't shrink to {self.size}"
            raise NatsError(self._what, cause, f"Declare {template_size(found)} or more.", code="INVALID_VALUE")
        return found

    def too_small(self) -> list[Object]:
        claims = list_objects(self._kubernetes, "v1", "PersistentVolumeClaim", self._namespace)
        pods = self._kubernetes.pods(self._namespace, self._name)
        return too_small(claims_of(self._name, claims), pods, self.size)

    def is_replaced(self, running: Object) -> bool:
        return is_replaced(self._declared, running)

    def ask(self, claim: Object, dry_run: bool = False) -> None:
        """Requests the larger size; Kubernetes refuses it where the class of the volume can't grow."""
        name = claim["metadata"]["name"]
        body = {"spec": {"resources": {"requests": {"storage": self.size}}}}
        only = {"dryRun": "All"} if dry_run else {}
        where = f"{self._claims}/{name}"
        self._kubernetes.call(
            "PATCH", where, f"PersistentVolumeClaim {name}", body, MERGE_PATCH, fieldManager=MANAGER, **only
        )

    def wait(self, timeout: float) -> None:
        """Waits until the servers' volumes and the file systems on them have grown."""
        deadline = time.monotonic() + timeout
        while waiting := [claim for claim in self.too_small() if lacks(claim, self.size)]:
            for claim in waiting:
                if how_far(claim).hopeless:
                    raise self._not_grown(claim, VolumeNotGrownError)
            if time.monotonic() > deadline:
                raise self._not_grown(waiting[0], UnfinishedError)
            time.sleep(POLL_INTERVAL_S)

    def _not_grown(self, claim: Object, kind: type[NatsError]) -> NatsError:
        """An error with how far the claim has come, and the last warning about it."""
        name, has = claim["metadata"]["name"], claim["status"]["capacity"]["storage"]
        events = self._kubernetes.warnings(self._namespace, name)
        said = [f"{event['reason']}: {event['message']}" for event in events[-1:]]
        progress = how_far(claim)
        cause = "; ".join([f"it has {has} of {self.size}", progress.state, *said])
        return kind(f"PersistentVolumeClaim {name}", cause, progress.remedy)

    def replace(self, running: Object, timeout: float) -> None:
        """Replaces the StatefulSet by one with larger volumes, which takes over the pods as they are."""
        deadline = time.monotonic() + timeout
        if not is_lost(running):
            self._delete_without_pods(running["metadata"]["uid"], deadline)
        spec = self._declared["spec"] | {key: running["spec"][key] for key in ("replicas", "template")}
        meta = {key: value for key in KEPT_METADATA if (value := running["metadata"].get(key))}
        made = self._apply(self._declared | {"metadata": self._declared["metadata"] | meta, "spec": spec})
        if kept := [entry for entry in running["metadata"].get("managedFields") or [] if "subresource" not in entry]:
            # Fields of the template keep their other managers, or the next apply would remove these fields.
            self._kubernetes.call("PATCH", self._path, self._what, {"metadata": {"managedFields": kept}}, MERGE_PATCH)
        while orphans := left_behind(self._kubernetes.pods(self._namespace, self._name)):
            if time.monotonic() > deadline:
                pods = ", ".join(pod["metadata"]["name"] for pod in orphans)
                cause = f"its controller has not taken over {pods} (its uid is {made['metadata']['uid']})"
                raise UnfinishedError(self._what, cause, "Look at kube-controller-manager.")
            time.sleep(POLL_INTERVAL_S)

    def _delete_without_pods(self, uid: str, deadline: float) -> None:
        options = {"propagationPolicy": "Orphan", "preconditions": {"uid": uid}}
        try:
            self._kubernetes.call("DELETE", self._path, self._what, options)
        except NatsError as error:
            if error.err_code != http.client.NOT_FOUND:
                raise
        while self._kubernetes.find(self._path, self._what):
            if time.monotonic() > deadline:
                raise UnfinishedError(self._what, "it was deleted and is still there", "Look at its finalizers.")
            time.sleep(POLL_INTERVAL_S / 3)

    def _apply(self, item: Object) -> Object:
        return self._kubernetes.call(
            "PATCH", self._path, self._what, item, APPLY_PATCH, fieldManager=MANAGER, force="true"
        )
