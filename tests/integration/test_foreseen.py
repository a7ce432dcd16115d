# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode says is what the real run does, and what is declared is reached in one run."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import (
    nats_consumer,
    nats_jetstream,
    nats_jetstream_info,
    nats_kv,
    nats_stream,
)


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def told(run_module, account):
    """What a task says of itself: whether it changes something, and with which code and words each resource is refused."""

    def run(module, *, check=False, **params):
        result = run_module(module, check=check, **account, **params)
        refused = [(entry["code"], entry["msg"]) for entry in result.get("resources", ()) if entry.get("failed")]
        return result.get("changed", False), result.get("code"), refused

    return run


QUEUE = {"name": "Q", "subjects": ["q.>"], "retention": "workqueue"}


def consumers(stream="Q", **filters):
    return [{"stream": stream, "name": name, "filter_subjects": taken.split()} for name, taken in filters.items()]


@pytest.mark.parametrize(
    ("declared", "code", "words"),
    [
        (
            {"streams": [QUEUE], "consumers": consumers(c1="q.a", c2="q.>")},
            "SUBJECTS_TAKEN",
            "filter q.>: consumer c1 takes q.a",
        ),
        (
            {
                "streams": [{"name": "S", "consumer_limits": {"max_ack_pending": 10}}],
                "consumers": [{"stream": "S", "name": "c", "max_ack_pending": 100}],
            },
            "INVALID_VALUE",
            "max_ack_pending: 100 is more than the consumer_limits of stream S allow, 10",
        ),
        (
            {
                "streams": [{"name": "S", "consumer_limits": {"inactive_threshold": "1m"}}],
                "consumers": [{"stream": "S", "name": "c", "inactive_threshold": "1h"}],
            },
            "INVALID_VALUE",
            "inactive_threshold: 1h is more than the consumer_limits of stream S allow, 1m",
        ),
        (
            {"streams": [{"name": "S"}], "consumers": [{"stream": "S", "name": "c", "num_replicas": 3}]},
            "INVALID_VALUE",
            "num_replicas: 3 is more than stream S has, 1",
        ),
        ({"consumers": [{"stream": "NOWHERE", "name": "c"}]}, "NOT_FOUND", "stream NOWHERE does not exist"),
    ],
)
def test_a_consumer_is_planned_for_the_stream_that_the_same_task_makes(told, declared, code, words):
    foreseen = told(nats_jetstream, check=True, **declared)
    done = told(nats_jetstream, **declared)
    assert foreseen == done
    assert done[1] == code
    assert words in done[2][0][1]


def test_in_check_mode_a_single_consumer_may_be_of_a_stream_that_comes_before_it(run_module, account):
    foreseen = run_module(nats_consumer, check=True, **account, stream="LATER", name="c")
    assert foreseen["changed"] is True
    assert "stream LATER does not exist, so this holds only if an earlier task creates it" in str(foreseen["warnings"])
    assert run_module(nats_consumer, **account, stream="LATER", name="c")["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"c1": "q.a", "c2": "q.b"}, {"c1": "q.a q.b", "c2": "q.c"}),
        ({"c1": "q.a", "c2": "q.b"}, {"c2": "q.a q.b", "c1": "q.c"}),
        ({"c1": "q.a", "c2": "q.b", "c3": "q.c"}, {"c1": "q.b", "c2": "q.c", "c3": "q.d"}),
        # A new consumer takes what another one gives up.
        ({"c1": "q.a q.b"}, {"c1": "q.a", "c2": "q.b"}),
    ],
)
def test_consumers_of_a_work_queue_change_their_filters_in_one_run(told, before, after):
    assert told(nats_jetstream, streams=[QUEUE], consumers=consumers(**before)) == (True, None, [])
    declared = {"consumers": consumers(**after)}
    assert told(nats_jetstream, check=True, **declared) == (True, None, [])
    assert told(nats_jetstream, **declared) == (True, None, [])
    assert told(nats_jetstream, **declared) == (False, None, [])


def test_consumers_that_exchange_their_filters_are_refused_in_check_mode_too(told):
    told(nats_jetstream, streams=[QUEUE], consumers=consumers(c1="q.a", c2="q.b"))
    exchanged = {"consumers": consumers(c1="q.b", c2="q.a")}
    foreseen = told(nats_jetstream, check=True, **exchanged)
    assert foreseen == told(nats_jetstream, **exchanged)
    assert [code for code, _words in foreseen[2]] == ["SUBJECTS_TAKEN"] * 2


def test_a_consumer_that_relies_on_a_change_that_is_refused_is_refused_too(told):
    told(nats_jetstream, streams=[QUEUE], consumers=consumers(c1="q.a", c2="q.b"))
    (taking,) = consumers(c1="q.a q.b")
    refused = {"consumers": [taking, {"stream": "Q", "name": "c2", "filter_subject": "q.c", "deliver_policy": "new"}]}
    foreseen = told(nats_jetstream, check=True, **refused)
    assert foreseen == told(nats_jetstream, **refused)
    assert [code for code, _words in foreseen[2]] == ["SUBJECTS_TAKEN", "FIXED_AT_CREATION"]


