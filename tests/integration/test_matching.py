# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change for all existing resources that match a pattern, on real servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_jetstream, nats_stream

SHOP = {
    "streams": [
        {"name": "SHOP_A", "subjects": ["a.>"]},
        {"name": "SHOP_B", "subjects": ["b.>"], "max_msgs": 10},
        {"name": "OTHER", "subjects": ["other.>"]},
    ],
    "kv": [{"bucket": "shop_a"}, {"bucket": "other"}],
    "object_stores": [{"bucket": "shop_a"}, {"bucket": "other"}],
    "consumers": [
        {"stream": "SHOP_A", "name": "worker-1"},
        {"stream": "SHOP_A", "name": "audit"},
        {"stream": "SHOP_B", "name": "worker-2"},
        {"stream": "OTHER", "name": "worker-3"},
    ],
}


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def shop(declare):
    declare(nats_jetstream, **SHOP)


@pytest.fixture
def match(declare):
    """What a task with patterns changes, the same in check mode, again and for real, and what it found; the second time it changes nothing."""

    def run(*entries, **more):
        results = [
            declare(nats_jetstream, matching=list(entries), **more, check=check) for check in (True, True, False)
        ]
        for result in results[:2]:
            assert result["resources"] == results[2]["resources"]
            assert result["matching"] == results[2]["matching"]
            assert result["diff"]["before"] == results[2]["diff"]["before"]
            for title, config in results[2]["diff"]["after"].items():
                # The server fills in the defaults of what is new.
                assert config.items() >= result["diff"]["after"][title].items()
        again = declare(nats_jetstream, matching=list(entries), **more)
        assert again["changed"] is False
        assert [entry["name"] for entry in again["resources"]] == [entry["name"] for entry in results[2]["resources"]]
        changed = [entry["name"] for entry in results[2]["resources"] if entry["changed"]]
        assert results[2]["changed"] is bool(changed)
        return changed, results[2]["matching"]

    return run


@pytest.fixture
def rejected(run_module, account):
    """The failure of a task with patterns, the same in check mode."""

    def run(*entries, **more):
        foreseen, result = (
            run_module(nats_jetstream, **account, matching=list(entries), **more, check=check)
            for check in (True, False)
        )
        assert result["failed"] is True
        codes = [
            (failure["code"], [(one["name"], one.get("code")) for one in failure.get("resources", [])])
            for failure in (foreseen, result)
        ]
        assert codes[0] == codes[1]
        return result

    return run


@pytest.fixture
def field(jetstream):
    def read(name, stream, consumer=None):
        call = f"CONSUMER.INFO.{stream}.{consumer}" if consumer else f"STREAM.INFO.{stream}"
        return jetstream(call)["config"].get(name)

    return read


EXISTING = {
    "stream": ({"pattern": "SHOP_*", "kind": "stream", "set": {"max_msgs": 10}}, ["SHOP_A"], ["SHOP_A", "SHOP_B"]),
    "kv": ({"pattern": "shop_*", "kind": "kv", "set": {"history": 5}}, ["shop_a"], ["shop_a"]),
    "object_store": ({"pattern": "*", "kind": "object_store", "set": {"ttl": "1h"}}, ["shop_a", "other"], ["shop_a", "other"]),
    "consumer": (
        {"pattern": "worker-*", "kind": "consumer", "set": {"max_deliver": 5}},
        ["worker-1", "worker-2", "worker-3"],
        ["worker-1", "worker-2", "worker-3"],
    ),
    "consumer of some streams": (
        {"pattern": "*", "kind": "consumer", "stream": "SHOP_?", "set": {"max_deliver": 5}},
        ["worker-1", "audit", "worker-2"],
        ["worker-1", "audit", "worker-2"],
    ),
    "stream of a bucket, named so": ({"pattern": "KV_shop*", "kind": "stream", "set": {"max_msgs_per_subject": 7}}, ["KV_shop_a"], ["KV_shop_a"]),
    "every stream but buckets": ({"pattern": "*", "kind": "stream", "set": {"description": "x"}}, ["OTHER", "SHOP_A", "SHOP_B"], ["OTHER", "SHOP_A", "SHOP_B"]),
    "nothing": ({"pattern": "NONE_*", "kind": "stream", "set": {"max_msgs": 10}}, [], []),
}  # fmt: skip


