# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks the variables that change the role's objects or add some. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config import reserved_keys

RoleVariables = Mapping[str, Any]

OUR_LABELS = ("app", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/name")


def label_problems(declared: RoleVariables) -> Iterator[str]:
    for label in OUR_LABELS:
        if label in (declared["nats_cluster_labels"] or {}):
            yield f"nats_cluster_labels: {label} is how the role finds its objects: leave it out"


def external_service_problems(declared: RoleVariables) -> Iterator[str]:
    """A dry run does not tell: the Kubernetes API looks at the port only when it allocates it. Its range is up to the Kubernetes cluster."""
    port = (declared["nats_cluster_external_service"] or {}).get("node_port")
    if port is not None and not 0 < int(port) < 1 << 16:
        yield f"nats_cluster_external_service.node_port: {port} is no port: write one of 30000 to 32767, Kubernetes' usual range, or leave it out"


def override_problems(declared: RoleVariables) -> Iterator[str]:
    for target, change in (declared["nats_cluster_overrides"] or {}).items():
        here = f"nats_cluster_overrides.{target}"
        kind, slash, name = str(target).partition("/")
        cluster = declared["nats_cluster_name"]
        if kind not in reserved_keys.OVERRIDES:
            yield f"{here}: the role makes no such object: write one of {', '.join(reserved_keys.OVERRIDES)}"
        elif kind == "Deployment" and not is_true(declared["nats_cluster_box"]):
            yield f"{here}: without nats_cluster_box: true the role makes no Deployment: write that, or leave this out"
        elif slash and name != cluster and not name.startswith(f"{cluster}-"):
            yield f"{here}: the role makes no {kind} of this name: write {kind}, or {kind}/{cluster}"
        elif not isinstance(change, Mapping):
            yield f"{here}: an override is a part of the object: write the keys below it, as in spec"
        else:
            for path, remedy in reserved_keys.reserved_paths(change, reserved_keys.OVERRIDES[kind]):
                yield f"{here}: {path} is set by the role: {remedy}"
            if kind == "StatefulSet":
                yield from _volume_overrides(here, change)


def _volume_overrides(here: str, change: Mapping[str, Any]) -> Iterator[str]:
    """Kubernetes would ignore these without a word, or the servers would store in their pods."""
    spec = change.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    if "volumeClaimTemplates" in spec and not spec["volumeClaimTemplates"]:
        yield f"{here}: spec.volumeClaimTemplates hold what the servers store: for servers without volumes, write nats_cluster_max_file_store: 0"
    if any(isinstance(volume, Mapping) and volume.get("name") == "data" for volume in pod.get("volumes") or []):
        yield (
            f"{here}: each server's volume data comes from its claim, and Kubernetes ignores another one of this name. Claims that exist can't be "
            "given: free their volumes (persistentVolumeReclaimPolicy: Retain, no claimRef) and write the class that these name as "
            "nats_cluster_storage_class, or write nats_cluster_max_file_store: 0 for servers without volumes"
        )


def extra_object_problems(declared: RoleVariables) -> Iterator[str]:
    for index, item in enumerate(declared["nats_cluster_extra_objects"] or []):
        here = f"nats_cluster_extra_objects[{index}]"
        name = (item.get("metadata") or {}).get("name")
        if not (item.get("apiVersion") and item.get("kind") and name):
            yield f"{here}: this is not a complete object: write apiVersion, kind and metadata.name"
        elif item["kind"] in reserved_keys.OVERRIDES and name in _made_names(item["kind"], declared):
            yield f"{here}: the role makes the {item['kind']} {name} itself: write nats_cluster_overrides.{item['kind']}"
        elif any(_are_servers_labels(labels, declared["nats_cluster_name"]) for labels in _pod_labels(item)):
            yield (
                f"{here}: with the labels app and app.kubernetes.io/instance its pods would be taken for servers, by the Service and the "
                "NetworkPolicy: leave one of them out, or write another value"
            )


def _made_names(kind: str, declared: RoleVariables) -> Iterator[str]:
    """The names that objects of this kind have which the role makes."""
    cluster = str(declared["nats_cluster_name"])
    if kind != "Deployment":
        yield from (cluster, f"{cluster}-external")
    if kind in ("Deployment", "NetworkPolicy") and is_true(declared["nats_cluster_box"]):
        yield f"{cluster}-box"


def _pod_labels(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The labels of a Pod, or of the pods that a workload makes, however deep its template is."""
    if item.get("kind") == "Pod":
        yield (item.get("metadata") or {}).get("labels") or {}
    for value in item.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                if "containers" in (part.get("spec") or {}):
                    yield (part.get("metadata") or {}).get("labels") or {}
                yield from _pod_labels({key: inner for key, inner in part.items() if key != "kind"})


def _are_servers_labels(labels: Mapping[str, Any], cluster: str) -> bool:
    return all(labels.get(label) == cluster for label in ("app", "app.kubernetes.io/instance"))


def is_true(value: Any) -> bool:
    """What Ansible takes for true, also where a variable of the command line is text."""
    return str(value).lower() in ("true", "yes", "on", "1", "y", "t")
