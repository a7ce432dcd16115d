# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_kv against a real server."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import nats_kv
from tests.support.waiting import eventually

SECOND = 10**9
B = {"bucket": "b"}


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def bucket(declare):
    def run(**params):
        return declare(nats_kv, **B | params)

    return run


@pytest.fixture
def config(jetstream):
    return lambda name="b": jetstream(f"STREAM.INFO.KV_{name}").get("config")


def test_create_modify_delete_in_check_mode_and_for_real_first_and_again(steps, config):
    steps(nats_kv, "bucket", **B, history=5, ttl="1h")
    assert config()["max_msgs_per_subject"] == 5
    steps(nats_kv, "bucket", **B, history=6, ttl="2h")
    assert config()["max_age"] == 7200 * SECOND
    steps(nats_kv, "bucket", **B, state="absent")
    assert config() is None


def test_a_bucket_is_made_as_clients_make_it(bucket, config):
    bucket()
    made = config()
    expected = {
        "subjects": ["$KV.b.>"],
        "max_msgs_per_subject": 1,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
        "duplicate_window": 120 * SECOND,
    }
    assert {key: made[key] for key in expected} == expected


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"history": 64, "description": "with words", "metadata": {"a": 1}},
        {"ttl": "1m"},  # shorter than the time that message ids are remembered
        {"ttl": "100ms", "storage": "memory"},
        {"limit_marker_ttl": "1m"},
        {"max_value_size": "1KiB", "max_bytes": "1MiB", "compression": True},
        {"republish": {"src": ">", "dest": "again.>", "headers_only": False}},
        {"republish": {"dest": "again.>", "headers_only": True}},
        {"sources": [{"name": "origin"}]},
        {
            "sources": [
                {"name": "KV_origin", "subject_transforms": [{"src": "$KV.origin.x", "dest": "$KV.b.x"}]},
                {"name": "other"},
            ]
        },
        {"mirror": {"name": "origin"}},
        {"mirror": {"name": "origin", "opt_start_time": "2020-01-01T01:00:00+01:00"}},
        {"mirror": {"name": "origin", "opt_start_seq": 0, "filter_subject": ""}},
        {
            "metadata": {},
            "placement": {},
            "republish": {},
            "sources": [],
            "description": "",
            "ttl": "0s",
            "max_bytes": "0",
        },
    ],
)
def test_every_field_converges_at_once(declare, steps, bucket, written):
    declare(nats_kv, bucket="origin")
    declare(nats_kv, bucket="other")
    steps(nats_kv, "bucket", **B, **written)
    assert bucket(**written, exact=True)["changed"] is False


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"ttl": "1m"}),  # takes the window along
        ({"ttl": "1m"}, {"ttl": "1h"}),
        ({"ttl": "1m"}, {"ttl": "0s"}),
        ({"ttl": "1m"}, {"exact": True}),
        ({"history": 5}, {"history": 3}),
        ({"history": 5}, {"unset": ["history"]}),
        ({"compression": True}, {"compression": False}),
        ({"republish": {"src": ">", "dest": "again.>", "headers_only": True}}, {"republish": {"headers_only": False}}),
        ({"republish": {"src": ">", "dest": "again.>"}}, {"republish": {}}),
        ({"metadata": {"a": "1"}}, {"metadata": {}}),
        ({"sources": [{"name": "origin"}]}, {"sources": [{"name": "other"}, {"name": "origin"}]}),
        ({"sources": [{"name": "origin"}, {"name": "other"}]}, {"sources": [{"name": "other"}]}),
        ({"sources": [{"name": "origin"}]}, {"sources": []}),
        ({"limit_marker_ttl": "1m"}, {"limit_marker_ttl": "2m"}),
        ({"limit_marker_ttl": "1m"}, {"limit_marker_ttl": "0s"}),
    ],
)
def test_every_change_converges_at_once(declare, steps, bucket, before, after):
    declare(nats_kv, bucket="origin")
    declare(nats_kv, bucket="other")
    bucket(**before)
    steps(nats_kv, "bucket", **B, **after)


