# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Decides what happens to one declared resource. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.management import kept
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import foreign_owner, owner_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    Policy,
    ResourceFacts,
    ResourcePlan,
    Wanted,
    plan_removal,
    plan_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current, Refusal
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.states import STATES, state_too_new
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import SEALED
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


def decide(item: DeclaredResource, facts: ResourceFacts) -> ResourcePlan:
    """The plan that makes the resource what is declared, unless it belongs to somebody else or has to be kept."""
    found, policy = facts.found, item.policy
    if found is None and policy.labels is not None:
        # A pattern has found it, and it has gone since: a pattern creates nothing.
        return ResourcePlan()
    if found and (foreign := foreign_owner(found.config, policy.owner, policy.labels)):
        return ResourcePlan(refusals=foreign)
    plan = _decide(item, facts)
    return replace(plan, refusals=(*plan.refusals, *kept(plan, policy)))


def _decide(item: DeclaredResource, facts: ResourceFacts) -> ResourcePlan:
    found = facts.found
    if item.state == "absent":
        return plan_removal(item.resource, found, item.policy, facts.context)
    if found is None and item.state == "present" and item.edits.remove and not (item.edits.add or item.desired):
        # Nothing can be taken from a stream that does not exist.
        return ResourcePlan()
    if item.state == "present" or (item.state in ("paused", "resumed") and found is None):
        desired = item.desired | _changed_by_sealing(item, found)
        if item.state == "paused":
            desired["pause_until"] = item.state_options.pause_until
        plan = _planned(item, desired, facts, item.policy)
        more = (*state_too_new(item.state, facts.level), *_resets_of_nobody(item, desired, facts, plan))
        return replace(plan, refusals=(*plan.refusals, *more))
    if found is None:
        raise NatsError(
            item.title,
            f"it does not exist, so it can't be {item.state}",
            "Create it first, or check its name.",
            code="NOT_FOUND",
        )
    _refuse_changed_fields(item, facts, found)
    return STATES[item.state](item.state_options, found, item.policy, facts.level)


def _planned(item: DeclaredResource, desired: Config, facts: ResourceFacts, policy: Policy) -> ResourcePlan:
    current = facts.found.config if facts.found else {}
    edited = item.edits.applied(current)
    plan = plan_resource(Wanted(item.resource, item.name, desired, policy, edited), facts)
    return replace(plan, refusals=(*plan.refusals, *item.edits.objections(current | desired)))


def _resets_of_nobody(
    item: DeclaredResource, desired: Config, facts: ResourceFacts, plan: ResourcePlan
) -> tuple[Refusal, ...]:
    """Why `exact` is refused for a resource without an owner: it would reset what somebody else may have set."""
    policy, found = item.policy, facts.found
    if not (policy.owner and policy.exact) or found is None or owner_of(found.config):
        return ()
    written = _planned(item, desired, facts, replace(policy, exact=False)).changes
    reset = [key for key, change in plan.changes.items() if written.get(key) != change]
    if not reset:
        return ()
    fields = ", ".join(field_names(item, reset))
    cause = f"it has no owner yet, and exact: true would reset {fields}, which somebody else may have set"
    remedy = "Write these fields, or declare it once with exact: false, which makes it yours."
    return (Refusal("NOT_OWNED", cause, remedy),)


def field_names(item: DeclaredResource, keys: Iterable[str]) -> list[str]:
    """The options for these fields of the server's configuration."""
    known = item.resource.by_key
    return [known[key].name if key in known else key for key in keys]


def differing_fields(item: DeclaredResource, facts: ResourceFacts, found: Current) -> ResourcePlan:
    """The plan that gives an existing resource the fields that are written, whatever its state and its owner are."""
    policy = replace(item.policy, owner="")
    return _planned(item, item.desired | _changed_by_sealing(item, found), facts, policy)


def _refuse_changed_fields(item: DeclaredResource, facts: ResourceFacts, found: Current) -> None:
    """A state such as purged changes no field, so that a declared field must have its value already."""
    plan = differing_fields(item, facts, found)
    if plan.steps:
        fields = ", ".join(field_names(item, plan.changes))
        raise NatsError(
            item.title,
            f"state {item.state} changes no configuration, and {fields} would change",
            "Change it with state: present first.",
            code="CONFIGURATION_DIFFERS",
        )


def _changed_by_sealing(item: DeclaredResource, found: Current | None) -> Config:
    """The fields of a sealed stream that sealing has changed, so that their declared values no longer hold."""
    if found is None or not found.config.get("sealed"):
        return {}
    return {key: found.config.get(key) for key in SEALED if key in item.desired}


def needs_level(item: DeclaredResource) -> bool:
    """Whether the server's API level decides about a declaration. Not every user may ask for it."""
    if item.state == "absent":
        return False
    # A consumer that is recreated gets its position back only from a server that can set it.
    if item.state in ("paused", "reset") or (item.place.consumer and item.policy.recreate != "never"):
        return True
    known = item.resource.by_key
    fields = [(known[key], value) for key, value in item.desired.items() if key in known]
    return any(entry.api_level or entry.type.level(value) for entry, value in fields)


def expected_config(plan: ResourcePlan, found: Current | None) -> Config:
    """The configuration after a plan, as check mode shows it."""
    last = plan.steps[-1]
    if last.action == "delete":
        return {}
    # A reset that restores a position follows a creation, whose configuration holds.
    written = [step.config for step in plan.steps if step.action in ("create", "update")]
    if written:
        return written[-1]
    if found and last.action == "pause":
        return paused_config(found.config, plan)
    return found.config if found else {}


def paused_config(config: Config, plan: ResourcePlan) -> Config:
    """A configuration after a plan that ends in a pause, or in its end."""
    return {key: value for key, value in config.items() if key != "pause_until"} | plan.steps[-1].config
