# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A module that declares one resource. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import (
    GUARDS,
    MANAGED,
    OWNER,
    RESETS,
    naming_options,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule


def declare(resource: Resource, result: str) -> None:
    """A whole module: makes the resource what the task says, and returns its configuration under the key `result`."""
    arguments = {key: dict(spec) for key, spec in resource.arguments.items()}
    shared = GUARDS | RESETS | OWNER | MANAGED | {"wait_timeout": {"type": "float", "default": 30}}
    spec = naming_options(resource) | shared
    named = {"required_one_of": [(resource.named, "durable_name")]} if "durable_name" in spec else {}
    with NatsModule(spec | arguments | resource.argument_spec(), **named) as module:
        item = declared_resource(resource, module.params, {})
        with connected(module.access, account="APP") as connection:
            jetstream = JetStream(connection, module.api_prefix)
            mode = Mode(module.check_mode, module.params["wait_timeout"], streams_elsewhere=True)
            (outcome,) = connection.run(converge(jetstream, [item], mode))
        if outcome.warning:
            module.warn(outcome.warning)
        if outcome.error:
            raise outcome.error
        figures = {} if outcome.state is None else {"state": dict(outcome.state)}
        module.exit_json(
            changed=outcome.changed,
            **{result: outcome.after},
            **figures,
            **outcome.differences,
            **module.diff(*outcome.difference, item.title),
        )
