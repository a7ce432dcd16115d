# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads the Secrets that a cluster's logs, events and objects could repeat, so that they are masked. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER


def note_secrets(kubernetes: Kubernetes, namespace: str, cluster: str, pods: list[dict[str, Any]]) -> None:
    """Reads the Secrets of the cluster and those that its pods refer to; the client records them as known secrets.

    Where this user may not read them, a secret in a log is masked only by the name that it is assigned to.
    """
    collection = f"/api/v1/namespaces/{namespace}/secrets"
    selector = f"app.kubernetes.io/instance={cluster},app.kubernetes.io/managed-by={MANAGER}"
    read = set()
    with suppress(NatsError):
        read = {item["metadata"]["name"] for item in kubernetes.items(collection, "Secrets", labelSelector=selector)}
    for name in sorted({name for pod in pods for name in referenced_secrets(pod["spec"])} - read):
        with suppress(NatsError):
            kubernetes.find(f"{collection}/{name}", f"Secret {name}")


def referenced_secrets(spec: Any) -> Iterator[str]:
    """The names of the Secrets that a pod's spec refers to in volumes, environment variables and imagePullSecrets."""
    if isinstance(spec, Mapping):
        for key, value in spec.items():
            if key in ("secret", "secretRef", "secretKeyRef") and isinstance(value, Mapping):
                if name := value.get("secretName") or value.get("name"):
                    yield str(name)
            elif key == "imagePullSecrets":
                yield from (str(entry["name"]) for entry in value or [] if entry.get("name"))
            else:
                yield from referenced_secrets(value)
    elif isinstance(spec, list):
        for item in spec:
            yield from referenced_secrets(item)
