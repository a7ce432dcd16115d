# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Merges overrides into the role's objects. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The keys by which items of a list are matched, where it is not `name`: one volume may be mounted twice.
LIST_KEYS = {"volumeMounts": "mountPath"}


def merge_overrides(objects: list[dict[str, Any]], overrides: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All objects, each with the override of its kind merged in, then with the override of its `kind/name`."""
    return [_overridden(item, overrides) for item in objects]


def server_pod(
    overrides: Mapping[str, Mapping[str, Any]], cluster: str, metadata: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The template of a server's pod, as much of it as overrides say; `metadata` is what it has without them."""
    template = {
        "metadata": dict(metadata or {}),
        "spec": {"containers": [{"name": "nats", "env": [], "volumeMounts": []}], "volumes": []},
    }
    bare = {"kind": "StatefulSet", "metadata": {"name": cluster}, "spec": {"template": template}}
    found: dict[str, Any] = merge_overrides([bare], overrides)[0]["spec"]["template"]
    return found


def matches(target: str, item: Mapping[str, Any]) -> bool:
    """Whether the override of a target, such as `StatefulSet` or `Service/nats-external`, is for this object."""
    return target in (item["kind"], f"{item['kind']}/{item['metadata']['name']}")


def merge(base: Any, change: Any, key: str = "") -> Any:
    """`change` merged into `base`: mappings by key and lists of named items by name. Other values are replaced, null and an empty list remove."""
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        merged = {name: merge(base.get(name), value, name) for name, value in change.items()}
        return {name: value for name, value in {**base, **merged}.items() if value is not None}
    if isinstance(base, list) and isinstance(change, list):
        return _merge_lists(base, change, LIST_KEYS.get(key, "name"))
    if isinstance(change, Mapping):
        return merge({}, change)
    return change


def _overridden(item: dict[str, Any], overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    for target in sorted((target for target in overrides if matches(target, item)), key=len):
        item = merge(item, overrides[target])
    return item


def _merge_lists(base: list[Any], change: list[Any], key: str) -> list[Any]:
    names = [_name(item, key) for item in change]
    # An empty list takes all items out.
    if not change or None in names or not all(_name(item, key) for item in base):
        return change
    changed = dict(zip(names, change, strict=True))
    kept = [merge(item, changed.pop(_name(item, key), {})) for item in base]
    return kept + [merge({}, item) for item in changed.values()]


def _name(item: Any, key: str) -> str | None:
    """The name of an item: its `name`, or its `metadata.name`, as of a volume claim."""
    if not isinstance(item, Mapping):
        return None
    name: str | None = item.get(key) or (item.get("metadata") or {}).get(key)
    return name
