# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Keys that the role sets itself, and what to write instead. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_CLIENT_PORT = "4222 is the clients' port, leave it out"
_CLUSTER_PORT = "6222 is the cluster's port, leave it out"
_MONITOR_PORT = "the probes ask port 8222, leave it out"
_FILE_STORE = "write nats_cluster_max_file_store"
_MEMORY_STORE = "write nats_cluster_max_memory_store"
_PID_FILE = "the pod's preStop hook reads /tmp/nats.pid, leave it out"
_SECRET_DATA = "write nats_cluster_config or nats_cluster_accounts"
_STORE_DIR = "the pod's volume is at /data, leave it out"
_SYSTEM_ACCOUNT = "SYS is the system account, leave it out"
_USERS = "the role writes users into the configuration, write nats_cluster_accounts"

# Keys of nats.conf, in lower case, by all names that the server knows.
RESERVED_CONFIG_KEYS = {
    "accounts": "write nats_cluster_accounts",
    "authorization": f"{_USERS} (where there are accounts, the server takes no token: give such a client a user)",
    "cluster.authorization": "the routes' password is in a Secret of the role, leave it out",
    "cluster.host": _CLUSTER_PORT,
    "cluster.listen": _CLUSTER_PORT,
    "cluster.name": "write nats_cluster_cluster_name",
    "cluster.net": _CLUSTER_PORT,
    "cluster.no_advertise": "a pod's address can't be reached from outside, leave it out",
    "cluster.port": _CLUSTER_PORT,
    "cluster.routes": "they follow from nats_cluster_replicas, leave it out",
    "host": _CLIENT_PORT,
    "http": _MONITOR_PORT,
    "http_base_path": "the probes ask /healthz, leave it out",
    "http_port": _MONITOR_PORT,
    "https": _MONITOR_PORT,
    "https_port": _MONITOR_PORT,
    "jetstream.enable": "the role's clusters have JetStream, leave it out",
    "jetstream.enabled": "the role's clusters have JetStream, leave it out",
    "jetstream.max_file": _FILE_STORE,
    "jetstream.max_file_store": _FILE_STORE,
    "jetstream.max_mem": _MEMORY_STORE,
    "jetstream.max_mem_store": _MEMORY_STORE,
    "jetstream.max_memory_store": _MEMORY_STORE,
    "jetstream.store": _STORE_DIR,
    "jetstream.store_dir": _STORE_DIR,
    "jetstream.storedir": _STORE_DIR,
    "listen": _CLIENT_PORT,
    "monitor_port": _MONITOR_PORT,
    "net": _CLIENT_PORT,
    "no_auth_user": "write nats_cluster_anonymous",
    "no_sys_acc": _SYSTEM_ACCOUNT,
    "no_system": _SYSTEM_ACCOUNT,
    "no_system_account": _SYSTEM_ACCOUNT,
    "operator": _USERS,
    "pid_file": _PID_FILE,
    "pidfile": _PID_FILE,
    "port": _CLIENT_PORT,
    "resolver": _USERS,
    "server_name": "write nats_cluster_server_prefix",
    "store_dir": _STORE_DIR,
    "storedir": _STORE_DIR,
    "system": _SYSTEM_ACCOUNT,
    "system_account": _SYSTEM_ACCOUNT,
}

# Keys of an object that no override may change, by kind.
EVERY_KIND = {
    "apiVersion": "leave it out",
    "kind": "leave it out",
    "metadata.name": "write nats_cluster_name",
    "metadata.namespace": "write nats_cluster_namespace",
}
OVERRIDES: dict[str, dict[str, str]] = {
    "Namespace": EVERY_KIND,
    "ServiceAccount": EVERY_KIND,
    "Secret": EVERY_KIND | {"data": _SECRET_DATA, "stringData": _SECRET_DATA},
    "Service": EVERY_KIND,
    "StatefulSet": EVERY_KIND
    | {
        "spec.podManagementPolicy": "a first start needs all servers at once, leave it out",
        "spec.replicas": "write nats_cluster_replicas",
        "spec.selector": "it can never change, leave it out",
        "spec.serviceName": "it can never change, leave it out",
        "spec.updateStrategy": "the role decides when a pod restarts, leave it out",
    },
    "PodDisruptionBudget": EVERY_KIND,
    "Deployment": EVERY_KIND | {"spec.selector": "it can never change, leave it out"},
    "NetworkPolicy": EVERY_KIND,
}


def reserved_paths(
    data: Mapping[str, Any], reserved: Mapping[str, str], ignore_case: bool = False
) -> Iterator[tuple[str, str]]:
    """The reserved keys in the data: the dotted path of each, and what to write instead."""
    for path, remedy in reserved.items():
        if _has(data, path.split("."), ignore_case):
            yield path, remedy


def _has(data: Any, path: list[str], ignore_case: bool) -> bool:
    if not path:
        return True
    if not isinstance(data, Mapping):
        return False
    values = [value for key, value in data.items() if path[0] == (str(key).lower() if ignore_case else str(key))]
    return any(_has(value, path[1:], ignore_case) for value in values)
