# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_consumer against a real server."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_stream

SECOND = 10**9
WORKERS = {"stream": "S", "name": "workers"}
LATER, SAME_ELSEWHERE = "2035-01-31T12:00:00Z", "2035-01-31T14:30:00+02:30"


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture(autouse=True)
def stream(jetstream):
    jetstream("STREAM.CREATE.S", name="S", subjects=["s.>"])


@pytest.fixture
def consumer(declare):
    def run(**params):
        return declare(nats_consumer, **WORKERS | params)

    return run


@pytest.fixture
def config(jetstream):
    return lambda name="workers": jetstream(f"CONSUMER.INFO.S.{name}").get("config")


def make(jetstream, name="workers", stream="S", **config):
    """Creates a consumer as another tool does."""
    body = {"durable_name": name, "name": name, "ack_policy": "explicit"} | config
    answer = jetstream(f"CONSUMER.CREATE.{stream}.{name}", stream_name=stream, config=body)
    assert "error" not in answer, answer


def test_create_modify_delete_in_check_mode_and_for_real_first_and_again(steps, config):
    written = WORKERS | {"filter_subject": "s.a", "ack_wait": "1m", "max_deliver": 5}
    steps(nats_consumer, "consumer", **written)
    assert config()["ack_wait"] == 60 * SECOND
    steps(nats_consumer, "consumer", **written | {"ack_wait": "2m"})
    assert config()["ack_wait"] == 120 * SECOND
    steps(nats_consumer, "consumer", **WORKERS, state="absent")
    assert config() is None


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"ack_policy": "none"},
        {"ack_policy": "none", "backoff": ["1s"]},
        {
            "ack_policy": "none",
            "deliver_subject": "to.me",
            "deliver_group": "g",
            "idle_heartbeat": "1s",
            "flow_control": True,
        },
        {"ack_policy": "all", "max_ack_pending": -1},
        {"ack_policy": "flow_control", "deliver_subject": "to.me"},
        {"deliver_subject": "to.me", "rate_limit_bps": 1000, "headers_only": True},
        {"deliver_policy": "by_start_sequence", "opt_start_seq": 7},
        {"deliver_policy": "by_start_time", "opt_start_time": "2020-01-01 01:00:00+01:00"},
        {"deliver_policy": "last_per_subject", "filter_subjects": ["s.a", "s.b.*"]},
        {"replay_policy": "original", "sample_freq": "50%"},
        {"backoff": ["1s", "5s", "1m"], "max_deliver": 5},
        {"backoff": ["1s", "5s"], "max_deliver": 2},
        {"max_batch": 10, "max_expires": "30s", "max_bytes": "1MiB", "max_waiting": 8},
        {"inactive_threshold": "1h", "mem_storage": True, "num_replicas": 1},
        {"priority_policy": "overflow", "priority_groups": ["a"]},
        {"priority_policy": "pinned_client", "priority_groups": ["a"], "priority_timeout": "1m"},
        {"priority_policy": "prioritized", "priority_groups": ["a"]},
        {"metadata": {"team": "shop", "size": 5}, "description": "with words"},
        {"metadata": {}, "description": ""},
        # An empty value of a field for which the server has its own default.
        {
            "ack_wait": "0s",
            "max_ack_pending": 0,
            "max_waiting": 0,
            "max_deliver": 0,
            "backoff": [],
            "filter_subjects": [],
        },
        {"priority_policy": "none", "priority_groups": [], "inactive_threshold": "0s", "headers_only": False},
    ],
)
def test_every_field_converges_at_once(consumer, steps, written):
    steps(nats_consumer, "consumer", **WORKERS, **written)
    assert consumer(**written, exact=True)["changed"] is False


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"filter_subject": "s.a"}, {"filter_subjects": ["s.b", "s.c"]}),
        ({"filter_subjects": ["s.b", "s.c"]}, {"filter_subject": "s.a"}),
        ({"filter_subject": "s.a"}, {"filter_subject": ""}),
        ({"filter_subjects": ["s.b", "s.c"]}, {"filter_subjects": []}),
        ({"backoff": ["1s", "2s"], "max_deliver": 3}, {"backoff": ["3s"]}),
        ({"backoff": ["1s", "2s"], "max_deliver": 3}, {"backoff": [], "ack_wait": "7s"}),
        ({"ack_wait": "5s"}, {"backoff": ["1s", "2s"]}),
        ({"ack_wait": "5s"}, {"ack_wait": "0s"}),
        ({"ack_wait": "5s", "max_ack_pending": 5}, {"unset": ["ack_wait", "max_ack_pending"]}),
        ({"deliver_subject": "to.me"}, {"deliver_subject": "to.you", "deliver_group": "g"}),
        ({"sample_freq": "50"}, {"sample_freq": "20%"}),
        ({"metadata": {"a": "1"}}, {"metadata": {"b": "2"}}),
        ({"metadata": {"a": "1"}}, {"metadata": {}}),
        (
            {"max_batch": 3, "max_expires": "5s", "max_bytes": 500},
            {"max_batch": 0, "max_expires": "0s", "max_bytes": 0},
        ),
        ({"priority_policy": "overflow", "priority_groups": ["a"]}, {"priority_policy": "none", "priority_groups": []}),
        ({"headers_only": True, "description": "x"}, {"exact": True}),
        ({"backoff": ["1s", "2s"], "inactive_threshold": "1h", "metadata": {"a": "1"}}, {"exact": True}),
    ],
)
def test_every_change_converges_at_once(consumer, steps, before, after):
    consumer(**before)
    steps(nats_consumer, "consumer", **WORKERS, **after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"sample_freq": "50%"}, {"sample_freq": "50"}),
        ({"filter_subjects": ["s.a", "s.b"]}, {"filter_subjects": ["s.b", "s.a"]}),
        (
            {"deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T01:30:00.5+01:30"},
            {"deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T00:00:00.500Z"},
        ),
        ({"metadata": {"owner": "me", "_nats.mine": "x"}}, {"exact": True, "metadata": {"owner": "me"}}),
        (
            {"max_batch": 5, "priority_policy": "overflow", "priority_groups": ["a"], "max_expires": SECOND},
            {"ack_wait": "30s"},
        ),
    ],
)
def test_what_another_tool_wrote_in_other_words_is_no_change(jetstream, consumer, before, after):
    make(jetstream, **before)
    assert consumer(**after)["changed"] is False