def test_sources_keys_become_keys_of_this_bucket(declare, bucket, jetstream, publish):
    declare(nats_kv, bucket="origin")
    publish("$KV.origin.x")
    bucket(sources=[{"name": "origin"}])

    def subjects():
        return jetstream("STREAM.INFO.KV_b", subjects_filter=">")["state"].get("subjects")

    eventually(subjects)
    assert subjects() == {"$KV.b.x": 1}


def test_a_bucket_that_is_a_source_twice_stays_as_it_is_declared(declare, bucket):
    declare(nats_kv, bucket="origin")
    twice = [{"name": "origin", "subject_transforms": [{"src": "$KV.origin.a", "dest": "$KV.b.x"}]}, {"name": "origin"}]
    assert [bucket(sources=twice)["changed"] for _time in range(2)] == [True, False]


def test_the_order_of_sources_is_no_change(declare, bucket):
    declare(nats_kv, bucket="origin")
    declare(nats_kv, bucket="other")
    bucket(sources=[{"name": "origin"}, {"name": "other"}])
    assert bucket(sources=[{"name": "other"}, {"name": "origin"}])["changed"] is False


def test_a_source_that_another_tool_made_keeps_its_transforms(declare, jetstream, bucket, config):
    declare(nats_kv, bucket="origin")
    jetstream(
        "STREAM.CREATE.KV_b", name="KV_b", subjects=["$KV.b.>"], max_msgs_per_subject=1, sources=[{"name": "KV_origin"}]
    )
    assert bucket(sources=[{"name": "origin"}])["changed"] is False
    assert "subject_transforms" not in config()["sources"][0]


def test_an_update_keeps_what_it_does_not_name(jetstream, bucket, config):
    foreign = {
        "name": "KV_b",
        "subjects": ["$KV.b.>"],
        "max_msgs_per_subject": 3,
        "allow_direct": False,
        "allow_msg_ttl": True,
        "max_msgs": 100,
        "allow_atomic": True,
        "discard": "new",
    }
    jetstream("STREAM.CREATE.KV_b", **foreign)
    assert bucket()["changed"] is False
    assert bucket(max_value_size=500)["changed"] is True
    assert {key: config()[key] for key in foreign} == foreign


@pytest.mark.parametrize(
    ("wanted", "guard", "sentence"),
    [
        ({"state": "absent"}, "allow_data_loss", "deleting it would delete 6 messages"),
        (
            {"history": 1},
            "allow_data_loss",
            "history from 5 to 1 would delete all but the last 1 messages of each of 2 subjects",
        ),
        ({"limit_marker_ttl": "1m"}, "allow_irreversible", "allow_msg_ttl from False to True can't be undone"),
        ({"placement": {"cluster": "C"}}, "allow_move", "placement from nothing to"),
        ({"storage": "memory", "recreate": "always"}, "allow_data_loss", "recreating it would delete 6 messages"),
    ],
)
def test_a_guard_stands_before_what_loses_something(
    bucket, refused, publish, jetstream, run_module, account, wanted, guard, sentence
):
    bucket(history=5)
    publish("$KV.b.x", "$KV.b.y", count=3)
    message = refused(nats_kv, **B, **wanted)
    assert sentence in message
    assert f"{guard}: true" in message
    assert jetstream("STREAM.INFO.KV_b")["state"]["messages"] == 6
    if guard != "allow_move":  # one server has nowhere to move to
        assert bucket(**wanted, **{guard: True})["changed"] is True


def test_no_guard_stands_before_a_history_that_nothing_exceeds(bucket, publish):
    bucket(history=5)
    publish("$KV.b.x", "$KV.b.y", count=2)
    assert bucket(history=3)["changed"] is True


@pytest.mark.parametrize(
    ("recreate", "sentence"), [("never", "storage from file to memory"), ("if_empty", "recreate is if_empty")]
)
def test_a_bucket_with_values_is_recreated_only_when_that_is_asked_for(bucket, refused, publish, recreate, sentence):
    bucket()
    publish("$KV.b.x")
    assert sentence in refused(nats_kv, **B, storage="memory", recreate=recreate, allow_data_loss=True)


def test_an_empty_bucket_is_recreated_with_all_it_had(bucket, steps, config):
    bucket(history=7, ttl="1m", metadata={"a": "1"})
    steps(nats_kv, "bucket", **B, storage="memory", recreate="if_empty")
    made = config()
    assert (made["storage"], made["max_msgs_per_subject"], made["max_age"], made["metadata"]["a"]) == (
        "memory",
        7,
        60 * SECOND,
        "1",
    )


