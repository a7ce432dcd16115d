# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A record of how a cluster was deployed. Pure: it does no I/O. PRIVATE to the collection: it can change at any time.

It is an annotation of the Secret with the routes' login, which an uninstall keeps together with the volumes. So a later deploy
knows which cluster wrote the volumes, and which kinds of extra objects may exist.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import ROUTES_USER, secret_name

DEPLOYED_ANNOTATION = "messaging.nats/deployed"
# API version, kind, and namespace, which is empty for an object without one.
Kind = tuple[str, str, str]


@dataclass(frozen=True)
class DeploymentRecord:
    """The values that the data on the volumes depends on, and the kinds of extra objects."""

    cluster_name: str
    server_prefix: str
    accounts: tuple[str, ...]
    replicas: int
    version: str
    # The cipher of the store; `default` where only a key is set, empty where the store is not encrypted.
    cipher: str = ""
    # The kinds of all extra objects that were ever declared. None is removed, so a killed play leaves no unknown objects.
    kinds: tuple[Kind, ...] = ()


def record_of(secrets: Iterable[Mapping[str, Any]], cluster: str) -> DeploymentRecord | None:
    """The record in the Secrets of a cluster; None where there is none, or somebody has changed it to an invalid one."""
    name = secret_name(cluster, ROUTES_USER)
    texts = [
        (secret["metadata"].get("annotations") or {}).get(DEPLOYED_ANNOTATION)
        for secret in secrets
        if secret["metadata"]["name"] == name
    ]
    try:
        found = json.loads(texts[0] or "")
        kinds = tuple((str(version), str(kind), str(where)) for version, kind, where in found.pop("kinds"))
        accounts = tuple(map(str, found.pop("accounts")))
        return DeploymentRecord(**found, accounts=accounts, kinds=kinds)
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return None


def written_record(
    config: Mapping[str, Any],
    declared: Mapping[str, Any],
    extra_objects: Iterable[Mapping[str, Any]],
    secrets: Iterable[Mapping[str, Any]],
) -> str:
    """The text of the annotation. `declared` has cluster, cluster_name, server_prefix, replicas and version."""
    before = record_of(secrets, declared["cluster"])
    kinds = {
        (item["apiVersion"], item["kind"], (item.get("metadata") or {}).get("namespace") or "")
        for item in extra_objects
    }
    record = DeploymentRecord(
        str(declared["cluster_name"]),
        str(declared["server_prefix"]),
        tuple(sorted(config.get("accounts") or {})),
        int(declared["replicas"]),
        str(declared["version"]),
        cipher(config),
        tuple(sorted(kinds | set(before.kinds if before else ()))),
    )
    return json.dumps(asdict(record), separators=(",", ":"))


def cipher(config: Mapping[str, Any]) -> str:
    """The cipher with which a configuration encrypts the store; empty where it does not encrypt it."""
    block = config.get("jetstream")
    found = {str(key).lower(): value for key, value in block.items()} if isinstance(block, Mapping) else {}
    has_key = any(found.get(key) for key in ("key", "ek", "encryption_key", "tpm"))
    return str(found.get("cipher") or "default").lower() if has_key else ""