def test_an_update_keeps_what_it_does_not_name(jetstream, consumer, config):
    foreign = {
        "max_batch": 5,
        "max_expires": SECOND,
        "max_bytes": 5000,
        "priority_policy": "overflow",
        "priority_groups": ["a"],
        "max_waiting": 7,
        "filter_subjects": ["s.a", "s.b"],
    }
    make(jetstream, **foreign, metadata={"owner": "another tool"})
    assert consumer(max_deliver=3, metadata={"mine": "yes"})["changed"] is True
    after = config()
    assert {key: after[key] for key in foreign} == foreign
    assert (after["metadata"]["owner"], after["metadata"]["mine"]) == ("another tool", "yes")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({}, {"ack_policy": "all"}, "ack_policy from explicit to all: the server lets this be chosen at creation only"),
        ({}, {"deliver_policy": "new"}, "deliver_policy from all to new"),
        ({}, {"deliver_subject": "to.me"}, "deliver_subject from nothing to to.me"),
        ({"deliver_subject": "to.me"}, {"deliver_subject": ""}, "deliver_subject from to.me to nothing"),
        ({}, {"max_waiting": 5}, "max_waiting from 512 to 5"),
        ({}, {"mem_storage": True}, "mem_storage from False to True"),
        ({}, {"replay_policy": "original"}, "replay_policy from instant to original"),
        ({}, {"filter_subject": "s.a", "filter_subjects": ["s.b"]}, "filter_subject and filter_subjects"),
        ({"filter_subject": "s.a"}, {"filter_subjects": ["s.a", "s.>"]}, "filter_subjects: s.a and s.> overlap"),
        ({}, {"backoff": ["1s", "2s"], "ack_wait": "5s"}, "ack_wait: the consumer has a backoff, whose first value 1s"),
        ({"backoff": ["1s", "2s"]}, {"ack_wait": "5s"}, "ack_wait: the consumer has a backoff, whose first value 1s"),
        ({}, {"backoff": ["1s", "2s"], "max_deliver": 1}, "max_deliver: 1 deliveries are fewer"),
        ({}, {"idle_heartbeat": "1s"}, "idle_heartbeat: a pull consumer has none"),
        ({}, {"rate_limit_bps": 5}, "rate_limit_bps: a pull consumer has none"),
        ({}, {"unset": ["nonsense"]}, "unset: nonsense is no field of it"),
    ],
)
def test_what_can_not_be_is_refused_by_option_name(consumer, refused, config, before, after, sentence):
    consumer(**before)
    stored = config()
    assert sentence in refused(nats_consumer, **WORKERS | after)
    assert config() == stored


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"ack_wait": "12x"}, "ack_wait: '12x' is not a duration"),
        ({"ack_wait": "-5s"}, "ack_wait: '-5s' is not a duration"),
        ({"backoff": ["1s", "soon"]}, "backoff: 'soon' is not a duration"),
        ({"max_bytes": "5 apples"}, "max_bytes: '5 apples' is not a size"),
        ({"max_bytes": "-2"}, "max_bytes: -2 is negative"),
        ({"sample_freq": "101"}, "sample_freq: '101' is not a percentage"),
        ({"opt_start_time": "yesterday"}, "opt_start_time: 'yesterday' is not a time"),
        ({"opt_start_time": "2020-01-01T00:00:00"}, "is not a time: write 2030-01-31T12:00:00Z"),
        ({"opt_start_time": "0001-01-01T00:00:00+01:00"}, "is not a time"),
        ({"idle_heartbeat": "1ms"}, "idle_heartbeat: 1ms is too small: write 100ms or more"),
        ({"num_replicas": 6}, "num_replicas: 6 is out of range"),
        ({"max_ack_pending": -5}, "max_ack_pending: -5 is too small: write -1 or more"),
        ({"max_deliver": -2}, "max_deliver: -2 is not a limit"),
        ({"metadata": {"a": None}}, "metadata: a: None is not text"),
        ({"state": "paused"}, "pause_until is missing"),
        ({"state": "paused", "pause_until": "tomorrow"}, "pause_until: 'tomorrow' is not a time"),
        (
            {"state": "paused", "pause_until": "2020-01-01T00:00:00Z"},
            "pause_until: 2020-01-01T00:00:00Z is in the past",
        ),
        ({"state": "reset", "reset_seq": 0}, "reset_seq: 0 is not a sequence"),
        ({"name": "a.b"}, "a name has no spaces, dots, slashes or wildcards"),
        ({"stream": "a b"}, "option stream of consumer 'workers'"),
    ],
)
def test_malformed_values_are_refused_by_option_name(refused, config, written, sentence):
    assert sentence in refused(nats_consumer, **WORKERS | written)
    assert config() is None


