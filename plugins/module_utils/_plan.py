# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What has to happen to a resource, and why it must not. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._resource import Change, Config, Field, Resource, State


@dataclass(frozen=True)
class Found:
    """A resource as the server has it."""

    config: Config
    state: State = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    action: str  # create, update or delete
    config: Config = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The steps, each changed field as (before, after), and the reasons why it is refused."""

    steps: tuple[Step, ...] = ()
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()


def plan(
    resource: Resource, desired: Config | None, found: Found | None, allowed: frozenset[str], api_level: int
) -> Plan:
    """What makes `found` what `desired` says. A `desired` of None is absence; a field that is not in it stays as it is."""
    if desired is None:
        return _removal(found, allowed)
    refusals = tuple(_too_old(resource, desired, api_level))
    if found is None:
        return Plan((Step("create", desired),), {name: (None, value) for name, value in desired.items()}, refusals)
    changes = dict(_changes(resource, desired, found.config))
    refusals += tuple(
        reason
        for name, (before, after) in changes.items()
        if (reason := _refusal(resource.fields[name], before, after, found.state, allowed))
    )
    return Plan(tuple(_updates(resource, found.config, changes)), changes, refusals)


def merged(before: Any, after: Any) -> Any:
    """`after` over `before`: keys of a nested table that were not written stay."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before | {key: merged(before.get(key), value) for key, value in after.items()}
    if _named(before) and _named(after):
        known = {entry["name"]: entry for entry in before}
        return [merged(known.get(entry["name"]), entry) for entry in after]
    return after


def _named(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(entry, dict) and "name" in entry for entry in value)
    )


def _removal(found: Found | None, allowed: frozenset[str]) -> Plan:
    if found is None:
        return Plan()
    messages = found.state.get("messages", 0)
    refusals: tuple[str, ...] = ()
    if messages and "allow_data_loss" not in allowed:
        refusals = (f"deleting it would delete {messages} messages. Set allow_data_loss: true if they may go",)
    return Plan((Step("delete"),), {}, refusals)


def _too_old(resource: Resource, desired: Config, api_level: int) -> Iterator[str]:
    for name, value in desired.items():
        field_ = resource.fields[name]
        if field_.api_level > api_level and value != field_.type.absent:
            yield f"{name} needs a server of API level {field_.api_level}, this one has {api_level}. Upgrade the server or leave it out"


def _changes(resource: Resource, desired: Config, actual: Config) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name, value in desired.items():
        before = resource.fields[name].value(actual)
        after = merged(before, value)
        if after != before:
            yield name, (before, after)


def _refusal(field_: Field, before: Any, after: Any, state: State, allowed: frozenset[str]) -> str | None:
    shown = f"{field_.name} from {field_.type.show(before)} to {field_.type.show(after)}"
    if field_.change is Change.NEVER:
        return (
            f"{shown}: the server fixes this when the resource is created. Keep it, or delete and create the resource"
        )
    if field_.change is Change.ONE_WAY:
        if before:
            return f"{shown}: the server can't turn this off again. Keep it, or delete and create the resource"
        if "allow_irreversible" not in allowed:
            return f"{shown} can't be undone. Set allow_irreversible: true if it shall be"
    if field_.change is Change.MOVES and "allow_move" not in allowed:
        return f"{shown} moves the data to other servers. Set allow_move: true if it shall"
    loss = field_.loses(before, after, state) if field_.loses else None
    if loss and "allow_data_loss" not in allowed:
        return f"{shown} would {loss}. Set allow_data_loss: true if they may go"
    return None


def _updates(resource: Resource, actual: Config, changes: dict[str, tuple[Any, Any]]) -> Iterator[Step]:
    """One update for all that can go together, then one for each field that can't."""
    config = deepcopy(actual)
    together = {name: after for name, (_before, after) in changes.items() if not resource.fields[name].alone}
    if together:
        config |= together
        yield Step("update", deepcopy(config))
    for name, (_before, after) in changes.items():
        if resource.fields[name].alone:
            config[name] = after
            yield Step("update", deepcopy(config))
