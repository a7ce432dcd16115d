# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A module that declares one resource. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge, wanted
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule

GUARDS: dict[str, Any] = {
    "allow_data_loss": {"type": "bool", "default": False},
    "allow_irreversible": {"type": "bool", "default": False},
    "allow_move": {"type": "bool", "default": False},
    "recreate": {"type": "str", "choices": ["never", "if_empty", "always"], "default": "never"},
}
REACH: dict[str, Any] = {
    "exact": {"type": "bool", "default": False},
    "unset": {"type": "list", "elements": "str", "default": []},
}


def naming(resource: Resource) -> dict[str, Any]:
    """What names a resource, and the states it can have."""
    parent = {"stream": {"type": "str", "required": True}} if "paused" in resource.states else {}
    aliases = {"aliases": ["durable_name"]} if parent else {}
    return {
        **parent,
        resource.named: {"type": "str", "required": True, **aliases},
        "state": {"type": "str", "choices": list(resource.states), "default": "present"},
    }


def entry(resource: Resource) -> dict[str, Any]:
    """The options of one entry of a list of resources: all defaults and duties are looked after elsewhere."""
    specs = naming(resource) | GUARDS | REACH | {key: dict(spec) for key, spec in resource.arguments.items()}
    aliases = {alias: spec for spec in specs.values() for alias in spec.get("aliases", [])}
    return {
        name: {key: value for key, value in spec.items() if key in ("type", "elements", "choices", "options")}
        for name, spec in (specs | aliases | resource.argument_spec()).items()
    }


def declare(resource: Resource, result: str) -> None:
    """The whole of a module: makes the resource what the task says, and returns it under its kind's name."""
    arguments = {key: dict(spec) for key, spec in resource.arguments.items()}
    spec = naming(resource) | GUARDS | REACH | {"wait_timeout": {"type": "float", "default": 30}}
    with NatsModule(spec | arguments | resource.argument_spec()) as module:
        item = wanted(resource, module.params, {})
        with connected(module.params, account="APP") as connection:
            jetstream = JetStream(connection, module.api_prefix)
            work = converge(jetstream, [item], module.check_mode, module.params["wait_timeout"])
            (outcome,) = connection.run(work)
        if outcome.warning:
            module.warn(outcome.warning)
        if outcome.error:
            raise outcome.error
        figures = {} if outcome.state is None else {"state": dict(outcome.state)}
        module.exit_json(
            changed=outcome.changed,
            **{result: outcome.after},
            **figures,
            **module.diff(*outcome.difference, item.title),
        )
