# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether an object is still what a plan saw. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object

# What the API server and controllers write by themselves.
VOLATILE = ("managedFields", "resourceVersion", "generation")


def key(item: Mapping[str, Any]) -> str:
    """What an object is known by, from the plan to where it is applied."""
    meta = item["metadata"]
    return f"{item['apiVersion']} {item['kind']} {meta.get('namespace', '')}/{meta['name']}"


def version(found: Mapping[str, Any]) -> dict[str, str]:
    """What tells later whether this object was changed.

    A controller writes a status at any time, which changes the resourceVersion, so the rest has a digest. A Secret has
    no status, and no digest either, since a weak password could be guessed from it.
    """
    meta = found["metadata"]
    told = {"uid": meta["uid"], "resource_version": meta["resourceVersion"]}
    return told if found["kind"] == "Secret" else told | {"digest": digest(found)}


def versions(found: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Of all that Kubernetes has; what was only tried has no version."""
    return {key(item): version(item) for item in found if item["metadata"].get("resourceVersion")}


def is_unchanged(found: Mapping[str, Any], seen: Mapping[str, str]) -> bool:
    """Whether nothing but the status is different from what the plan saw."""
    meta = found["metadata"]
    return seen["uid"] == meta["uid"] and (
        seen["resource_version"] == meta["resourceVersion"]
        or (found["kind"] != "Secret" and seen.get("digest") == digest(found))
    )


def digest(found: Mapping[str, Any]) -> str:
    """Of all that somebody declares."""
    return hashlib.sha256(json.dumps(declared_part(found), sort_keys=True).encode()).hexdigest()


def declared_part(found: Mapping[str, Any]) -> Object:
    meta = {name: value for name, value in found["metadata"].items() if name not in VOLATILE}
    return {name: value for name, value in found.items() if name not in ("status", "metadata")} | {"metadata": meta}


def last_writer(found: Mapping[str, Any]) -> str:
    """Who wrote it last, but for its status, and when; as the API server keeps account of it."""
    entries = [entry for entry in found["metadata"].get("managedFields") or [] if not entry.get("subresource")]
    if not entries:
        return "somebody"
    last = max(reversed(entries), key=lambda entry: str(entry.get("time", "")))
    return f"{last.get('manager', 'somebody')} at {last.get('time', 'an unknown time')}"