def test_a_consumer_of_no_stream_says_which_stream_is_missing(run_module, account, declare):
    result = run_module(nats_consumer, **account, stream="NONE", name="c")
    assert "stream NONE does not exist" in result["msg"]
    assert declare(nats_consumer, stream="NONE", name="c", state="absent")["changed"] is False


@pytest.mark.parametrize(
    "written", ["2035-01-31T12:00:00Z", SAME_ELSEWHERE, "2035-01-31 12:00:00+00:00", "2035-01-31t12:00:00z"]
)
def test_a_pause_is_a_moment_whatever_its_zone(consumer, steps, jetstream, written):
    consumer()
    steps(nats_consumer, "consumer", **WORKERS, state="paused", pause_until=written)
    assert jetstream("CONSUMER.INFO.S.workers")["paused"] is True
    assert consumer(state="paused", pause_until=LATER)["changed"] is False
    assert consumer(state="paused", pause_until="2036-01-31T12:00:00Z")["changed"] is True
    assert consumer(description="changed while it pauses")["changed"] is True
    assert jetstream("CONSUMER.INFO.S.workers")["paused"] is True
    steps(nats_consumer, "consumer", **WORKERS, state="resumed")
    assert jetstream("CONSUMER.INFO.S.workers").get("paused") is not True


