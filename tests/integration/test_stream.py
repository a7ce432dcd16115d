# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_stream against three real servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import nats_stream
from tests.support.waiting import eventually

EVENTS = {
    "name": "EVENTS",
    "subjects": ["events.>"],
    "storage": "file",
    "retention": "limits",
    "max_msgs": -1,
    "max_age": "24h",
    "num_replicas": 3,
}


@pytest.fixture
def stream(run_module, account):
    def run(**params):
        return run_module(nats_stream, **account, **params)

    return run


def test_create_modify_delete_in_check_mode_and_for_real_first_and_again(stream, jetstream):
    def there():
        return "config" in jetstream("STREAM.INFO.EVENTS")

    def steps(**params):
        return [stream(**params, check=check)["changed"] for check in (True, True, False, False)]

    assert steps(**EVENTS) == [True, True, True, False]
    assert there()
    assert stream(**EVENTS, check=True)["changed"] is False

    assert steps(**EVENTS | {"max_age": "12h"}) == [True, True, True, False]
    assert jetstream("STREAM.INFO.EVENTS")["config"]["max_age"] == 12 * 3600 * 10**9

    assert steps(name="EVENTS", state="absent") == [True, True, True, False]
    assert not there()
    assert stream(name="EVENTS", state="absent", check=True)["changed"] is False


def test_the_reference_stream_is_on_three_servers(stream, jetstream):
    result = stream(**EVENTS)
    assert result["stream"]["max_age"] == "24h"
    eventually(lambda: all(peer["current"] for peer in jetstream("STREAM.INFO.EVENTS")["cluster"]["replicas"]))
    assert len(jetstream("STREAM.INFO.EVENTS")["cluster"]["replicas"]) == 2


def test_check_mode_writes_nothing_and_shows_what_would_be(stream, jetstream):
    result = stream(**EVENTS, check=True)
    assert jetstream("STREAM.INFO.EVENTS")["error"]["err_code"] == 10059
    assert result["diff"]["after"]["subjects"] == ["events.>"]
    assert result["diff"]["before"] == {}


def test_an_update_keeps_what_it_does_not_name(stream, jetstream):
    foreign = {
        "name": "RT",
        "subjects": ["rt.>"],
        "description": "made elsewhere",
        "compression": "s2",
        "max_age": 3600 * 10**9,
        "allow_direct": True,
        "allow_atomic": True,
        "metadata": {"owner": "another tool"},
    }
    jetstream("STREAM.CREATE.RT", **foreign)
    assert stream(name="RT", max_msgs=20)["changed"] is True
    after = jetstream("STREAM.INFO.RT")["config"]
    assert after["max_msgs"] == 20
    assert {key: after[key] for key in foreign if key != "metadata"} == {
        key: foreign[key] for key in foreign if key != "metadata"
    }
    assert after["metadata"]["owner"] == "another tool"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"max_msgs": 10}, "max_msgs from -1 to 10 would delete 40 of 50 messages. Set allow_data_loss"),
        ({"state": "absent"}, "deleting it would delete 50 messages. Set allow_data_loss"),
        ({"retention": "interest"}, "retention from limits to interest would delete all 50 messages"),
        ({"deny_delete": True}, "deny_delete from False to True can't be undone. Set allow_irreversible"),
        ({"storage": "memory"}, "storage from file to memory: the server lets this be chosen at creation only"),
    ],
)
def test_what_would_lose_something_is_refused_by_name(stream, jetstream, account_connection, wanted, sentence):
    stream(name="FULL", subjects=["full"])
    for _message in range(50):
        account_connection.request("full", b"x")
    result = stream(name="FULL", **wanted)
    assert result["failed"] is True
    assert sentence in result["msg"]
    assert jetstream("STREAM.INFO.FULL")["state"]["messages"] == 50


def test_a_guard_that_is_given_lets_it_pass(stream, jetstream, account_connection):
    stream(name="FULL", subjects=["full"])
    for _message in range(5):
        account_connection.request("full", b"x")
    assert stream(name="FULL", max_msgs=2, allow_data_loss=True)["state"]["messages"] == 2
    assert stream(name="FULL", state="absent", allow_data_loss=True)["changed"] is True


