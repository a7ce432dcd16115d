# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Tells which pods are servers of a NATS cluster. Pure: it does no I/O. PRIVATE to the collection: it can change at any time.

A label alone does not prove it, because any pod can have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, REVISION_LABEL


def is_server_name(name: str, cluster: str) -> bool:
    """Whether this is the name of a pod of the StatefulSet of this cluster."""
    return re.fullmatch(rf"{re.escape(cluster)}-(0|[1-9]\d*)", name) is not None


def is_volume_of(claim: Mapping[str, Any], cluster: str) -> bool:
    """Whether this is the volume of a server of this cluster, and not of one whose name begins with the same words."""
    return re.fullmatch(rf"data-{re.escape(cluster)}-\d+", claim["metadata"]["name"]) is not None


def is_server_pod(pod: Mapping[str, Any], cluster: str) -> bool:
    """Whether the StatefulSet of this cluster made the pod; also while the StatefulSet is replaced and its pods are kept."""
    meta = pod["metadata"]
    if not is_server_name(meta["name"], cluster):
        return False
    for owner in meta.get("ownerReferences") or []:
        if owner.get("controller"):
            return bool(owner.get("kind") == "StatefulSet" and owner.get("name") == cluster)
    labels = meta.get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == MANAGER and REVISION_LABEL in labels
