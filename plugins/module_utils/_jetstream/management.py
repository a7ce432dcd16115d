# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How much a declaration may do with its resource: everything, not delete it, or only look. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy, ResourcePlan
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Refusal

FULL, KEEP, OBSERVE = "full", "keep", "observe"
MANAGE = (FULL, KEEP, OBSERVE)
# The states that are no property of a resource, but something to do with it: there is nothing to compare.
ACTIONS = ("purged", "reset")


def check_manage(title: str, state: str, manage: str) -> None:
    """Refuses a state that contradicts `manage`, whatever the server has."""
    if manage == KEEP and state == "absent":
        raise NatsError(
            title,
            "state: absent deletes it, and manage: keep says that it is never deleted",
            "Write manage: full to delete it.",
            code="INVALID_VALUE",
        )
    if manage == OBSERVE and state in ACTIONS:
        raise NatsError(
            title,
            f"state: {state} is something to do, and manage: observe only compares",
            "Write manage: full, or another state.",
            code="INVALID_VALUE",
        )


def kept(plan: ResourcePlan, policy: Policy) -> tuple[Refusal, ...]:
    """Why a plan that deletes a resource is refused: it is kept, or something in it is."""
    if not any(step.action == "delete" for step in plan.steps):
        return ()
    how = "recreating it would delete it" if len(plan.steps) > 1 else "it would be deleted"
    if policy.manage == KEEP:
        return (Refusal("KEPT", f"{how}, and manage is keep", "Leave it as it is, or write manage: full."),)
    if policy.kept_for:
        remedy = "Leave it as it is, or write manage: full there."
        return (Refusal("KEPT", f"{how}, and with it {policy.kept_for}, whose manage is not full", remedy),)
    return ()
