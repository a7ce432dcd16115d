# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_jetstream_info: its results can be declared again without a change."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.modules import nats_jetstream, nats_jetstream_info

KINDS = ("streams", "consumers", "kv", "object_stores")
SECOND = 10**9


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def info(declare):
    return lambda **params: declare(nats_jetstream_info, **params)


CLIENTS = {
    "max_msgs_per_subject": 1,
    "allow_direct": True,
    "deny_delete": True,
    "allow_rollup_hdrs": True,
    "discard": "new",
}
# Configurations of many kinds, most of them as other tools create them.
STREAMS: list[dict] = [
    {"name": "PLAIN"},
    {"name": "ORIGIN", "subjects": ["o.>"], "metadata": {"owner": "me", "_nats.mine": "x"}, "max_age": 3600 * SECOND},
    {"name": "MIRROR", "mirror": {"name": "ORIGIN", "opt_start_time": "2020-01-01T01:00:00.5+01:00"}},
    {"name": "FAR", "mirror": {"name": "ORIGIN", "external": {"api": "$JS.far.API", "deliver": "d"}}},
    {
        "name": "MERGED",
        "subjects": ["merged"],
        "sources": [
            {"name": "ORIGIN", "filter_subject": "o.a"},
            {"name": "ORIGIN", "filter_subject": "o.b", "opt_start_seq": 5},
            {"name": "PLAIN", "subject_transforms": [{"src": ">", "dest": "merged.>"}]},
        ],
    },
    {"name": "ONLY_SOURCES", "sources": [{"name": "ORIGIN"}]},
    {"name": "QUEUE", "subjects": ["q.>"], "retention": "workqueue", "discard": "new", "max_msgs": 10, "max_bytes": 10**6},
    {"name": "INTEREST", "subjects": ["i.>"], "retention": "interest", "storage": "memory", "no_ack": True},
    {"name": "FIRST", "subjects": ["f"], "first_seq": 100, "compression": "s2", "max_msg_size": 1024},
    {"name": "SHAPED", "subjects": ["sh.>"], "subject_transform": {"src": "sh.>", "dest": "x.>"}, "republish": {"src": "x.>", "dest": "r.>"}},
    {"name": "MARKED", "subjects": ["m"], "subject_delete_marker_ttl": SECOND, "allow_msg_ttl": True, "allow_rollup_hdrs": True},
    {"name": "COUNTS", "subjects": ["c"], "allow_msg_counter": True, "allow_direct": True},
    {"name": "MODERN", "subjects": ["mo"], "allow_atomic": True, "allow_batched": True, "allow_msg_schedules": True},
    {"name": "ASYNC", "subjects": ["as"], "persist_mode": "async"},
    {"name": "DENIES", "subjects": ["de"], "deny_delete": True, "deny_purge": True},
    {"name": "LIMITS", "subjects": ["li"], "consumer_limits": {"max_ack_pending": 50, "inactive_threshold": 60 * SECOND}, "max_consumers": 9},
    {"name": "PER", "subjects": ["pe"], "discard": "new", "max_msgs_per_subject": 5, "discard_new_per_subject": True},
    CLIENTS | {"name": "KV_plain", "subjects": ["$KV.plain.>"], "max_msgs_per_subject": 3},
    CLIENTS | {"name": "KV_copy", "mirror": {"name": "KV_plain"}},
    {"name": "KV_not!", "subjects": ["$KV.not!.>"], "max_msgs_per_subject": 1},
    {"name": "KV_deep", "subjects": ["$KV.deep.>"], "max_msgs_per_subject": 100},
    {"name": "KV_queue", "subjects": ["$KV.queue.>"], "max_msgs_per_subject": 1, "retention": "workqueue"},
    {"name": "KV_nothing", "subjects": ["elsewhere"]},
    {"name": "OBJ_plain", "subjects": ["$O.plain.C.>", "$O.plain.M.>"], "discard": "new", "allow_rollup_hdrs": True, "allow_direct": True},
    {"name": "OBJ_copy", "mirror": {"name": "OBJ_plain"}},
]  # fmt: skip
CONSUMERS: list[tuple[str, dict]] = [
    ("ORIGIN", {"name": "plain"}),
    ("ORIGIN", {"name": "none", "ack_policy": "none"}),
    (
        "ORIGIN",
        {
            "name": "push",
            "deliver_subject": "to.me",
            "deliver_group": "g",
            "idle_heartbeat": SECOND,
            "flow_control": True,
        },
    ),
    ("ORIGIN", {"name": "late", "deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T01:00:00+01:00"}),
    ("ORIGIN", {"name": "backs", "backoff": [SECOND, 5 * SECOND], "max_deliver": 4, "sample_freq": "50%"}),
    (
        "ORIGIN",
        {
            "name": "several",
            "filter_subjects": ["o.a", "o.b"],
            "max_batch": 5,
            "max_expires": SECOND,
            "max_bytes": 2048,
        },
    ),
    ("ORIGIN", {"name": "pinned", "priority_policy": "pinned_client", "priority_groups": ["a"]}),
    ("ORIGIN", {"name": "pauses", "pause_until": "2035-01-01T00:00:00Z"}),
    ("ORIGIN", {"name": "flows", "ack_policy": "flow_control", "deliver_subject": "flow"}),
    ("QUEUE", {"name": "one", "filter_subject": "q.1"}),
    ("QUEUE", {"name": "two", "filter_subject": "q.2", "metadata": {"a": "b"}}),
    ("LIMITS", {"name": "limited"}),
    ("INTEREST", {"name": "memory", "mem_storage": True, "max_ack_pending": -1}),
]


