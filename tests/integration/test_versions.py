# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds on every server that the modules talk to: `make versions` runs this on each of them."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.versions import first_with
from ansible_collections.messaging.nats.plugins.modules import (
    nats_account_info,
    nats_consumer,
    nats_jetstream,
    nats_jetstream_info,
    nats_kv,
    nats_object_store,
    nats_stream,
)


@pytest.fixture
def run(run_module, alone):
    """Runs a module in an account of its own on the one server."""
    return lambda module, **params: run_module(module, **alone, **params)


@pytest.fixture
def level(run):
    return run(nats_account_info)["server"]["level"]


RESOURCES = [
    (nats_stream, {"name": "S", "subjects": ["s.>"]}, {"max_age": "1h", "compression": "s2"}),
    (nats_stream, {"name": "S", "retention": "workqueue"}, {"metadata": {"owner": "shop"}}),
    (nats_consumer, {"stream": "BASE", "name": "C"}, {"filter_subjects": ["base.a", "base.b"], "max_deliver": 5}),
    (nats_kv, {"bucket": "settings", "history": 5}, {"ttl": "1h", "compression": True}),
    (nats_object_store, {"bucket": "files"}, {"max_bytes": "1MiB"}),
    (nats_stream, {"name": "S", "subjects": ["s.>"]}, {"owner": "shop"}),
    (nats_consumer, {"stream": "BASE", "name": "C"}, {"owner": "shop"}),
    (nats_kv, {"bucket": "settings"}, {"owner": "shop"}),
    (nats_object_store, {"bucket": "files"}, {"owner": "shop"}),
]


@pytest.mark.parametrize(("module", "made", "changed"), RESOURCES)
def test_create_modify_delete_in_check_mode_and_for_real_first_and_again(run, module, made, changed):
    def steps(**params):
        return [run(module, **params, check=check)["changed"] for check in (True, True, False, False)]

    run(nats_stream, name="BASE", subjects=["base.>"])
    names = {key: value for key, value in made.items() if key in ("name", "bucket", "stream")}
    assert steps(**made) == [True, True, True, False]
    assert steps(**made, **changed) == [True, True, True, False]
    assert steps(**names, state="absent") == [True, True, True, False]


YOUNG = [
    (nats_stream, {"name": "Y", "allow_msg_ttl": True}, 1),
    (nats_stream, {"name": "Y", "subject_delete_marker_ttl": "1m"}, 1),
    (nats_stream, {"name": "Y", "allow_msg_counter": True}, 2),
    (nats_stream, {"name": "Y", "allow_atomic": True}, 2),
    (nats_stream, {"name": "Y", "allow_msg_schedules": True}, 2),
    (nats_stream, {"name": "Y", "persist_mode": "async"}, 2),
    (nats_stream, {"name": "Y", "allow_batched": True}, 4),
    (nats_kv, {"bucket": "Y", "limit_marker_ttl": "1m"}, 1),
    (nats_consumer, {"stream": "BASE", "name": "Y", "priority_policy": "overflow", "priority_groups": ["a"]}, 1),
    (nats_consumer, {"stream": "BASE", "name": "Y", "priority_policy": "prioritized", "priority_groups": ["a"]}, 2),
    (nats_consumer, {"stream": "BASE", "name": "Y", "ack_policy": "flow_control", "deliver_subject": "d"}, 4),
    (nats_consumer, {"stream": "BASE", "name": "OLD", "state": "paused", "pause_until": "2040-01-01T00:00:00Z"}, 1),
    (nats_consumer, {"stream": "BASE", "name": "OLD", "state": "reset", "reset_seq": 5}, 4),
]


@pytest.mark.parametrize(("module", "params", "needed"), YOUNG)
def test_what_a_server_is_too_old_for_is_refused_with_the_version_it_needs(run, level, module, params, needed):
    run(nats_stream, name="BASE", subjects=["base.>"])
    run(nats_consumer, stream="BASE", name="OLD")
    result = run(module, **params)
    if level >= needed:
        assert result["changed"] is True, result
        assert run(module, **params)["changed"] is False
    else:
        assert f"needs nats-server {first_with(needed)} (API level {needed})" in result["msg"]


def test_what_is_read_is_applied_again_without_a_change(run):
    lists: dict[str, list[dict[str, object]]] = {
        "streams": [{"name": f"S{number}", "subjects": [f"s.{number}"], "max_age": "2h"} for number in range(12)],
        "consumers": [{"stream": "S1", "name": "worker", "backoff": ["1s", "10s"], "max_deliver": 3}],
        "kv": [{"bucket": "settings", "history": 3}],
        "object_stores": [{"bucket": "files"}],
    }
    assert run(nats_jetstream, **lists)["changed"] is True
    found = run(nats_jetstream_info)
    assert {kind: len(found[kind]) for kind in lists} == {kind: len(entries) for kind, entries in lists.items()}
    declared = {kind: found[kind] for kind in lists}
    assert run(nats_jetstream, **declared)["changed"] is False
    assert run(nats_jetstream, **declared, exact=True)["changed"] is False
