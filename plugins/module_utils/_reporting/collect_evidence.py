# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Looks at everything around a cluster, and notes what may not be read. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
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
# Connections that are asked for: who waits for the most bytes, and who was closed last.
OPEN_CONNECTIONS_QUERY = {"sort": "pending", "limit": 20, "auth": True}
CLOSED_CONNECTIONS_QUERY = {"sort": "stop", "state": 1, "limit": 50, "auth": True}


def examine(
    kubernetes: Kubernetes,
    namespace: str,
    cluster: str,
    observe: Callable[[], tuple[Snapshot, Sequence[Finding]]],
    connection: Connection | None,
) -> Evidence:
    look = _Look(kubernetes, namespace)
    pods = kubernetes.pods(namespace, cluster)
    statefulset = look.one("apps/v1", "statefulsets", cluster)
    snapshot, findings = observe() if statefulset else (Snapshot(()), ())
    count = statefulset["spec"]["replicas"] if statefulset else 0
    peers = sorted({*map(object_name, pods), *(f"{cluster}-{ordinal}" for ordinal in range(count))})
    open_now, closed = _connections(connection, len(pods)) if connection else ({}, {})
    return Evidence(
        namespace,
        cluster,
        statefulset,
        look.one("v1", "services", cluster),
        pods,
        {server_name(pod): object_name(pod) for pod in pods},
        [
            claim
            for claim in look.all("v1", "persistentvolumeclaims") or ()
            if object_name(claim).startswith(f"data-{cluster}-")
        ],
        look.all("networking.k8s.io/v1", "networkpolicies"),
        look.all("v1", "events"),
        look.everywhere("storage.k8s.io/v1", "storageclasses"),
        look.everywhere("v1", "nodes"),
        {object_name(pod): kubernetes.logs(namespace, object_name(pod), "nats", MAX_LOG_LINES) for pod in pods},
        {
            object_name(pod): kubernetes.logs(namespace, object_name(pod), "nats", MAX_LOG_LINES, previous=True)
            for pod in pods
            if status(pod).get("restartCount")
        },
        _inside(kubernetes, namespace, cluster, _stores(pods, snapshot), peers),
        snapshot,
        findings,
        open_now,
        closed,
    )


class _Look:
    """Reads of one namespace; None for what may not be read."""

    def __init__(self, kubernetes: Kubernetes, namespace: str) -> None:
        self._kubernetes, self._namespace = kubernetes, namespace

    def one(self, version: str, plural: str, name: str) -> Object | None:
        return self._kubernetes.find(
            f"{_root(version)}/namespaces/{self._namespace}/{plural}/{name}", f"{plural} {name}"
        )

    def all(self, version: str, plural: str) -> list[Object] | None:
        return self._listed(f"{_root(version)}/namespaces/{self._namespace}/{plural}", plural)

    def everywhere(self, version: str, plural: str) -> list[Object] | None:
        return self._listed(f"{_root(version)}/{plural}", plural)

    def _listed(self, path: str, what: str) -> list[Object] | None:
        try:
            return self._kubernetes.items(path, what)
        except NatsError as error:
            if error.err_code == HTTPStatus.FORBIDDEN:
                return None
            raise


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _stores(pods: Sequence[Object], snapshot: Snapshot) -> dict[str, str]:
    """Where the server of each pod that runs keeps its store: as it says, or where its volume is."""
    said = {answer["server"]["name"]: answer["data"].get("config") or {} for answer in snapshot.answers}
    mounts = {
        object_name(pod): found["mountPath"]
        for pod in pods
        for found in container(pod).get("volumeMounts") or []
        if found["name"] == "data"
    }
    return {
        object_name(pod): said.get(server_name(pod), {}).get("store_dir") or mounts.get(object_name(pod), "/")
        for pod in pods
        if "running" in (status(pod).get("state") or {})
    }


def _inside(
    kubernetes: Kubernetes, namespace: str, cluster: str, stores: Mapping[str, str], peers: Sequence[str]
) -> dict[str, Inside]:
    """A look from inside each pod, all at once."""

    def look(pod: str) -> Inside | None:
        asked = command(stores[pod], f"{cluster}.{namespace}.svc", peers)
        try:
            return read(kubernetes.run(namespace, pod, "nats", asked, timeout=15)[1])
        except NatsError:
            return None  # no shell, no right, or just ended: the other facts have to do

    with ThreadPoolExecutor(max(1, len(stores))) as pool:
        found = zip(stores, pool.map(look, stores), strict=True)
        return {name: inside for name, inside in found if inside}


def _connections(connection: Connection, expected: int) -> tuple[dict[str, Sequence[Any]], dict[str, Sequence[Any]]]:
    async def both() -> list[list[dict[str, Any]]]:
        questions = (
            connection.survey("$SYS.REQ.SERVER.PING.CONNZ", options, expected, timeout=2)
            for options in (OPEN_CONNECTIONS_QUERY, CLOSED_CONNECTIONS_QUERY)
        )
        return list(await asyncio.gather(*questions))

    open_now, closed = (dict(_by_server(answers)) for answers in connection.run(both()))
    return open_now, closed


def _by_server(answers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    for answer in answers:
        yield answer["server"]["name"], (answer.get("data") or {}).get("connections") or []
