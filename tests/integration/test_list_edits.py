# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single subjects and sources of a stream that others share, on a real server."""

from __future__ import annotations

import asyncio

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.execute import carry_out
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.writing import Writing
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.modules import nats_jetstream, nats_jetstream_info, nats_stream

FAR = {"name": "ORDERS", "external": {"api": "$JS.berlin.API", "deliver": ""}}


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def stored(jetstream):
    """A list of a stream as the server has it."""
    return lambda key, name="S": jetstream(f"STREAM.INFO.{name}")["config"].get(key)


@pytest.fixture
def shared(jetstream):
    jetstream("STREAM.CREATE.S", name="S", subjects=["theirs.>"], description="theirs", max_age=3600 * 10**9)


def test_create_change_and_take_away_tell_the_truth(steps, stored):
    steps(nats_stream, "stream", name="S", add={"subjects": ["a.>"]})
    assert stored("subjects") == ["a.>"]
    steps(nats_stream, "stream", name="S", add={"subjects": ["b.>"]}, remove={"subjects": ["a.>", "never.there"]})
    assert stored("subjects") == ["b.>"]
    steps(nats_stream, "stream", name="S", add={"sources": [{"name": "ORDERS", "domain": "berlin"}]})
    assert stored("sources") == [FAR]
    steps(nats_stream, "stream", name="S", remove={"sources": [{"name": "ORDERS", "domain": "berlin"}]})
    assert stored("sources") is None
    steps(nats_stream, "stream", name="S", state="absent")


def test_what_others_declare_stays(twice, shared, stored, jetstream):
    assert twice(nats_stream, "stream", name="S", add={"subjects": ["mine.>"]}) == [True, True, True, False]
    # Their own task names the whole of what they know, and adds too.
    assert twice(nats_stream, "stream", name="S", add={"subjects": ["theirs.>"]}) == [False] * 4
    config = jetstream("STREAM.INFO.S")["config"]
    assert (config["subjects"], config["description"], config["max_age"]) == (
        ["theirs.>", "mine.>"],
        "theirs",
        3600 * 10**9,
    )


def test_the_diff_has_the_whole_lists(declare, shared):
    result = declare(nats_stream, name="S", add={"subjects": ["mine.>"]}, check=True)
    assert result["diff"]["before"]["subjects"] == ["theirs.>"]
    assert result["diff"]["after"]["subjects"] == ["theirs.>", "mine.>"]


def test_nothing_is_taken_from_a_stream_that_does_not_exist(twice, jetstream):
    assert twice(nats_stream, "stream", name="S", remove={"subjects": ["a"]}) == [False] * 4
    assert jetstream("STREAM.INFO.S")["error"]["err_code"] == 10059


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"remove": {"subjects": ["theirs.>"]}}, "nothing would be left to store"),
        ({"add": {"subjects": [">"]}}, "subjects: theirs.> and > overlap"),
        ({"add": {"subjects": ["a"]}, "subjects": ["b"]}, "add.subjects and subjects exclude one another"),
        ({"add": {"subjects": ["taken.a"]}}, "taken.a is of stream OTHER"),
    ],
)
def test_refusals_are_the_same_in_check_mode(refused, shared, jetstream, stored, options, words):
    jetstream("STREAM.CREATE.OTHER", name="OTHER", subjects=["taken.>"])
    assert words in refused(nats_stream, name="S", **options)
    assert words in refused(nats_jetstream, streams=[{"name": "S", **options}])
    assert stored("subjects") == ["theirs.>"]


def test_a_subject_that_goes_keeps_its_messages_as_with_a_declared_list(declare, jetstream, publish):
    jetstream("STREAM.CREATE.S", name="S", subjects=["a", "b"])
    publish("a", "b", count=3)
    declare(nats_stream, name="S", remove={"subjects": ["b"]})
    assert jetstream("STREAM.INFO.S")["state"]["messages"] == 6


@pytest.mark.parametrize("edit", [{"add": {"subjects": ["b"]}}, {"subjects": ["a", "b"]}])
def test_a_loss_is_guarded_as_with_a_declared_list(refused, declare, jetstream, publish, edit):
    jetstream("STREAM.CREATE.S", name="S", subjects=["a"])
    publish("a", count=5)
    assert "max_msgs from -1 to 2 would delete 3 of 5 messages" in refused(nats_stream, name="S", max_msgs=2, **edit)
    declare(nats_stream, name="S", max_msgs=2, allow_data_loss=True, **edit)
    assert jetstream("STREAM.INFO.S")["state"]["messages"] == 2


