# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What we rely on of nats-server itself: a version that does otherwise shall tell us here."""

from __future__ import annotations

import pytest

SECOND = 10**9


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def create(jetstream):
    return lambda name, **config: jetstream(f"STREAM.CREATE.{name}", name=name, **config)


@pytest.fixture
def consume(jetstream):
    def make(stream, name, /, action="create", **config):
        body = {"name": name, "durable_name": name, "ack_policy": "explicit"} | config
        return jetstream(f"CONSUMER.CREATE.{stream}.{name}", stream_name=stream, action=action, config=body)

    return make


@pytest.mark.parametrize(
    ("config", "err_code"),
    [
        ({"nonsense": 1}, 10025),
        ({"max_age": 3.6e12}, 10025),
        ({"max_age": "1h"}, 10025),
        ({"max_age": 10**6}, 10052),
        ({"num_replicas": 3}, 10074),
        ({"sealed": True}, 10052),
        ({"subjects": ["a", "a"]}, 10052),
        ({"mirror": {"name": "O"}, "subjects": ["a"]}, 10034),
        ({"discard_new_per_subject": True}, 10052),
    ],
)
def test_what_is_no_stream_has_this_code(create, config, err_code):
    assert create("S", **config)["error"]["err_code"] == err_code


def test_codes_of_what_is_missing_and_what_overlaps(create, jetstream):
    assert jetstream("STREAM.INFO.NONE")["error"]["err_code"] == 10059
    create("S", subjects=["s.>"])
    assert jetstream("CONSUMER.INFO.S.none")["error"]["err_code"] == 10014
    assert create("T", subjects=["s.a"])["error"]["err_code"] == 10065
    assert jetstream("STREAM.NAMES", subject="s.a")["streams"] == ["S"]


def test_defaults_that_we_show_and_go_back_to(create):
    made = create("S")["config"]
    assert (made["subjects"], made["duplicate_window"], made["max_msgs"], made["max_age"]) == (
        ["S"],
        120 * SECOND,
        -1,
        0,
    )
    assert create("T", max_age=60 * SECOND)["config"]["duplicate_window"] == 60 * SECOND
    assert create("M", mirror={"name": "S"})["config"].get("duplicate_window", 0) == 0
    assert "subjects" not in create("N", sources=[{"name": "S"}])["config"]


def test_an_update_without_subjects_takes_them_away(create, jetstream):
    create("S", subjects=["s.>"])
    assert jetstream("STREAM.UPDATE.S", name="S")["config"]["subjects"] == ["S"]


def test_what_a_marker_and_schedules_turn_on(create):
    marked = create("S", subject_delete_marker_ttl=SECOND)["config"]
    assert (marked["allow_msg_ttl"], marked["allow_rollup_hdrs"]) == (True, True)
    assert create("T", allow_msg_schedules=True)["config"]["allow_rollup_hdrs"] is True


def test_what_a_seal_changes(create, jetstream):
    create("S", max_age=SECOND, allow_rollup_hdrs=True)
    sealed = {"name": "S", "sealed": True, "discard": "new", "deny_delete": True, "deny_purge": True}
    made = jetstream("STREAM.UPDATE.S", **sealed)["config"]
    assert {key: made[key] for key in sealed} == sealed
    assert (made["max_age"], made["allow_rollup_hdrs"]) == (0, False)


def test_a_mirror_copies_allow_direct_from_its_origin(create):
    create("S", allow_direct=True)
    assert create("M", mirror={"name": "S"}, mirror_direct=False)["config"]["mirror_direct"] is True


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({}, {"ack_wait": 30 * SECOND, "max_ack_pending": 1000, "max_waiting": 512, "max_deliver": -1}),
        ({"backoff": [SECOND, 2 * SECOND], "ack_wait": 9 * SECOND}, {"ack_wait": SECOND}),
        ({"deliver_subject": "to.me"}, {"max_waiting": None}),
        ({"ack_policy": "none"}, {"ack_wait": None, "max_ack_pending": None}),
        ({"ack_policy": "flow_control", "deliver_subject": "x"}, {"idle_heartbeat": SECOND, "flow_control": True}),
        ({"priority_policy": "pinned_client", "priority_groups": ["a"]}, {"priority_timeout": 120 * SECOND}),
    ],
)
def test_defaults_of_a_consumer(create, consume, config, shown):
    create("S")
    made = consume("S", "c", **config)["config"]
    assert {key: made.get(key) for key in shown} == shown


@pytest.mark.parametrize(
    "change", [{"ack_policy": "all"}, {"deliver_subject": "x"}, {"max_waiting": 5}, {"mem_storage": True}]
)
def test_what_a_consumer_never_changes(create, consume, change):
    create("S")
    consume("S", "c")
    assert consume("S", "c", action="update", **change)["error"]["err_code"] == 10012


def test_a_pause_is_no_update_and_is_written_in_utc(create, consume, jetstream):
    create("S")
    consume("S", "c")
    updated = consume("S", "c", action="update", max_waiting=512, pause_until="2035-01-01T01:00:00Z")["config"]
    assert "pause_until" not in updated
    jetstream("CONSUMER.PAUSE.S.c", pause_until="2035-01-01T01:00:00+01:00")
    assert jetstream("CONSUMER.INFO.S.c")["config"]["pause_until"] == "2035-01-01T00:00:00Z"
    jetstream("CONSUMER.PAUSE.S.c")
    assert "pause_until" not in jetstream("CONSUMER.INFO.S.c")["config"]


def test_a_work_queue_refuses_a_second_consumer_of_one_filter(create, consume):
    create("S", subjects=["s.>"], retention="workqueue")
    consume("S", "a", filter_subject="s.a")
    assert consume("S", "b", filter_subject="s.*")["error"]["err_code"] == 10100
