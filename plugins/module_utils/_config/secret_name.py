# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The names of the Secrets with what servers read. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import needs_restart
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import configuration

# Annotation of a Secret with a configuration that servers read only until they restart.
UNTIL_RESTART = "messaging.nats/until-restart"
LENGTH = 10


def short_hash(text: str) -> str:
    """A hash for names and revisions."""
    return sha256(text.encode()).hexdigest()[:LENGTH]


def route_files_secret(cluster: str) -> str:
    """The Secret with the certificates of routes that the cluster's own authority signed."""
    return f"{cluster}-routes-tls"


def stored_configurations(found: Mapping[str, Any]) -> dict[str, str]:
    """The texts of nats.conf that nats_cluster_info found, by the names of their Secrets."""
    return {
        secret["metadata"]["name"]: text
        for secret in found.get("secrets") or []
        if (text := configuration({"kind": "Secret", **secret})) is not None
    }


def config_secret_name(conf: str, cluster: str, found: Mapping[str, Any], image: str) -> str:
    """The present Secret's name where the servers can reload the configuration, else a new name.

    A new name changes the StatefulSet's template, so that each server gets the configuration when it restarts.
    """
    secrets = {secret["metadata"]["name"]: secret for secret in found.get("secrets") or []}
    configurations = stored_configurations(found)
    running = found.get("running") or {}
    current: str = running.get("config_secret") or ""
    # A play that was killed may have left what servers only run with until they restart.
    restarts = UNTIL_RESTART in (secrets.get(current, {}).get("metadata", {}).get("annotations") or {})
    if (current in configurations and not restarts) and (
        configurations[current] == conf or _is_reloadable(configurations[current], conf, running, image)
    ):
        return current
    name = f"{cluster}-config-{short_hash(conf)}"
    # Somebody may have changed the content of the Secret of this name.
    while configurations.get(name, conf) != conf:
        name = f"{cluster}-config-{short_hash(name + conf)}"
    return name


def _is_reloadable(before: str, after: str, running: Mapping[str, Any], image: str) -> bool:
    return running.get("image") == image and not needs_restart(before, after, running["version"])
