# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The plan for one resource: its steps, or the reasons why it is refused. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import first_with
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import label, labelled, owner_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import (
    Context,
    Current,
    Field,
    Mutability,
    Refusal,
    Resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step

NO_CONTEXT = Context()
# Values that are the same to the server as a missing field.
NOTHING: tuple[Any, ...] = ("", [], {}, None)
# Each changed field as (before, after).
Changes = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Policy:
    """What the declaration allows, and whether fields that are not written are reset."""

    allowed: frozenset[str] = frozenset()
    exact: bool = False
    unset: tuple[str, ...] = ()
    recreate: str = "never"
    # The label of what is created and changed; empty for none.
    owner: str = ""
    # One of management.MANAGE.
    manage: str = "full"
    # Something in the resource that must not be deleted with it.
    kept_for: str = ""
    # The owners that a resource may have which a pattern has found, "" for none; None for a resource that is named.
    labels: frozenset[str] | None = None


@dataclass(frozen=True)
class Wanted:
    """What is declared of one resource, and what may be done for it."""

    resource: Resource
    name: str
    # The declared fields. A field that is not among them stays as it is.
    desired: Config
    policy: Policy
    # Lists that were made of those that the resource has.
    edited: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceFacts:
    """What was read of one resource and of what is around it."""

    # The server's answer about the resource, None where it does not exist.
    info: Answer | None
    found: Current | None
    context: Context = NO_CONTEXT
    # The server's API level, 0 where nothing depends on it.
    level: int = 0


@dataclass(frozen=True)
class ResourcePlan:
    """The steps, each changed field as (before, after), and the reasons why it is refused."""

    steps: tuple[Step, ...] = ()
    changes: Changes = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    # The changed fields that get a default which a limit of the server may lower.
    limited: frozenset[str] = frozenset()

    @property
    def refused_for_age(self) -> bool:
        """Whether the server's API level is a reason; it may not have been asked for."""
        return any(refusal.code == "SERVER_TOO_OLD" for refusal in self.refusals)

    @property
    def refused_for_loss(self) -> bool:
        """Whether a loss is a reason; reading more of the resource may show that nothing would be lost."""
        return any(refusal.code == "WOULD_LOSE_DATA" for refusal in self.refusals)


def plan_resource(wanted: Wanted, facts: ResourceFacts) -> ResourcePlan:
    """The plan that makes the resource that was found what is wanted."""
    resource, policy, found = wanted.resource, wanted.policy, facts.found
    _check_unset(resource, policy)
    if found is None:
        return _creation(wanted, facts)
    changes = _changes(resource, _target(wanted, found, facts.context), found.config)
    if not changes:
        return ResourcePlan()
    written = {**wanted.desired, **wanted.edited}
    reset = {entry.stored for entry in _fields_to_reset(resource, written, policy) if entry.ceiling}
    plan = _change(wanted, facts, found, changes)
    return replace(plan, limited=frozenset(reset & changes.keys()))


def _change(wanted: Wanted, facts: ResourceFacts, found: Current, changes: Changes) -> ResourcePlan:
    resource, policy, context = wanted.resource, wanted.policy, facts.context
    too_old = (
        *_too_old(resource, {key: after for key, (_before, after) in changes.items()}, facts.level),
        *_too_old_to_change(resource, changes, facts.level),
    )
    if policy.recreate != "never" and _changes_never(resource, changes):
        plan = _recreation(wanted, facts, found, changes)
        return replace(plan, refusals=(*too_old, *plan.refusals))
    steps = tuple(_updates(resource, found.config, changes))
    after = steps[-1].config
    refusals = (
        *too_old,
        *_forbidden(resource, changes, policy),
        *_losses(wanted, found, after, changes, context),
        *resource.objects(after, context),
    )
    return ResourcePlan(steps, changes, refusals)


def _creation(wanted: Wanted, facts: ResourceFacts) -> ResourcePlan:
    resource, context = wanted.resource, facts.context
    desired = labelled({**wanted.desired, **wanted.edited}, {}, wanted.policy.owner)
    config = _sent(resource, resource.completes(resource.creates(wanted.name) | desired, {}))
    config = resource.inherits(config, context) | config
    too_old = _too_old(resource, desired, facts.level)
    refusals = (*too_old, *resource.objects(config, replace(context, creates=True)))
    changes = {key: (None, value) for key, value in config.items()}
    return ResourcePlan((Step("create", config),), changes, refusals)


def plan_removal(
    resource: Resource, found: Current | None, policy: Policy, context: Context = NO_CONTEXT
) -> ResourcePlan:
    """The plan that makes a resource absent."""
    if found is None:
        return ResourcePlan()
    return ResourcePlan((Step("delete"),), {}, would_lose("deleting it", resource.holds(found, context), policy))


def merged(before: Any, after: Any) -> Any:
    """`after` over `before`: keys of a nested table that were not written stay, and so does an equal value that is written otherwise."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before | {key: merged(before.get(key), value) for key, value in after.items()} if after else after
    if isinstance(before, list) and isinstance(after, list):
        return _merged_lists(before, after)
    moment = instant(after)
    return before if moment is not None and moment == instant(before) else after


def _merged_lists(before: list[Any], after: list[Any]) -> list[Any]:
    if all(isinstance(entry, str) for entry in before + after):
        # Subjects and tags have no order; the same tags in another order would move data.
        return before if Counter(before) == Counter(after) else after
    if not all(isinstance(entry, dict) and entry.get("name") for entry in before + after):
        return after
    # One stream may be a source twice, with different filters.
    for keys in (("name",), ("name", "filter_subject")):
        known = {_identity(entry, keys): entry for entry in before}
        if len(known) == len(before) and len({_identity(entry, keys) for entry in after}) == len(after):
            result = [merged(known.get(_identity(entry, keys)), entry) for entry in after]
            return before if len(result) == len(before) and all(entry in before for entry in result) else result
    return after


def _identity(entry: Mapping[str, Any], keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(entry.get(key) or "" for key in keys)


def _target(wanted: Wanted, found: Current, context: Context) -> Config:
    """The declared fields, the fields that are reset to their default, and the fields that follow from both."""
    resource, edited, policy = wanted.resource, wanted.edited, wanted.policy
    after = {key: merged(found.config.get(key), value) for key, value in wanted.desired.items()} | {**edited}
    found_says = {entry.stored for entry in resource.fields if entry.value(found.config) != entry.type.absent}
    written = {**wanted.desired, **edited}
    # A field that the server does not have is at its default already.
    reset = [entry for entry in _fields_to_reset(resource, written, policy) if entry.stored in found_says]
    reset_keys = {entry.stored for entry in reset}
    # Defaults depend on other fields, for example the duplicate window on max_age.
    others = {key: value for key, value in (found.config | after).items() if key not in reset_keys}
    metadata = {"metadata": found.config.get("metadata", {})}
    after |= {entry.stored: entry.default_value(metadata | others, context) for entry in reset}
    return resource.completes(labelled(after, found.config, policy.owner), found.config)


def _check_unset(resource: Resource, policy: Policy) -> None:
    names = {entry.name for entry in resource.fields}
    if unknown := sorted(set(policy.unset) - names):
        raise NatsError(
            resource.kind,
            f"unset: {', '.join(unknown)} is no field of it",
            f"Write some of {', '.join(sorted(names))}.",
            code="INVALID_VALUE",
        )


def _fields_to_reset(resource: Resource, desired: Config, policy: Policy) -> list[Field]:
    """The fields that go back to the server's default: named by unset, not written under exact, or written as nothing."""
    return [
        entry
        for entry in resource.fields
        if (
            entry.default and desired[entry.stored] == entry.type.absent
            if entry.stored in desired
            else policy.exact or entry.name in policy.unset
        )
    ]


def _changes(resource: Resource, target: Config, actual: Config) -> dict[str, tuple[Any, Any]]:
    known = resource.guarded
    changes = {}
    for key, after in target.items():
        entry = known.get(key)
        before = entry.value(actual) if entry else actual.get(key)
        same = entry.type.plain(after) == entry.type.plain(before) if entry else after == before
        if not same and (after or before):
            changes[key] = (before, after)
    return changes


def _sent(resource: Resource, config: Config) -> Config:
    """A configuration as it is sent to the server, without the fields that say nothing."""
    known = resource.guarded
    plain = {key: known[key].type.plain(value) if key in known else value for key, value in config.items()}
    return {key: value for key, value in plain.items() if value not in NOTHING}


def _changes_never(resource: Resource, changes: Changes) -> bool:
    """Whether a field changes that the server fixes at creation."""
    known = resource.guarded
    return any(
        key in known and known[key].mutability(before, after) is Mutability.NEVER
        for key, (before, after) in changes.items()
    )


def _too_old(resource: Resource, desired: Config, level: int) -> Iterator[Refusal]:
    for entry in resource.fields:
        value = desired.get(entry.stored)
        needed = max(entry.api_level, entry.type.level(value)) if value else 0
        if needed > level and value != entry.type.absent:
            yield server_too_old(entry.name, needed, level, "Upgrade the server or leave it out.")


def _too_old_to_change(resource: Resource, changes: Changes, level: int) -> Iterator[Refusal]:
    for key, (before, after) in changes.items():
        entry = resource.by_key.get(key)
        if entry and entry.change_level > level and before not in NOTHING:
            what = f"changing {entry.name} from {_shown(entry, before)} to {_shown(entry, after)}"
            yield server_too_old(what, entry.change_level, level, "Upgrade the server, keep it, or set recreate.")


def server_too_old(what: str, needed: int, level: int, remedy: str) -> Refusal:
    cause = f"{what} needs nats-server {first_with(needed)} (API level {needed}), this server has level {level}"
    return Refusal("SERVER_TOO_OLD", cause, remedy)


def _losses(wanted: Wanted, found: Current, after: Config, changes: Changes, context: Context) -> Iterator[Refusal]:
    """What the resulting configuration would lose, with the changed fields that are the reason."""
    known = wanted.resource.guarded
    for loss in wanted.resource.loses(found, after, context):
        fields = [
            f"{known[key].name if key in known else key} from {_shown(known.get(key), changes[key][0])} "
            f"to {_shown(known.get(key), changes[key][1])}"
            for key in loss.keys
            if key in changes
        ]
        yield from would_lose(" and ".join(fields) or "updating it", loss.sentence, wanted.policy)


def _forbidden(resource: Resource, changes: Changes, policy: Policy) -> Iterator[Refusal]:
    """The changes that the server never makes, never takes back, or makes by moving data."""
    for key, (before, after) in changes.items():
        entry = resource.guarded.get(key)
        if entry is None:
            continue
        shown = f"{entry.name} from {_shown(entry, before)} to {_shown(entry, after)}"
        mutability = entry.mutability(before, after)
        if mutability is Mutability.NEVER:
            cause = f"{shown}: the server lets this be chosen at creation only"
            yield Refusal("FIXED_AT_CREATION", cause, "Keep it, or set recreate: if_empty or always.")
        elif mutability is Mutability.IRREVERSIBLY:
            yield from irreversible(shown, policy)
        elif mutability is Mutability.MOVES and "allow_move" not in policy.allowed:
            cause = f"{shown} moves the data to other servers"
            yield Refusal("WOULD_MOVE_DATA", cause, "Set allow_move: true if that is wanted.")


def irreversible(what: str, policy: Policy) -> tuple[Refusal, ...]:
    """Why a change that the server never takes back is refused, unless the policy allows it."""
    if "allow_irreversible" in policy.allowed:
        return ()
    return (Refusal("IRREVERSIBLE", f"{what} can't be undone", "Set allow_irreversible: true if that is wanted."),)


def _shown(entry: Field | None, value: Any) -> Any:
    if value in NOTHING:
        return "nothing"
    return entry.type.show(value) if entry else value


def would_lose(what: str, loss: str | None, policy: Policy) -> tuple[Refusal, ...]:
    """Why something with this loss is refused, unless nothing is lost or the policy allows it."""
    if loss is None or "allow_data_loss" in policy.allowed:
        return ()
    return (Refusal("WOULD_LOSE_DATA", f"{what} would {loss}", "Set allow_data_loss: true if they may go."),)


def _updates(resource: Resource, actual: Config, changes: Changes) -> Iterator[Step]:
    """One update for all changes that can go together, then one for each change that can't."""
    known = resource.by_key
    alone = [key for key in changes if key in known and known[key].alone]
    config = dict(actual)
    if together := [key for key in changes if key not in alone]:
        _write(resource, config, changes, together)
        yield Step("update", dict(config))
    for key in alone:
        _write(resource, config, changes, [key])
        yield Step("update", dict(config), moves=True)


def _write(resource: Resource, config: Config, changes: Changes, keys: Iterable[str]) -> None:
    for key in keys:
        config.pop(key, None)
        config |= _sent(resource, {key: changes[key][1]})


def _recreation(wanted: Wanted, facts: ResourceFacts, found: Current, changes: Changes) -> ResourcePlan:
    """The resource is deleted and created again, with all fields that the declaration does not change."""
    resource, policy, context, level = wanted.resource, wanted.policy, facts.context, facts.level
    config = dict(found.config)
    # A field that had its default gets its default again, which may be another one by then.
    for entry in resource.fields:
        if entry.default and entry.value(found.config) == entry.default(found.config, context):
            config.pop(entry.stored, None)
    if owner := owner_of(found.config):
        config["metadata"] = label(owner) | (config.get("metadata") or {})
    _write(resource, config, changes, changes)
    config = resource.inherits(config, context) | config
    recreated = resource.loses_recreated
    loss = recreated(found, config, context, level) if recreated else resource.holds(found, context)
    steps = [Step("delete"), Step("create", config)]
    sequence = resource.resumes_at(found, config, level)
    if sequence is not None:
        steps.append(Step("reset", {"seq": sequence}))
    refusals = (*_lost_by_recreation(loss, policy), *resource.objects(config, replace(context, creates=True)))
    return ResourcePlan(tuple(steps), changes, refusals)


def _lost_by_recreation(loss: str | None, policy: Policy) -> tuple[Refusal, ...]:
    if loss and policy.recreate == "if_empty":
        cause = f"recreating it would {loss}, and recreate is if_empty"
        return (Refusal("WOULD_LOSE_DATA", cause, "Set recreate: always and allow_data_loss: true if they may go."),)
    return would_lose("recreating it", loss, policy)
