# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What Kubernetes must offer before anything is made. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    INSTANCE_LABEL,
    MANAGED_BY_LABEL,
    MANAGER,
    Counterpart,
    Object,
    foreign_owner,
    title,
)

HOSTNAME = "kubernetes.io/hostname"
SCHEDULING_FIELDS = ("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints")
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def missing_namespace(counterparts: list[Counterpart], facts: ClusterFacts) -> Iterator[str]:
    if not facts.namespace_exists and not any(pair.declared["kind"] == "Namespace" for pair in counterparts):
        name = {found for pair in counterparts if (found := pair.declared["metadata"].get("namespace"))}.pop()
        yield f"nats_cluster_namespace: namespace {name} does not exist. Create it, or set nats_cluster_create_namespace: true"


def owned_by_others(counterparts: list[Counterpart], facts: ClusterFacts) -> Iterator[str]:
    theirs = "Remove it there, or choose another nats_cluster_name or nats_cluster_namespace"
    for pair in counterparts:
        if (
            pair.running is not None
            and pair.declared["kind"] != "Namespace"
            and (owner := foreign_owner(pair.running, pair.declared))
        ):
            login = ", or another name of the account or user" if pair.declared["kind"] == "Secret" else ""
            yield f"{title(pair.declared)} exists and belongs to {owner}. {theirs}{login}"
    labels: Mapping[str, str] = next(
        (pair.declared["metadata"]["labels"] for pair in counterparts if pair.declared["kind"] == "StatefulSet"), {}
    )
    ours = {key: value for key, value in labels.items() if key in (MANAGED_BY_LABEL, INSTANCE_LABEL)}
    for claim in facts.claims:
        if owner := foreign_owner(claim, {"metadata": {"labels": {MANAGED_BY_LABEL: MANAGER} | ours}}):
            yield f"PersistentVolumeClaim {claim['metadata']['name']} exists and belongs to {owner}: the servers would take its data over. {theirs}"


def storage_classes_of(objects: Iterable[Object]) -> list[str]:
    """The classes that the volumes of these objects name."""
    return [
        found
        for item in objects
        if item["kind"] == "StatefulSet"
        for template in item["spec"].get("volumeClaimTemplates") or []
        if (found := template["spec"].get("storageClassName"))
    ]