@pytest.mark.parametrize(("entry", "changed", "found"), EXISTING.values(), ids=EXISTING)
def test_what_matches_is_changed_and_nothing_else(match, declare, shop, jetstream, entry, changed, found):
    before = {name: jetstream(f"STREAM.INFO.{name}")["config"] for name in jetstream("STREAM.NAMES")["streams"]}
    did, (result,) = match(entry)
    assert sorted(did) == sorted(changed)
    assert sorted(one["name"] for one in result["found"]) == sorted(found)
    assert result["left_out"] == []
    after = {name: jetstream(f"STREAM.INFO.{name}")["config"] for name in jetstream("STREAM.NAMES")["streams"]}
    assert after.keys() == before.keys()
    touched = {name for name in after if after[name] != before[name]}
    assert {name.removeprefix("KV_").removeprefix("OBJ_") for name in touched} == (
        set() if entry["kind"] == "consumer" else {name.removeprefix("KV_") for name in changed}
    )


def test_a_pattern_without_a_match_says_so(match, shop):
    entries = [{"pattern": f"NONE_{kind}", "kind": kind, "set": {"description": "x"}} for kind in ("stream", "consumer", "kv", "object_store")]  # fmt: skip
    changed, found = match(*entries)
    assert changed == []
    assert [one["summary"] for one in found] == [
        "no stream matches NONE_stream",
        "no consumer matches NONE_consumer",
        "no bucket matches NONE_kv",
        "no object store matches NONE_object_store",
    ]


def test_what_is_declared_by_its_name_wins(match, shop, field):
    """It would otherwise be made without the change at first, and be changed by the next run."""
    changed, (found,) = match(
        {"pattern": "SHOP_*", "kind": "stream", "set": {"max_msgs": 20, "description": "matched"}},
        streams=[{"name": "SHOP_A", "description": "named"}, {"name": "SHOP_NEW"}],
    )
    assert changed == ["SHOP_A", "SHOP_NEW", "SHOP_B"]
    assert found["left_out"] == [{"name": "SHOP_A", "why": "it is declared by its name in this task"}]
    assert (field("description", "SHOP_A"), field("max_msgs", "SHOP_A")) == ("named", -1)
    assert (field("description", "SHOP_NEW"), field("max_msgs", "SHOP_NEW")) == (None, -1)
    assert (field("description", "SHOP_B"), field("max_msgs", "SHOP_B")) == ("matched", 20)


def test_what_the_task_deletes_is_left_out(declare, shop, jetstream):
    matching = [
        {"pattern": "*", "kind": "stream", "set": {"max_msgs": 20}},
        {"pattern": "*", "kind": "consumer", "set": {"max_deliver": 5}},
    ]
    task = {
        "streams": [{"name": "SHOP_A", "state": "absent"}],
        "consumers": [{"stream": "SHOP_B", "name": "worker-2"}],
        "prune": {"pattern": "OTHER", "max": 1},
        "allow_data_loss": True,
        "matching": matching,
    }
    foreseen, made = declare(nats_jetstream, **task, check=True), declare(nats_jetstream, **task)
    assert foreseen["resources"] == made["resources"]
    assert foreseen["matching"] == made["matching"]
    streams, consumers = made["matching"]
    assert streams["found"] == [{"name": "SHOP_B"}]
    assert streams["summary"] == "3 streams match *, 2 left out"
    assert [(one["name"], one["why"]) for one in streams["left_out"]] == [
        ("OTHER", "it is pruned by this task"),
        ("SHOP_A", "it is declared by its name in this task"),
    ]
    assert {(one["name"], one["why"]) for one in consumers["left_out"]} == {
        ("audit", "its stream is deleted by this task"),
        ("worker-1", "its stream is deleted by this task"),
        ("worker-2", "it is declared by its name in this task"),
        ("worker-3", "its stream is deleted by this task"),
    }
    assert "SHOP_A" not in jetstream("STREAM.NAMES")["streams"]


