# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which pods are a cluster's servers. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

A label is no proof: anybody's pod may have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, REVISION_LABEL


def is_server_name(name: str, cluster: str) -> bool:
    """Whether a StatefulSet of this name gives a pod this name."""
    return re.fullmatch(rf"{re.escape(cluster)}-(0|[1-9]\d*)", name) is not None


def is_server_pod(pod: Mapping[str, Any], cluster: str) -> bool:
    """Made by the StatefulSet of this cluster, or left behind by it while that is replaced without its pods."""
    meta = pod["metadata"]
    if not is_server_name(meta["name"], cluster):
        return False
    for owner in meta.get("ownerReferences") or []:
        if owner.get("controller"):
            return bool(owner.get("kind") == "StatefulSet" and owner.get("name") == cluster)
    labels = meta.get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == MANAGER and REVISION_LABEL in labels
