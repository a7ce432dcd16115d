# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_jetstream against three real servers: whole lists over one connection."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream import converge as convergence
from ansible_collections.messaging.nats.plugins.module_utils._jetstream import current_state
from ansible_collections.messaging.nats.plugins.modules import nats_jetstream


@pytest.fixture
def bulk(declare):
    return lambda **lists: declare(nats_jetstream, **lists)


@pytest.fixture
def names(jetstream):
    return lambda: jetstream("STREAM.NAMES").get("streams") or []


@pytest.fixture
def partly(run_module, account):
    """Fails, and what became of each."""

    def run(**lists):
        result = run_module(nats_jetstream, **account, **lists)
        assert result.get("failed") is True, result
        assert "exception" not in result
        return result

    return run


SHOP: dict[str, list] = {
    "streams": [
        {"name": "ORDERS", "subjects": ["orders.>"], "retention": "workqueue", "num_replicas": 3},
        {"name": "EVENTS", "subjects": ["events.>"], "max_age": "24h"},
    ],
    "consumers": [
        {"stream": "ORDERS", "name": "new", "filter_subject": "orders.new"},
        {"stream": "ORDERS", "durable_name": "old", "filter_subject": "orders.old"},
        {"stream": "EVENTS", "name": "all", "ack_wait": "1m"},
    ],
    "kv": [{"bucket": "settings", "history": 5}],
    "object_stores": [{"bucket": "reports", "ttl": "1h"}],
}


def test_create_modify_delete_in_check_mode_and_for_real_first_and_again(bulk):
    def steps(**lists):
        return [bulk(**lists, check=check)["changed"] for check in (True, True, False, False)]

    assert steps(**SHOP) == [True, True, True, False]
    assert bulk(**SHOP, check=True)["changed"] is False
    assert bulk(**SHOP, exact=True)["changed"] is False
    assert steps(**SHOP | {"kv": [{"bucket": "settings", "history": 6}]}) == [True, True, True, False]
    gone = {
        kind: [
            {key: entry[key] for key in ("stream", "name", "durable_name", "bucket") if key in entry}
            | {"state": "absent"}
            for entry in entries
        ]
        for kind, entries in SHOP.items()
    }
    assert steps(**gone) == [True, True, True, False]


def test_results_are_in_the_order_of_the_lists(bulk):
    found = bulk(**SHOP)["resources"]
    assert [(entry["kind"], entry["name"], entry["changed"]) for entry in found] == [
        ("stream", "ORDERS", True),
        ("stream", "EVENTS", True),
        ("bucket", "settings", True),
        ("object store", "reports", True),
        ("consumer", "new", True),
        ("consumer", "old", True),
        ("consumer", "all", True),
    ]
    assert [
        entry["changed"] for entry in bulk(**SHOP | {"streams": [*SHOP["streams"], {"name": "NEW"}]})["resources"]
    ] == [
        False,
        False,
        True,
        *[False] * 5,
    ]


def test_the_difference_names_what_changes(bulk):
    diff = bulk(**SHOP, check=True)["diff"]
    assert diff["before"]["stream EVENTS"] == {}
    assert diff["after"]["consumer all of stream EVENTS"]["ack_wait"] == "1m"
    assert bulk(**SHOP)["diff"]["after"].keys() == diff["after"].keys()
    assert bulk(**SHOP)["diff"]["after"] == {}


def test_what_the_server_refuses_leaves_the_rest_done(partly, names):
    lists = {
        "streams": [
            {"name": "ONE", "subjects": ["one"]},
            {"name": "TWO", "description": "x" * 5000},
            {"name": "THREE"},
        ],
        "consumers": [{"stream": "TWO", "name": "c"}, {"stream": "ONE", "name": "c"}],
    }
    result = partly(**lists)
    assert [bool(entry.get("failed")) for entry in result["resources"]] == [False, True, False, True, False]
    assert [entry["changed"] for entry in result["resources"]] == [True, False, True, False, True]
    assert result["msg"].startswith("2 of 5 failed, the others are done:\nstream TWO: ")
    assert "consumer c of stream TWO: stream TWO does not exist" in result["msg"]
    assert isinstance(result["resources"][1]["err_code"], int)
    assert result["resources"][3]["code"] == "NOT_FOUND"
    assert result["code"] == "SEVERAL_FAILURES"
    assert names() == ["ONE", "THREE"]