def test_the_guards_are_those_of_a_declaration(rejected, match, declare, shop, publish, field):
    publish("a.1", count=5)
    entry = {"pattern": "SHOP_*", "kind": "stream", "set": {"max_msgs": 2}}
    result = rejected(entry)
    assert result["code"] == "WOULD_LOSE_DATA"
    assert "stream SHOP_A: max_msgs from -1 to 2 would delete 3 of 5 messages" in result["msg"]
    assert [(one["name"], one["changed"]) for one in result["resources"]] == [("SHOP_A", False), ("SHOP_B", True)]
    assert field("max_msgs", "SHOP_A") == -1
    fixed = rejected({"pattern": "SHOP_*", "kind": "stream", "set": {"storage": "memory"}})
    assert fixed["code"] == "FIXED_AT_CREATION"
    changed, _found = match({**entry, "set": {"max_msgs": 2, "allow_data_loss": True}})
    assert changed == ["SHOP_A"]


def test_two_entries_for_one_resource(rejected, match, shop, field):
    one = {"pattern": "SHOP_*", "kind": "stream", "set": {"max_msgs": 20}}
    other = {"pattern": "*_A", "kind": "stream", "set": {"description": "x"}}
    changed, _found = match(one, other)
    assert changed == ["SHOP_A", "SHOP_B"]
    assert (field("max_msgs", "SHOP_A"), field("description", "SHOP_A")) == (20, "x")
    result = rejected(one, {**other, "set": {"max_msgs": 30}})
    assert result["code"] == "INVALID_VALUE"
    assert "stream SHOP_A matches SHOP_* and *_A, which set max_msgs differently" in result["msg"]
    result = rejected(
        {"pattern": "KV_*", "kind": "stream", "set": {"description": "x"}},
        {"pattern": "*", "kind": "kv", "set": {"description": "x"}},
    )
    assert "matches stream KV_* and kv *" in result["msg"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"set": {"max_mgs": 5}}, "max_mgs is not known"),
        ({"set": {"max_age": "5x"}}, "max_age: '5x' is not a duration"),
        ({"set": {}}, "set is empty"),
        ({"set": {"state": "absent"}}, "set: state can't be set by a pattern"),
        ({"set": {"name": "X", "exact": True}}, "set: exact, name can't be set by a pattern"),
        ({"set": {"purge": {}}}, "set: purge can't be set by a pattern"),
        ({"set": {"max_msgs": 5, "unset": ["max_msgs"]}}, "unset: max_msgs is written as well"),
        ({"pattern": " ", "set": {"max_msgs": 5}}, "pattern is empty"),
        ({"stream": "X", "set": {"max_msgs": 5}}, "stream belongs to kind: consumer"),
        ({"kind": "kv", "set": {"max_msgs": 5}}, "max_msgs is not known"),
        ({"kind": "consumer", "set": {"state": "paused", "durable_name": "x"}}, "set: durable_name, state can't be set"),
    ],
)  # fmt: skip
def test_an_entry_without_sense_is_refused_also_where_nothing_matches(rejected, entry, sentence):
    result = rejected({"pattern": "NONE", "kind": "stream", **entry}, streams=[{"name": "NEW"}])
    assert "matching, entry 1: " in result["msg"]
    assert sentence in result["msg"]
    assert result["code"] == "INVALID_VALUE"


def test_exact_and_unset_of_the_task_are_not_those_of_a_pattern(match, shop, field):
    match({"pattern": "SHOP_B", "kind": "stream", "set": {"description": "x"}}, exact=True, unset=["max_msgs"])
    assert field("max_msgs", "SHOP_B") == 10
    match({"pattern": "SHOP_B", "kind": "stream", "set": {"unset": ["max_msgs"]}})
    assert field("max_msgs", "SHOP_B") == -1


def test_an_ephemeral_consumer_and_what_only_looks_like_a_bucket_are_left_out(match, jetstream):
    jetstream("STREAM.CREATE.S", name="S")
    config = {"name": "e", "ack_policy": "explicit", "inactive_threshold": 600 * 10**9}
    assert "error" not in jetstream("CONSUMER.CREATE.S.e", stream_name="S", config=config)
    jetstream("STREAM.CREATE.KV_no", name="KV_no", subjects=["elsewhere"])
    changed, (consumers, kv) = match(
        {"pattern": "*", "kind": "consumer", "set": {"max_deliver": 5}},
        {"pattern": "*", "kind": "kv", "set": {"history": 5}},
    )
    assert changed == []
    assert consumers["left_out"] == [{"name": "e", "stream": "S", "why": "it is ephemeral: its client makes it"}]
    assert kv["left_out"] == [{"name": "no", "why": "stream KV_no is not as clients create a bucket"}]
    assert kv["summary"] == "1 bucket matches *, 1 left out"


