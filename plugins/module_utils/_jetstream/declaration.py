# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""One resource as it is declared. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.states import validate_state
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


@dataclass(frozen=True)
class DeclaredResource:
    """One resource as it is declared."""

    resource: Resource
    name: str
    place: Place
    state: str
    desired: Config
    policy: Policy
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        own = f"{self.resource.kind} {self.name}"
        return f"{own} of stream {self.place.stream}" if self.place.consumer else own


def declared_resource(resource: Resource, options: Mapping[str, Any], guards: Mapping[str, Any]) -> DeclaredResource:
    """A declaration made of options; `guards` are those that hold for all of a list."""
    name = str(options[resource.named])
    title = f"{resource.kind} {name!r}"
    stream = options.get("stream")
    for given, of in ((name, title), (stream, f"option stream of {title}")):
        pattern, words = resource.forbidden
        if given is not None and not (0 < len(given) < 256 and not re.search(pattern, given)):
            raise NatsError(of, f"a name has {words}, and 1 to 255 characters", "Choose another name.")
    state = options.get("state") or "present"
    arguments = {key: options[key] for key in resource.arguments if options.get(key) is not None}
    validate_state(title, state, arguments)
    _check_unset(title, resource, options)
    given = {**guards} | {key: value for key, value in options.items() if value is not None}
    return DeclaredResource(
        resource,
        name,
        Place(stream, name) if stream else Place(resource.prefix + name),
        state,
        resource.parse(options, name) if state != "absent" else {},
        Policy(
            frozenset(guard for guard in ("allow_data_loss", "allow_irreversible", "allow_move") if given.get(guard)),
            bool(given.get("exact")),
            tuple(given.get("unset") or ()),
            given.get("recreate") or "never",
        ),
        arguments,
    )


def _check_unset(title: str, resource: Resource, options: Mapping[str, Any]) -> None:
    written = {entry.name for entry in resource.fields if options.get(entry.name) is not None}
    if both := sorted(written & set(options.get("unset") or ())):
        raise NatsError(title, f"unset: {', '.join(both)} is written as well", "Write it or unset it.")