@pytest.mark.parametrize(
    ("lists", "sentence"),
    [
        (
            {"streams": [{"name": "OK"}, {"name": "BAD", "max_age": "5x"}]},
            "streams, entry 2: stream BAD: max_age: '5x' is not a duration",
        ),
        ({"streams": [{"name": "OK"}, {"subjects": ["x"]}]}, "streams, entry 2: stream: name is missing"),
        (
            {"streams": [{"name": "OK", "max_mgs": 5}]},
            "streams, entry 1: stream OK: max_mgs is not known: write add, allow_atomic",
        ),
        (
            {"streams": [{"name": "OK", "state": "paused"}]},
            "state: 'paused' is not known: write present or absent or purged or sealed",
        ),
        ({"streams": [{"name": "a.b"}]}, "a name has no spaces, dots"),
        ({"streams": [{"name": "OK", "max_msgs": "many"}]}, "max_msgs: 'many' is not a whole number"),
        ({"streams": [{"name": "OK", "no_ack": "perhaps"}]}, "no_ack: 'perhaps' is not yes or no"),
        (
            {"streams": [{"name": "OK", "placement": {"cloud": "C"}}]},
            "placement: cloud is not known: write cluster, tags",
        ),
        (
            {"streams": [{"name": "OK", "sources": [{"name": "A", "opt_start_time": "x"}]}]},
            "sources: opt_start_time: 'x' is not a time",
        ),
        (
            {"streams": [{"name": "OK", "consumer_limits": {"inactive_threshold": "soon"}}]},
            "consumer_limits: inactive_threshold",
        ),
        (
            {"streams": [{"name": "OK", "state": "purged", "purge": {"seq": 1, "keep": 1}}]},
            "purge: seq and keep exclude one another",
        ),
        ({"streams": [{"name": "OK"}, {"name": "OK"}]}, "stream OK is declared twice"),
        ({"streams": [{"name": "KV_b"}], "kv": [{"bucket": "b"}]}, "stream KV_b is declared twice"),
        (
            {"streams": [{"name": "OK"}], "consumers": [{"name": "c"}]},
            "consumers, entry 1: consumer: stream is missing",
        ),
        (
            {"consumers": [{"stream": "S", "name": "c"}, {"stream": "S", "durable_name": "c"}]},
            "consumer c of stream S is declared twice",
        ),
        (
            {"consumers": [{"stream": "S", "name": "c", "state": "paused", "pause_until": "x"}]},
            "pause_until: 'x' is not a time",
        ),
        (
            {"consumers": [{"stream": "S", "name": "c", "state": "paused", "pause_until": "2020-01-01T00:00:00Z"}]},
            "is in the past",
        ),
        ({"kv": [{"bucket": "notok!"}]}, "a name has nothing but letters"),
        ({"kv": [{"bucket": "b", "history": 65}]}, "history: 65 is out of range"),
        ({"object_stores": [{"bucket": "b", "history": 5}]}, "history is not known"),
    ],
)
def test_nothing_is_done_where_an_entry_makes_no_sense(partly, names, lists, sentence):
    result = partly(**{"streams": [{"name": "FIRST"}], **lists} if "streams" not in lists else lists)
    assert sentence in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert names() == []


def test_every_problem_is_told_at_once(partly):
    message = partly(streams=[{"name": "A", "max_age": "x"}], kv=[{"bucket": "!"}], consumers=[{"name": "c"}])["msg"]
    assert all(f"{kind}, entry 1" in message for kind in ("streams", "kv", "consumers"))


def test_an_entrys_own_guards_beat_those_of_the_task(bulk, partly, publish, names):
    bulk(streams=[{"name": name} for name in ("A", "B", "C")])
    publish("A", "B", "C")
    gone = [{"name": "A", "state": "absent"}, {"name": "B", "state": "absent", "allow_data_loss": True}]
    assert [bool(entry.get("failed")) for entry in partly(streams=gone)["resources"]] == [True, False]
    spared = [{"name": "A", "state": "absent"}, {"name": "C", "state": "absent", "allow_data_loss": False}]
    assert [bool(entry.get("failed")) for entry in partly(streams=spared, allow_data_loss=True)["resources"]] == [
        False,
        True,
    ]
    assert names() == ["C"]