def test_replicas_are_changed_after_the_rest_and_waited_for(stream, jetstream):
    stream(name="GROWS", subjects=["grows"])
    result = stream(name="GROWS", num_replicas=3, description="now on three")
    assert result["changed"] is True
    cluster = jetstream("STREAM.INFO.GROWS")["cluster"]
    assert len(cluster["replicas"]) == 2
    assert "desired" not in cluster


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"max_age": "12x"}, "max_age: '12x' is not a duration: write 24h, 1h30m, 500ms"),
        ({"max_bytes": "5 apples"}, "max_bytes: '5 apples' is not a size: write 10M"),
        ({"num_replicas": 6}, "num_replicas: 6 is out of range: write 1 to 5"),
        ({"max_age": "1ms"}, "max_age: 1ms is too small: write 100ms or more"),
    ],
)
def test_bad_values_are_refused_by_option_name(stream, wanted, sentence):
    assert sentence in stream(name="BAD", **wanted)["msg"]


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a*", "a>", "a/b"])
def test_a_name_that_can_not_be_is_refused(stream, name):
    assert "a name has no spaces, dots, slashes or wildcards" in stream(name=name)["msg"]


def test_overlapping_subjects_are_an_error_with_the_servers_code(stream):
    stream(name="ONE", subjects=["same.>"])
    result = stream(name="TWO", subjects=["same.one"])
    assert result["err_code"] == 10065
    assert "Another stream has these subjects" in result["remedy"]


S = {"name": "S", "subjects": ["s.>"]}
HOUR = 3600 * 10**9


@pytest.fixture
def config(jetstream):
    return lambda name="S": jetstream(f"STREAM.INFO.{name}").get("config")


@pytest.mark.parametrize(
    "written",
    [
        {"subjects": ["s.b", "s.a"], "description": "with words", "metadata": {"a": 1}},
        {"retention": "interest", "max_consumers": 5, "no_ack": True},
        {
            "retention": "workqueue",
            "discard": "new",
            "max_msgs": 10,
            "max_msgs_per_subject": 2,
            "discard_new_per_subject": True,
        },
        {"max_bytes": "1MiB", "max_msg_size": "1K", "max_age": "1m", "storage": "memory"},
        {"max_age": "1h", "duplicate_window": "1s"},
        {"num_replicas": 3, "placement": {"cluster": "C", "tags": []}},
        {"compression": "s2", "first_seq": 100, "allow_direct": True},
        {"subject_transform": {"src": "s.>", "dest": "t.>"}},
        {"republish": {"src": "s.>", "dest": "again.>", "headers_only": False}},
        {"republish": {"dest": "again.>"}},
        {"deny_delete": True, "deny_purge": True},
        {"consumer_limits": {"inactive_threshold": "1h", "max_ack_pending": 0}},
        {"consumer_limits": {}},
        {"allow_msg_ttl": True, "subject_delete_marker_ttl": "1m"},
        {"subject_delete_marker_ttl": "1m", "max_age": "1h"},
        {"allow_msg_counter": True, "allow_atomic": True},
        {"allow_msg_schedules": True},
        {"persist_mode": "async"},
        {"persist_mode": "default"},
        {"allow_batched": True},
        {"sources": [{"name": "ORIGIN"}]},
        {"sources": [{"name": "ORIGIN", "filter_subject": "o.a"}, {"name": "ORIGIN", "filter_subject": "o.b"}]},
        {"sources": [{"name": "ORIGIN", "subject_transforms": [{"src": "o.>", "dest": "s.>"}]}]},
        {
            "sources": [
                {"name": "ORIGIN", "subject_transforms": [{"src": "o.a", "dest": "s.a"}, {"src": "o.b", "dest": "s.b"}]}
            ]
        },
        {"sources": [{"name": "ORIGIN", "opt_start_seq": 0, "filter_subject": "", "subject_transforms": []}]},
        {"sources": [{"name": "FAR", "external": {"api": "$JS.far.API", "deliver": ""}}]},
        {"subjects": [], "mirror": {"name": "ORIGIN", "opt_start_time": "2020-01-01T01:00:00+01:00"}},
        {"subjects": [], "mirror": {"name": "FAR", "external": {"api": "$JS.far.API"}}},
        {"subjects": [], "mirror": {"name": "ORIGIN", "subject_transforms": [{"src": "o.>", "dest": "m.>"}]}},
        # An empty value of a field for which the server has its own default.
        {
            "subjects": [],
            "duplicate_window": "0s",
            "max_age": "0s",
            "max_bytes": "0",
            "max_consumers": 0,
            "metadata": {},
        },
        {"placement": {}, "republish": {}, "subject_transform": {}, "sources": [], "first_seq": 0, "description": ""},
    ],
)
def test_every_field_converges_at_once(jetstream, stream, steps, written):
    jetstream("STREAM.CREATE.ORIGIN", name="ORIGIN", subjects=["o.>"])
    steps(nats_stream, "stream", **S | written)
    assert stream(**S | written, exact=True)["changed"] is False