def storage_refusals(statefulset: Object, facts: ClusterFacts, replicas: int) -> Iterator[str]:
    if facts.storage_classes is None:
        return
    known = sorted(found["metadata"]["name"] for found in facts.storage_classes)
    choice = f"Choose one of {', '.join(known) or 'none: there is none'}"
    default = [
        found
        for found in facts.storage_classes
        if (found["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    for template in statefulset["spec"].get("volumeClaimTemplates") or []:
        wanted = template["spec"].get("storageClassName")
        if wanted is None and not default:
            yield f"nats_cluster_storage_class: the cluster has no default StorageClass. {choice}"
        if not wanted or wanted in known or facts.static_volumes is None:
            continue
        volumes = [volume for volume in facts.static_volumes if volume["spec"].get("storageClassName") == wanted]
        if not volumes:
            yield f"nats_cluster_storage_class: the cluster has no StorageClass {wanted}, and no volume names it. {choice}"
            continue
        size, needed = str(template["spec"]["resources"]["requests"]["storage"]), replicas - len(facts.claims)
        free = [volume for volume in volumes if _is_free(volume, parse_quantity(size))]
        if len(free) < needed:
            yield (
                f"nats_cluster_storage_class: no StorageClass {wanted} makes volumes, {needed} of {size} are needed, and {len(free)} of the "
                f"{len(volumes)} volumes that name it are free and large enough. Make more of them"
            )


def _is_free(volume: Object, size: int) -> bool:
    """Whether a new claim of this size may get this volume."""
    return (
        volume["status"].get("phase") == "Available"
        and parse_quantity(str(volume["spec"]["capacity"]["storage"])) >= size
    )


def room(statefulset: Object, facts: ClusterFacts, replicas: int) -> Iterator[str]:
    """Refuses a cluster that too few nodes can take: one is needed, or one for each server where they must be spread."""
    if facts.nodes is None:
        return
    spec = statefulset["spec"]["template"]["spec"]
    required = ((spec.get("affinity") or {}).get("podAntiAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or []
    spread = any(term["topologyKey"] == HOSTNAME for term in required)
    fitting = [node for node in facts.nodes if node_accepts_pod(node, spec)]
    if spread and len(fitting) < replicas:
        yield (
            f"nats_cluster_replicas: {replicas} servers need as many nodes, and only {len(fitting)} of {len(facts.nodes)} can take one. "
            "Add nodes, check nats_cluster_node_selector and nats_cluster_tolerations, or set nats_cluster_spread: preferred"
        )
        return
    if not fitting:
        yield (
            f"nats_cluster_node_selector: none of {len(facts.nodes)} nodes can take a server. "
            "Check nats_cluster_node_selector and nats_cluster_tolerations"
        )
        return
    large = [node for node in fitting if is_large_enough(node, spec)]
    if len(large) < (replicas if spread else 1):
        asked = ", ".join(
            f"cpu {amount / 1000:g}" if resource == "cpu" else f"{resource} {amount // 1000 >> 20}Mi"
            for resource, amount in sorted(requests(spec).items())
        )
        yield (
            f"nats_cluster_resources: a server asks for {asked}, and only {len(large)} of the {len(fitting)} nodes that can take one have as much "
            f"at all, of {replicas if spread else 1} that are needed. Ask for less, or add larger nodes"
        )


def schedules_otherwise(declared: Object, running: Object) -> bool:
    """Whether a server may need another node than the one where it runs."""
    before, after = (found["spec"]["template"]["spec"] for found in (running, declared))
    return requests(before) != requests(after) or any(
        (before.get(key) or None) != (after.get(key) or None) for key in SCHEDULING_FIELDS
    )


def requests(spec: Mapping[str, Any]) -> dict[str, int]:
    """What the scheduler looks for on a node: the sum of all containers, or the largest init container if that asks for more."""
    total: dict[str, int] = {}
    for container in spec.get("containers") or []:
        for resource, amount in _requested(container).items():
            total[resource] = total.get(resource, 0) + parse_amount(amount)
    for container in spec.get("initContainers") or []:
        for resource, amount in _requested(container).items():
            total[resource] = max(total.get(resource, 0), parse_amount(amount))
    return total


def _requested(container: Mapping[str, Any]) -> dict[str, Any]:
    """The requests of a container, where a limit without a request counts as one."""
    resources = container.get("resources") or {}
    return {**(resources.get("limits") or {}), **(resources.get("requests") or {})}


def is_large_enough(node: Object, spec: Mapping[str, Any]) -> bool:
    offered = (node.get("status") or {}).get("allocatable")
    if offered is None:
        return True
    return all(amount <= parse_amount(offered.get(resource, 0)) for resource, amount in requests(spec).items())


def parse_amount(amount: Any) -> int:
    """A quantity in thousandths, because CPUs are counted so."""
    text = str(amount)
    return int(text[:-1]) if re.fullmatch(r"\d+m", text) else round(_number(text) * 1000)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(parse_quantity(text))


def node_accepts_pod(node: Object, spec: Mapping[str, Any]) -> bool:
    """Whether the scheduler may put such a pod on this node, without regard to its size."""
    labels = node["metadata"].get("labels") or {}
    selected = all(labels.get(key) == value for key, value in (spec.get("nodeSelector") or {}).items())
    taints = [taint for taint in node["spec"].get("taints") or [] if taint["effect"] != "PreferNoSchedule"]
    tolerated = all(
        any(_tolerates(toleration, taint) for toleration in spec.get("tolerations") or []) for taint in taints
    )
    return selected and tolerated and not node["spec"].get("unschedulable")


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return (toleration.get("key"), toleration.get("value", "")) == (taint["key"], taint.get("value", ""))
