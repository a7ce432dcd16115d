# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The options that the modules of JetStream resources share. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.management import FULL, MANAGE
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource

# What a declaration allows.
GUARDS: dict[str, Any] = {
    "allow_data_loss": {"type": "bool", "default": False},
    "allow_irreversible": {"type": "bool", "default": False},
    "allow_move": {"type": "bool", "default": False},
    "recreate": {"type": "str", "choices": ["never", "if_empty", "always"], "default": "never"},
}

# Which fields a declaration resets to the server's defaults.
RESETS: dict[str, Any] = {
    "exact": {"type": "bool", "default": False},
    "unset": {"type": "list", "elements": "str", "default": []},
}

# Who a resource belongs to.
OWNER: dict[str, Any] = {"owner": {"type": "str"}}

# How much may be done with one resource.
MANAGED: dict[str, Any] = {"manage": {"type": "str", "choices": list(MANAGE), "default": FULL}}


def naming_options(resource: Resource) -> dict[str, Any]:
    """The options that name a resource, and its states."""
    is_consumer = "paused" in resource.states
    names: dict[str, Any] = {resource.named: {"type": "str", "required": True}}
    if is_consumer:
        names = {"stream": {"type": "str", "required": True}, "name": {"type": "str"}, "durable_name": {"type": "str"}}
    return {
        **names,
        "state": {"type": "str", "choices": list(resource.states), "default": "present"},
    }


def entry_spec(resource: Resource) -> dict[str, Any]:
    """The specs of the options of one entry of a list. Defaults and required options are handled where the entry is read."""
    own = naming_options(resource) | GUARDS | RESETS | OWNER | MANAGED
    specs = own | {key: dict(spec) for key, spec in resource.arguments.items()}
    return {
        name: {key: value for key, value in spec.items() if key in ("type", "elements", "choices", "options")}
        for name, spec in (specs | resource.argument_spec()).items()
    }
