# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Who a resource belongs to in an account that several teams share. Pure: it sends no request.

The owner is a label in the metadata of a stream, a bucket's stream or a consumer. PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Refusal
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

OWNER_KEY = "messaging.nats/owner"


def owner_of(config: Mapping[str, Any]) -> str:
    """The owner of a resource; empty where it has none."""
    return str((config.get("metadata") or {}).get(OWNER_KEY) or "")


def label(owner: str) -> dict[str, str]:
    """The metadata that says who the owner is."""
    return {OWNER_KEY: owner} if owner else {}


def labelled(fields: Config, found: Mapping[str, Any], owner: str) -> Config:
    """The fields of a resource, with the owner in the metadata that they write or that the resource has."""
    if not owner:
        return fields
    return fields | {"metadata": (fields.get("metadata", found.get("metadata")) or {}) | label(owner)}


def foreign_owner(config: Mapping[str, Any], owner: str, labels: frozenset[str] | None) -> tuple[Refusal, ...]:
    """Why a resource is not touched. `labels` are the owners that it may have where a pattern has found it."""
    has = owner_of(config)
    if labels is not None and has not in labels:
        belongs = f"it belongs to {has}" if has else "it has no owner"
        return (
            Refusal(
                "OTHER_OWNER",
                f"{belongs} (metadata {OWNER_KEY}), so that a pattern leaves it alone",
                "Declare it by its name.",
            ),
        )
    if labels is not None or not owner or has in ("", owner):
        return ()
    return (
        Refusal(
            "OTHER_OWNER",
            f"it belongs to {has} (metadata {OWNER_KEY}), and the owner of this declaration is {owner}",
            f"Leave it to {has}, or have it handed over: {has} declares it once with owner: '' "
            f"and metadata: {{{OWNER_KEY}: {owner}}}.",
        ),
    )
