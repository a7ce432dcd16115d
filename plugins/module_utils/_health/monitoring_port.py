# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Asks servers by their monitoring ports, which takes no login. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Answer, Snapshot, answered
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    MONITOR_PORT,
    runs,
    server_name,
)

JSZ = "/jsz?accounts=true&streams=true&consumers=true&config=true"
TIMEOUT_S = 5.0
MAX_CONCURRENT = 8


def with_monitoring(kubernetes: Kubernetes, namespace: str, pods: Iterable[Object], snapshot: Snapshot) -> Snapshot:
    """The snapshot, completed by servers that run and did not answer the system account: its login may be what is wrong."""
    silent = [pod for pod in pods if runs(pod) and server_name(pod) not in answered(snapshot)]
    if not silent:
        return snapshot
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        told = [found for found in pool.map(lambda pod: _ask(kubernetes, namespace, pod), silent) if found]
    return replace(
        snapshot,
        answers=(*snapshot.answers, *(jsz for jsz, _varz in told)),
        varz=(*snapshot.varz, *(varz for _jsz, varz in told)),
    )


def _ask(kubernetes: Kubernetes, namespace: str, pod: Object) -> tuple[Answer, Answer] | None:
    try:
        varz, jsz = (_json(kubernetes, namespace, pod, path) for path in ("/varz", JSZ))
        server = {
            "name": varz["server_name"],
            "id": varz["server_id"],
            "ver": varz["version"],
            "cluster": (varz.get("cluster") or {}).get("name"),
        }
    except (NatsError, ValueError, KeyError, TypeError):
        return None  # it stays a server that did not answer
    return {"server": server, "data": jsz}, {"server": server, "data": varz}


def _json(kubernetes: Kubernetes, namespace: str, pod: Object, path: str) -> dict[str, Any]:
    status, body = kubernetes.get(namespace, pod["metadata"]["name"], MONITOR_PORT, path, TIMEOUT_S)
    if status != 200:
        raise ValueError(f"status {status}")
    found: dict[str, Any] = json.loads(body)
    return found