FREE = {"allow_irreversible": True, "allow_move": True}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"subjects": ["s.a", "s.b"]}),
        ({}, {"subjects": []}),
        ({}, {"max_age": "1m"}),  # takes the window along
        ({"max_age": "1m"}, {"max_age": "1h"}),
        ({"max_age": "1m"}, {"duplicate_window": "0s", "max_age": "0s"}),
        ({"max_age": "1m", "description": "x", "compression": "s2", "metadata": {"a": "1"}}, {"exact": True}),
        ({"retention": "interest"}, {"retention": "limits"}),
        ({"republish": {"src": "s.>", "dest": "r.>", "headers_only": True}}, {"republish": {"headers_only": False}}),
        ({"republish": {"src": "s.>", "dest": "r.>"}}, {"republish": {}}),
        ({"subject_transform": {"src": "s.>", "dest": "t.>"}}, {"subject_transform": {}}),
        (
            {"consumer_limits": {"max_ack_pending": 5, "inactive_threshold": "1h"}},
            {"consumer_limits": {"max_ack_pending": 0}},
        ),
        ({"consumer_limits": {"max_ack_pending": 5}}, {"consumer_limits": {}}),
        ({"sources": [{"name": "ORIGIN"}]}, {"sources": []}),
        ({"sources": [{"name": "ORIGIN"}]}, {"sources": [{"name": "ORIGIN", "filter_subject": "o.a"}]}),
        (
            {"sources": [{"name": "ORIGIN", "subject_transforms": [{"src": "o.>", "dest": "s.>"}]}]},
            {"sources": [{"name": "ORIGIN", "subject_transforms": [{"src": "o.a", "dest": "s.a"}]}]},
        ),
        ({"metadata": {"a": "1"}}, {"metadata": {}}),
        ({"metadata": {"a": "1"}}, {"unset": ["metadata", "duplicate_window"]}),
        ({"metadata": {"a": "1"}}, {"metadata": {"a": ""}}),
        ({}, {"deny_delete": True, "deny_purge": True}),
        ({}, {"subject_delete_marker_ttl": "1m"}),
        ({"subject_delete_marker_ttl": "1m"}, {"subject_delete_marker_ttl": "0s"}),
        ({}, {"allow_msg_schedules": True}),
        ({"discard": "new", "max_msgs_per_subject": 2}, {"discard_new_per_subject": True}),
        ({}, {"num_replicas": 3, "placement": {"cluster": "C"}, "description": "all at once"}),
        ({"subjects": [], "mirror": {"name": "ORIGIN"}}, {"subjects": [], "mirror": {}}),
        ({"subjects": [], "mirror": {"name": "ORIGIN"}}, {"exact": True}),
        ({"subjects": [], "mirror": {"name": "ORIGIN"}}, {"unset": ["mirror"]}),
    ],
)
def test_every_change_converges_at_once(jetstream, declare, steps, before, after):
    jetstream("STREAM.CREATE.ORIGIN", name="ORIGIN", subjects=["o.>"])
    before, after = S | before, {"name": "S"} | after
    if not before["subjects"] or after.get("exact"):
        before["subjects"] = after["subjects"] = []
    declare(nats_stream, **before)
    steps(nats_stream, "stream", **after, **FREE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"subjects": ["s.a", "s.b"]}, {"subjects": ["s.b", "s.a"]}),
        (
            {"mirror": {"name": "ORIGIN", "opt_start_time": "2020-01-01T01:00:00+01:00"}},
            {"mirror": {"opt_start_time": "2020-01-01T00:00:00Z"}},
        ),
        ({"mirror": {"name": "ORIGIN"}}, {"mirror_direct": True}),
        ({"sources": [{"name": "A"}, {"name": "B"}]}, {"sources": [{"name": "B"}, {"name": "A"}]}),
        (
            {
                "sources": [
                    {"name": "A", "filter_subject": "a"},
                    {"name": "A", "filter_subject": "b", "opt_start_seq": 5},
                ]
            },
            {"sources": [{"name": "A", "filter_subject": "b"}, {"name": "A", "filter_subject": "a"}]},
        ),
        ({"sources": [{"name": "A", "subject_transforms": [{"src": "a", "dest": "b"}]}]}, {"sources": [{"name": "A"}]}),
        ({"metadata": {"a": "1", "_nats.mine": "x"}}, {"metadata": {"a": "1"}, "exact": True}),
        ({"max_age": 60 * 10**9}, {"max_age": "60s", "exact": True}),
        ({"subjects": ["s.a"], "max_msgs": 0}, {"max_msgs": -1, "max_bytes": "-1"}),
    ],
)
def test_what_another_tool_wrote_in_other_words_is_no_change(jetstream, stream, before, after):
    jetstream("STREAM.CREATE.ORIGIN", name="ORIGIN", subjects=["o.>"])
    answer = jetstream("STREAM.CREATE.S", name="S", **before)
    assert "error" not in answer, answer
    assert stream(name="S", **after)["changed"] is False


