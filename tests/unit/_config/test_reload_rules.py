# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of nats.conf, and which change of it needs a restart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import needs_restart, reload_first
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import parsed

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True) | TEXTS
NUMBERS = st.integers() | st.decimals(-1000, 1000, places=3, allow_nan=False).map(float)
SCALARS = TEXTS | st.booleans() | NUMBERS
VALUES = st.recursive(
    SCALARS | st.just({"$env": "OF_THE_ENVIRONMENT"}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_what_was_written_is_read_as_it_was_or_refused(data):
    try:
        text = to_nats_conf(data)
    except ValueError:  # nats.conf can't hold it
        return
    try:
        read = read_nats_conf(text)
    except ValueError:  # a key with a backslash, or a number like 1e-05
        assert "\\" in text or "e-" in text
    else:
        assert to_nats_conf(read) == text


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", {}),
        ('a: 1\nb: -2\nc: 0.5\nd: true\ne: "x"\n', {"a": 1, "b": -2, "c": 0.5, "d": True, "e": "x"}),
        ('a: "new\nline \\\\ \\" # // {"\n', {"a": 'new\nline \\ " # // {'}),
        ("a: $HOME\n", {"a": {"$env": "HOME"}}),
        ("a {\n}\nb {\n  c: []\n}\n", {"a": {}, "b": {"c": []}}),
        ('a: [{ b: "c", d: {} }, 1]\n', {"a": [{"b": "c", "d": {}}, 1]}),
        ('a: [\n  "b"\n  "c"\n]\n', {"a": ["b", "c"]}),
        ('"orders.*": 1\n\'say "hi"\': 2\n"include": 3\n', {"orders.*": 1, 'say "hi"': 2, "include": 3}),
    ],
)
def test_what_we_write_is_read(text, data):
    assert read_nats_conf(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n",
        "a: 1 # a comment\n",
        "// a comment\n",
        "include ./other.conf\n",
        'include "other.conf"\n',
        "a = 1\n",
        "a 1\n",
        "a: 10MB\n",
        "a: 2s\n",
        "a: 1e5\n",
        "a: word\n",
        "a: yes\n",
        "a: 'single'\n",
        'a: "\\n"\n',
        'a: "\\x41"\n',
        "a: (\n block\n)\n",
        "a: 1 b: 2\n",
        'a: ["x" "y"]\n',
        "a: 1\na: 2\n",
        "a: {\n",
        "a: }\n",
        "a: [1\n",
        'a: "open\n',
        "a:\n",
        "}\n",
        "a: 1; b: 2\n",
        "B: 1\na: $B\n",
        '"a\\": 1\nb: "x"\n',
    ],
)
def test_what_we_never_write_is_refused(text):
    with pytest.raises(ValueError, match=r"^nats\.conf: "):
        read_nats_conf(text)


def test_no_refusal_shows_what_the_file_says():
    with pytest.raises(ValueError, match="line 2") as refused:
        read_nats_conf('a: 1\npassword: S3cret S3cret\n"S3cret": 1\n')
    assert "S3cret" not in str(refused.value)


BASE: dict[str, Any] = {
    "server_name": {"$env": "SERVER_NAME"},
    "jetstream": {"max_file_store": 100, "max_memory_store": 100},
    "cluster": {"name": "nats", "routes": ["nats://a:6222"]},
    "accounts": {"SYS": {"users": []}, "APP": {"jetstream": {"max_file": 10}, "users": []}},
}


def asked(before, after, version="2.15.1"):
    return needs_restart(to_nats_conf(BASE | before), to_nats_conf(BASE | after), version)


def jetstream(**more):
    return {"jetstream": BASE["jetstream"] | more}


