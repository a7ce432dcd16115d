# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads everything around a cluster, and notes what the login may not read. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import surveys
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes, api_root
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_ownership import is_volume_of
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import server_name
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import (
    Evidence,
    container,
    object_name,
    status,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Inside, command, read

MAX_LOG_LINES = 2000
PROBE_TIMEOUT_S, CONNECTIONS_TIMEOUT_S = 15, 2
# The connections for which the most bytes wait, and those that were closed last.
OPEN_CONNECTIONS_QUERY = {"sort": "pending", "limit": 20, "auth": True}
CLOSED_CONNECTIONS_QUERY = {"sort": "stop", "state": 1, "limit": 50, "auth": True}


def examine(
    kubernetes: Kubernetes,
    namespace: str,
    cluster: str,
    observe: Callable[[], tuple[Snapshot, Sequence[Finding]]],
    connection: Connection | None,
) -> Evidence:
    """All evidence; `connection` is that of the system account, where it takes one."""
    reader = _Reader(kubernetes, namespace)
    pods = kubernetes.pods(namespace, cluster)
    statefulset = reader.one("apps/v1", "statefulsets", cluster)
    snapshot, findings = observe() if statefulset else (Snapshot(()), ())
    logs, logs_of_ended = _logs(kubernetes, namespace, pods)
    open_connections, closed = _connections(connection, len(pods)) if connection else ({}, {})
    return Evidence(
        namespace,
        cluster,
        statefulset=statefulset,
        service=reader.one("v1", "services", cluster),
        external_service=reader.one("v1", "services", f"{cluster}-external"),
        pods=pods,
        servers={server_name(pod): object_name(pod) for pod in pods},
        claims=_claims(reader, cluster),
        policies=reader.all("networking.k8s.io/v1", "networkpolicies"),
        events=reader.all("v1", "events"),
        classes=reader.everywhere("storage.k8s.io/v1", "storageclasses"),
        nodes=reader.everywhere("v1", "nodes"),
        logs=logs,
        ended=logs_of_ended,
        inside=_inside(
            kubernetes, namespace, cluster, _store_folders(pods, snapshot), _peers(cluster, statefulset, pods)
        ),
        snapshot=snapshot,
        findings=findings,
        connections=open_connections,
        closed=closed,
    )


def _claims(reader: _Reader, cluster: str) -> list[Object]:
    claims = reader.all("v1", "persistentvolumeclaims") or ()
    return [claim for claim in claims if is_volume_of(claim, cluster)]


def _peers(cluster: str, statefulset: Object | None, pods: Sequence[Object]) -> list[str]:
    """The pods that there are, and those that there should be."""
    count = statefulset["spec"]["replicas"] if statefulset else 0
    return sorted({*map(object_name, pods), *(f"{cluster}-{ordinal}" for ordinal in range(count))})


def _logs(kubernetes: Kubernetes, namespace: str, pods: Sequence[Object]) -> tuple[dict[str, str], dict[str, str]]:
    """By pod: the log of its server, and of the process before, if that ended; without what is secret."""

    def log(pod: Object, previous: bool = False) -> str:
        return masked_log(kubernetes.logs(namespace, object_name(pod), "nats", MAX_LOG_LINES, previous=previous))

    restarted = [pod for pod in pods if status(pod).get("restartCount")]
    return {object_name(pod): log(pod) for pod in pods}, {
        object_name(pod): log(pod, previous=True) for pod in restarted
    }


class _Reader:
    """Reads objects of one namespace; None for what the login may not read."""

    def __init__(self, kubernetes: Kubernetes, namespace: str) -> None:
        self._kubernetes, self._namespace = kubernetes, namespace

    def one(self, version: str, plural: str, name: str) -> Object | None:
        return self._kubernetes.find(
            f"{api_root(version)}/namespaces/{self._namespace}/{plural}/{name}", f"{plural} {name}"
        )

    def all(self, version: str, plural: str) -> list[Object] | None:
        return self._listed(f"{api_root(version)}/namespaces/{self._namespace}/{plural}", plural)

    def everywhere(self, version: str, plural: str) -> list[Object] | None:
        return self._listed(f"{api_root(version)}/{plural}", plural)

    def _listed(self, path: str, what: str) -> list[Object] | None:
        try:
            return self._kubernetes.items(path, what)
        except NatsError as error:
            if error.err_code == HTTPStatus.FORBIDDEN:
                return None
            raise


def _store_folders(pods: Sequence[Object], snapshot: Snapshot) -> dict[str, str]:
    """By pod that runs: the folder of its server's store, as the server reports it, or else where its volume is mounted."""
    configs = {answer["server"]["name"]: answer["data"].get("config") or {} for answer in snapshot.answers}
    mounts = {
        object_name(pod): found["mountPath"]
        for pod in pods
        for found in container(pod).get("volumeMounts") or []
        if found["name"] == "data"
    }
    return {
        object_name(pod): configs.get(server_name(pod), {}).get("store_dir") or mounts.get(object_name(pod), "/")
        for pod in pods
        if "running" in (status(pod).get("state") or {})
    }


def _inside(
    kubernetes: Kubernetes, namespace: str, cluster: str, stores: Mapping[str, str], peers: Sequence[str]
) -> dict[str, Inside]:
    """What each pod sees from inside; all pods are asked at once. `stores` has the folder of each pod's store."""

    def probe(pod: str) -> Inside | None:
        script = command(stores[pod], f"{cluster}.{namespace}.svc", peers)
        try:
            return read(kubernetes.run(namespace, pod, "nats", script, timeout=PROBE_TIMEOUT_S)[1])
        except NatsError:
            return None  # it has no shell, has just ended, or may not be looked into: the other evidence has to do

    with ThreadPoolExecutor(max(1, len(stores))) as pool:
        found = zip(stores, pool.map(probe, stores), strict=True)
        return {name: inside for name, inside in found if inside}


def _connections(connection: Connection, expected: int) -> tuple[dict[str, Sequence[Any]], dict[str, Sequence[Any]]]:
    """The open and the closed connections of each server."""
    queries = (OPEN_CONNECTIONS_QUERY, CLOSED_CONNECTIONS_QUERY)
    questions = [("$SYS.REQ.SERVER.PING.CONNZ", query) for query in queries]
    open_connections, closed = surveys(connection, questions, expected, CONNECTIONS_TIMEOUT_S)
    return dict(_by_server(open_connections)), dict(_by_server(closed))


def _by_server(answers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    for answer in answers:
        yield answer["server"]["name"], (answer.get("data") or {}).get("connections") or []
