# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Findings from what Kubernetes says of servers that run: volumes, kills, configuration files. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding, warning
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    KubernetesView,
    Snapshot,
    answered,
    by_server,
)

RECENT = timedelta(days=1)


def pod_findings(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.kubernetes is not None:
        yield from _volumes(snapshot, snapshot.kubernetes)
        yield from _killed(snapshot.kubernetes)
        yield from _configurations(snapshot, snapshot.kubernetes)


def _volumes(snapshot: Snapshot, view: KubernetesView) -> Iterator[Finding]:
    for name, answer in answered(snapshot).items():
        limit, volume = (answer["data"].get("config") or {}).get("max_storage", 0), view.volumes.get(name)
        if volume is not None and limit > volume:
            evidence = f"its store may grow to {limit >> 20} MiB, on a volume of {volume >> 20} MiB"
            remedy = "Lower nats_cluster_max_file_store: a full volume disables JetStream on the server."
            yield warning("VOLUME_TOO_SMALL", f"server {name}", evidence, remedy)


def _killed(view: KubernetesView) -> Iterator[Finding]:
    for pod in view.pods.values():
        moment = instant(pod.killed)
        if moment and datetime.now(timezone.utc) - moment[0] < RECENT:
            evidence = f"the kernel killed its server for want of memory at {pod.killed}"
            remedy = "Raise nats_cluster_resources.limits.memory; the playbook diagnose tells what fills it."
            yield warning("OOM_KILLED", f"pod {pod.name}", evidence, remedy)


def _configurations(snapshot: Snapshot, view: KubernetesView) -> Iterator[Finding]:
    for name, answer in by_server(snapshot, snapshot.varz).items():
        digest = answer["data"].get("config_digest")
        if digest and view.digests.get(name, digest) != digest:
            evidence = "it runs with another configuration than the file in its pod"
            remedy = "A reload was refused or not asked for: restart the pod, or put the configuration back."
            yield warning("CONFIG_NOT_APPLIED", f"server {name}", evidence, remedy)