@pytest.fixture
def rich(jetstream, declare):
    for config in STREAMS:
        answer = jetstream(f"STREAM.CREATE.{config['name']}", **config)
        assert "error" not in answer, (config, answer)
    for stream, config in CONSUMERS:
        config = {"durable_name": config["name"], "ack_policy": "explicit"} | config
        answer = jetstream(f"CONSUMER.CREATE.{stream}.{config['name']}", stream_name=stream, config=config)
        assert "error" not in answer, (config, answer)
    declare(
        nats_jetstream,
        kv=[
            {
                "bucket": "settings",
                "history": 5,
                "ttl": "1m",
                "limit_marker_ttl": "5s",
                "compression": True,
                "max_bytes": "1MiB",
            },
            {"bucket": "merged", "sources": [{"name": "settings"}, {"name": "plain"}], "republish": {"dest": "kv.>"}},
            {"bucket": "twin", "mirror": {"name": "settings"}, "metadata": {"a": 1}},
        ],
        object_stores=[{"bucket": "reports", "ttl": "1m", "compression": True, "storage": "memory"}],
    )


def declarations(found):
    return {kind: found[kind] for kind in KINDS}


def test_what_is_there_applied_again_changes_nothing(rich, info, declare):
    found = info()
    assert found["not_read"] == []
    assert {kind: len(found[kind]) for kind in KINDS} == {"streams": 22, "consumers": 13, "kv": 5, "object_stores": 2}
    for exact in (False, True):
        for check in (True, False):
            result = declare(nats_jetstream, **declarations(found), exact=exact, check=check)
            assert [entry for entry in result["resources"] if entry["changed"]] == [], result["diff"]


def test_what_is_there_applied_to_an_empty_account_is_there_too(rich, info, declare, run_module, single, accounts):
    found = info()
    user = next(accounts)
    other = {"servers": [single[0].url], "user": user, "password": f"{user}-S3cret"}
    result = run_module(nats_jetstream, **other, **declarations(found))
    assert not result.get("failed"), result["msg"]
    again = run_module(nats_jetstream_info, **other)
    for kind in KINDS:
        assert again[kind] == found[kind]


def test_a_change_of_one_field_leaves_all_others_as_they_are(rich, info, declare, jetstream):
    def stored():
        streams = {name: jetstream(f"STREAM.INFO.{name}")["config"] for name in jetstream("STREAM.NAMES")["streams"]}
        consumers = {name: jetstream(f"CONSUMER.INFO.{stream}.{name}")["config"] for stream, name in where}
        return [
            {key: config[key] for key in config.keys() - {"description"}} for config in (streams | consumers).values()
        ]

    found = info()
    where = [(entry["stream"], entry["name"]) for entry in found["consumers"]]
    before = stored()
    described = {
        kind: [
            {key: entry[key] for key in ("stream", "name", "bucket") if key in entry} | {"description": "new"}
            for entry in found[kind]
        ]
        for kind in KINDS
    }
    assert all(entry["changed"] for entry in declare(nats_jetstream, **described, check=True)["resources"])
    assert all(entry["changed"] for entry in declare(nats_jetstream, **described)["resources"])
    assert declare(nats_jetstream, **described)["changed"] is False
    assert stored() == before


def test_an_ephemeral_consumer_is_left_to_its_client(jetstream, info):
    jetstream("STREAM.CREATE.S", name="S")
    jetstream("CONSUMER.CREATE.S.e", stream_name="S", config={"name": "e", "inactive_threshold": 60 * SECOND})
    assert info()["not_read"] == ["consumer e of stream S is ephemeral: its client makes it"]
    assert info()["consumers"] == []


def test_figures_are_by_the_streams_names(jetstream, info, publish):
    jetstream("STREAM.CREATE.S", name="S")
    publish("S", count=3)
    assert info()["figures"]["S"]["messages"] == 3


@pytest.mark.parametrize(
    ("pattern", "names"), [("*", ["A", "AB"]), ("A", ["A"]), ("A?", ["AB"]), ("KV_*", []), ("none", [])]
)
def test_a_pattern_says_what_is_read(declare, info, pattern, names):
    declare(
        nats_jetstream,
        streams=[{"name": "A"}, {"name": "AB"}],
        kv=[{"bucket": "A"}],
        consumers=[{"stream": "A", "name": "c"}],
    )
    found = info(pattern=pattern)
    assert [entry["name"] for entry in found["streams"]] == names
    assert len(found["kv"]) == (pattern in ("*", "KV_*"))
    assert len(found["consumers"]) == (pattern in ("*", "A"))
    assert info(pattern=pattern, consumers=False)["consumers"] == []


def test_a_file_of_variables_is_written_once(declare, info, tmp_path):
    declare(nats_jetstream, streams=[{"name": "A", "max_age": "1h"}], kv=[{"bucket": "b"}])
    path = tmp_path / "resources.yml"
    assert [info(dest=str(path), check=check)["changed"] for check in (True, False, False, True)] == [
        True,
        True,
        False,
        False,
    ]
    written = yaml.safe_load(path.read_text())
    assert written["nats_resources_streams"][0]["max_age"] == "1h"
    assert written.keys() == {"nats_resources_streams", "nats_resources_kv"}


def test_an_empty_account_is_an_empty_file(info, tmp_path):
    path = tmp_path / "resources.yml"
    info(dest=str(path))
    assert yaml.safe_load(path.read_text()) == {}


def test_a_file_that_can_not_be_written_is_told(run_module, account, tmp_path):
    assert (
        "Choose a path that can be written"
        in run_module(nats_jetstream_info, **account, dest=str(tmp_path / "none" / "x"))["msg"]
    )