@pytest.mark.parametrize("more", [{"state": "paused", "pause_until": SAME_ELSEWHERE}, {"state": "resumed"}])
def test_pausing_and_resuming_create_a_consumer_that_is_missing(steps, jetstream, more):
    steps(nats_consumer, "consumer", **WORKERS, ack_wait="1m", **more)
    assert bool(jetstream("CONSUMER.INFO.S.workers").get("paused")) is (more["state"] == "paused")


@pytest.mark.parametrize(
    "more",
    [{"state": "paused", "pause_until": LATER}, {"state": "resumed"}, {"state": "reset"}],
    ids=lambda more: more["state"],
)
def test_such_a_state_changes_no_other_option(consumer, refused, more):
    consumer(ack_wait="1m")
    assert f"state {more['state']} changes no configuration, and ack_wait would" in refused(
        nats_consumer, **WORKERS, ack_wait="2m", **more
    )


def test_a_reset_consumer_delivers_again(publish, consumer, steps, jetstream, take):
    publish("s.a", count=5)
    consumer()
    assert consumer(state="reset")["changed"] is False
    take("S", "workers")
    steps(nats_consumer, "consumer", **WORKERS, state="reset")
    assert jetstream("CONSUMER.INFO.S.workers")["num_pending"] == 5
    steps(nats_consumer, "consumer", **WORKERS, state="reset", reset_seq=4)
    assert jetstream("CONSUMER.INFO.S.workers")["num_pending"] == 2


def test_a_consumer_that_is_missing_can_not_be_reset(refused):
    assert "it does not exist, so it can't be reset" in refused(nats_consumer, **WORKERS, state="reset")


@pytest.mark.parametrize("recreate", ["if_empty", "always"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ack_wait": "1m", "max_deliver": 5}, {"ack_policy": "all"}),
        ({"description": "kept"}, {"deliver_subject": "to.me"}),  # the 512 that wait are a pull consumer's
        ({"deliver_subject": "to.me"}, {"deliver_subject": "", "max_batch": 5}),
        ({}, {"ack_policy": "none"}),
        ({"ack_policy": "none"}, {"ack_policy": "explicit", "backoff": ["1s", "2s"]}),
    ],
)
def test_what_is_fixed_is_recreated_where_that_is_asked_for(consumer, steps, config, before, after, recreate):
    consumer(**before)
    steps(nats_consumer, "consumer", **WORKERS, **after, recreate=recreate)
    assert {key: config()[key] for key in before.keys() - after.keys() - {"ack_wait"}} == {
        key: before[key] for key in before.keys() - after.keys() - {"ack_wait"}
    }


def test_a_refused_recreation_deletes_nothing(consumer, refused, config):
    consumer(deliver_subject="to.me", idle_heartbeat="1s")
    assert "idle_heartbeat: a pull consumer has none" in refused(
        nats_consumer, **WORKERS, deliver_subject="", recreate="always"
    )
    assert config()["deliver_subject"] == "to.me"


class TestWorkQueue:
    """Each message of a work queue has one consumer. A second one is refused before the server lists a consumer that does not exist."""

    @pytest.fixture(autouse=True)
    def queue(self, jetstream):
        jetstream("STREAM.CREATE.Q", name="Q", subjects=["q.>"], retention="workqueue")
        make(jetstream, name="first", stream="Q", filter_subjects=["q.a", "q.b.>"])

    @pytest.mark.parametrize(
        ("written", "sentence"),
        [
            ({}, "filter >: consumer first takes q.a"),
            ({"filter_subject": "q.a"}, "filter q.a: consumer first takes q.a"),
            ({"filter_subject": "q.*"}, "filter q.*: consumer first takes q.a"),
            ({"filter_subjects": ["q.c", "q.b.c"]}, "filter q.b.c: consumer first takes q.b.>"),
        ],
    )
    def test_a_filter_that_is_taken_is_refused_before_the_server_is_asked(
        self, declare, refused, jetstream, written, sentence
    ):
        second = {"stream": "Q", "name": "second"}
        assert sentence in refused(nats_consumer, **second, **written)
        assert jetstream("CONSUMER.NAMES.Q")["consumers"] == ["first"]
        declare(nats_consumer, **second, filter_subject="q.c")
        update = written or {"filter_subject": ""}
        assert sentence in refused(nats_consumer, **second, **update)
        assert jetstream("CONSUMER.INFO.Q.second")["config"]["filter_subject"] == "q.c"

    @pytest.mark.parametrize("written", [{"filter_subject": "q.c"}, {"filter_subjects": ["q.b", "q.d"]}])
    def test_a_filter_of_its_own_passes(self, steps, written):
        steps(nats_consumer, "consumer", stream="Q", name="second", **written)

    def test_a_consumer_does_not_overlap_with_itself(self, steps):
        steps(nats_consumer, "consumer", stream="Q", name="first", filter_subjects=["q.a", "q.>"][1:])


