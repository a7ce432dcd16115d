# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""When the servers of a running cluster can encrypt their routes. Pure: it does no I/O. PRIVATE to the collection: it can change at any time.

A server that restarts with TLS finds no route to servers without it. So first every pod gets the certificates, by a restart; then all
servers reload the configuration with TLS, which leaves their routes open; then they restart one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import (
    canonical_config,
    paths,
    source_of,
    tls_blocks,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import canonical
from ansible_collections.messaging.nats.plugins.module_utils._config.secret_name import stored_configurations
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object


def startable_config(conf: Mapping[str, Any], found: Mapping[str, Any], open_routes: bool = False) -> dict[str, Any]:
    """The part of the declared configuration that the servers can take over now: all, or all but the TLS of routes.

    `found` is what nats_cluster_info returned. With `open_routes`, servers ask one another for no password while it is replaced: one has
    the new one before the other. This is left to certificates of the cluster's own authority, which nobody else has.
    """
    running = found.get("running") or {}
    if not running or not route_block(canonical(conf)):
        return dict(conf)
    if route_block(canonical_config(stored_configurations(found).get(running.get("config_secret") or "", ""))):
        return _without(conf, "authorization") if open_routes and running.get("route_tls") else dict(conf)
    if not pods_without_files(canonical(conf), running.get("pods") or []):
        return dict(conf)
    return _without(conf, "tls")


def route_block(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `tls` block of the routes; empty where they are in clear."""
    return dict(tls_blocks(data)).get("cluster", {})


def pods_without_files(data: Mapping[str, Any], pods: Iterable[Object]) -> list[str]:
    """The pods that mount not all files that the `tls` block of the routes names."""
    block = route_block(data)
    return [pod["metadata"]["name"] for pod in pods if not _mounts_all(block, pod)]


def _mounts_all(block: Mapping[str, Any], pod: Object) -> bool:
    named = [key for key in ("cert_file", "key_file", "ca_file") if block.get(key)]
    found = [path for path in paths(block, pod) if source_of(pod, path) is not None]
    return len(found) >= len(named)


def _without(conf: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    """The configuration without a key of its `cluster`."""
    return {
        key: {inner: part for inner, part in value.items() if inner.lower() != left_out}
        if key.lower() == "cluster"
        else value
        for key, value in conf.items()
    }