def test_a_copy_becomes_a_bucket_of_its_own_when_that_is_allowed(declare, bucket, refused, steps, config, publish):
    declare(nats_kv, bucket="origin")
    bucket(mirror={"name": "origin"})
    assert "mirror" in refused(nats_kv, **B, mirror={})
    steps(nats_kv, "bucket", **B, mirror={}, allow_irreversible=True)
    assert config()["subjects"] == ["$KV.b.>"]
    publish("$KV.b.own")


def test_a_bucket_does_not_become_a_copy_without_a_recreation(declare, bucket, refused, steps, config):
    declare(nats_kv, bucket="origin")
    bucket()
    assert "mirror from nothing" in refused(nats_kv, **B, mirror={"name": "origin"})
    steps(nats_kv, "bucket", **B, mirror={"name": "origin"}, recreate="if_empty")
    assert config()["mirror"]["name"] == "KV_origin"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"bucket": "notok!"}, "a name has nothing but letters, digits, _ and -"),
        ({"bucket": "a.b"}, "a name has nothing but"),
        ({"history": 0}, "history: 0 is out of range: write 1 to 64"),
        ({"history": 65}, "history: 65 is out of range: write 1 to 64"),
        (
            {"bucket": "new", "mirror": {"name": "x"}, "sources": [{"name": "y"}]},
            "sources: a mirror has no sources of its own",
        ),
        ({"ttl": "5x"}, "ttl: '5x' is not a duration"),
        ({"ttl": "1ms"}, "ttl: 1ms is too small"),
        ({"limit_marker_ttl": "10ms"}, "limit_marker_ttl: 10ms is too small: write 1s or more"),
        ({"max_value_size": "big"}, "max_value_size: 'big' is not a size"),
        ({"mirror": {"name": "x", "opt_start_time": "soon"}}, "mirror: opt_start_time: 'soon' is not a time"),
        ({"sources": [{"name": "x", "opt_start_seq": -1}]}, "sources: opt_start_seq: -1 is negative"),
        ({"sources": [{"name": "x", "filter_subject": "$KV.x.a"}]}, "Write subject_transforms with src: $KV.x.a"),
        ({"unset": ["max_age"]}, "unset: max_age is no field of it"),
    ],
)
def test_malformed_values_are_refused_by_option_name(bucket, refused, written, sentence):
    bucket()
    assert sentence in refused(nats_kv, **B | written)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"mirror": {"name": ""}}, "mirror.name is empty"),
        ({"mirror": {"name": "KV_"}}, "mirror.name is empty"),
        ({"sources": [{"name": ""}]}, "sources[0].name is empty"),
        ({"sources": [{"filter_subject": "x"}]}, "sources[0].name is missing"),
    ],
)
def test_an_origin_that_a_template_left_empty_is_refused(refused, config, bucket, written, sentence):
    assert sentence in refused(nats_kv, **B, **written)
    assert config() is None
    bucket()
    assert sentence in refused(nats_kv, **B, **written)


def test_a_size_below_what_is_stored_needs_the_guard(bucket, refused, publish, jetstream):
    bucket()
    publish("$KV.b.x", "$KV.b.y")
    assert "max_bytes from -1 to 64 would leave it full" in refused(nats_kv, **B, max_bytes=64)
    assert bucket(max_bytes=64, allow_data_loss=True)["changed"] is True
    assert bucket(max_bytes=64)["changed"] is False
    assert jetstream("STREAM.INFO.KV_b")["state"]["messages"] == 2


def test_promoting_a_mirror_leaves_keys_where_nobody_finds_them(declare, refused, publish, bucket, jetstream):
    declare(nats_kv, bucket="origin")
    publish("$KV.origin.x")
    bucket(mirror={"name": "origin"})
    eventually(lambda: jetstream("STREAM.INFO.KV_b")["state"]["messages"])
    message = refused(nats_kv, **B, mirror={}, allow_irreversible=True)
    assert "would leave 1 messages under the keys of bucket origin" in message
    assert bucket(mirror={}, allow_irreversible=True, allow_data_loss=True)["changed"] is True