def test_a_consumer_of_a_stream_that_the_same_task_deletes_is_refused(told):
    told(nats_stream, name="S", subjects=["s.>"])
    declared = {"streams": [{"name": "S", "state": "absent"}], "consumers": [{"stream": "S", "name": "c"}]}
    foreseen = told(nats_jetstream, check=True, **declared)
    assert foreseen == told(nats_jetstream, **declared)
    assert [code for code, _words in foreseen[2]] == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("before", "declared"),
    [
        ({"filter_subject": "s.a"}, {"filter_subjects": []}),
        ({"filter_subjects": ["s.a", "s.b"]}, {"filter_subject": ""}),
    ],
)
def test_an_empty_filter_of_either_spelling_takes_the_filters_away(told, before, declared):
    told(nats_stream, name="S", subjects=["s.>"])
    told(nats_consumer, stream="S", name="c", **before)
    assert [told(nats_consumer, stream="S", name="c", **declared)[0] for _time in range(2)] == [True, False]


@pytest.mark.parametrize(
    "declared",
    [
        {"metadata": {"_nats.ver": "2.10.0", "_nats.level": "0", "own": "x"}},
        {"subject_transform": {"src": "s.>", "dest": "t.>"}, "republish": {"src": ">", "dest": ">"}},
        {"subject_transform": {"src": "s.>", "dest": "t.>"}, "republish": {"dest": ">"}},
        {"republish": {"src": "", "dest": "t.>"}},
    ],
)
def test_what_the_server_writes_otherwise_is_no_change(told, declared):
    written = {"name": "S", "subjects": ["s.>"], **declared}
    assert [told(nats_stream, **written)[0] for _time in range(2)] == [True, False]


def test_a_sealed_stream_keeps_what_is_declared_of_it(told, run_module, account):
    written = {"name": "S", "subjects": ["s"], "max_age": "24h", "discard": "old", "allow_rollup_hdrs": True}
    told(nats_stream, **written)
    told(nats_stream, name="S", state="sealed", allow_irreversible=True)
    assert told(nats_stream, **written)[0] is False
    streams = run_module(nats_jetstream_info, **account)["streams"]
    assert streams[0]["state"] == "sealed"
    assert told(nats_jetstream, streams=streams) == (False, None, [])
    # As the nats CLI prints it.
    assert told(nats_jetstream, streams=[{"name": "S", "sealed": True}]) == (False, None, [])


def test_an_ephemeral_consumer_is_not_taken_for_a_durable_one(told, run_module, account, jetstream):
    told(nats_stream, name="S", subjects=["s"])
    jetstream(
        "CONSUMER.CREATE.S.c",
        stream_name="S",
        config={"name": "c", "ack_policy": "explicit", "inactive_threshold": 10**12},
    )
    for check in (True, False):
        assert told(nats_consumer, stream="S", name="c", check=check)[1] == "FIXED_AT_CREATION"
    made = run_module(nats_consumer, **account, stream="S", name="c", recreate="if_empty")
    assert made["changed"] is True
    assert jetstream("CONSUMER.INFO.S.c")["config"]["durable_name"] == "c"
    assert told(nats_consumer, stream="S", name="c")[0] is False


@pytest.mark.parametrize(
    ("module", "written", "words"),
    [
        (
            nats_consumer,
            {"stream": "S", "name": "c", "filter_subject": "i8..a"},
            "filter_subject: 'i8..a' is not a subject",
        ),
        (
            nats_consumer,
            {"stream": "S", "name": "c", "filter_subjects": ["a", "b c"]},
            "filter_subjects: 'b c' is not a subject",
        ),
        (nats_stream, {"name": "S", "subjects": ["a.>, b.>"]}, "subjects: 'a.>, b.>' is not a subject"),
        (nats_stream, {"name": "S", "subjects": ["a.>.b"]}, "subjects: 'a.>.b' is not a subject"),
        (nats_stream, {"name": "S", "republish": {"src": "a.", "dest": "b"}}, "republish: src: 'a.' is not a subject"),
        (nats_stream, {"name": "S", "max_msgs": True}, "max_msgs: True is not a number"),
        (nats_stream, {"name": "NEW", "unset": ["descriptionn"]}, "unset: descriptionn is no field of it"),
        (nats_consumer, {"stream": "S", "name": "x", "durable_name": "y"}, "name is 'x' and durable_name is 'y'"),
        (
            nats_jetstream,
            {"consumers": [{"stream": "S", "name": "x", "durable_name": "y"}]},
            "name is 'x' and durable_name is 'y'",
        ),
    ],
)
def test_what_can_not_be_meant_is_refused_by_option_and_value(run_module, account, module, written, words):
    for check in (True, False):
        refused = run_module(module, check=check, **account, **written)
        assert (refused["code"], words in refused["msg"]) == ("INVALID_VALUE", True), refused["msg"]


def test_a_domain_that_nobody_has_is_named(run_module, account):
    refused = run_module(nats_stream, **account, name="S", domain="nowhere")
    assert refused["code"] == "NOBODY_ANSWERS"
    assert "nobody answers under $JS.nowhere.API. Check the option domain" in refused["msg"]


def test_a_bucket_gets_the_duplicate_window_that_the_server_allows(run_module, own_cluster):
    for server in own_cluster.servers:
        own_cluster.stop(server)
        jetstream = own_cluster.configuration(server)["jetstream"] | {"limits": {"duplicate_window": "30s"}}
        own_cluster.start(server, jetstream=jetstream)
    own_cluster.wait()
    account = {"servers": [server.url for server in own_cluster.servers], "user": "t0", "password": "t0-S3cret"}
    for changed in (True, False):
        assert run_module(nats_kv, **account, bucket="b")["changed"] is changed
    assert run_module(nats_kv, **account, bucket="b", ttl="10s")["changed"] is True
    assert run_module(nats_kv, **account, bucket="b", ttl="10s")["changed"] is False
