# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What became of one declared resource. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.observe import Comparison
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step


@dataclass
class Outcome:
    """What became of one declared resource: its configuration before and after, or the error."""

    item: DeclaredResource
    changed: bool = False
    # As the server stores them. They are shown only where somebody asks, because that costs as much as planning.
    config_before: Config = field(default_factory=dict)
    config_after: Config = field(default_factory=dict)
    # What a state such as purged changed beside the configuration, as (before, after).
    done: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    # The server's figures, for example the number of messages.
    state: Mapping[str, Any] | None = None
    error: NatsError | None = None
    # What somebody else changed between reading and writing, as (before, after).
    meanwhile: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    # What check mode would carry out.
    steps: tuple[Step, ...] = ()
    # What check mode takes for granted.
    assumption: str = ""
    # How a resource that is only observed differs from its declaration; None for one that is managed.
    observed: Comparison | None = None

    @property
    def before(self) -> Config:
        """The configuration before, as a person would write it."""
        return self.item.resource.show(self.config_before)

    @property
    def after(self) -> Config:
        """The configuration after, or what it would be in check mode, as a person would write it."""
        return self.item.resource.show(self.config_after)

    @property
    def warning(self) -> str | None:
        """The warning about what check mode takes for granted, what is observed, or what somebody else changed at the same time."""
        if self.observed and self.observed.differences:
            listed = self.observed.differences.items()
            differ = ", ".join(f"{key} is {actual!r}, declared {declared!r}" for key, (actual, declared) in listed)
            return f"{self.item.title} is only observed, and differs from its declaration: {differ}."
        if self.assumption and not self.error:
            return f"{self.item.title}: {self.assumption}."
        if not self.meanwhile:
            return None
        fields = ", ".join(f"{key} from {old!r} to {new!r}" for key, (old, new) in self.meanwhile.items())
        return (
            f"{self.item.title}: while this was running, somebody else changed {fields}. What is not declared was kept."
        )

    @property
    def difference(self) -> tuple[Config, Config]:
        """Before and after, as --diff shows them; of a resource that is observed, what it is and what is declared."""
        if self.observed:
            return self.before, self.item.resource.show(self.observed.config)
        old = {key: before for key, (before, _after) in self.done.items() if before is not None}
        new = {key: after for key, (_before, after) in self.done.items() if after is not None}
        return self.before | old, self.after | new

    @property
    def differences(self) -> dict[str, Any]:
        """The result key for how an observed resource differs from its declaration; empty for one that is managed."""
        if self.observed is None:
            return {}
        return {
            "differences": {
                key: {"actual": actual, "declared": declared}
                for key, (actual, declared) in self.observed.differences.items()
            }
        }

    def set_result(self, info: Mapping[str, Any] | None) -> None:
        """Takes the configuration and the figures from an answer of the server, which has none of a deleted resource."""
        if info:
            self.config_after, self.state = info["config"], _figures(info)


def _figures(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of a stream, or what the server says of a consumer beside its configuration."""
    if "state" in info:
        state: Mapping[str, Any] = info["state"]
        return state
    return {
        key: value for key, value in info.items() if key not in ("type", "config", "cluster", "stream_name", "name")
    }