def test_streams_exchange_single_subjects_in_one_task(declare, jetstream, stored):
    jetstream("STREAM.CREATE.A", name="A", subjects=["x"])
    jetstream("STREAM.CREATE.B", name="B", subjects=["y", "z"])
    entries = [
        {"name": "A", "add": {"subjects": ["y"]}, "remove": {"subjects": ["x"]}},
        {"name": "B", "add": {"subjects": ["x"]}, "remove": {"subjects": ["y"]}},
    ]
    assert [declare(nats_jetstream, streams=entries, check=check)["changed"] for check in (True, False, False)] == [
        True,
        True,
        False,
    ]
    assert (stored("subjects", "A"), sorted(stored("subjects", "B"))) == (["y"], ["x", "z"])


def test_a_stream_gives_a_subject_to_another_one_in_one_task(declare, jetstream, stored):
    jetstream("STREAM.CREATE.A", name="A", subjects=["x", "y"])
    entries = [{"name": "B", "add": {"subjects": ["y"]}}, {"name": "A", "remove": {"subjects": ["y"]}}]
    assert [declare(nats_jetstream, streams=entries, check=check)["changed"] for check in (True, False, False)] == [
        True,
        True,
        False,
    ]
    assert (stored("subjects", "A"), stored("subjects", "B")) == (["x"], ["y"])


def items(count, **more):
    return [
        declared_resource(STREAM, {"name": "S", "add": {"subjects": [f"team{number}.>"]}, **more}, {})
        for number in range(count)
    ]


@pytest.mark.parametrize("exists", [True, False])
def test_tasks_that_run_at_the_same_time_all_have_their_subject(account_connection, jetstream, stored, exists):
    if exists:
        jetstream("STREAM.CREATE.S", name="S", subjects=["theirs.>"])

    async def work():
        api = JetStream(account_connection)
        return await asyncio.gather(*(converge(api, [item], Mode(False, 5)) for item in items(12)))

    outcomes = [outcome for (outcome,) in account_connection.run(work())]
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    assert all(outcome.changed for outcome in outcomes)
    assert set(stored("subjects")) >= {f"team{number}.>" for number in range(12)}
    assert ("theirs.>" in stored("subjects")) is exists


def test_what_another_writer_took_away_again_is_added_again(account_connection, jetstream, stored, monkeypatch):
    """An update that was made of the list before ours is sent right after ours."""
    jetstream("STREAM.CREATE.S", name="S", subjects=["theirs.>"])
    api = JetStream(account_connection)
    lost: list[object] = []

    async def overwritten(jetstream_api, item, plan, found, timeout):
        answer = await carry_out(jetstream_api, item, plan, found, timeout)
        if not lost:
            stale = {**found.config, "subjects": ["theirs.>", "late.>"]}
            lost.append(await api.ask("STREAM.UPDATE.S", "S", stale))
        return answer

    monkeypatch.setattr(f"{Writing.__module__}.carry_out", overwritten)
    (outcome,) = account_connection.run(converge(api, items(1), Mode(False, 5)))
    assert (outcome.error, outcome.changed, len(lost)) == (None, True, 1)
    assert stored("subjects") == ["theirs.>", "late.>", "team0.>"]
    assert outcome.config_after["subjects"] == stored("subjects")


def test_an_origin_of_a_domain_makes_the_round_trip(steps, declare, jetstream):
    steps(nats_stream, "stream", name="M", mirror={"name": "ORDERS", "domain": "berlin"})
    assert jetstream("STREAM.INFO.M")["config"]["mirror"]["external"]["api"] == "$JS.berlin.API"
    sources = [{"name": "ORDERS", "domain": "berlin"}, {"name": "ORDERS", "domain": "paris"}, {"name": "ORDERS"}]
    steps(nats_stream, "stream", name="S", sources=sources)
    found = declare(nats_jetstream_info)
    assert declare(nats_jetstream, streams=found["streams"])["changed"] is False
    written = [{"name": "S", "sources": [FAR, FAR | {"external": {"api": "$JS.paris.API"}}, {"name": "ORDERS"}]}]
    assert declare(nats_jetstream, streams=written)["changed"] is False
