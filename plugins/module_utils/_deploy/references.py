# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The Secrets and ConfigMaps without which a declared pod does not start. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object

CERT_MANAGER = "cert-manager.io/"
PLURAL = {"Secret": "secrets", "ConfigMap": "configmaps"}


@dataclass(frozen=True)
class Reference:
    """An object that a part of a pod needs."""

    kind: str
    name: str
    needed_by: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def check_references(kubernetes: Kubernetes, namespace: str, spec: Object, declared: Iterable[Object]) -> list[str]:
    """Raises where a pod with this specification needs an object that nobody has made or declares. Returns what could not be checked."""
    coming = {*declared_names(declared), *(("Secret", name) for name in issued_secrets(declared))}
    missing, remarks = [], []
    for reference in dict.fromkeys(references(spec)):
        if (reference.kind, reference.name) in coming:
            continue
        path = f"/api/v1/namespaces/{namespace}/{PLURAL[reference.kind]}/{reference.name}"
        try:
            if kubernetes.find(path, str(reference)) is None:
                missing.append(
                    f"{reference.needed_by} needs {reference}, which does not exist in namespace {namespace}"
                )
        except NatsError as error:
            if error.err_code != HTTPStatus.FORBIDDEN:
                raise
            remarks.append(f"not checked: whether {reference} exists, since it may not be read here")
    if missing:
        remedy = "Create it first, or declare it in nats_cluster_extra_objects; nothing was changed."
        raise NatsError("pods as declared", "; ".join(missing), remedy, code="NOT_FOUND")
    return remarks


def declared_names(objects: Iterable[Object]) -> set[tuple[str, str]]:
    """Kind and name of each object."""
    return {(item["kind"], item["metadata"]["name"]) for item in objects}


def issued_secrets(objects: Iterable[Object]) -> set[str]:
    """The Secrets that cert-manager makes for the Certificates among these objects."""
    return {
        str(item["spec"]["secretName"])
        for item in objects
        if item["kind"] == "Certificate" and item["apiVersion"].startswith(CERT_MANAGER)
    }


def references(spec: Object) -> Iterator[Reference]:
    """All that a pod with this specification waits for."""
    for volume in spec.get("volumes") or []:
        parts = (volume.get("projected") or {}).get("sources") or [volume]
        for part in parts:
            yield from _source(part.get("secret"), "Secret", f"volume {volume['name']}")
            yield from _source(part.get("configMap"), "ConfigMap", f"volume {volume['name']}")
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        where = f"container {container['name']}"
        for part in container.get("envFrom") or []:
            yield from _source(part.get("secretRef"), "Secret", f"envFrom of {where}")
            yield from _source(part.get("configMapRef"), "ConfigMap", f"envFrom of {where}")
        for variable in container.get("env") or []:
            value, by = variable.get("valueFrom") or {}, f"environment variable {variable['name']} of {where}"
            yield from _source(value.get("secretKeyRef"), "Secret", by)
            yield from _source(value.get("configMapKeyRef"), "ConfigMap", by)


def _source(part: Object | None, kind: str, needed_by: str) -> Iterator[Reference]:
    if part and not part.get("optional"):
        yield Reference(kind, str(part.get("secretName") or part["name"]), needed_by)
