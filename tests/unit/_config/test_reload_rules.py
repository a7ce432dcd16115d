# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which changes of nats.conf need a restart."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import needs_restart, reload_first
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import parsed

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
        (jetstream(max_memory_store=0), jetstream(max_memory_store=50), []),
        (jetstream(max_memory_store=50), jetstream(max_memory_store=0), ["jetstream.max_memory_store"]),
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
def test_from_which_version_on_a_change_needs_no_restart(after, since):
    major, minor, patch = parsed(since)
    older = f"{major}.{minor - 1}.99" if patch == 0 else f"{major}.{minor}.{patch - 1}"
    assert asked({}, after, since) == []
    assert asked({}, after, older) != []
    assert asked({}, after, f"v{since}-alpine") == []
    assert asked({}, after, "latest") != []


def test_the_limits_of_all_accounts_of_a_single_server_count_together():
    alone = {"cluster": None}
    more = alone | accounts(APP={"jetstream": {"max_file": 60}, "users": []}, NEW={"jetstream": {"disk": 41}})
    assert asked(alone, more) == ["accounts.APP.jetstream.max_file", "accounts.NEW"]
    assert asked({}, more | {"cluster": BASE["cluster"]}) == []
    assert asked(alone, alone | accounts(NEW={"jetstream": {"mem": 100, "disk": 90}})) == []


@pytest.mark.parametrize("text", ["a: 1 # mine\n", "max_payload: 1\nMax_Payload: 2\n"])
def test_a_configuration_that_can_not_be_parsed_needs_a_restart(text):
    (reason,) = needs_restart(text, "max_payload: 3\n", "2.15.1")
    assert reason.startswith("nats.conf: ")
    assert needs_restart("max_payload: 3\n", text, "2.15.1") == [reason]
    assert needs_restart(text, text, "2.15.1") == []


def test_changes_that_all_servers_reload_before_they_restart():
    assert reload_first(["cluster.tls", "server_name", "cluster.tls.timeout"]) == ["cluster.tls", "cluster.tls.timeout"]
