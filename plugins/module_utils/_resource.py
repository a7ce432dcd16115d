# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A kind of JetStream resource as a table. PRIVATE to the collection: it can change at any time.

Argument spec, conversion, comparison, planning and the test of the documentation all read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._types import Type

Config = dict[str, Any]
State = Mapping[str, Any]
# What a change from one value to another drops of what is stored, as a sentence; None when nothing.
Loses = Callable[[Any, Any, State], "str | None"]


class Change(Enum):
    """What the server lets happen to a field after creation."""

    FREELY = "freely"
    NEVER = "never"
    ONE_WAY = "one way"
    MOVES = "moves data"


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    change: Change = Change.FREELY
    api_level: int = 0
    loses: Loses | None = None
    # The server refuses or mixes up this change when another one comes with it.
    alone: bool = False

    def value(self, config: Config) -> Any:
        """What the server does for this field, written or not."""
        return config.get(self.name, self.type.absent)


class Resource:
    """The fields of one kind, by name."""

    def __init__(self, kind: str, *fields: Field) -> None:
        self.kind = kind
        self.fields = {field.name: field for field in fields}

    def argument_spec(self) -> dict[str, dict[str, Any]]:
        return {field.name: dict(field.type.spec) for field in self.fields.values()}

    def parse(self, params: Mapping[str, Any], name: str) -> Config:
        """The fields that were written, as the server stores them."""
        config: Config = {}
        for field in self.fields.values():
            if params.get(field.name) is None:
                continue
            try:
                config[field.name] = field.type.parse(params[field.name])
            except ValueError as error:
                raise NatsError(f"{self.kind} {name}", f"{field.name}: {error}") from error
        return config

    def show(self, config: Config) -> Config:
        """A configuration as a person would write it: readable values, nothing the server keeps for itself."""
        shown = {
            name: self.fields[name].type.show(value) if name in self.fields else value for name, value in config.items()
        }
        if "metadata" in shown:
            own = {key: text for key, text in shown.pop("metadata").items() if not key.startswith("_nats.")}
            shown |= {"metadata": own} if own else {}
        return shown
