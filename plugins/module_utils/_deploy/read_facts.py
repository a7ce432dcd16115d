# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads what runs in Kubernetes in place of what is declared. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import (
    DeploymentRecord,
    record_of,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.config_check import ended_checks
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, Loaded, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.kept_volumes import accounts_with_logins
from ansible_collections.messaging.nats.plugins.module_utils._deploy.loaded_config import loaded
from ansible_collections.messaging.nats.plugins.module_utils._deploy.orphaned_statefulset import (
    left_behind,
    lost_statefulset,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.owned_objects import (
    KEPT_KINDS,
    NEVER_DELETED,
    belongs_to,
    identity_key,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.zones import Zones, zones
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import APPLY_PATCH
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import key
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    INSTANCE_LABEL,
    MANAGED_BY_LABEL,
    MANAGER,
    REVISION_LABEL,
    Counterpart,
    Object,
    config_secret,
    config_secret_content,
    configuration,
    foreign_owner,
    is_made_again,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_ownership import is_volume_of

MAX_CONCURRENT = 8
# The kinds of a cluster's objects, in the order in which they are deleted: those that use others come first.
CLUSTER_KINDS = (
    ("apps/v1", "StatefulSet"),
    ("policy/v1", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "Secret"),
    ("v1", "PersistentVolumeClaim"),
)


def facts(
    kubernetes: Kubernetes,
    name: str,
    namespace: str,
    look: Callable[[], Snapshot] | None = None,
    declared_classes: Collection[str] = (),
) -> ClusterFacts:
    """What Kubernetes has. `look` asks the servers; it is called only if the cluster exists."""
    exists = kubernetes.find(f"/api/v1/namespaces/{namespace}", f"Namespace {namespace}") is not None
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        nodes = pool.submit(_readable, kubernetes, "/api/v1/nodes", "nodes")
        classes = pool.submit(_readable, kubernetes, "/apis/storage.k8s.io/v1/storageclasses", "storage classes")
        reading = pool.submit(_running, kubernetes, name, namespace, look) if exists else None
        claims = list_objects(kubernetes, "v1", "PersistentVolumeClaim", namespace) if exists else []
        secrets = owned_objects(kubernetes, "v1", "Secret", name, namespace) if exists else []
        record, logins = record_of(secrets, name), tuple(found for found in secrets if is_login(found))
        belongings = all_owned(kubernetes, name, namespace, record) if exists else Belongings()
        running = reading.result() if reading else None
        if running:
            accounts = frozenset(accounts_with_logins(logins, name))
            running = replace(running, record=record, accounts_with_logins=accounts)
        return ClusterFacts(
            namespace_exists=exists,
            nodes=nodes.result(),
            storage_classes=classes.result(),
            static_volumes=_static_volumes(kubernetes, declared_classes, classes.result()),
            claims=claims_of(name, claims),
            configurations=tuple(found["metadata"]["name"] for found in secrets if config_secret_content(found)),
            running=running,
            kubernetes=kubernetes.call("GET", "/version", "the version of Kubernetes"),
            owned=belongings.objects,
            unlisted=belongings.unlisted,
            record=record,
            logins=logins,
        )


@dataclass(frozen=True)
class Belongings:
    """The objects of a cluster, in the order in which they are deleted, and the kinds that may not be listed here."""

    objects: tuple[Object, ...] = ()
    unlisted: tuple[str, ...] = ()


def all_owned(kubernetes: Kubernetes, name: str, namespace: str, record: DeploymentRecord | None) -> Belongings:
    """The cluster's objects of the kinds that the role makes, and of each kind that an extra object ever had."""
    listed_here = [(version, kind, namespace) for version, kind in CLUSTER_KINDS]
    extra = [(version, kind, where or namespace) for version, kind, where in record.kinds] if record else []
    kinds = [*dict.fromkeys(found for found in extra if found not in listed_here), *listed_here]
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        found = list(pool.map(lambda kind: _listed_or_why(kubernetes, *kind), kinds))
    objects = [item for items, _why in found for item in items if belongs_to(item, name, namespace)]
    # A kind without a namespace may be listed twice.
    once = {identity_key(item): item for item in objects}
    return Belongings(tuple(once.values()), tuple(why for _items, why in found if why))


def _listed_or_why(kubernetes: Kubernetes, version: str, kind: str, namespace: str) -> tuple[list[Object], str]:
    try:
        return list_objects(kubernetes, version, kind, namespace, labelSelector=f"{MANAGED_BY_LABEL}={MANAGER}"), ""
    except NatsError as error:
        if error.err_code == HTTPStatus.FORBIDDEN:
            return [], f"{kind}s in namespace {namespace}, which may not be listed here"
        if error.code == "KIND_UNKNOWN":
            return [], ""  # all objects of a kind are deleted with its definition
        raise


def is_login(secret: Object) -> bool:
    return secret.get("type") == "kubernetes.io/basic-auth"


def where_zones_are(kubernetes: Kubernetes, name: str, namespace: str, spec: Mapping[str, Any]) -> Zones:
    """The zones that pods of this cluster can be in."""
    return zones(
        _readable(kubernetes, "/api/v1/nodes", "nodes"),
        kubernetes.call("GET", "/version", "the version of Kubernetes"),
        spec,
        claims_of(name, list_objects(kubernetes, "v1", "PersistentVolumeClaim", namespace)),
    )


def _running(kubernetes: Kubernetes, name: str, namespace: str, look: Callable[[], Snapshot] | None) -> Running | None:
    found = statefulset(kubernetes, name, namespace)
    if found is None:
        return None
    secret = _configuration(kubernetes, found, namespace)
    pods = tuple(kubernetes.pods(namespace, name))
    snapshot = look() if look else Snapshot(())
    return Running(
        statefulset=found,
        pods=pods,
        configuration=configuration(secret) if secret else None,
        snapshot=snapshot,
        loaded=loaded(kubernetes, pods, snapshot) if look else Loaded(),
    )


def statefulset(kubernetes: Kubernetes, name: str, namespace: str) -> Object | None:
    """The StatefulSet, or what is known of one that was lost while its pods run."""
    found = kubernetes.find(f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}", f"StatefulSet {name}")
    return found or _lost(kubernetes, name, namespace)


def network_policy(kubernetes: Kubernetes, name: str, namespace: str) -> Object | None:
    """The NetworkPolicy of the servers; None where there is none, or where it may not be read."""
    try:
        return kubernetes.find(
            f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/{name}", f"NetworkPolicy {name}"
        )
    except NatsError as error:
        if error.err_code == HTTPStatus.FORBIDDEN:
            return None
        raise


def _lost(kubernetes: Kubernetes, name: str, namespace: str) -> Object | None:
    if not (pods := kubernetes.pods(namespace, name)):
        return None
    revisions = list_objects(kubernetes, "apps/v1", "ControllerRevision", namespace, labelSelector=f"app={name}")
    claims = list_objects(kubernetes, "v1", "PersistentVolumeClaim", namespace)
    return lost_statefulset(name, pods, revisions, claims)


def claims_of(name: str, claims: list[Object]) -> list[Object]:
    """The volumes of this cluster's servers."""
    return [claim for claim in claims if is_volume_of(claim, name)]


def _configuration(kubernetes: Kubernetes, statefulset: Object, namespace: str) -> Object | None:
    secret = config_secret(statefulset["spec"]["template"]["spec"])
    found = kubernetes.find(f"/api/v1/namespaces/{namespace}/secrets/{secret}", f"Secret {secret}") if secret else None
    return {"kind": "Secret"} | found if found else None


def existing(kubernetes: Kubernetes, declared: list[Object], namespace_exists: bool) -> dict[str, Object | None]:
    """Each declared object as it exists, by its key; None where it does not. What may not be read is left out."""
    asked = [item for item in declared if namespace_exists or "namespace" not in item["metadata"]]
    paths = [kubernetes.path(item) for item in asked]

    def read(item: Object, path: str) -> dict[str, Object | None]:
        try:
            return {key(item): kubernetes.find(path, title(item))}
        except NatsError as error:
            if error.err_code != HTTPStatus.FORBIDDEN:
                raise
            return {}

    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        return {name: found for part in pool.map(read, asked, paths) for name, found in part.items()}


def counterparts(
    kubernetes: Kubernetes, declared: list[Object], found: Mapping[str, Object | None]
) -> list[Counterpart]:
    """Each declared object with what runs, as it was found, and what applying it would make of that."""
    asked = [item for item in declared if key(item) in found]
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        pairs = list(pool.map(lambda item: _counterpart(kubernetes, item, found[key(item)]), asked))
    return pairs + [Counterpart(item) for item in declared if item not in asked]


def _counterpart(kubernetes: Kubernetes, item: Object, running: Object | None) -> Counterpart:
    path, what = kubernetes.path(item), title(item)
    if running is None and item["kind"] == "StatefulSet":
        return _lost_counterpart(kubernetes, item, path, what)
    # By a dry run, what the API server refuses is known before anything is applied. Objects of others are not tried, nor is what the plan
    # refuses in better words: a mount without its volume, where servers would get volumes or lose them.
    theirs = running is not None and (foreign_owner(running, item) or has_other_kind_of_store(item, running))
    theirs = theirs or (running is not None and item["kind"] == "Namespace")  # one that exists is never changed
    tried = _with_its_volumes(item, running) if running is not None else item
    return Counterpart(item, running, None if theirs else _dry_run(kubernetes, path, what, tried))


def has_other_kind_of_store(item: Object, running: Object) -> bool:
    """Whether the servers of one have volumes, and those of the other have none."""
    if item["kind"] != "StatefulSet":
        return False
    had, has = (bool(found["spec"].get("volumeClaimTemplates")) for found in (running, item))
    return had != has


def _lost_counterpart(kubernetes: Kubernetes, item: Object, path: str, what: str) -> Counterpart:
    """A lost StatefulSet counts as it is declared, except for what its pods and volumes still show."""
    applied = _dry_run(kubernetes, path, what, item)
    lost = _lost(kubernetes, item["metadata"]["name"], item["metadata"]["namespace"])
    if lost is None:
        return Counterpart(item, None, applied)
    running = applied | {"spec": applied["spec"] | lost["spec"], "status": lost["status"]}
    return Counterpart(item, running, _with_its_volumes(applied, running))


def _with_its_volumes(item: Object, running: Object) -> Object:
    """The size of a StatefulSet's volumes can't be changed, so the dry run of the rest uses the size that it has."""
    if item["kind"] != "StatefulSet":
        return item
    claims = running["spec"].get("volumeClaimTemplates") or []
    kept = [{key: value for key, value in claim.items() if key != "status"} for claim in claims]
    return item | {"spec": item["spec"] | {"volumeClaimTemplates": kept}}


def ours(kubernetes: Kubernetes, name: str, namespace: str, belongings: Belongings, with_data: bool) -> list[Object]:
    """The cluster's objects to delete with it. Its volumes and credentials stay, unless `with_data`."""
    going = [
        item
        for item in belongings.objects
        if item["kind"] not in NEVER_DELETED and (with_data or not _is_kept(item)) and item["kind"] != "Pod"
    ]
    extra_pods = [item for item in belongings.objects if item["kind"] == "Pod" and not _is_server(item)]
    orphans = [{"apiVersion": "v1", "kind": "Pod"} | pod for pod in left_behind(kubernetes.pods(namespace, name))]
    checks = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": found, "namespace": namespace}}
        for found in ended_checks(kubernetes, namespace, name)
    ]
    return [*extra_pods, *going, *orphans, *checks]


def kept_kinds(belongings: Belongings) -> list[str]:
    """Sentences about what stays even where data is deleted."""
    return [
        f"keep {title(item)}: {KEPT_KINDS[item['kind']]}"
        for item in belongings.objects
        if item["kind"] in NEVER_DELETED
    ]


def _is_kept(item: Object) -> bool:
    return item["kind"] in KEPT_KINDS and config_secret_content(item) is None and not is_made_again(item)


def _is_server(pod: Object) -> bool:
    return REVISION_LABEL in (pod["metadata"].get("labels") or {})


def owned_objects(kubernetes: Kubernetes, version: str, kind: str, name: str, namespace: str) -> list[Object]:
    """The objects of this kind that the role made for the cluster."""
    selector = f"{INSTANCE_LABEL}={name},{MANAGED_BY_LABEL}={MANAGER}"
    return list_objects(kubernetes, version, kind, namespace, labelSelector=selector)


def list_objects(kubernetes: Kubernetes, version: str, kind: str, namespace: str, **query: Any) -> list[Object]:
    # The items of a list lack apiVersion and kind.
    example = {"apiVersion": version, "kind": kind, "metadata": {"name": "", "namespace": namespace}}
    path = kubernetes.path(example).rstrip("/")
    return [
        {"apiVersion": version, "kind": kind} | item
        for item in kubernetes.items(path, f"{kind}s in namespace {namespace}", **query)
    ]


def _readable(kubernetes: Kubernetes, path: str, what: str) -> list[Object] | None:
    try:
        return kubernetes.items(path, what)
    except NatsError as error:
        if error.err_code == HTTPStatus.FORBIDDEN:
            return None
        raise


def _static_volumes(
    kubernetes: Kubernetes, declared: Collection[str], classes: Collection[Object] | None
) -> list[Object] | None:
    """The volumes of declared classes that exist only by name: somebody has made these volumes."""
    missing = {*declared} - {found["metadata"]["name"] for found in classes or ()}
    if classes is None or not missing:
        return []
    volumes = _readable(kubernetes, "/api/v1/persistentvolumes", "volumes")
    return volumes and [volume for volume in volumes if volume["spec"].get("storageClassName") in missing]


def _dry_run(kubernetes: Kubernetes, path: str, what: str, item: Object) -> Object:
    return kubernetes.call("PATCH", path, what, item, APPLY_PATCH, dryRun="All", fieldManager=MANAGER, force="true")