def accounts(**more):
    return {"accounts": BASE["accounts"] | more}


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        ({}, {}, []),
        ({}, {"max_payload": "8MB"}, []),
        ({"Max_Payload": 1}, {"max_payload": 2}, []),
        ({"max_conn": 1}, {"max_connections": 2}, []),
        ({}, {"lame_duck_duration": "30s", "debug": True}, ["lame_duck_duration"]),
        ({}, {"not_known": 1}, ["not_known"]),
        ({"lame_duck_duration": "30s"}, {"Lame_Duck_Duration": "30s"}, []),
        ({}, jetstream(max_file_store=200), []),
        ({}, jetstream(max_file_store=50), ["jetstream.max_file_store"]),
        ({}, jetstream(sync_interval="1m"), ["jetstream.sync_interval"]),
        ({}, {"jetstream": {"max_mem": 200, "max_file": 100}}, []),
        ({"jetstream": {}}, {}, ["jetstream.max_file_store", "jetstream.max_memory_store"]),
        ({"jetstream": None}, {}, ["jetstream"]),
        ({"cluster": None}, {}, ["cluster"]),
        ({}, {"cluster": BASE["cluster"] | {"routes": []}}, []),
        ({}, {"cluster": BASE["cluster"] | {"routes": ["nats://a:6222", "nats://b:6222"]}}, []),
        ({}, {"cluster": BASE["cluster"] | {"routes": ["nats://r:new@a:6222"]}}, []),
        ({}, {"cluster": BASE["cluster"] | {"routes": ["nats://a.example:6222"]}}, ["cluster.routes"]),
        ({}, {"cluster": BASE["cluster"] | {"tls": {"cert_file": "a"}}}, ["cluster.tls"]),
        ({}, accounts(NEW={"jetstream": "enabled"}), []),
        (accounts(OLD={"users": []}), {}, []),
        (accounts(OLD={"jetstream": "enabled"}), {}, ["accounts.OLD"]),
        ({}, accounts(app={"users": []}), []),
        ({}, accounts(APP={"jetstream": {"max_file": 5}, "users": []}), []),
        ({}, accounts(APP={"jetstream": {"max_file": 10}, "users": [{"user": "x"}]}), []),
        ({}, accounts(APP={"users": []}), ["accounts.APP.jetstream"]),
        ({}, accounts(SYS={"users": [], "jetstream": "enabled"}), ["accounts.SYS.jetstream"]),
        ({}, accounts(SYS={"users": [], "nkey": "A"}), ["accounts.SYS.nkey"]),
        ({"server_metadata": {"A": "1"}}, {"server_metadata": {"a": "1"}}, []),
        ({"tls": {"cert_file": "a", "verify": True}}, {"tls": {"cert_file": "b", "verify": True}}, []),
        ({"tls": {"cert_file": "a"}}, {"tls": {"cert_file": "b", "verify": True}}, ["tls.verify"]),
        ({}, {"leaf": {"port": 1}}, ["leafnodes"]),
    ],
)
def test_what_needs_a_restart(before, after, keys):
    assert asked(before, after) == keys


@pytest.mark.parametrize(
    ("after", "since"),
    [
        ({"server_metadata": {"revision": "1"}}, "2.12.0"),
        (jetstream(max_file_store=200), "2.12.7"),
        (jetstream(meta_compact_sync=True), "2.12.5"),
        (jetstream(limits={"max_ack_pending": 1}), "2.15.1"),
        ({"max_payload": 5}, "2.11.0"),
    ],
)
def test_since_which_version_it_needs_none(after, since):
    major, minor, patch = parsed(since)
    older = f"{major}.{minor - 1}.99" if patch == 0 else f"{major}.{minor}.{patch - 1}"
    assert asked({}, after, since) == []
    assert asked({}, after, older) != []
    assert asked({}, after, f"v{since}-alpine") == []
    assert asked({}, after, "latest") != []


def test_the_limits_of_all_accounts_of_a_server_alone_count_together():
    alone = {"cluster": None}
    more = alone | accounts(APP={"jetstream": {"max_file": 60}, "users": []}, NEW={"jetstream": {"disk": 41}})
    assert asked(alone, more) == ["accounts.APP.jetstream.max_file", "accounts.NEW"]
    assert asked({}, more | {"cluster": BASE["cluster"]}) == []
    assert asked(alone, alone | accounts(NEW={"jetstream": {"mem": 100, "disk": 90}})) == []


@pytest.mark.parametrize("text", ["a: 1 # mine\n", "max_payload: 1\nMax_Payload: 2\n"])
def test_a_configuration_that_is_not_surely_understood_needs_a_restart(text):
    (reason,) = needs_restart(text, "max_payload: 3\n", "2.15.1")
    assert reason.startswith("nats.conf: ")
    assert needs_restart("max_payload: 3\n", text, "2.15.1") == [reason]
    assert needs_restart(text, text, "2.15.1") == []


def test_what_no_roll_can_bring_in_alone():
    assert reload_first(["cluster.tls", "server_name", "cluster.tls.timeout"]) == ["cluster.tls", "cluster.tls.timeout"]
