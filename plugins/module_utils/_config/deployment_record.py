# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a cluster was deployed as. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

An annotation of the Secret with the routes' login, which an uninstall keeps beside the volumes: so a later deploy knows what
wrote the volumes, and which kinds of extra objects there may be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import ROUTES_USER, secret_name

DEPLOYED_ANNOTATION = "messaging.nats/deployed"
# API version, kind, namespace (empty where the kind has none, or where the object names none).
Kind = tuple[str, str, str]


@dataclass(frozen=True)
class DeploymentRecord:
    """What the data on the volumes depends on."""

    cluster_name: str
    server_prefix: str
    accounts: tuple[str, ...]
    replicas: int
    version: str
    # The cipher of the store, `default` where only a key is set, empty where it is not encrypted.
    cipher: str = ""
    # Kinds of all extra objects that were ever declared. It never shrinks, so nothing is forgotten where a play is killed.
    kinds: tuple[Kind, ...] = ()


def record_of(secrets: Iterable[Mapping[str, Any]], cluster: str) -> DeploymentRecord | None:
    """What the Secrets of a cluster tell; None where none was written, or where somebody else changed it."""
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
    """The annotation, as text; `declared` has cluster, cluster_name, server_prefix, replicas and version."""
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
    """How a configuration encrypts the store; empty where it does not."""
    block = config.get("jetstream")
    found = {str(key).lower(): value for key, value in block.items()} if isinstance(block, Mapping) else {}
    has_key = any(found.get(key) for key in ("key", "ek", "encryption_key", "tpm"))
    return str(found.get("cipher") or "default").lower() if has_key else ""
