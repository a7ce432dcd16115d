# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks that the servers can still decrypt their store after a change. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from secrets import token_urlsafe
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    FieldChange,
    Object,
    nats_container,
)

# All names by which nats-server reads each setting. The first is its main name.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "key": ("key", "ek", "encryption_key"),
    "prev_key": ("prev_key", "prev_ek", "prev_encryption_key"),
    "cipher": ("cipher",),
    "tpm": ("tpm",),
}
KEY_NAMES = ("key", "prev_key")
REMEDY = (
    "the servers could not read their store. Put it back, or deploy a second cluster with it and move the streams: "
    "this version of the collection can't change the encryption of a cluster that has data"
)


def encryption_problems(
    conf: Mapping[str, Any], was: Mapping[str, Any], template: Iterable[FieldChange]
) -> Iterator[str]:
    """Sentences about changes of the key or the cipher. None of them shows a key."""
    if not conf or not was:
        return
    before, after = settings(was), settings(conf)
    for name in SETTINGS:
        if before.get(name) != after.get(name):
            how = "changes" if name in before and name in after else "is new" if name in after else "is gone"
            yield f"nats_cluster_config: jetstream.{name} {how}: {REMEDY}"
    changed = list(template)
    for name, variable in references(conf).items():
        if before.get(name) == after.get(name) and any(_concerns(change, variable) for change in changed):
            yield f"nats_cluster_overrides: the environment variable {variable}, which jetstream.{name} is read from, changes: {REMEDY}"


def settings(conf: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the encryption, by their main names. The server ignores upper and lower case."""
    block = conf.get("jetstream")
    lowered = {str(key).lower(): value for key, value in block.items()} if isinstance(block, Mapping) else {}
    found = {
        name: next(lowered[alias] for alias in aliases if alias in lowered)
        for name, aliases in SETTINGS.items()
        if any(alias in lowered for alias in aliases)
    }
    # Without a key, a cipher has no effect.
    return found if any(found.get(name) for name in ("key", "tpm")) else {}


def references(conf: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables that the keys are read from, by setting."""
    found = settings(conf)
    return {
        name: str(found[name]["$env"])
        for name in KEY_NAMES
        if isinstance(found.get(name), Mapping) and "$env" in found[name]
    }


def sources(conf: Mapping[str, Any], template: Object) -> dict[str, tuple[str, str]]:
    """For each environment variable with a key: the Secret that it comes from, and the Secret's key."""
    entries = {entry["name"]: entry for entry in nats_container(template).get("env") or []}
    found = {}
    for variable in references(conf).values():
        source = ((entries.get(variable) or {}).get("valueFrom") or {}).get("secretKeyRef")
        if source:
            found[variable] = (str(source["name"]), str(source["key"]))
    return found


def kept_key(secrets: Iterable[Mapping[str, Any]], name: str, key: str) -> str:
    """The value of a Secret's key in base64, which never changes; 256 new random bits where there is none."""
    for secret in secrets:
        if secret["metadata"]["name"] == name and (kept := (secret.get("data") or {}).get(key)):
            return str(kept)
    return base64.b64encode(token_urlsafe(32).encode()).decode()


def _concerns(change: FieldChange, variable: str) -> bool:
    """Whether a change of the pod template may change the value of this environment variable."""
    path, before, after = change
    if f".env[{variable}]" in path or ".envFrom" in path:
        return True
    if path.endswith(".env"):
        return bool(_entry(before, variable) != _entry(after, variable))
    if path.endswith(".containers"):
        return bool(_in_container(before, variable) != _in_container(after, variable))
    return False


def _entry(entries: Any, variable: str) -> Any:
    return next((entry for entry in entries or [] if entry.get("name") == variable), None)


def _in_container(containers: Any, variable: str) -> Any:
    container: Mapping[str, Any] = next((found for found in containers or [] if found.get("name") == "nats"), {})
    return _entry(container.get("env"), variable), container.get("envFrom")
