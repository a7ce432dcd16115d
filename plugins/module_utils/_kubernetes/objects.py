# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads Kubernetes objects: their names, changes, owners and configuration. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import (
    MASK,
    is_secret_path,
    masked_conf,
    masked_object,
)

Object = dict[str, Any]
FieldChange = tuple[str, Any, Any]
MANAGER = "messaging.nats"
VERSION_LABEL = "app.kubernetes.io/version"
MANAGED_BY_LABEL, INSTANCE_LABEL = "app.kubernetes.io/managed-by", "app.kubernetes.io/instance"
# The labels of extra objects, which must not have the labels that select the servers' pods.
CLUSTER_LABEL, NAMESPACE_LABEL = "messaging.nats/cluster", "messaging.nats/namespace"
# The label of a pod with the revision of its StatefulSet that it was made from.
REVISION_LABEL = "controller-revision-hash"
# The annotation of the pod template with the time of a restart that was requested without another change.
RESTARTED_ANNOTATION = "messaging.nats/restarted"
# The types of Secrets that the role can make again: contexts of the client beside the cluster, and what encrypts the routes.
MADE_AGAIN_TYPES = ("messaging.nats/contexts", "messaging.nats/routes-ca", "messaging.nats/routes-tls")
MAX_VALUE_WIDTH = 60
# Metadata that only the API server writes.
SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink")


def service_names(item: Mapping[str, Any]) -> tuple[str, str]:
    """Name and namespace of the NATS cluster that an object belongs to by its labels; the namespace is empty where no label has it."""
    labels = item["metadata"].get("labels") or {}
    if name := labels.get(CLUSTER_LABEL):
        return str(name), str(labels.get(NAMESPACE_LABEL) or "")
    return str(labels.get(INSTANCE_LABEL) or ""), ""


@dataclass(frozen=True)
class Counterpart:
    """A declared object, the running object of the same name, and what applying would make of that."""

    declared: Object
    running: Object | None = None
    applied: Object | None = None


