# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for a stream, and the reasons why it is refused."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    Policy,
    ResourceFacts,
    Wanted,
    merged,
    plan_removal,
    plan_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM

HOUR = 3600 * 10**9
LATEST = 5
SERVER = {
    "name": "S",
    "subjects": ["s"],
    "max_msgs": -1,
    "max_age": 0,
    "num_replicas": 1,
    "retention": "limits",
    "storage": "file",
}


def decide(desired, config=None, state=None, allowed=(), level=LATEST):
    found = None if config is None else Current(SERVER | config, state or {})
    policy = Policy(frozenset(allowed))
    if desired is None:
        return plan_removal(STREAM, found, policy)
    return plan_resource(Wanted(STREAM, "S", desired, policy), ResourceFacts(None, found, level=level))


def actions(planned):
    return [step.action for step in planned.steps]


@pytest.mark.parametrize(
    ("desired", "config", "expected"),
    [
        ({"max_age": HOUR}, None, ["create"]),
        ({"max_age": HOUR}, {}, ["update"]),
        ({"max_age": HOUR}, {"max_age": HOUR}, []),
        ({}, {"description": "foreign", "unknown_field": 1}, []),
        ({"allow_atomic": False}, {}, []),  # absent on the server means false
        ({"num_replicas": 3}, {}, ["update"]),
        ({"num_replicas": 3, "description": "x"}, {}, ["update", "update"]),  # replicas go alone
        ({"metadata": {"a": "1"}}, {"metadata": {"a": "1", "_nats.ver": "2.15.1"}}, []),
        (None, {}, ["delete"]),
        (None, None, []),
    ],
)
def test_the_steps(desired, config, expected):
    planned = decide(desired, config)
    assert actions(planned) == expected
    assert planned.refusals == ()


def test_an_update_carries_every_field_of_the_server():
    (step,) = decide({"max_msgs": 5}, {"unknown_field": {"deep": [1]}, "description": "kept"}).steps
    assert step.config == SERVER | {"unknown_field": {"deep": [1]}, "description": "kept", "max_msgs": 5}


def test_replicas_are_the_last_step_and_come_with_nothing_else_new():
    first, last = decide({"num_replicas": 3, "description": "x"}, {}).steps
    assert (first.config["num_replicas"], first.config["description"]) == (1, "x")
    assert last.config == first.config | {"num_replicas": 3}


OLD = (datetime.now(timezone.utc) - timedelta(hours=5)).isoformat()
CODES = {"allow_data_loss": "WOULD_LOSE_DATA", "allow_irreversible": "IRREVERSIBLE", "allow_move": "WOULD_MOVE_DATA"}
FULL = {"messages": 50, "bytes": 5000, "num_subjects": 10, "consumer_count": 0, "first_ts": OLD}


@pytest.mark.parametrize(
    ("desired", "config", "guard", "sentence"),
    [
        (None, {}, "allow_data_loss", "would delete 50 messages"),
        ({"max_msgs": 10}, {}, "allow_data_loss", "max_msgs from -1 to 10 would delete 40 of 50 messages"),
        ({"max_bytes": 100}, {"max_bytes": -1}, "allow_data_loss", "would delete 4900 of 5000 bytes"),
        ({"max_age": HOUR}, {}, "allow_data_loss", "max_age from 0s to 1h would delete messages up to 5h"),
        (
            {"max_msgs_per_subject": 1},
            {"max_msgs_per_subject": -1},
            "allow_data_loss",
            "all but the last 1 messages of each of 10",
        ),
        ({"retention": "interest"}, {}, "allow_data_loss", "because no consumer is interested"),
        ({"deny_purge": True}, {}, "allow_irreversible", "can't be undone"),
        ({"allow_msg_ttl": True}, {}, "allow_irreversible", "can't be undone"),
        ({"placement": {"tags": ["ssd"]}}, {}, "allow_move", "moves the data"),
    ],
)
def test_a_guard_stands_before_what_loses_or_moves(desired, config, guard, sentence):
    refused = decide(desired, config, FULL)
    assert sentence in refused.refusals[0].cause
    assert f"{guard}: true" in refused.refusals[0].remedy
    assert refused.refusals[0].code == CODES[guard]
    assert decide(desired, config, FULL, {guard}).refusals == ()
    assert (
        decide(desired, config, FULL, {"allow_data_loss", "allow_irreversible", "allow_move"} - {guard}).refusals != ()
    )


