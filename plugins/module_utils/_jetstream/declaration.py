# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""One resource as it is declared. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.list_edits import (
    NO_EDITS,
    ListEdits,
    parse_edits,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.management import FULL, OBSERVE, check_manage
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import OWNER_KEY
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.states import (
    NO_STATE_OPTIONS,
    StateOptions,
    parse_state_options,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


class Turn(IntEnum):
    """Deletions come first, because they make room, and streams come before their consumers."""

    DELETE_CONSUMERS = 0
    DELETE_STREAMS = 1
    STREAMS = 2
    CONSUMERS = 3


@dataclass(frozen=True)
class DeclaredResource:
    """What a task or an entry of a list says of one resource."""

    resource: Resource
    name: str
    place: Place
    state: str
    desired: Config
    policy: Policy
    state_options: StateOptions = NO_STATE_OPTIONS
    edits: ListEdits = NO_EDITS

    @property
    def turn(self) -> Turn:
        """When it is made what it is declared to be, among all resources of a task."""
        if self.state == "absent":
            return Turn.DELETE_CONSUMERS if self.place.consumer else Turn.DELETE_STREAMS
        return Turn.CONSUMERS if self.place.consumer else Turn.STREAMS

    @property
    def is_observed(self) -> bool:
        """Whether it is only compared, and never written."""
        return self.policy.manage == OBSERVE

    @property
    def title(self) -> str:
        own = f"{self.resource.kind} {self.name}"
        return f"{own} of stream {self.place.stream}" if self.place.consumer else own


def declared_resource(resource: Resource, options: Mapping[str, Any], guards: Mapping[str, Any]) -> DeclaredResource:
    """The declaration that the options of a module or of an entry say; `guards` hold where the entry itself says nothing."""
    name = _declared_name(resource, options)
    title = f"{resource.kind} {name!r}"
    stream = options.get("stream")
    _check_name(resource, name, title)
    if stream is not None:
        _check_name(resource, stream, f"option stream of {title}")
    state = options.get("state") or "present"
    written = {key: options[key] for key in resource.arguments if options.get(key) is not None}
    state_options = parse_state_options(title, state, written)
    _check_unset(title, resource, options)
    policy = _policy({**guards} | {key: value for key, value in options.items() if value is not None})
    check_manage(title, state, policy.manage)
    desired = resource.parse(options, name) if state != "absent" else {}
    _check_owner(title, desired, policy.owner)
    return DeclaredResource(
        resource,
        name,
        Place(stream, name) if stream else Place(resource.prefix + name),
        state,
        desired,
        policy,
        state_options,
        parse_edits(resource, options, title) if state != "absent" else NO_EDITS,
    )


def _declared_name(resource: Resource, options: Mapping[str, Any]) -> str:
    """The name of a durable consumer may be written as both of its names, as in what the nats CLI prints."""
    names = [str(found) for key in (resource.named, "durable_name") if (found := options.get(key)) is not None]
    if len({*names}) > 1:
        cause = (
            f"{resource.named} is {names[0]!r} and durable_name is {names[1]!r}, and a durable consumer has one name"
        )
        raise NatsError(resource.kind, cause, "Write one of them.", code="INVALID_VALUE")
    return names[0]


def _policy(options: Mapping[str, Any]) -> Policy:
    return Policy(
        frozenset(guard for guard in ("allow_data_loss", "allow_irreversible", "allow_move") if options.get(guard)),
        bool(options.get("exact")),
        tuple(options.get("unset") or ()),
        options.get("recreate") or "never",
        (options.get("owner") or "").strip(),
        options.get("manage") or FULL,
    )


def _check_name(resource: Resource, name: str, what: str) -> None:
    pattern, words = resource.forbidden
    if not 0 < len(name) < 256 or re.search(pattern, name):
        raise NatsError(
            what, f"a name has {words}, and 1 to 255 characters", "Choose another name.", code="INVALID_VALUE"
        )


def _check_unset(title: str, resource: Resource, options: Mapping[str, Any]) -> None:
    written = {entry.name for entry in resource.fields if options.get(entry.name) is not None}
    if both := sorted(written & set(options.get("unset") or ())):
        raise NatsError(
            title, f"unset: {', '.join(both)} is written as well", "Write it or unset it.", code="INVALID_VALUE"
        )


def _check_owner(title: str, desired: Config, owner: str) -> None:
    """The owner is written once: by its option, or as a label where there is no such option."""
    written = (desired.get("metadata") or {}).get(OWNER_KEY)
    if owner and written not in (None, owner):
        raise NatsError(
            title,
            f"metadata: {OWNER_KEY} is {written!r}, and owner is {owner!r}",
            "Write the owner alone, or owner: '' to hand it over to the one in metadata.",
            code="INVALID_VALUE",
        )