class TestInterest:
    @pytest.fixture(autouse=True)
    def interest(self, jetstream, publish):
        jetstream("STREAM.CREATE.I", name="I", subjects=["i.>"], retention="interest")
        make(jetstream, stream="I")
        publish("i.a", count=3)

    def test_deleting_what_messages_wait_for_needs_allow_data_loss(self, refused, declare, jetstream):
        there = {"stream": "I", "name": "workers"}
        sentence = "deleting it would delete up to 3 messages that only this consumer waits for. Set allow_data_loss"
        assert sentence in refused(nats_consumer, **there, state="absent")
        assert jetstream("STREAM.INFO.I")["state"]["messages"] == 3
        assert declare(nats_consumer, **there, state="absent", allow_data_loss=True)["changed"] is True

    def test_recreating_it_too(self, refused, declare):
        change = {"stream": "I", "name": "workers", "ack_policy": "all"}
        assert "recreating it would delete up to 3 messages" in refused(nats_consumer, **change, recreate="if_empty")
        assert "Set allow_data_loss" in refused(nats_consumer, **change, recreate="always")
        assert declare(nats_consumer, **change, recreate="always", allow_data_loss=True)["changed"] is True


def test_defaults_are_the_streams_limits(jetstream, consumer, steps):
    jetstream(
        "STREAM.UPDATE.S",
        name="S",
        subjects=["s.>"],
        consumer_limits={"inactive_threshold": 3600 * SECOND, "max_ack_pending": 50},
    )
    made = consumer()["consumer"]
    assert (made["inactive_threshold"], made["max_ack_pending"]) == ("1h", 50)
    assert consumer(exact=True)["changed"] is False
    assert consumer(max_ack_pending=0, inactive_threshold="0s")["changed"] is False
    consumer(max_ack_pending=5, inactive_threshold="1m")
    steps(nats_consumer, "consumer", **WORKERS, unset=["max_ack_pending", "inactive_threshold"])


def test_the_servers_own_refusal_has_its_code(run_module, account, consumer):
    result = run_module(nats_consumer, **account, **WORKERS, description="x" * 5000)
    assert isinstance(result["err_code"], int)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"pause_until": LATER}, "pause_until belongs to state: paused"),
        ({"reset_seq": 3}, "reset_seq belongs to state: reset"),
        ({"ack_wait": "1m", "unset": ["ack_wait"]}, "unset: ack_wait is written as well"),
    ],
)
def test_what_would_be_ignored_is_refused(refused, written, sentence):
    assert sentence in refused(nats_consumer, **WORKERS | written)


