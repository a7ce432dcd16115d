# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Servers that run without their StatefulSet. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

A StatefulSet is replaced without its pods to get larger volumes. If a play is killed in between, Kubernetes still has its revisions,
and the pods tell the rest. So the next play does not take a running cluster for a new one.
"""

from __future__ import annotations

import re

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    MANAGER,
    REVISION_LABEL,
    VERSION_LABEL,
    Object,
    nats_image,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import ordinal


def lost_statefulset(name: str, pods: list[Object], revisions: list[Object], claims: list[Object]) -> Object | None:
    """The lost StatefulSet, as far as a plan needs it; None where nothing was lost."""
    by_ordinal = {ordinal(pod["metadata"]["name"]): pod for pod in left_behind(pods)}
    history = sorted((found for found in revisions if not is_controlled(found)), key=lambda found: found["revision"])
    if not by_ordinal or not history:
        return None
    template = {key: value for key, value in history[-1]["data"]["spec"]["template"].items() if key != "$patch"}
    volumes = {claim["metadata"]["name"]: claim["spec"] for claim in claims}
    volume = next((found for number in by_ordinal if (found := volumes.get(f"data-{name}-{number}"))), None)
    meta = by_ordinal[max(by_ordinal)]["metadata"]
    image = nats_image(template)
    version = re.search(r":v?(\d+\.\d+\.\d+[^-@]*)", image)
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {"app.kubernetes.io/managed-by": MANAGER, VERSION_LABEL: version[1] if version else ""},
        },
        "spec": {
            "replicas": max(by_ordinal) + 1,
            "template": template,
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": volume}] if volume else [],
        },
        "status": {
            "lost": True,
            "updateRevision": history[-1]["metadata"]["name"],
            "currentRevision": by_ordinal[min(by_ordinal)]["metadata"]["labels"].get(REVISION_LABEL),
        },
    }


def left_behind(pods: list[Object]) -> list[Object]:
    """Pods that a StatefulSet of this collection made, and that no controller has now."""
    return [pod for pod in pods if _is_ours(pod) and not is_controlled(pod)]


def is_lost(statefulset: Object) -> bool:
    return bool((statefulset.get("status") or {}).get("lost"))


def _is_ours(pod: Object) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == MANAGER and REVISION_LABEL in labels


def is_controlled(item: Object) -> bool:
    return any(owner.get("controller") for owner in item["metadata"].get("ownerReferences") or [])
