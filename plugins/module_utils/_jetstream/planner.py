# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What has to happen to a resource, and why it must not. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import (
    Context,
    Current,
    Field,
    Mutability,
    Resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step

VERSION_BY_LEVEL = {1: "2.11", 2: "2.12", 3: "2.12.8", 4: "2.14", 5: "2.15"}
NO_CONTEXT = Context()
NOTHING: tuple[Any, ...] = ("", [], {}, None)


@dataclass(frozen=True)
class Policy:
    """What is allowed, and how far the declaration goes."""

    allowed: frozenset[str] = frozenset()
    exact: bool = False
    unset: tuple[str, ...] = ()
    recreate: str = "never"


@dataclass(frozen=True)
class ResourcePlan:
    """The steps, each changed field as (before, after), and the reasons why it is refused."""

    steps: tuple[Step, ...] = ()
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    # Whether one of the reasons is a loss: a closer look may show that nothing would be lost.
    loses: bool = False


def plan(
    resource: Resource,
    name: str,
    desired: Config,
    found: Current | None,
    policy: Policy,
    level: int,
    around: Context = NO_CONTEXT,
) -> ResourcePlan:
    """What makes `found` what `desired` says. A field that is not in it stays as it is."""
    if found is None:
        created = _sent(resource, resource.completes(resource.creates(name) | desired, {}))
        refusals = (*_too_old(resource, desired, level), *resource.objects(created, around))
        return ResourcePlan(
            (Step("create", created),), {key: (None, value) for key, value in created.items()}, refusals
        )
    changes = _changes(resource, _wished(resource, desired, found, policy, around), found.config)
    if not changes:
        return ResourcePlan()
    refusals = tuple(_too_old(resource, {key: after for key, (_before, after) in changes.items()}, level))
    fixed = [
        key for key, (before, after) in changes.items() if _changing(resource, key, before, after) is Mutability.NEVER
    ]
    if fixed and policy.recreate != "never":
        return _again(resource, found, policy, around, changes, refusals, level)
    refusals += tuple(
        reason for key, (before, after) in changes.items() if (reason := _refusal(resource, key, before, after, policy))
    )
    steps = tuple(_updates(resource, found.config, changes))
    after = steps[-1].config
    losses = tuple(_losses(resource, found, after, changes, policy, around))
    return ResourcePlan(steps, changes, (*refusals, *losses, *resource.objects(after, around)), bool(losses))


def remove(resource: Resource, found: Current | None, policy: Policy, around: Context = NO_CONTEXT) -> ResourcePlan:
    """What makes it absent."""
    if found is None:
        return ResourcePlan()
    refusals = lost("deleting it", resource.holds(found, around), policy)
    return ResourcePlan((Step("delete"),), {}, refusals, bool(refusals))