class TestPosition:
    """The position of a consumer counts as data that can be lost."""

    @pytest.fixture
    def used(self, consumer, publish, account_connection):
        """Delivers six of ten messages, and acknowledges some of them."""

        def run(*acknowledged, **written):
            consumer(**written)
            publish("s.a", "s.b", count=5)

            async def work():
                client = await account_connection.client()
                inbox = client.new_inbox()
                listening = await client.subscribe(inbox)
                await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.workers", b"6", reply=inbox)
                for number in range(1, 7):
                    message = await listening.next_msg(timeout=20)
                    if number in acknowledged:
                        await client.request(message.reply, b"+ACK", timeout=20)
                await listening.unsubscribe()

            account_connection.run(work())

        return run

    @staticmethod
    def left(jetstream):
        info = jetstream("CONSUMER.INFO.S.workers")
        return info["num_pending"] + info["num_ack_pending"], info["ack_floor"]["stream_seq"]

    @pytest.mark.parametrize(
        "written", [{"max_waiting": 100}, {"replay_policy": "original"}, {"ack_policy": "all"}, {"mem_storage": True}]
    )
    @pytest.mark.parametrize("recreate", ["if_empty", "always"])
    def test_a_consumer_that_is_made_anew_goes_on_where_it_was(self, used, steps, jetstream, written, recreate):
        used(1, 2, 3, 4, 5, 6)
        steps(nats_consumer, "consumer", **WORKERS, **written, recreate=recreate)
        assert self.left(jetstream) == (4, 6)

    def test_what_is_acknowledged_out_of_order_is_delivered_again_and_needs_the_guard(
        self, used, refused, consumer, jetstream
    ):
        used(1, 2, 5)
        message = refused(nats_consumer, **WORKERS, max_waiting=100, recreate="always")
        assert "recreating it would deliver up to 1 acknowledged messages again" in message
        assert self.left(jetstream) == (7, 2)
        assert consumer(max_waiting=100, recreate="always", allow_data_loss=True)["changed"] is True
        assert self.left(jetstream) == (8, 2)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({}, {"deliver_policy": "new"}),
            ({"deliver_policy": "new"}, {"max_waiting": 100}),
            ({"deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T00:00:00Z"}, {"deliver_policy": "last"}),
            ({"deliver_policy": "by_start_sequence", "opt_start_seq": 1}, {"deliver_policy": "all"}),
            ({}, {"deliver_policy": "by_start_sequence", "opt_start_seq": 9}),
        ],
    )
    def test_a_position_that_can_not_be_put_back_needs_the_guard(
        self, used, refused, consumer, jetstream, before, after
    ):
        used(1, 2, 3, **before)
        for recreate in ("if_empty", "always"):
            assert "allow_data_loss: true" in refused(nats_consumer, **WORKERS, **after, recreate=recreate)
        assert self.left(jetstream) == (7, 3)
        assert consumer(**after, recreate="always", allow_data_loss=True)["changed"] is True
        assert consumer(**after)["changed"] is False

    def test_deleting_a_consumer_that_was_used_needs_the_guard(self, used, refused, consumer):
        used(1, 2, 3)
        assert "deleting it would lose its position, sequence 3" in refused(nats_consumer, **WORKERS, state="absent")
        assert consumer(state="absent", allow_data_loss=True)["changed"] is True

    def test_the_start_of_another_policy_is_refused_before_anything_is_deleted(self, used, refused, jetstream):
        used(1, 2, 3)
        for written, sentence in (
            ({"opt_start_seq": 5}, "opt_start_seq belongs to deliver_policy: by_start_sequence"),
            ({"deliver_policy": "by_start_time"}, "deliver_policy: by_start_time needs opt_start_time"),
        ):
            message = refused(nats_consumer, **WORKERS, **written, recreate="always", allow_data_loss=True)
            assert sentence in message
        assert self.left(jetstream) == (7, 3)


@pytest.mark.parametrize(
    ("retention", "sentence"),
    [
        ("interest", "would delete up to 5 messages of s.a that this consumer has not acknowledged"),
        ("limits", "would skip up to 5 messages of s.a that this consumer has not processed"),
        ("workqueue", "would leave up to 5 messages of s.a that no other consumer takes"),
    ],
)
def test_a_filter_that_drops_what_is_not_processed_needs_the_guard(
    declare, refused, publish, jetstream, retention, sentence
):
    jetstream("STREAM.DELETE.S")
    declare(nats_stream, name="S", subjects=["s.>"], retention=retention)
    both = {"stream": "S", "name": "c", "filter_subjects": ["s.a", "s.b"]}
    declare(nats_consumer, **both)
    publish("s.a", "s.b", count=5)
    for narrowed in ({"filter_subjects": ["s.b"]}, {"filter_subject": "s.b"}, {"filter_subjects": ["s.b", "s.c"]}):
        assert sentence in refused(nats_consumer, **both | {"filter_subjects": []} | narrowed)
    for wider in (["s.a", "s.b", "s.c"], ["s.*"]):
        assert declare(nats_consumer, **both | {"filter_subjects": wider})["changed"] is True
    assert jetstream("CONSUMER.INFO.S.c")["num_pending"] == 10
