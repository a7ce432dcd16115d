# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether each running server has loaded what its pod's Secrets hold. PRIVATE to the collection: it can change at any time.

This is decided by what the server says that it runs with, and by the clock of its own node alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import Secrets
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import Loaded
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot, by_server
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
    varz = varz_by_server(snapshot)
    running = {server_name(pod): pod for pod in pods if runs(pod)}
    if not running:
        return Loaded()
    # All pods have the same ones.
    secrets = Secrets.of_namespace(kubernetes, next(iter(running.values()))["metadata"]["namespace"])

    def missing(name: str) -> tuple[str, ...] | str:
        if name not in varz:
            return "it does not answer"
        try:
            return tuple(_missing(kubernetes, running[name], secrets, varz[name]))
        except NatsError as error:
            return error.cause

    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        found = dict(zip(running, pool.map(missing, running), strict=True))
    return Loaded(
        {name: reasons for name, reasons in found.items() if reasons and not isinstance(reasons, str)},
        {name: cause for name, cause in found.items() if isinstance(cause, str)},
    )


def varz_by_server(snapshot: Snapshot) -> dict[str, Mapping[str, Any]]:
    """What each server says of itself: to the system account, or on its monitoring port where it could not be asked so."""
    answered = {name: answer["data"] for name, answer in by_server(snapshot, snapshot.varz).items()}
    return {**snapshot.varz_of_silent, **answered}


def _missing(kubernetes: Kubernetes, pod: Object, secrets: Secrets, varz: Mapping[str, Any]) -> list[str]:
    wanted = declared_files(pod, secrets)
    # The revision is a hash of the configuration: the files in the pod are only read for certificates and for older servers.
    if len(wanted.hashes) == 1 and not wanted.certificates and wanted.revision and "metadata" in varz:
        return other_revision(wanted, varz)
    return file_differences(wanted, look(kubernetes, pod, wanted), varz)
