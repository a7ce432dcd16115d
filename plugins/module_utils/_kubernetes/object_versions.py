# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Tells whether an object has changed since a plan saw it. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object

# Metadata that the API server and controllers write by themselves.
VOLATILE = ("managedFields", "resourceVersion", "generation")


def key(item: Mapping[str, Any]) -> str:
    """The key of an object in the versions that a plan hands to the module that applies it."""
    meta = item["metadata"]
    return f"{item['apiVersion']} {item['kind']} {meta.get('namespace', '')}/{meta['name']}"


def version(found: Mapping[str, Any]) -> dict[str, str]:
    """The version of an object, from which `is_unchanged` tells later whether it has changed.

    A controller may write the status at any time, which changes the resourceVersion, so there is a digest of the rest.
    A Secret has no status. It gets no digest, since a weak password could be guessed from it.
    """
    meta = found["metadata"]
    identity = {"uid": meta["uid"], "resource_version": meta["resourceVersion"]}
    return identity if found["kind"] == "Secret" else identity | {"digest": digest(found)}


def versions(found: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """The versions of the objects that exist, by their keys. The result of a dry run has no resourceVersion."""
    return {key(item): version(item) for item in found if item["metadata"].get("resourceVersion")}


def is_unchanged(found: Mapping[str, Any], seen: Mapping[str, str]) -> bool:
    """Whether the object differs from the version that the plan saw in its status only."""
    meta = found["metadata"]
    return seen["uid"] == meta["uid"] and (
        seen["resource_version"] == meta["resourceVersion"]
        or (found["kind"] != "Secret" and seen.get("digest") == digest(found))
    )


def digest(found: Mapping[str, Any]) -> str:
    """A digest of the declared part of an object."""
    return hashlib.sha256(json.dumps(declared_part(found), sort_keys=True).encode()).hexdigest()


def declared_part(found: Mapping[str, Any]) -> Object:
    """An object without its status and volatile metadata."""
    meta = {name: value for name, value in found["metadata"].items() if name not in VOLATILE}
    return {name: value for name, value in found.items() if name not in ("status", "metadata")} | {"metadata": meta}


def last_writer(found: Mapping[str, Any]) -> str:
    """Who last wrote more than its status, and when, according to its managedFields."""
    entries = [entry for entry in found["metadata"].get("managedFields") or [] if not entry.get("subresource")]
    if not entries:
        return "somebody"
    last = max(reversed(entries), key=lambda entry: str(entry.get("time", "")))
    return f"{last.get('manager', 'somebody')} at {last.get('time', 'an unknown time')}"
