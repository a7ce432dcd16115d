# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which streams take from which, and the order that follows. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import any_overlap

Configs = Mapping[str, Mapping[str, Any]]


def origins(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The mirror and the sources of a stream that are in the same account."""
    for origin in (*(config.get("sources") or ()), config.get("mirror") or {}):
        if origin.get("name") and not origin.get("external"):
            yield origin


def turns(configs: Configs) -> list[list[str]]:
    """The streams in turns, so that each comes after those it takes from. In a cycle the first one declared comes first."""
    pending, found = dict(configs), []
    while pending:
        waiting = {
            name
            for name, config in pending.items()
            if any(origin["name"] in pending and origin["name"] != name for origin in origins(config))
        }
        ready = [name for name in pending if name not in waiting] or [next(iter(pending))]
        found.append(ready)
        for name in ready:
            del pending[name]
    return found


def cycle(name: str, configs: Configs) -> str | None:
    """A stream that takes from this one and from which this one takes, found as the server does."""
    to_visit, visited = [name], set()
    while to_visit:
        current = to_visit.pop(0)
        config = configs[current]
        visited.add(current)
        mirror = (config.get("mirror") or {}).get("name")
        for origin in origins(config):
            other, narrow = origin["name"], origin.get("filter_subject")
            if other not in visited:
                to_visit += [other] if other in configs else []
            elif other == mirror or not narrow or any_overlap([narrow], config.get("subjects") or []):
                return current
    return None