def merged(before: Any, after: Any) -> Any:
    """`after` over `before`: keys of a nested table that were not written stay, and so does what is the same in other words."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before | {key: merged(before.get(key), value) for key, value in after.items()} if after else after
    if isinstance(before, list) and isinstance(after, list):
        return _merged_lists(before, after)
    moment = instant(after)
    return before if moment is not None and moment == instant(before) else after


def _merged_lists(before: list[Any], after: list[Any]) -> list[Any]:
    if all(isinstance(entry, str) for entry in before + after):
        # Subjects and tags have no order; another one would move data.
        return before if Counter(before) == Counter(after) else after
    if not all(isinstance(entry, dict) and entry.get("name") for entry in before + after):
        return after
    # One stream may be a source twice, of different subjects.
    for keys in (("name",), ("name", "filter_subject")):
        known = {_identity(entry, keys): entry for entry in before}
        if len(known) == len(before) and len({_identity(entry, keys) for entry in after}) == len(after):
            result = [merged(known.get(_identity(entry, keys)), entry) for entry in after]
            return before if len(result) == len(before) and all(entry in before for entry in result) else result
    return after


def _identity(entry: Mapping[str, Any], keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(entry.get(key) or "" for key in keys)


def _wished(resource: Resource, desired: Config, found: Current, policy: Policy, around: Context) -> Config:
    """What is written, what goes back to its default, and what comes along with both."""
    after = {key: merged(found.config.get(key), value) for key, value in desired.items()}
    names = {entry.name for entry in resource.fields}
    if unknown := sorted(set(policy.unset) - names):
        raise NatsError(
            resource.kind,
            f"unset: {', '.join(unknown)} is no field of it",
            f"Write some of {', '.join(sorted(names))}.",
        )
    back = [
        entry
        for entry in resource.fields
        if (
            entry.default and desired[entry.stored] == entry.type.absent
            if entry.stored in desired
            else policy.exact or entry.name in policy.unset
        )
    ]
    # Defaults depend on each other, as a window on an age.
    rest = {key: value for key, value in (found.config | after).items() if key not in {entry.stored for entry in back}}
    own = {"metadata": found.config.get("metadata", {})}
    after |= {entry.stored: entry.reset(own | rest, around) for entry in back}
    return resource.completes(after, found.config)


def _changes(resource: Resource, wished: Config, actual: Config) -> dict[str, tuple[Any, Any]]:
    known = resource.guarded
    changes = {}
    for key, after in wished.items():
        entry = known.get(key)
        before = entry.value(actual) if entry else actual.get(key)
        same = entry.type.plain(after) == entry.type.plain(before) if entry else after == before
        if not same and (after or before):
            changes[key] = (before, after)
    return changes


def _sent(resource: Resource, config: Config) -> Config:
    """As it is written to the server: what is nothing is left out."""
    known = resource.guarded
    plain = {key: known[key].type.plain(value) if key in known else value for key, value in config.items()}
    return {key: value for key, value in plain.items() if value not in NOTHING}


def _changing(resource: Resource, key: str, before: Any, after: Any) -> Mutability:
    entry = resource.guarded.get(key)
    return entry.changing(before, after) if entry else Mutability.FREELY


def _too_old(resource: Resource, desired: Config, level: int) -> Iterator[str]:
    for entry in resource.fields:
        value = desired.get(entry.stored)
        needed = max(entry.api_level, entry.type.level(value)) if value else 0
        if needed > level and value != entry.type.absent:
            yield f"{needs(entry.name, needed, level)} or leave it out"


def needs(what: str, needed: int, level: int) -> str:
    return f"{what} needs nats-server {VERSION_BY_LEVEL[needed]} (API level {needed}), this server has level {level}. Upgrade the server"


def _losses(
    resource: Resource,
    found: Current,
    after: Config,
    changes: Mapping[str, tuple[Any, Any]],
    policy: Policy,
    around: Context,
) -> Iterator[str]:
    """What the configuration that will hold loses, by the changed fields that are the reason."""
    known = resource.guarded
    for loss in resource.loses(found, after, around):
        fields = [
            f"{known[key].name if key in known else key} from {_shown(known.get(key), changes[key][0])} "
            f"to {_shown(known.get(key), changes[key][1])}"
            for key in loss.keys
            if key in changes
        ]
        yield from lost(" and ".join(fields) or "updating it", loss.sentence, policy)


def _refusal(resource: Resource, key: str, before: Any, after: Any, policy: Policy) -> str | None:
    entry = resource.guarded.get(key)
    if entry is None:
        return None
    shown = f"{entry.name} from {_shown(entry, before)} to {_shown(entry, after)}"
    change = entry.changing(before, after)
    if change is Mutability.NEVER:
        return f"{shown}: the server lets this be chosen at creation only. Keep it, or set recreate: if_empty or always"
    if change is Mutability.IRREVERSIBLY and "allow_irreversible" not in policy.allowed:
        return f"{shown} can't be undone. Set allow_irreversible: true if it shall be"
    if change is Mutability.MOVES and "allow_move" not in policy.allowed:
        return f"{shown} moves the data to other servers. Set allow_move: true if it shall"
    return None


def _shown(entry: Field | None, value: Any) -> Any:
    if value in NOTHING:
        return "nothing"
    return entry.type.show(value) if entry else value


def lost(what: str, loss: str | None, policy: Policy) -> tuple[str, ...]:
    """Why something that loses this is refused, if it is."""
    if loss is None or "allow_data_loss" in policy.allowed:
        return ()
    return (f"{what} would {loss}. Set allow_data_loss: true if they may go",)


def _updates(resource: Resource, actual: Config, changes: Mapping[str, tuple[Any, Any]]) -> Iterator[Step]:
    """One update for all that can go together, then one for each field that can't."""
    known = resource.by_key
    alone = [key for key in changes if key in known and known[key].alone]
    config = deepcopy(actual)
    if together := [key for key in changes if key not in alone]:
        _write(resource, config, changes, together)
        yield Step("update", deepcopy(config))
    for key in alone:
        _write(resource, config, changes, [key])
        yield Step("update", deepcopy(config), moves=True)


def _write(resource: Resource, config: Config, changes: Mapping[str, tuple[Any, Any]], keys: Iterable[str]) -> None:
    for key in keys:
        config.pop(key, None)
        config |= _sent(resource, {key: changes[key][1]})


def _again(
    resource: Resource,
    found: Current,
    policy: Policy,
    around: Context,
    changes: Mapping[str, tuple[Any, Any]],
    refusals: tuple[str, ...],
    level: int,
) -> ResourcePlan:
    """Deleted and created anew, with all that nobody asked to change."""
    config = deepcopy(found.config)
    # What was a default is one again, perhaps another one.
    for entry in resource.fields:
        if entry.default and entry.value(found.config) == entry.default(found.config, around):
            config.pop(entry.stored, None)
    _write(resource, config, changes, changes)
    anew = resource.loses_anew
    loss = anew(found, config, around, level) if anew else resource.holds(found, around)
    losses: tuple[str, ...] = ()
    if loss and policy.recreate == "if_empty":
        losses = (
            f"recreating it would {loss}, and recreate is if_empty. Set recreate: always and allow_data_loss: true if they may go",
        )
    elif loss:
        losses = lost("recreating it", loss, policy)
    steps = [Step("delete"), Step("create", config)]
    sequence = resource.resumes_at(found, config, level)
    if sequence is not None:
        steps.append(Step("reset", {"seq": sequence}))
    return ResourcePlan(tuple(steps), changes, (*refusals, *losses, *resource.objects(config, around)), bool(losses))
