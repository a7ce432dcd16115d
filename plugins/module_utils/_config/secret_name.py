# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which Secret holds a configuration. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import needs_restart
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import configuration

LENGTH = 10


def short_hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:LENGTH]


def config_secret_name(conf: str, cluster: str, found: Mapping[str, Any], image: str) -> str:
    """The one that the servers read where they can take the configuration over as they run, a new one where they can't.

    A new name changes the StatefulSet's template, so that each server gets the configuration when it restarts.
    """
    held = {
        secret["metadata"]["name"]: text
        for secret in found.get("secrets") or []
        if (text := configuration({"kind": "Secret"} | secret)) is not None
    }
    running = found.get("running") or {}
    current: str = running.get("config_secret") or ""
    if current in held and (held[current] == conf or _hot(held[current], conf, running, image)):
        return current
    name = f"{cluster}-config-{short_hash(conf)}"
    # One of this name may have been given another content since.
    while held.get(name, conf) != conf:
        name = f"{cluster}-config-{short_hash(name + conf)}"
    return name


def _hot(before: str, after: str, running: Mapping[str, Any], image: str) -> bool:
    return running.get("image") == image and not needs_restart(before, after, running["version"])