def title(item: Object) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def identity(item: Mapping[str, Any]) -> Object:
    """The identity of an object, without its content."""
    meta = {key: item["metadata"][key] for key in ("name", "namespace", "uid") if key in item["metadata"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": meta}


def changes(pair: Counterpart) -> list[FieldChange]:
    """What applying would change in the running object, by path. The values of a Secret are masked."""
    if pair.running is None or pair.applied is None or pair.declared["kind"] == "Namespace":
        return []
    before, after = own_part(pair.running), own_part(pair.applied)
    if pair.declared["kind"] == "Secret":
        keys = {**before["data"], **after["data"]}
        data = [(key, MASK, MASK) for key in sorted(keys) if before["data"].get(key) != after["data"].get(key)]
        # An annotation may hold a copy of the data, such as the one that kubectl apply writes.
        return data + [
            (path, MASK, MASK)
            for path, _was, _becomes in object_differences(before["metadata"], after["metadata"], "metadata")
        ]
    return list(object_differences(before, after))


def fingerprint(item: Object | None) -> str:
    """A string that differs after each change of the object's spec and after it is created again; empty where it does not exist."""
    meta = item["metadata"] if item else {}
    return f"{meta['uid']}/{meta['generation']}" if meta.get("uid") else ""


def restarted(statefulset: Object) -> str:
    """The time of the last restart of its pods that was requested without another change; empty if there was none."""
    found: str = (statefulset["spec"]["template"]["metadata"].get("annotations") or {}).get(RESTARTED_ANNOTATION, "")
    return found


def only_restarts(pair: Counterpart) -> bool:
    """Whether applying would change only the time of the requested restart."""
    found = changes(pair)
    return pair.declared["kind"] == "StatefulSet" and bool(found) and all(map(is_restart_time, found))


def is_restart_time(change: FieldChange) -> bool:
    path, before, after = change
    annotations = "spec.template.metadata.annotations"
    return path == f"{annotations}.{RESTARTED_ANNOTATION}" or (
        path == annotations and {**(before or {}), **(after or {})}.keys() == {RESTARTED_ANNOTATION}
    )


def sentence(change: FieldChange) -> str:
    """The change in words, without secrets."""
    path, before, after = change
    if before == after == MASK or (is_secret_path(path) and any(isinstance(value, str) for value in (before, after))):
        return f"{path} changes"
    was, becomes = _short(before), _short(after)
    if before is None:
        return f"{path} becomes {becomes}"
    return f"{path} no longer {was}" if after is None else f"{path} from {was} to {becomes}"


def _short(value: Any) -> str:
    """The value as text, cut to MAX_VALUE_WIDTH. It is masked first, because a part of a secret would not be recognised."""
    text = repr(KNOWN_SECRETS.masked_data(masked_object(value)))
    return text if len(text) <= MAX_VALUE_WIDTH else f"{text[: MAX_VALUE_WIDTH - 1]}…"


def short_value(item: Object) -> Object:
    """An object as a diff shows it, without status and secrets."""
    own: Object = masked_object(own_part(item))
    if conf := configuration(item):
        own["data"]["nats.conf"] = masked_conf(conf).splitlines()
    return own


def configuration(secret: Object) -> str | None:
    """The nats.conf in a Secret; None where there is none, or where the object is not a Secret."""
    encoded = (secret.get("data") or {}).get("nats.conf") if secret["kind"] == "Secret" else None
    return base64.b64decode(encoded).decode() if encoded else None


def config_secret_content(item: Object) -> str | None:
    """The nats.conf of a Secret that the role made for it. Content and labels decide, because a user may be called CONFIG."""
    labels = item["metadata"].get("labels") or {}
    is_ours = labels.get(MANAGED_BY_LABEL) == MANAGER and CLUSTER_LABEL not in labels
    return configuration(item) if is_ours and item.get("type", "Opaque") == "Opaque" else None


def is_made_again(item: Object) -> bool:
    """Whether it is a Secret that nobody misses but these servers. Kubernetes lets nobody change a Secret's type."""
    return bool(item["kind"] == "Secret" and item.get("type") in MADE_AGAIN_TYPES)


def config_secret(pod_spec: Mapping[str, Any]) -> str | None:
    """The name of the Secret that a pod spec mounts nats.conf from; None where there is none."""
    volumes = pod_spec.get("volumes") or []
    return next(
        (volume["secret"]["secretName"] for volume in volumes if volume["name"] == "config" and "secret" in volume),
        None,
    )


def nats_container(pod: Mapping[str, Any]) -> Object:
    """The container of the server in a pod or a pod template."""
    found: Object = next(entry for entry in pod["spec"]["containers"] if entry["name"] == "nats")
    return found


def mounts_secret(spec: Mapping[str, Any], name: str) -> bool:
    """Whether the pods of this specification have a volume of this Secret."""
    return any((volume.get("secret") or {}).get("secretName") == name for volume in spec.get("volumes") or [])


def nats_image(pod: Mapping[str, Any]) -> str:
    return str(nats_container(pod)["image"])


def own_part(item: Object) -> Object:
    """An object without its status and the metadata that only the API server writes."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in SERVERS_OWN}
    own = {key: value for key, value in item.items() if key not in ("status", "metadata")} | {"metadata": metadata}
    return own | {"data": item.get("data") or {}} if item["kind"] == "Secret" else own


def object_differences(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """The fields that differ: their paths and both values. Items of lists are named by their `name`, or by their index."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from object_differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, old in enumerate(before):
            name = old.get("name", index) if isinstance(old, dict) else index
            yield from object_differences(old, after[index], f"{path}[{name}]")
    elif before != after:
        yield path, before, after


def foreign_owner(running: Object, declared: Mapping[str, Any]) -> str | None:
    """Who else manages this object, in words; None where nobody does."""
    meta = running["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    if release := annotations.get("meta.helm.sh/release-name"):
        return f"the Helm release {release}"
    by = labels.get("app.kubernetes.io/managed-by")
    if by != MANAGER and (declared["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == MANAGER:
        return (
            f"{by} (label app.kubernetes.io/managed-by)"
            if by
            else "somebody else (it does not have the label app.kubernetes.io/managed-by of this collection)"
        )
    (own_name, own_namespace), (name, namespace) = service_names(declared), service_names(running)
    other_namespace = bool(own_namespace and namespace and own_namespace != namespace)
    if name and own_name and (name != own_name or other_namespace):
        return f"the NATS cluster {name}" + (f" in namespace {namespace}" if other_namespace else "")
    appliers = {entry["manager"] for entry in meta.get("managedFields") or [] if entry.get("operation") == "Apply"}
    return next((f"{other} too (it applies fields of it)" for other in sorted(appliers - {MANAGER})), None)