@pytest.mark.parametrize(
    ("purge", "left"),
    [
        ({}, 0),
        ({"filter": "s.a"}, 5),
        ({"filter": "s.*"}, 0),
        ({"seq": 4}, 7),
        ({"seq": 1000}, 0),
        ({"keep": 3}, 3),
        ({"keep": 0}, 0),
        ({"filter": "s.b", "keep": 2}, 7),
        ({"filter": "s.b", "seq": 8}, 8),
    ],
)
def test_a_purged_stream_holds_what_is_kept_and_no_more(stream, refused, steps, publish, jetstream, purge, left):
    stream(**S)
    publish("s.a", "s.b", count=5)
    written = {"name": "S", "state": "purged", "purge": purge}
    assert f"purging it would delete {10 - left} messages. Set allow_data_loss: true" in refused(nats_stream, **written)
    steps(nats_stream, "stream", **written, allow_data_loss=True)
    assert jetstream("STREAM.INFO.S")["state"]["messages"] == left


@pytest.mark.parametrize(
    "purge", [{"seq": 1}, {"seq": 0}, {"keep": 10}, {"filter": "s.c"}, {"filter": "s.a", "seq": 1}]
)
def test_a_purge_of_nothing_is_no_change_and_needs_no_permission(stream, publish, purge):
    stream(**S)
    publish("s.a", "s.b", count=5)
    assert stream(name="S", state="purged", purge=purge)["changed"] is False


def test_what_forbids_purging_has_the_servers_code(stream, publish):
    stream(**S, deny_purge=True)
    publish("s.a")
    assert stream(name="S", state="purged", allow_data_loss=True)["err_code"] == 10110


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"state": "purged", "purge": {"seq": 1, "keep": 1}}, "exclu"),
        ({"state": "purged", "purge": {"keep": -1}}, "purge.keep: -1 is negative"),
        ({"state": "purged", "purge": {"filter": ""}}, "purge.filter is empty"),
        (
            {"consumer_limits": {"inactive_threshold": "soon"}},
            "consumer_limits: inactive_threshold: 'soon' is not a duration",
        ),
        ({"sources": [{"name": "A", "opt_start_time": "x"}]}, "sources: opt_start_time: 'x' is not a time"),
        ({"mirror": {"name": "A", "opt_start_seq": -1}}, "mirror: opt_start_seq: -1 is negative"),
        ({"duplicate_window": "1h", "max_age": "1m"}, "duplicate_window: 1h is longer than max_age, 1m"),
        ({"discard_new_per_subject": True}, "discard_new_per_subject needs discard: new"),
        ({"mirror": {"name": ""}, "name": "THERE"}, "mirror.name is empty"),
        ({"mirror": {"name": " "}}, "mirror.name is empty"),
        ({"mirror": {"filter_subject": "a"}}, "mirror.name is missing"),
        ({"mirror": {"name": "A", "external": {"api": ""}}}, "mirror.external.api is empty"),
        ({"sources": [{"name": "A"}, {"name": ""}]}, "sources[1].name is empty"),
        ({"sources": [{"filter_subject": "a"}]}, "sources[0].name is missing"),
        ({"subjects": ["a", "a"]}, "subjects: a is listed twice"),
        ({"subjects": ["a"], "mirror": {"name": "A"}}, "subjects: a mirror has no subjects of its own"),
        ({"max_msg_size": "-5"}, "max_msg_size: -5 is not a limit"),
        ({"subject_delete_marker_ttl": "1ms"}, "subject_delete_marker_ttl: 1ms is too small: write 1s"),
        ({"metadata": {"a": {"b": 1}}}, "metadata: a: {'b': 1} is not text"),
        ({"unset": ["nonsense"], "name": "THERE"}, "unset: nonsense is no field of it"),
        ({"placement": {"tags": {"a": 1}}}, "tags"),
    ],
)
def test_nested_and_contradicting_values_are_refused_by_option_name(stream, refused, written, sentence):
    stream(name="THERE")
    assert sentence in refused(nats_stream, **{"name": "S"} | written)


