# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_stream against three real servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import nats_stream

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
    info = jetstream("STREAM.INFO.EVENTS")
    assert result["stream"]["max_age"] == "24h"
    assert {peer["current"] for peer in info["cluster"]["replicas"]} == {True}
    assert len(info["cluster"]["replicas"]) == 2


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
        ({"max_age": "12x"}, "max_age: '12x' is no duration: write 24h, 1h30m, 500ms"),
        ({"max_bytes": "5 apples"}, "max_bytes: '5 apples' is no size: write 10M"),
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