class TestPrune:
    """Deletes what is there and not declared."""

    @pytest.fixture(autouse=True)
    def there(self, bulk):
        bulk(
            streams=[{"name": name} for name in ("A_1", "A_2", "A_3", "B_1")],
            kv=[{"bucket": "A_b"}],
            object_stores=[{"bucket": "x"}],
        )

    def test_what_matches_and_is_not_declared_goes(self, bulk, names):
        lists = {"streams": [{"name": "A_1"}], "prune": {"pattern": "A_*", "max": 2}}
        assert bulk(**lists, check=True)["changed"] is True
        assert len(names()) == 6
        result = bulk(**lists)
        assert [(entry["name"], entry["changed"]) for entry in result["resources"]] == [
            ("A_1", False),
            ("A_2", True),
            ("A_3", True),
        ]
        assert names() == ["A_1", "B_1", "KV_A_b", "OBJ_x"]
        assert bulk(**lists)["changed"] is False

    def test_nothing_is_changed_where_more_match_than_may_go(self, partly, names):
        message = partly(streams=[{"name": "NEW"}], prune={"pattern": "A_*", "max": 2})["msg"]
        assert "3 streams match A_* and are not declared, and max is 2: A_1, A_2, A_3" in message
        assert "NEW" not in names()

    @pytest.mark.parametrize(
        ("pattern", "left"), [("*", ["KV_A_b", "OBJ_x"]), ("KV_*", ["A_1", "A_2", "A_3", "B_1", "OBJ_x"])]
    )
    def test_buckets_are_spared_unless_the_pattern_says_them(self, bulk, names, pattern, left):
        bulk(prune={"pattern": pattern, "max": 10})
        assert names() == left

    def test_a_stream_whose_consumer_is_declared_is_spared(self, bulk, names):
        bulk(consumers=[{"stream": "B_1", "name": "c"}], prune={"pattern": "B_*", "max": 1})
        assert "B_1" in names()

    def test_a_stream_that_holds_messages_needs_allow_data_loss(self, bulk, partly, publish, names):
        publish("A_2")
        prune = {"pattern": "A_*", "max": 3}
        result = partly(prune=prune)
        assert "stream A_2: deleting it would delete 1 messages" in result["msg"]
        assert result["code"] == "WOULD_LOSE_DATA"
        assert [name for name in names() if name.startswith("A")] == ["A_2"]
        assert bulk(prune=prune, allow_data_loss=True)["changed"] is True

    def test_what_goes_makes_room_for_what_comes(self, bulk, names):
        lists = {"streams": [{"name": "NEW", "subjects": ["A_1", "A_2"]}], "prune": {"pattern": "A_*", "max": 3}}
        assert bulk(**lists, check=True)["changed"] is True
        assert bulk(**lists)["changed"] is True
        assert "NEW" in names()


def test_new_consumers_of_a_work_queue_see_each_other(bulk, partly, jetstream):
    bulk(streams=[{"name": "Q", "subjects": ["q.>"], "retention": "workqueue", "num_replicas": 3}])
    result = partly(consumers=[{"stream": "Q", "name": "a", "filter_subject": "q.a"}, {"stream": "Q", "name": "b"}])
    assert "consumer b of stream Q: filter >: consumer a takes q.a of this work queue already" in result["msg"]
    assert jetstream("CONSUMER.NAMES.Q")["consumers"] == ["a"]
    exchanged = [{"stream": "Q", "name": "a", "state": "absent"}, {"stream": "Q", "name": "b"}]
    assert bulk(consumers=exchanged, check=True)["changed"] is True
    assert bulk(consumers=exchanged)["changed"] is True
    assert jetstream("CONSUMER.NAMES.Q")["consumers"] == ["b"]


def test_three_hundred_streams_in_one_go(bulk, names):
    many = {
        "streams": [{"name": f"S{number}", "subjects": [f"s.{number}"], "max_age": "1h"} for number in range(300)],
        "consumers": [{"stream": f"S{number}", "name": "c"} for number in range(0, 300, 10)],
    }
    assert sum(entry["changed"] for entry in bulk(**many)["resources"]) == 330
    assert len(names()) == 300
    assert bulk(**many)["changed"] is False
    gone = {"prune": {"pattern": "S*", "max": 300}, "allow_data_loss": True}
    assert sum(entry["changed"] for entry in bulk(**gone)["resources"]) == 300
    assert names() == []


class TestSubjectsThatMove:
    """A subject that one stream gives up and another one takes."""

    @staticmethod
    def subjects(jetstream, name):
        return sorted(jetstream(f"STREAM.INFO.{name}")["config"]["subjects"])

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"A": ["a.>", "shared"], "B": ["b.>"]}, {"B": ["b.>", "shared"], "A": ["a.>"]}),
            ({"A": ["a.>", "shared"], "B": ["b.>"]}, {"A": ["a.>"], "B": ["b.>", "shared"]}),
            ({"A": ["a.>"]}, {"B": ["a.x"], "A": ["a.y"]}),
            ({"A": ["a.*"], "B": ["b.*"]}, {"C": ["a.*", "b.*"], "B": ["b"], "A": ["a"]}),
            # In a circle, with something left and with nothing.
            ({"A": ["a", "x"], "B": ["b", "y"]}, {"A": ["a", "y"], "B": ["b", "x"]}),
            ({"A": ["x"], "B": ["y"]}, {"A": ["y"], "B": ["x"]}),
            ({"A": ["x"], "B": ["y"], "C": ["z"]}, {"A": ["y"], "B": ["z"], "C": ["x"]}),
        ],
    )
    def test_what_is_given_up_comes_before_what_is_taken(self, bulk, jetstream, before, after):
        bulk(streams=[{"name": name, "subjects": subjects} for name, subjects in before.items()])
        lists = {"streams": [{"name": name, "subjects": subjects} for name, subjects in after.items()]}
        foreseen, made = bulk(**lists, check=True), bulk(**lists)
        assert made["resources"] == foreseen["resources"]
        assert made["diff"]["before"] == foreseen["diff"]["before"]
        assert {name: self.subjects(jetstream, name) for name in after} == {
            name: sorted(subjects) for name, subjects in after.items()
        }
        assert bulk(**lists)["changed"] is False

    @pytest.mark.parametrize("check", [True, False])
    def test_what_nobody_gives_up_is_refused(self, bulk, partly, check):
        bulk(streams=[{"name": "A", "subjects": ["a", "x"]}, {"name": "B", "subjects": ["b"]}])
        result = partly(
            streams=[{"name": "B", "subjects": ["b", "x"]}, {"name": "A", "subjects": ["x"]}],
            check=check,
        )
        assert "x is of stream A" in result["msg"]
        assert result["code"] == "SUBJECTS_TAKEN"

    @pytest.mark.parametrize("check", [True, False])
    def test_two_new_streams_with_one_subject(self, partly, check):
        result = partly(streams=[{"name": "A", "subjects": ["a.>"]}, {"name": "B", "subjects": ["a.b"]}], check=check)
        assert [bool(entry.get("failed")) for entry in result["resources"]] == [False, True]
        assert "a.b is of stream A" in result["msg"]


