# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How a resource that is only observed differs from its declaration. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import (
    differing_fields,
    expected_config,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    Changes,
    Policy,
    ResourceFacts,
    Wanted,
    plan_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current, Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.states import STATES
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


@dataclass(frozen=True)
class Comparison:
    """Each field that differs as (actual, declared), as people write it, and the configuration that is declared."""

    differences: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    config: Config = field(default_factory=dict)


def compare(item: DeclaredResource, facts: ResourceFacts) -> Comparison:
    """What would have to change. The owner is not compared, and nothing is refused: nothing will be written."""
    found = facts.found
    if item.state == "absent":
        return Comparison({"state": ("present", "absent")}) if found else Comparison()
    if found is None:
        plan = plan_resource(Wanted(item.resource, item.name, item.desired, Policy()), facts)
        return Comparison({"state": ("absent", item.state)}, expected_config(plan, None))
    plan = differing_fields(item, facts, found)
    differences = _as_written(item.resource, found, plan.changes)
    config = expected_config(plan, found) if plan.steps else found.config
    if item.state in STATES:
        differences |= dict(STATES[item.state](item.state_options, found, item.policy, facts.level).changes)
    return Comparison(differences, config)


def _as_written(resource: Resource, found: Current, changes: Changes) -> dict[str, tuple[Any, Any]]:
    """Changes of the server's fields as people write them."""
    name = {"name": found.config["name"]} if "name" in found.config else {}
    before = resource.show(name | {key: change[0] for key, change in changes.items()})
    after = resource.show(name | {key: change[1] for key, change in changes.items()})
    return {key: (before.get(key), after.get(key)) for key in before | after if before.get(key) != after.get(key)}
