# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which objects belong to a cluster, and which of them are no longer declared. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    CLUSTER_LABEL,
    INSTANCE_LABEL,
    MANAGED_BY_LABEL,
    MANAGER,
    NAMESPACE_LABEL,
    REVISION_LABEL,
    Object,
    config_secret_content,
    foreign_owner,
    is_made_again,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_ownership import is_volume_of

# These kinds hold data or other objects. They are deleted by a person, or with nats_cluster_delete_data.
KEPT_KINDS = {
    "PersistentVolumeClaim": "it holds data",
    "PersistentVolume": "it holds data",
    "Secret": "it may hold credentials or keys",
    "Namespace": "everything in it would go with it",
    "CustomResourceDefinition": "every object of its kind would go with it",
}
# These are not deleted even with nats_cluster_delete_data, because they may hold more than this cluster.
NEVER_DELETED = ("Namespace", "CustomResourceDefinition", "PersistentVolume")


@dataclass(frozen=True)
class Leftovers:
    """Objects of the cluster that are no longer declared."""

    delete: tuple[Object, ...] = ()
    # Sentences about those that stay.
    kept: tuple[str, ...] = ()


def belongs_to(item: Object, cluster: str, namespace: str) -> bool:
    """Decides by the labels of an object and by the manager of its fields, because anybody can copy labels."""
    meta = item["metadata"]
    labels = meta.get("labels") or {}
    if labels.get(MANAGED_BY_LABEL) != MANAGER:
        return False
    if CLUSTER_LABEL in labels:
        if (labels[CLUSTER_LABEL], labels.get(NAMESPACE_LABEL)) != (cluster, namespace):
            return False
    elif labels.get(INSTANCE_LABEL) != cluster or meta.get("namespace") != namespace:
        return False
    if item["kind"] == "PersistentVolumeClaim" and is_volume_of(item, cluster):
        return True  # the StatefulSet's controller made it
    return any(entry.get("manager") == MANAGER for entry in meta.get("managedFields") or [])


def leftovers(owned: Iterable[Object], declared: Iterable[Object], cluster: str) -> Leftovers:
    keys = [identity_key(item) for item in declared]
    # The role writes a namespace into every extra object, even if its kind has none.
    known = {*keys, *((group, kind, "", name) for group, kind, _namespace, name in keys)}
    delete, kept = [], []
    for item in owned:
        if identity_key(item) in known or _has_its_own_rule(item, cluster):
            continue
        if why := _why_kept(item):
            kept.append(f"no longer declared, left: {title(item)}, because {why}")
        else:
            delete.append(item)
    return Leftovers(tuple(delete), tuple(kept))


def _has_its_own_rule(item: Object, cluster: str) -> bool:
    """Whether it is a server's volume, a configuration or made by a controller, which are decided on elsewhere."""
    controlled = any(owner.get("controller") for owner in item["metadata"].get("ownerReferences") or [])
    volume = item["kind"] == "PersistentVolumeClaim" and is_volume_of(item, cluster)
    pod = item["kind"] == "Pod" and REVISION_LABEL in (item["metadata"].get("labels") or {})
    return controlled or volume or pod or config_secret_content(item) is not None or _is_going(item)


def _is_going(item: Object) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def _why_kept(item: Object) -> str:
    if owner := foreign_owner(item, item):
        return f"it belongs to {owner}"
    if item["kind"] == "StatefulSet" and item["metadata"]["name"] == (item["metadata"].get("labels") or {}).get(
        INSTANCE_LABEL
    ):
        return "servers run in it"
    if is_made_again(item):
        return ""
    return KEPT_KINDS.get(item["kind"], "")


def identity_key(item: Object) -> tuple[str, str, str, str]:
    """What identifies an object, without the version of its API, which may differ between a declaration and a list."""
    group = item.get("apiVersion", "").rpartition("/")[0]
    meta = item["metadata"]
    return group, item["kind"], meta.get("namespace") or "", meta["name"]