def test_what_is_changed_between_reading_and_writing_is_kept_and_told(
    run_module, account, bulk, jetstream, monkeypatch
):
    bulk(streams=[{"name": f"S{number}"} for number in range(12)])
    read = current_state.read_current_state

    async def then_somebody_writes(*arguments):
        found = await read(*arguments)
        config = found.streams["S3"]["config"] | {"description": "theirs", "max_msgs": 7}
        await arguments[0].ask("STREAM.UPDATE.S3", "S3", config)
        return found

    monkeypatch.setattr(convergence, "read_current_state", then_somebody_writes)
    result = run_module(
        nats_jetstream, **account, streams=[{"name": f"S{number}", "max_age": "1h"} for number in range(12)]
    )
    config = jetstream("STREAM.INFO.S3")["config"]
    assert (config["description"], config["max_msgs"], config["max_age"]) == ("theirs", 7, 3600 * 10**9)
    (warning,) = result["warnings"]
    assert "stream S3: while this was running, somebody else changed" in str(warning)
    assert "max_msgs from -1 to 7" in str(warning)


def test_what_was_filled_between_reading_and_deleting_is_not_deleted(partly, bulk, publish, names, monkeypatch):
    bulk(streams=[{"name": f"S{number}"} for number in range(12)])
    read = current_state.read_current_state

    async def then_somebody_publishes(*arguments):
        found = await read(*arguments)
        client = await arguments[0].connection.client()
        await client.request("S5", b"new", timeout=20)
        return found

    monkeypatch.setattr(convergence, "read_current_state", then_somebody_publishes)
    result = partly(prune={"pattern": "S*", "max": 12})
    assert "1 of 12 failed" in result["msg"]
    assert "stream S5: deleting it would delete 1 messages" in result["msg"]
    assert names() == ["S5"]


def test_prune_knows_all_four_lists(bulk, publish, names):
    bulk(kv=[{"bucket": "app_cfg"}, {"bucket": "app_old"}], object_stores=[{"bucket": "app"}], streams=[{"name": "S"}])
    publish("$KV.app_cfg.key")
    pruned = {"kv": [{"bucket": "app_cfg"}], "allow_data_loss": True, "prune": {"pattern": "KV_app*", "max": 5}}
    assert bulk(**pruned)["changed"] is True
    assert names() == ["KV_app_cfg", "OBJ_app", "S"]
    assert bulk(object_stores=[{"bucket": "app"}], prune={"pattern": "OBJ_*", "max": 5})["changed"] is False
    assert bulk(consumers=[{"stream": "S", "name": "c"}], prune={"pattern": "S", "max": 5})["changed"] is True
    assert names() == ["KV_app_cfg", "OBJ_app", "S"]


def test_the_consumers_of_a_stream_are_content(partly, bulk, names):
    bulk(streams=[{"name": "S"}], consumers=[{"stream": "S", "name": f"c{number}"} for number in range(3)])
    gone = [{"name": "S", "state": "absent"}]
    assert "deleting it would delete 3 consumers" in partly(streams=gone)["msg"]
    assert "deleting it would delete 3 consumers" in partly(prune={"pattern": "S", "max": 1}, check=True)["msg"]
    leaving = [{"stream": "S", "name": f"c{number}", "state": "absent"} for number in range(3)]
    assert bulk(streams=gone, consumers=leaving, check=True)["changed"] is True
    assert bulk(streams=gone, consumers=leaving)["changed"] is True
    assert names() == []
