# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What runs against what is declared. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
MANAGER = "messaging.nats"
NOT_YET = "This release creates clusters and does not change them yet: put the variables back to what runs"
MASK = "********"
SECRET_KEYS = "pass|password|token|key|ek|seed|encryption_key|prev_key|prev_encryption_key"
HOSTNAME = "kubernetes.io/hostname"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# What the API server keeps for itself.
SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink")


@dataclass(frozen=True)
class Counterpart:
    """A declared object, what runs in its place, and what applying it would make of that."""

    declared: Object
    running: Object | None = None
    applied: Object | None = None


@dataclass(frozen=True)
class Facts:
    """What the Kubernetes cluster offers; None where we may not look."""

    namespace_exists: bool
    nodes: list[Object] | None = None
    storage_classes: list[Object] | None = None
    claims: list[Object] = field(default_factory=list)
    # The nats.conf that the running pods were started with.
    configuration: str | None = None


@dataclass(frozen=True)
class Plan:
    verb: str
    summary: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def plan(counterparts: list[Counterpart], facts: Facts) -> Plan:
    """Nothing, create, or refuse; and why."""
    refusals = [*_namespace(counterparts, facts), *_owned_by_others(counterparts, facts)]
    missing = [pair.declared for pair in counterparts if pair.running is None]
    if not refusals and (differences := _differing(counterparts, facts)):
        refusals = [*differences, NOT_YET]
    statefulset = next((item for item in missing if item["kind"] == "StatefulSet"), None)
    unchecked: list[str] = []
    if statefulset:
        refusals += [*_storage(statefulset, facts), *_room(statefulset, facts)]
        unchecked = [
            f"not checked: {what}, which may not be read here"
            for what, known in (("nodes", facts.nodes), ("storage classes", facts.storage_classes))
            if known is None
        ]
    if refusals:
        return Plan("refuse", (), tuple(refusals))
    return Plan("create" if missing else "nothing", (*(f"create {title(item)}" for item in missing), *unchecked))


def _differing(counterparts: list[Counterpart], facts: Facts) -> list[str]:
    """Every difference between what runs and what is declared, a line each."""
    found = [f"{title(pair.declared)}: {change}" for pair in counterparts for change in changes(pair)]
    declared = next((text for pair in counterparts if (text := configuration(pair.declared))), None)
    if facts.configuration and declared:
        found += [f"nats.conf: {line}" for line in configuration_changes(facts.configuration, declared)]
    return found


def title(item: Object) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def changes(pair: Counterpart) -> list[str]:
    """What applying would change in the running object, a sentence each; nothing secret in them."""
    if pair.running is None or pair.applied is None or pair.declared["kind"] == "Namespace":
        return []
    before, after = _own_part(pair.running), _own_part(pair.applied)
    if pair.declared["kind"] == "Secret":
        keys = sorted(
            key for key in {**before["data"], **after["data"]} if before["data"].get(key) != after["data"].get(key)
        )
        return [f"{', '.join(keys)} would change"] if keys else []
    return [f"{path} from {old!r} to {new!r}" for path, old, new in _differences(before, after)]


def shown(item: Object) -> Object:
    """An object as a diff may show it: no status, nothing secret."""
    own = _own_part(item)
    if item["kind"] != "Secret":
        return own
    values = dict.fromkeys([*own.pop("data"), *own.pop("stringData", ())], MASK)
    conf = configuration(item)
    return own | {"data": values | ({"nats.conf": masked(conf).splitlines()} if conf else {})}


def configuration(secret: Object) -> str | None:
    """The nats.conf that a Secret holds."""
    encoded = (secret.get("data") or {}).get("nats.conf") if secret["kind"] == "Secret" else None
    return base64.b64decode(encoded).decode() if encoded else None


def masked(configuration: str) -> str:
    """nats.conf without its secrets."""
    return masked_urls(re.sub(rf'("?\b(?:{SECRET_KEYS})"?\s*:\s*)"(?:[^"\\]|\\.)*"', rf'\1"{MASK}"', configuration))