def test_a_sealed_stream_stays_so(stream, refused, steps, publish, config):
    stream(**S, max_age="1h", allow_rollup_hdrs=True)
    publish("s.a")
    sealed = {"name": "S", "state": "sealed", "max_age": "1h"}
    assert "Set allow_irreversible: true" in refused(nats_stream, **sealed)
    steps(nats_stream, "stream", **sealed, allow_irreversible=True)
    assert config()["sealed"] is True
    assert stream(**S)["changed"] is False
    assert stream(name="S", state="absent", allow_data_loss=True)["changed"] is True


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            {"storage": "memory", "recreate": "if_empty"},
            "recreate is if_empty. Set recreate: always and allow_data_loss: true",
        ),
        (
            {"storage": "memory", "recreate": "always"},
            "recreating it would delete 1 messages and 1 consumers. Set allow_data_loss",
        ),
        ({"mirror": {"name": "O"}}, "mirror from nothing"),
        (
            {"deny_purge": False, "storage": "memory"},
            "storage from file to memory: the server lets this be chosen at creation only",
        ),
        ({"first_seq": 7}, "first_seq from 0 to 7"),
        ({"max_msgs_per_subject": 1, "retention": "workqueue"}, "retention from limits to workqueue"),
    ],
)
def test_a_recreation_never_comes_by_itself(stream, refused, jetstream, publish, wanted, sentence):
    stream(**S)
    publish("s.a")
    jetstream("CONSUMER.CREATE.S.c", stream_name="S", config={"durable_name": "c", "name": "c"})
    assert sentence in refused(nats_stream, name="S", **wanted)
    assert jetstream("STREAM.INFO.S")["state"]["messages"] == 1


@pytest.mark.parametrize(
    "wanted",
    [
        {"storage": "memory"},
        {"retention": "workqueue"},
        {"first_seq": 7},
        {"deny_delete": False},
        {"mirror": {"name": "O"}},
    ],
    ids=str,
)
def test_a_recreated_stream_has_all_that_nobody_asked_to_change(jetstream, stream, steps, config, wanted):
    jetstream("STREAM.CREATE.O", name="O", subjects=["o"])
    stream(**S, max_age="1m", metadata={"a": "1"}, deny_delete=True, description="kept")
    steps(nats_stream, "stream", name="S", **wanted, recreate="if_empty")
    made = config()
    assert (made["max_age"], made["metadata"]["a"], made["description"]) == (60 * 10**9, "1", "kept")


def test_a_mirror_is_promoted_when_that_is_allowed(stream, refused, jetstream, publish, config):
    jetstream("STREAM.CREATE.O", name="O", subjects=["o"])
    publish("o", count=3)
    stream(name="S", mirror={"name": "O"})
    sentence = "can't be undone. Set allow_irreversible: true"
    assert sentence in refused(nats_stream, name="S", mirror={})
    assert sentence in refused(nats_stream, name="S", exact=True)
    stream(name="S", mirror={}, subjects=["mine"], allow_irreversible=True)
    assert "mirror" not in config()
    assert config()["subjects"] == ["mine"]


def test_interest_drops_what_every_consumer_has_acknowledged(stream, refused, jetstream, publish, take):
    stream(**S)
    publish("s.a", "s.b", count=2)
    acks_nothing = {"durable_name": "c", "name": "c", "filter_subject": "s.a", "ack_policy": "none"}
    jetstream("CONSUMER.CREATE.S.c", stream_name="S", config=acks_nothing)
    take("S", "c")
    sentence = "would delete those of its 4 messages that every consumer has acknowledged"
    assert sentence in refused(nats_stream, name="S", retention="interest")
    stream(name="S", retention="interest", allow_data_loss=True)
    # The server deletes the message after it has answered the update.
    eventually(lambda: jetstream("STREAM.INFO.S")["state"]["messages"] == 3)


def test_an_overlap_is_told_in_check_mode_with_its_owner(stream, refused):
    stream(name="ONE", subjects=["same.>", "TWO"])
    for written in ({"subjects": ["same.one"]}, {}):
        assert "of stream ONE" in refused(nats_stream, name="TWO", **written)
    stream(name="TWO", subjects=["other"])
    assert "of stream ONE" in refused(nats_stream, name="TWO", subjects=["other", "same.one"])


def test_what_can_not_be_made_anew_is_put_back(declare, refused, jetstream):
    declare(nats_stream, name="AGAIN", subjects=["again"], description="mine", max_bytes="32MiB")
    too_large = {"storage": "memory", "max_bytes": "100GiB", "recreate": "if_empty"}
    message = refused(nats_stream, foreseen=False, name="AGAIN", **too_large)
    assert "It was deleted for that and is back as it was, but empty" in message
    config = jetstream("STREAM.INFO.AGAIN")["config"]
    assert (config["storage"], config["description"], config["max_bytes"]) == ("file", "mine", 32 * 2**20)
