# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a person wants different in an object. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# One volume may be mounted twice, so its name does not tell the mounts apart.
LIST_KEYS = {"volumeMounts": "mountPath"}


def merge_overrides(objects: list[dict[str, Any]], overrides: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every object with the override of its kind merged in, then the one of its `kind/name`."""
    return [_overridden(thing, overrides) for thing in objects]


def matches(target: str, thing: Mapping[str, Any]) -> bool:
    """Whether the override `StatefulSet` or `Service/nats-external` is meant for this object."""
    return target in (thing["kind"], f"{thing['kind']}/{thing['metadata']['name']}")


def merge(base: Any, change: Any, key: str = "") -> Any:
    """`change` over `base`: mappings key by key, lists of named things by name, everything else replaced, null removed."""
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        merged = {name: merge(base.get(name), value, name) for name, value in change.items()}
        return {name: value for name, value in {**base, **merged}.items() if value is not None}
    if isinstance(base, list) and isinstance(change, list):
        return _merge_lists(base, change, LIST_KEYS.get(key, "name"))
    if isinstance(change, Mapping):
        return merge({}, change)
    return change


def _overridden(thing: dict[str, Any], overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    for target in sorted((target for target in overrides if matches(target, thing)), key=len):
        thing = merge(thing, overrides[target])
    return thing


def _merge_lists(base: list[Any], change: list[Any], key: str) -> list[Any]:
    names = [_name(item, key) for item in change]
    if None in names or not all(_name(item, key) for item in base):
        return change
    changed = dict(zip(names, change, strict=True))
    kept = [merge(item, changed.pop(_name(item, key), {})) for item in base]
    return kept + [merge({}, item) for item in changed.values()]


def _name(item: Any, key: str) -> str | None:
    """A container is named by its `name`, a volume claim by its `metadata.name`."""
    if not isinstance(item, Mapping):
        return None
    name: str | None = item.get(key) or (item.get("metadata") or {}).get(key)
    return name
