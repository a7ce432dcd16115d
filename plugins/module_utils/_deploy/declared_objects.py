# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is looked up among the declared objects of a cluster. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    Counterpart,
    Object,
    config_secret,
    config_secret_content,
)


def statefulset_pair(pairs: Iterable[Counterpart]) -> Counterpart | None:
    """The StatefulSet of the servers, with what runs in its place."""
    return next((pair for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)


def declared_statefulset(pairs: Iterable[Counterpart]) -> Object | None:
    pair = statefulset_pair(pairs)
    return pair.declared if pair else None


def missing_objects(pairs: Iterable[Counterpart]) -> list[Object]:
    """The declared objects that do not exist."""
    return [pair.declared for pair in pairs if pair.running is None]


def configuration_of(pairs: list[Counterpart]) -> str | None:
    """The declared nats.conf. There may be more of them, which servers run with until they restart."""
    statefulset = declared_statefulset(pairs)
    named = config_secret(statefulset["spec"]["template"]["spec"]) if statefulset else None
    found = {
        pair.declared["metadata"]["name"]: text for pair in pairs if (text := config_secret_content(pair.declared))
    }
    return found.get(named) if named in found else next(iter(found.values()), None)


# A plan and its checks ask again and again for the same two texts: the declared one, and the one that runs.
@lru_cache(maxsize=4)
def config_values(text: str | None) -> Mapping[str, Any]:
    """The values of a nats.conf; empty where somebody else wrote what can't be read."""
    try:
        return read_nats_conf(text) if text else {}
    except ValueError:
        return {}
