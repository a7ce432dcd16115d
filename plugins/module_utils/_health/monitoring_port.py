# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Asks servers through their monitoring ports, which need no login. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import HTTP_OK, Snapshot, answered
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
    """The snapshot, completed by servers that run and did not answer the system account.

    They may be well, and only the login of the system account be wrong.
    """
    silent = [pod for pod in pods if runs(pod) and server_name(pod) not in answered(snapshot)]
    if not silent:
        return snapshot
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        reports = [found for found in pool.map(lambda pod: _ask(kubernetes, namespace, pod), silent) if found]
    return replace(
        snapshot,
        answers=(*snapshot.answers, *(jsz for jsz, _varz in reports)),
        varz=(*snapshot.varz, *(varz for _jsz, varz in reports)),
    )


def _ask(kubernetes: Kubernetes, namespace: str, pod: Object) -> tuple[Answer, Answer] | None:
    """JSZ and VARZ, in the shape of an answer to the system account."""
    try:
        varz, jsz = (_json(kubernetes, namespace, pod, path) for path in ("/varz", JSZ))
        server = {
            "name": varz["server_name"],
            "id": varz["server_id"],
            "ver": varz["version"],
            "cluster": (varz.get("cluster") or {}).get("name"),
        }
    except (NatsError, ValueError, KeyError, TypeError):
        return None  # the server stays one that did not answer
    return {"server": server, "data": jsz}, {"server": server, "data": varz}


def _json(kubernetes: Kubernetes, namespace: str, pod: Object, path: str) -> dict[str, Any]:
    status, body = kubernetes.get(namespace, pod["metadata"]["name"], MONITOR_PORT, path, TIMEOUT_S)
    if status != HTTP_OK:
        raise ValueError(f"status {status}")
    found: dict[str, Any] = json.loads(body)
    return found
