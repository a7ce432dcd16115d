# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided about one declared resource, from what was read of it."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import (
    decide,
    expected_config,
    needs_level,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import ResourceFacts
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context, Current
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM

LATER = "2090-01-31T12:00:00Z"
STORED = {"messages": 10, "first_seq": 1, "last_seq": 10}
LATEST = 5


def stream(**options):
    return declared_resource(STREAM, {"name": "S"} | options, {})


DURABLE = {"durable_name": "S"}


def consumer(**options):
    return declared_resource(CONSUMER, {"stream": "S", "name": "c"} | options, {})


def facts(config=None, state=None, level=LATEST, **info):
    if config is None:
        return ResourceFacts(None, None, Context(), level)
    stored = STORED if state is None else state
    answer = {"config": {"name": "S"} | config, "state": stored} | info
    return ResourceFacts(answer, Current(answer["config"], stored, answer), Context(), level)


@pytest.mark.parametrize(
    ("item", "found", "actions"),
    [
        (stream(max_msgs=5), facts(), ["create"]),
        (stream(description="x"), facts({}), ["update"]),
        (stream(state="absent"), facts({}), ["delete"]),
        (stream(state="absent"), facts(), []),
        (stream(state="purged"), facts({}), ["purge"]),
        (stream(state="purged", purge={"keep": 10}), facts({}), []),
        (stream(state="sealed"), facts({}), ["update"]),
        (stream(state="sealed", max_age="1h"), facts({"sealed": True, "max_age": 0}), []),
        (consumer(state="paused", pause_until=LATER), facts(), ["create"]),
        (consumer(state="paused", pause_until=LATER), facts(DURABLE), ["pause"]),
        (consumer(state="resumed"), facts(DURABLE, paused=True), ["pause"]),
        (consumer(state="resumed"), facts(DURABLE), []),
    ],
)
def test_a_state_is_reached_by_these_steps(item, found, actions):
    assert [step.action for step in decide(item, found).steps] == actions


@pytest.mark.parametrize(
    ("item", "found", "code"),
    [
        (stream(state="purged"), facts({}), "WOULD_LOSE_DATA"),
        (stream(state="sealed"), facts({}), "IRREVERSIBLE"),
        (stream(storage="memory"), facts({"storage": "file"}), "FIXED_AT_CREATION"),
        (stream(placement={"tags": ["a"]}), facts({}), "WOULD_MOVE_DATA"),
        (stream(mirror={"name": "O"}, subjects=["a"]), facts(), "INVALID_VALUE"),
        (consumer(state="paused", pause_until=LATER), facts(DURABLE, level=0), "SERVER_TOO_OLD"),
    ],
)
def test_a_plan_is_refused_with_a_code(item, found, code):
    assert [refusal.code for refusal in decide(item, found).refusals] == [code]


@pytest.mark.parametrize(
    ("item", "found", "code"),
    [
        (stream(state="purged"), facts(), "NOT_FOUND"),
        (stream(state="purged", max_msgs=5), facts({}), "CONFIGURATION_DIFFERS"),
    ],
)
def test_a_state_that_can_not_be_reached_is_an_error_with_a_code(item, found, code):
    with pytest.raises(NatsError) as raised:
        decide(item, found)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("item", "asks"),
    [
        (stream(max_msgs=5), False),
        (stream(allow_atomic=True), True),
        (stream(allow_atomic=True, state="absent"), False),
        (consumer(recreate="always"), True),
        (consumer(recreate="always", state="absent"), False),
        (consumer(state="reset"), True),
    ],
)
def test_the_api_level_is_asked_for_only_where_it_decides(item, asks):
    assert needs_level(item) is asks


@pytest.mark.parametrize(
    ("item", "found", "expected"),
    [
        (stream(state="absent"), facts({}), {}),
        (stream(description="x"), facts({}), {"name": "S", "description": "x"}),
        (stream(state="purged"), facts({}), {"name": "S"}),
        (consumer(state="paused", pause_until=LATER), facts(DURABLE), DURABLE | {"name": "S", "pause_until": LATER}),
        (consumer(state="resumed"), facts(DURABLE | {"pause_until": LATER}, paused=True), DURABLE | {"name": "S"}),
    ],
)
def test_check_mode_shows_the_configuration_after_the_plan(item, found, expected):
    assert expected_config(decide(item, found), found.found) == expected
