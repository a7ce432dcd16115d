# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Kubernetes objects as a person may see them. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

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
# On extra objects, which must not have the labels that the servers are selected by.
CLUSTER_LABEL, NAMESPACE_LABEL = "messaging.nats/cluster", "messaging.nats/namespace"
# The label by which a pod tells which revision of its StatefulSet it is.
REVISION_LABEL = "controller-revision-hash"
# On the template: when the servers were told to restart for no other reason.
RESTARTED_ANNOTATION = "messaging.nats/restarted"
MAX_VALUE_WIDTH = 60
SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink")


def service_names(item: Mapping[str, Any]) -> tuple[str, str]:
    """Name and, where it is told, namespace of the cluster that an object says it belongs to."""
    labels = item["metadata"].get("labels") or {}
    if name := labels.get(CLUSTER_LABEL):
        return str(name), str(labels.get(NAMESPACE_LABEL) or "")
    return str(labels.get(INSTANCE_LABEL) or ""), ""


@dataclass(frozen=True)
class Counterpart:
    """A declared object, what runs in its place, and what applying it would make of that."""

    declared: Object
    running: Object | None = None
    applied: Object | None = None


def title(item: Object) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def identity(item: Mapping[str, Any]) -> Object:
    """What an object is called, without what it holds."""
    meta = {key: item["metadata"][key] for key in ("name", "namespace", "uid") if key in item["metadata"]}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": meta}


def changes(pair: Counterpart) -> list[FieldChange]:
    """What applying would change in the running object, by path; of a Secret only the keys."""
    if pair.running is None or pair.applied is None or pair.declared["kind"] == "Namespace":
        return []
    before, after = own_part(pair.running), own_part(pair.applied)
    if pair.declared["kind"] == "Secret":
        keys = {**before["data"], **after["data"]}
        told = [(key, MASK, MASK) for key in sorted(keys) if before["data"].get(key) != after["data"].get(key)]
        # An annotation may hold a copy of the data, as kubectl apply writes it.
        return told + [
            (path, MASK, MASK)
            for path, _was, _becomes in object_differences(before["metadata"], after["metadata"], "metadata")
        ]
    return list(object_differences(before, after))


def mark(item: Object | None) -> str:
    """What changes with each change that is asked of it, and when it is made anew; empty where it is not there."""
    meta = item["metadata"] if item else {}
    return f"{meta['uid']}/{meta['generation']}" if meta.get("uid") else ""


def restarted(statefulset: Object) -> str:
    """The moment at which its pods were told to restart for no other reason."""
    found: str = (statefulset["spec"]["template"]["metadata"].get("annotations") or {}).get(RESTARTED_ANNOTATION, "")
    return found


def only_restarts(pair: Counterpart) -> bool:
    """Whether applying would change nothing but the moment at which the pods were told to restart."""
    found = changes(pair)
    return pair.declared["kind"] == "StatefulSet" and bool(found) and all(map(_is_moment, found))


def _is_moment(change: FieldChange) -> bool:
    path, before, after = change
    annotations = "spec.template.metadata.annotations"
    return path == f"{annotations}.{RESTARTED_ANNOTATION}" or (
        path == annotations and {**(before or {}), **(after or {})}.keys() == {RESTARTED_ANNOTATION}
    )


def sentence(change: FieldChange) -> str:
    path, before, after = change
    if before == after == MASK or (is_secret_path(path) and any(isinstance(value, str) for value in (before, after))):
        return f"{path} changes"
    was, becomes = _short(before), _short(after)
    if before is None:
        return f"{path} becomes {becomes}"
    return f"{path} no longer {was}" if after is None else f"{path} from {was} to {becomes}"


def _short(value: Any) -> str:
    """The diff has the whole of it. Masked before it is cut: a half of a secret is not recognised any more."""
    text = repr(KNOWN_SECRETS.masked_data(masked_object(value)))
    return text if len(text) <= MAX_VALUE_WIDTH else f"{text[: MAX_VALUE_WIDTH - 1]}…"


def short_value(item: Object) -> Object:
    """An object as a diff may show it: no status, nothing secret."""
    own: Object = masked_object(own_part(item))
    if conf := configuration(item):
        own["data"]["nats.conf"] = masked_conf(conf).splitlines()
    return own


def configuration(secret: Object) -> str | None:
    """The nats.conf that a Secret holds."""
    encoded = (secret.get("data") or {}).get("nats.conf") if secret["kind"] == "Secret" else None
    return base64.b64decode(encoded).decode() if encoded else None


def config_secret_content(item: Object) -> str | None:
    """The nats.conf of a Secret that the role made for one: by its content and its labels, for a user may be called CONFIG."""
    labels = item["metadata"].get("labels") or {}
    is_ours = labels.get(MANAGED_BY_LABEL) == MANAGER and CLUSTER_LABEL not in labels
    return configuration(item) if is_ours and item.get("type", "Opaque") == "Opaque" else None


def config_secret(pod: Mapping[str, Any]) -> str | None:
    """The Secret that a pod, or a template of pods, reads nats.conf from."""
    volumes = pod.get("volumes") or []
    return next(
        (volume["secret"]["secretName"] for volume in volumes if volume["name"] == "config" and "secret" in volume),
        None,
    )


def nats_container(pod: Mapping[str, Any]) -> Object:
    """The container of the server in a pod, or in a template of pods."""
    found: Object = next(entry for entry in pod["spec"]["containers"] if entry["name"] == "nats")
    return found


def nats_image(pod: Mapping[str, Any]) -> str:
    return str(nats_container(pod)["image"])


def own_part(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key not in SERVERS_OWN}
    own = {key: value for key, value in item.items() if key not in ("status", "metadata")} | {"metadata": metadata}
    return own | {"data": item.get("data") or {}} if item["kind"] == "Secret" else own


def object_differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
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
    """Who else manages this object, if anyone does."""
    meta = running["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    if release := annotations.get("meta.helm.sh/release-name"):
        return f"the Helm release {release}"
    by = labels.get("app.kubernetes.io/managed-by")
    if by != MANAGER and (declared["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == MANAGER:
        return (
            f"{by} (label app.kubernetes.io/managed-by)"
            if by
            else "somebody else (it has not our label app.kubernetes.io/managed-by)"
        )
    here, there = service_names(declared), service_names(running)
    elsewhere = here[1] and there[1] and here[1] != there[1]
    if there[0] and here[0] and (here[0] != there[0] or elsewhere):
        return f"the NATS cluster {there[0]}" + (f" in namespace {there[1]}" if elsewhere else "")
    appliers = {entry["manager"] for entry in meta.get("managedFields") or [] if entry.get("operation") == "Apply"}
    return next((f"{other} too (it applies fields of it)" for other in sorted(appliers - {MANAGER})), None)