@pytest.fixture
def shared(declare):
    declare(
        nats_jetstream,
        owner="shop",
        streams=[{"name": "OURS"}, {"name": "THEIRS", "owner": "billing"}, {"name": "NOBODYS", "owner": ""}],
    )


@pytest.mark.parametrize(
    ("owner", "more", "changed", "left_out"),
    [
        ("shop", {}, ["OURS"], {"NOBODYS": "it has no owner", "THEIRS": "it belongs to billing"}),
        (None, {}, ["NOBODYS"], {"OURS": "it belongs to shop", "THEIRS": "it belongs to billing"}),
        ("shop", {"owner": "billing"}, ["NOBODYS", "THEIRS"], {"OURS": "it belongs to shop"}),
        (None, {"owner": "shop"}, ["NOBODYS", "OURS"], {"THEIRS": "it belongs to billing"}),
    ],
)
def test_a_pattern_means_what_is_ours(match, shared, field, owner, more, changed, left_out):
    entry = {"pattern": "*", "kind": "stream", "set": {"max_msgs": 5} | more}
    did, (found,) = match(entry, **({"owner": owner} if owner else {}))
    assert did == changed
    assert {one["name"]: one["why"] for one in found["left_out"]} == left_out
    owners = {name: (field("metadata", name) or {}).get("messaging.nats/owner") for name in ("OURS", "THEIRS", "NOBODYS")}  # fmt: skip
    assert owners == {"OURS": "shop", "THEIRS": "billing", "NOBODYS": more.get("owner")}


def test_a_pattern_may_only_observe(match, declare, shop, field):
    entry = {"pattern": "SHOP_*", "kind": "stream", "set": {"max_msgs": 10, "manage": "observe"}}
    assert match(entry)[0] == []
    result = declare(nats_jetstream, matching=[entry])
    assert {one["name"]: one["differences"] for one in result["resources"]} == {
        "SHOP_A": {"max_msgs": {"actual": -1, "declared": 10}},
        "SHOP_B": {},
    }
    assert field("max_msgs", "SHOP_A") == -1


def test_many_at_once(match, declare, jetstream):
    """From eight on, one list is read in place of each."""
    declare(nats_jetstream, streams=[{"name": f"M{number}"} for number in range(20)])
    changed, (found,) = match({"pattern": "M1*", "kind": "stream", "set": {"max_msgs": 5}})
    assert len(changed) == 11
    assert found["summary"] == "11 streams match M1*"


def test_subjects_that_overlap_are_foreseen(rejected, shop):
    result = rejected({"pattern": "SHOP_*", "kind": "stream", "set": {"subjects": ["same"]}})
    assert result["code"] == "SUBJECTS_TAKEN"
    assert [bool(one.get("failed")) for one in result["resources"]] in ([False, True], [True, False])


def test_a_consumer_keeps_to_the_limits_that_its_stream_will_have(rejected, shop, declare):
    declare(nats_consumer, stream="SHOP_B", name="worker-2", max_ack_pending=50)
    result = rejected(
        {"pattern": "worker-2", "kind": "consumer", "set": {"max_ack_pending": 500}},
        streams=[{"name": "SHOP_B", "consumer_limits": {"max_ack_pending": 100}}],
    )
    assert "is more than the consumer_limits of stream SHOP_B allow" in result["msg"]


def test_a_single_task_and_a_pattern_do_the_same(match, declare, shop, jetstream):
    declare(nats_stream, name="SHOP_A", max_msgs=5, metadata={"a": "b"})
    declare(nats_consumer, stream="SHOP_A", name="audit", max_deliver=7)
    match(
        {"pattern": "SHOP_B", "kind": "stream", "set": {"max_msgs": 5, "metadata": {"a": "b"}}},
        {"pattern": "worker-2", "kind": "consumer", "set": {"max_deliver": 7}},
    )
    differ = {"name", "subjects", "durable_name"}
    one, other = (jetstream(f"STREAM.INFO.{name}")["config"] for name in ("SHOP_A", "SHOP_B"))
    assert {key for key in one if one[key] != other.get(key)} <= differ
    assert jetstream("CONSUMER.INFO.SHOP_B.worker-2")["config"]["max_deliver"] == 7
