# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""One declared resource between reading and writing. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import expected_config
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.filter_order import FilterChange
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import filters
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    ResourceFacts,
    ResourcePlan,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.states import STATES
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import SubjectChange, subjects_of
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

NO_FACTS, NO_PLAN = ResourceFacts(None, None), ResourcePlan()


@dataclass
class PlannedResource:
    """One declared resource on its way: what was read of it, what is decided, and what became of it."""

    item: DeclaredResource
    outcome: Outcome
    facts: ResourceFacts = NO_FACTS
    plan: ResourcePlan = NO_PLAN

    @property
    def fails(self) -> bool:
        return bool(self.outcome.error or self.plan.refusals)

    @property
    def key(self) -> str:
        """Its name among the resources of a turn. No name has a dot."""
        place = self.item.place
        return f"{place.stream}.{place.consumer}" if place.consumer else place.stream

    @property
    def config_after(self) -> Config:
        """The configuration after the plan, as far as it is planned."""
        found = self.facts.found
        return expected_config(self.plan, found) if self.plan.steps else found.config if found else {}

    def conclude(self) -> None:
        """Refuses what the plan refuses; otherwise the outcome says what the plan changes."""
        plan, outcome = self.plan, self.outcome
        if plan.refusals:
            causes = "; ".join(refusal.cause for refusal in plan.refusals)
            remedies = " ".join(dict.fromkeys(refusal.remedy for refusal in plan.refusals))
            raise NatsError(self.item.title, causes, remedies, code=plan.refusals[0].code)
        outcome.changed = bool(plan.steps)
        if self.facts.found and self.item.state in STATES:
            outcome.done = plan.changes
        if not plan.steps:
            outcome.set_result(self.facts.info)

    def filter_change(self) -> FilterChange | None:
        """How the plan changes a consumer's filters; None where it doesn't, or is refused."""
        found = self.facts.found
        if not self.item.place.consumer or self.item.state == "absent" or not self.plan.steps or self.fails:
            return None
        before = tuple(filters(found.config)) if found else ()
        after = tuple(filters(expected_config(self.plan, found)))
        return FilterChange(self.item.name, before, after) if before != after else None

    def subject_change(self) -> SubjectChange | None:
        """How the plan changes a stream's subjects; None where it doesn't, or is refused."""
        plan, found = self.plan, self.facts.found
        if self.item.place.consumer or not plan.steps or self.fails:
            return None
        last = plan.steps[-1]
        if last.action not in ("create", "update"):
            return None
        before, after = subjects_of(found.config) if found else (), subjects_of(last.config)
        return SubjectChange(self.item.place.stream, before, after) if sorted(before) != sorted(after) else None


def config_of(info: Answer | None) -> Config:
    """The configuration in the server's answer about a resource; empty where it does not exist."""
    config: Config = info["config"] if info else {}
    return config
