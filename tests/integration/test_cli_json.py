# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON of the nats CLI: a declaration is what it prints and what it reads."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.modules import nats_jetstream, nats_jetstream_info, nats_stream
from tests.support.cli import nats_cli

SECOND = 10**9
STREAMS: list[dict] = [
    {"name": "PLAIN"},
    {"name": "ORIGIN", "subjects": ["o.>"], "metadata": {"owner": "me"}, "max_age": 3600 * SECOND, "max_bytes": 10**7},
    {"name": "MIRROR", "mirror": {"name": "ORIGIN", "opt_start_time": "2020-01-01T01:00:00.5+01:00"}},
    {"name": "FAR", "mirror": {"name": "ORIGIN", "external": {"api": "$JS.far.API", "deliver": "d"}}},
    {
        "name": "MERGED",
        "subjects": ["merged"],
        "sources": [
            {"name": "ORIGIN", "filter_subject": "o.a"},
            {"name": "PLAIN", "subject_transforms": [{"src": ">", "dest": "merged.>"}]},
        ],
    },
    {"name": "QUEUE", "subjects": ["q.>"], "retention": "workqueue", "discard": "new", "max_msgs": 10},
    {"name": "SHAPED", "subjects": ["s.>"], "subject_transform": {"src": "s.>", "dest": "x.>"}, "compression": "s2"},
    {"name": "MODERN", "subjects": ["m"], "allow_atomic": True, "subject_delete_marker_ttl": SECOND},
    {"name": "LIMITS", "subjects": ["li"], "consumer_limits": {"inactive_threshold": 60 * SECOND}, "max_consumers": 9},
    {"name": "KV_b", "subjects": ["$KV.b.>"], "max_msgs_per_subject": 3, "discard": "new", "allow_rollup_hdrs": True},
]
CONSUMERS: list[tuple[str, dict]] = [
    ("ORIGIN", {"name": "plain"}),
    ("ORIGIN", {"name": "push", "deliver_subject": "to.me", "idle_heartbeat": SECOND, "flow_control": True}),
    ("ORIGIN", {"name": "late", "deliver_policy": "by_start_time", "opt_start_time": "2020-01-01T01:00:00+01:00"}),
    ("ORIGIN", {"name": "backs", "backoff": [SECOND, 5 * SECOND], "max_deliver": 4, "sample_freq": "50%"}),
    ("ORIGIN", {"name": "several", "filter_subjects": ["o.a", "o.b"], "max_expires": SECOND, "max_bytes": 2048}),
    ("ORIGIN", {"name": "pauses", "pause_until": "2135-01-01T00:00:00Z"}),
    ("QUEUE", {"name": "workers", "ack_policy": "explicit", "filter_subject": "q.a"}),
]


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def nats(account, tmp_path):
    """Runs the real nats CLI in the test's account."""

    def run(*arguments):
        command = [
            nats_cli(),
            "--server",
            account["servers"][0],
            "--user",
            account["user"],
            "--password",
            account["password"],
        ]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)}
        )
        assert done.returncode == 0, done.stdout + done.stderr
        # A line of text may come before the JSON.
        return json.loads(done.stdout[done.stdout.index("{") :]) if "--json" in arguments else done.stdout

    return run


@pytest.fixture
def existing(jetstream):
    """Streams and consumers of many kinds, made past the collection's code."""
    for config in STREAMS:
        assert "error" not in jetstream(f"STREAM.CREATE.{config['name']}", **config)
    for stream, config in CONSUMERS:
        durable = config | {"durable_name": config["name"], "ack_policy": "explicit"}
        answer = jetstream(f"CONSUMER.CREATE.{stream}.{config['name']}", stream_name=stream, config=durable)
        assert "error" not in answer, answer


def infos(nats):
    """What `nats stream info --json` and `nats consumer info --json` print of all of them."""
    streams = [nats("stream", "info", config["name"], "--json") for config in STREAMS]
    consumers = [nats("consumer", "info", stream, config["name"], "--json") for stream, config in CONSUMERS]
    return streams, consumers


def test_what_the_cli_prints_is_accepted_and_changes_nothing(declare, nats, existing):
    streams, consumers = infos(nats)
    for entries in (
        {"streams": streams, "consumers": consumers},
        {
            "streams": [entry["config"] for entry in streams],
            "consumers": [{"stream": entry["stream_name"], **entry["config"]} for entry in consumers],
        },
    ):
        result = declare(nats_jetstream, **entries)
        assert [entry for entry in result["resources"] if entry["changed"]] == []
        assert result["changed"] is False


def test_the_collections_own_json_changes_nothing_either(declare, existing):
    found = declare(nats_jetstream_info, format="cli")
    assert (found["kv"], found["object_stores"]) == ([], [])
    assert {entry["name"] for entry in found["streams"]} == {config["name"] for config in STREAMS}
    result = declare(nats_jetstream, streams=found["streams"], consumers=found["consumers"])
    assert [entry for entry in result["resources"] if entry["changed"]] == []


def test_the_cli_reads_what_the_collection_returns(declare, nats, existing, jetstream, tmp_path):
    before = infos(nats)
    found = declare(nats_jetstream_info, format="cli")
    for config in STREAMS:
        jetstream(f"STREAM.DELETE.{config['name']}")
    file = tmp_path / "config.json"
    for entry in found["streams"]:
        file.write_text(json.dumps(entry))
        nats("stream", "add", entry["name"], "--config", str(file))
    for entry in found["consumers"]:
        file.write_text(json.dumps(entry))
        nats("consumer", "add", entry["stream"], entry["name"], "--config", str(file))
    after = infos(nats)
    for old, new in zip(before, after, strict=True):
        assert [without_level(entry["config"]) for entry in new] == [without_level(entry["config"]) for entry in old]


def without_level(config):
    """The servers note which API level the request of a client needed."""
    metadata = {key: text for key, text in config["metadata"].items() if not key.startswith("_nats.")}
    return config | {"metadata": metadata}


def test_files_that_the_cli_writes_are_declarations(declare, nats, jetstream, tmp_path):
    file = tmp_path / "config.json"
    nats("stream", "add", "NEW", "--subjects", "new.>", "--max-age", "1h", "--defaults", "--output", str(file))
    stream = json.loads(file.read_text())
    declare(nats_jetstream, streams=[stream])
    assert jetstream("STREAM.INFO.NEW")["config"]["max_age"] == 3600 * SECOND
    nats("consumer", "add", "NEW", "c", "--pull", "--defaults", "--output", str(file))
    entries = {"streams": [stream], "consumers": [{"stream": "NEW", **json.loads(file.read_text())}]}
    results = [declare(nats_jetstream, **entries, check=check) for check in (True, True, False, False)]
    assert [result["changed"] for result in results] == [True, True, True, False]


def test_a_file_of_variables_may_hold_the_clis_json(declare, existing, tmp_path):
    path = tmp_path / "resources.yml"
    assert declare(nats_jetstream_info, format="cli", dest=str(path))["changed"] is True
    found = yaml.safe_load(path.read_text())
    result = declare(
        nats_jetstream, streams=found["nats_resources_streams"], consumers=found["nats_resources_consumers"]
    )
    assert result["changed"] is False


def test_a_sealed_stream_of_the_cli_stays_sealed(declare, nats):
    declare(nats_stream, name="S")
    declare(nats_stream, name="S", state="sealed", allow_irreversible=True)
    info = nats("stream", "info", "S", "--json")
    assert info["config"]["sealed"] is True
    assert declare(nats_jetstream, streams=[info])["changed"] is False
