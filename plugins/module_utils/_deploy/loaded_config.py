# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether each running server has loaded what its pod's Secrets hold. PRIVATE to the collection: it can change at any time.

By what the server says it runs with, and by no clock but its own node's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import Loaded
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import runs, server_name
from ansible_collections.messaging.nats.plugins.module_utils._operations.mounted_config import (
    declared_files,
    file_differences,
    look,
    other_revision,
)

MAX_CONCURRENT = 8


def loaded(kubernetes: Kubernetes, pods: Iterable[Object], snapshot: Snapshot) -> Loaded:
    """What the servers of these pods run with, against their Secrets."""
    told = varz_by_server(snapshot)
    running = {server_name(pod): pod for pod in pods if runs(pod)}
    if not running:
        return Loaded()

    def missing(name: str) -> tuple[str, ...] | str:
        if name not in told:
            return "it does not answer"
        try:
            return tuple(_missing(kubernetes, running[name], told[name]))
        except NatsError as error:
            return error.cause

    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        found = dict(zip(running, pool.map(missing, running), strict=True))
    return Loaded(
        {name: reasons for name, reasons in found.items() if reasons and not isinstance(reasons, str)},
        {name: cause for name, cause in found.items() if isinstance(cause, str)},
    )


def varz_by_server(snapshot: Snapshot) -> dict[str, Mapping[str, Any]]:
    """What each server says of itself: to the system account, or to its monitoring port where that could not ask."""
    answered = {answer["server"]["name"]: answer["data"] for answer in snapshot.varz}
    return {**snapshot.varz_of_silent, **answered}


def _missing(kubernetes: Kubernetes, pod: Object, varz: Mapping[str, Any]) -> list[str]:
    wanted = declared_files(kubernetes, pod)
    # The revision is a hash of the configuration: only certificates, and what older servers run with, need a look into the pod.
    if len(wanted.hashes) == 1 and not wanted.certificates and wanted.revision and "metadata" in varz:
        return other_revision(wanted, varz)
    return file_differences(wanted, look(kubernetes, pod, wanted), varz)