def masked_urls(text: str) -> str:
    """The passwords in URLs are hidden."""
    return re.sub(r"(\b[\w-]+://[^:@/\s]+:)[^@\s]+@", rf"\1{MASK}@", text)


def configuration_changes(before: str, after: str) -> list[str]:
    """The lines of nats.conf that differ, masked."""
    lines = difflib.unified_diff(masked(before).splitlines(), masked(after).splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def _own_part(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key not in SERVERS_OWN}
    own = {key: value for key, value in item.items() if key not in ("status", "metadata")} | {"metadata": metadata}
    return own | {"data": item.get("data") or {}} if item["kind"] == "Secret" else own


def _differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, old in enumerate(before):
            name = old.get("name", index) if isinstance(old, dict) else index
            yield from _differences(old, after[index], f"{path}[{name}]")
    elif before != after:
        yield path, before, after


def _namespace(counterparts: list[Counterpart], facts: Facts) -> Iterator[str]:
    if not facts.namespace_exists and not any(pair.declared["kind"] == "Namespace" for pair in counterparts):
        name = {found for pair in counterparts if (found := pair.declared["metadata"].get("namespace"))}.pop()
        yield f"nats_cluster_namespace: namespace {name} does not exist. Create it, or set nats_cluster_create_namespace: true"


def _owned_by_others(counterparts: list[Counterpart], facts: Facts) -> Iterator[str]:
    theirs = "Remove it there, or choose another nats_cluster_name or nats_cluster_namespace"
    for pair in counterparts:
        if (
            pair.running is not None
            and pair.declared["kind"] != "Namespace"
            and (owner := foreign_owner(pair.running, pair.declared))
        ):
            yield f"{title(pair.declared)} exists and belongs to {owner}. {theirs}"
    for claim in facts.claims:
        if owner := foreign_owner(claim, {"metadata": {"labels": {"app.kubernetes.io/managed-by": MANAGER}}}):
            yield f"PersistentVolumeClaim {claim['metadata']['name']} exists and belongs to {owner}: the servers would take its data over. {theirs}"


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
    appliers = {entry["manager"] for entry in meta.get("managedFields") or [] if entry.get("operation") == "Apply"}
    return next((f"{other} too (it applies fields of it)" for other in sorted(appliers - {MANAGER})), None)


def _storage(statefulset: Object, facts: Facts) -> Iterator[str]:
    if facts.storage_classes is None:
        return
    known = sorted(found["metadata"]["name"] for found in facts.storage_classes)
    default = [
        found
        for found in facts.storage_classes
        if (found["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    for template in statefulset["spec"].get("volumeClaimTemplates") or []:
        wanted = template["spec"].get("storageClassName")
        if wanted and wanted not in known:
            yield f"nats_cluster_storage_class: the cluster has no StorageClass {wanted}. Choose one of {', '.join(known) or 'none: there is none'}"
        if wanted is None and not default:
            yield f"nats_cluster_storage_class: the cluster has no default StorageClass. Choose one of {', '.join(known) or 'none: there is none'}"


def _room(statefulset: Object, facts: Facts) -> Iterator[str]:
    """With a spread that is required each pod needs a node of its own."""
    if facts.nodes is None:
        return
    spec = statefulset["spec"]["template"]["spec"]
    required = ((spec.get("affinity") or {}).get("podAntiAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or []
    if not any(term["topologyKey"] == HOSTNAME for term in required):
        return
    fitting, replicas = [node for node in facts.nodes if fits(node, spec)], statefulset["spec"]["replicas"]
    if len(fitting) < replicas:
        yield (
            f"nats_cluster_replicas: {replicas} servers need as many nodes, and only {len(fitting)} of {len(facts.nodes)} can take one. "
            "Add nodes, check nats_cluster_node_selector and nats_cluster_tolerations, or set nats_cluster_spread: preferred"
        )


def fits(node: Object, spec: Mapping[str, Any]) -> bool:
    """Whether the scheduler may put such a pod on this node, room aside."""
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
