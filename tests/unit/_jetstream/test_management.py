# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept, and what is only observed."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import _keep_parents, declared_resources
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.management import check_manage, kept
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy, ResourcePlan
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

REMOVAL = ResourcePlan((Step("delete"),))
RECREATION = ResourcePlan((Step("delete"), Step("create", {"name": "S"})), {"storage": ("file", "memory")})
UPDATE = ResourcePlan((Step("update", {"name": "S"}),), {"max_msgs": (1, 2)})


@pytest.mark.parametrize(
    ("state", "manage", "refused"),
    [
        ("absent", "full", False),
        ("absent", "keep", True),
        ("absent", "observe", False),
        ("present", "keep", False),
        ("purged", "keep", False),
        ("purged", "observe", True),
        ("reset", "observe", True),
        ("sealed", "observe", False),
        ("paused", "observe", False),
    ],
)
def test_states_that_contradict_manage(state, manage, refused):
    if not refused:
        check_manage("stream S", state, manage)
        return
    with pytest.raises(NatsError) as raised:
        check_manage("stream S", state, manage)
    assert raised.value.code == "INVALID_VALUE"


@pytest.mark.parametrize(
    ("plan", "policy", "cause"),
    [
        (REMOVAL, Policy(), None),
        (RECREATION, Policy(), None),
        (UPDATE, Policy(manage="keep"), None),
        (ResourcePlan(), Policy(manage="keep"), None),
        (RECREATION, Policy(manage="keep"), "recreating it would delete it, and manage is keep"),
        (REMOVAL, Policy(manage="keep"), "it would be deleted, and manage is keep"),
        (
            REMOVAL,
            Policy(kept_for="consumer c"),
            "it would be deleted, and with it consumer c, whose manage is not full",
        ),
        (UPDATE, Policy(kept_for="consumer c"), None),
    ],
)
def test_a_plan_that_deletes_what_is_kept(plan, policy, cause):
    found = kept(plan, policy)
    assert [(refusal.code, refusal.cause) for refusal in found] == ([("KEPT", cause)] if cause else [])


@pytest.mark.parametrize(
    ("manage", "title"),
    [("full", ""), ("keep", "consumer c of stream S"), ("observe", "consumer c of stream S")],
)
def test_a_stream_is_kept_for_its_consumers(manage, title):
    lists = {"streams": [{"name": "S"}, {"name": "T"}], "consumers": [{"stream": "S", "name": "c", "manage": manage}]}
    items = list(_keep_parents(declared_resources(lists, {})))
    assert [(item.name, item.policy.kept_for) for item in items] == [("S", title), ("T", ""), ("c", "")]