@pytest.mark.parametrize(
    "desired",
    [{"max_msgs": 60}, {"max_age": 24 * HOUR}, {"max_bytes": -1}, {"retention": "limits"}, {"description": "x"}],
)
def test_no_guard_stands_before_what_loses_nothing(desired):
    assert decide(desired, {}, FULL).refusals == ()


@pytest.mark.parametrize(
    ("desired", "config"),
    [({"storage": "memory"}, {}), ({"deny_delete": False}, {"deny_delete": True}), ({"first_seq": 7}, {})],
)
def test_what_the_server_never_changes_no_guard_allows(desired, config):
    (refusal,) = decide(desired, config, {}, {"allow_data_loss", "allow_irreversible", "allow_move"}).refusals
    assert refusal.code == "FIXED_AT_CREATION"


@pytest.mark.parametrize(("level", "refused"), [(1, True), (2, False)])
def test_a_field_that_the_server_does_not_know_is_refused_with_the_level_it_needs(level, refused):
    refusals = decide({"allow_atomic": True}, None, level=level).refusals
    assert bool(refusals) is refused
    assert all(reason.code == "SERVER_TOO_OLD" and "API level 2" in reason.cause for reason in refusals)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"cluster": "C", "tags": ["a"]}, {"tags": ["b"]}, {"cluster": "C", "tags": ["b"]}),
        ([{"name": "A", "new": 1}, {"name": "B"}], [{"name": "A"}], [{"name": "A", "new": 1}]),
        (["a"], ["b"], ["b"]),
        (1, 2, 2),
        ({}, {"x": 1}, {"x": 1}),
    ],
)
def test_what_was_not_written_stays_in_nested_tables_too(before, after, expected):
    assert merged(before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([{"src": "a", "dest": "b"}], [{"src": "c", "dest": "d"}], [{"src": "c", "dest": "d"}]),
        (
            [{"name": "A", "filter_subject": "a", "new": 1}, {"name": "A", "filter_subject": "b"}],
            [{"name": "A", "filter_subject": "b"}, {"name": "A", "filter_subject": "a"}],
            [{"name": "A", "filter_subject": "a", "new": 1}, {"name": "A", "filter_subject": "b"}],
        ),
        ([{"name": "A"}, {"name": "B"}], [{"name": "B"}, {"name": "A"}], [{"name": "A"}, {"name": "B"}]),
        ([{"name": "A"}], [{"name": "A"}, {"name": "A"}], [{"name": "A"}, {"name": "A"}]),
        ([1, 2], [2, 1], [2, 1]),
        (["a", "b"], ["b", "a"], ["a", "b"]),
        ("2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00"),
    ],
)
def test_lists_are_merged_by_what_their_entries_are(before, after, expected):
    assert merged(before, after) == expected


@pytest.mark.parametrize(("history", "refused"), [(4, False), (3, True)])
def test_a_history_that_nothing_exceeds_needs_no_permission(history, refused):
    state = {"messages": 5, "num_subjects": 2}  # four of one subject at most
    assert bool(decide({"max_msgs_per_subject": history}, {"max_msgs_per_subject": 10}, state).refusals) is refused


@pytest.mark.parametrize("recreate", ["if_empty", "always"])
def test_a_recreated_resource_takes_its_defaults_anew(recreate):
    found = Current(SERVER | {"subjects": ["S"], "duplicate_window": 120 * 10**9, "max_msgs": 5}, {})
    wanted = Wanted(STREAM, "S", {"mirror": {"name": "O"}}, Policy(recreate=recreate))
    gone, made = plan_resource(wanted, ResourceFacts(None, found, level=LATEST)).steps
    assert (gone.action, made.action) == ("delete", "create")
    assert made.config["mirror"] == {"name": "O"}
    assert made.config["max_msgs"] == 5
    assert not {"subjects", "duplicate_window"} & made.config.keys() or made.config["duplicate_window"] == 0


@pytest.mark.parametrize(
    ("found", "declared", "level", "code"),
    [
        ({"max_consumers": 5}, {"max_consumers": 6}, 1, "SERVER_TOO_OLD"),
        ({"max_consumers": 5}, {"max_consumers": 6}, 2, None),
        ({"max_consumers": 5}, {"max_consumers": 5}, 0, None),
    ],
)
def test_a_change_that_older_servers_refuse_is_refused_with_the_version(found, declared, level, code):
    facts = ResourceFacts(None, Current(SERVER | found, {}), level=level)
    plan = plan_resource(Wanted(STREAM, "S", declared, Policy()), facts)
    assert [refusal.code for refusal in plan.refusals] == ([code] if code else [])
