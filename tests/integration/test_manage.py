# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resources that are never deleted, and resources that are only compared, on real servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import (
    nats_consumer,
    nats_jetstream,
    nats_kv,
    nats_object_store,
    nats_stream,
)
from tests.support.resource_kinds import RESOURCE_KINDS

IMMUTABLE = {
    nats_stream: {"storage": "memory"},
    nats_kv: {"storage": "memory"},
    nats_object_store: {"storage": "memory"},
    nats_consumer: {"replay_policy": "original"},
}


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture(params=RESOURCE_KINDS)
def kind(request, jetstream):
    jetstream("STREAM.CREATE.PARENT", name="PARENT")
    return RESOURCE_KINDS[request.param]


@pytest.fixture
def config(jetstream):
    def read(stream, consumer=None):
        return jetstream(f"CONSUMER.INFO.{stream}.{consumer}" if consumer else f"STREAM.INFO.{stream}").get("config")

    return read


@pytest.fixture
def failed(run_module, account):
    def run(module, **params):
        results = [run_module(module, **account | params, check=check) for check in (True, False)]
        assert [result["failed"] for result in results] == [True, True]
        assert results[0]["code"] == results[1]["code"]
        return results[1]

    return run


def test_what_is_kept_is_created_and_changed(kind, steps, config):
    module, key, names, first, second, place = kind
    steps(module, key, **names, **first, manage="keep")
    steps(module, key, **names, **second, manage="keep")
    assert config(*place)


@pytest.mark.parametrize("exists", [True, False])
def test_what_is_kept_is_not_made_absent(kind, declare, failed, config, exists):
    module, _key, names, first, _second, place = kind
    if exists:
        declare(module, **names, **first)
    before = config(*place)
    result = failed(module, **names, state="absent", manage="keep", allow_data_loss=True)
    assert result["code"] == "INVALID_VALUE"
    assert "manage: keep says that it is never deleted" in result["cause"]
    assert config(*place) == before


@pytest.mark.parametrize("recreate", ["if_empty", "always"])
def test_what_is_kept_is_not_recreated(kind, declare, failed, config, recreate):
    module, _key, names, first, _second, place = kind
    declare(module, **names, **first)
    before = config(*place)
    change = IMMUTABLE[module] | {"recreate": recreate, "allow_data_loss": True}
    result = failed(module, **names, **change, manage="keep")
    assert result["code"] == "KEPT"
    assert "recreating it would delete it, and manage is keep" in result["cause"]
    assert config(*place) == before
    assert declare(module, **names, **change)["changed"] is True


@pytest.mark.parametrize("manage", ["keep", "observe"])
@pytest.mark.parametrize("stream", [{"state": "absent"}, {"storage": "memory", "recreate": "always"}])
def test_a_stream_stays_for_its_consumer(declare, run_module, account, config, manage, stream):
    declare(nats_jetstream, streams=[{"name": "S"}], consumers=[{"stream": "S", "name": "c"}])
    entry = {"name": "S", "allow_data_loss": True, **stream}
    lists = {"streams": [entry], "consumers": [{"stream": "S", "name": "c", "manage": manage}]}
    for check in (True, False):
        result = run_module(nats_jetstream, **account, **lists, check=check)
        assert [found.get("code") for found in result["resources"]] == ["KEPT", None]
        assert "with it consumer c of stream S" in result["msg"]
    assert config("S", "c")


def test_what_is_kept_or_observed_is_not_pruned(declare, jetstream):
    declare(nats_jetstream, streams=[{"name": name} for name in ("KEPT", "OBSERVED", "PARENT", "GONE")])
    declare(
        nats_jetstream,
        streams=[{"name": "KEPT", "manage": "keep"}, {"name": "OBSERVED", "manage": "observe"}],
        consumers=[{"stream": "PARENT", "name": "c", "manage": "observe"}],
        prune={"pattern": "*", "max": 9},
    )
    assert sorted(jetstream("STREAM.NAMES")["streams"]) == ["KEPT", "OBSERVED", "PARENT"]


def test_what_is_observed_is_never_written(kind, declare, config):
    module, key, names, first, second, place = kind
    declare(module, **names, **first, owner="billing")
    before = config(*place)
    ((field, value),) = second.items()
    # Neither another owner nor a change that would be refused is a failure: nothing is going to be written.
    more = {"owner": "shop", "recreate": "always", **IMMUTABLE[module]}
    for check in (True, False, False):
        result = declare(module, **names, **second, **more, manage="observe", check=check)
        assert result["changed"] is False
        assert result["differences"].keys() == {field, *IMMUTABLE[module]}
        shown, declared = result["differences"][field]["actual"], result["differences"][field]["declared"]
        assert result["diff"]["before"][field] == result[key][field] == shown
        assert result["diff"]["after"][field] == declared
        assert shown != declared
        assert str(value) in str(declared)
        assert len(result["warnings"]) == 1
        assert "is only observed, and differs from its declaration" in str(result["warnings"][0])
    assert config(*place) == before


def test_what_is_as_declared_has_no_differences(kind, declare):
    module, _key, names, first, _second, _place = kind
    declare(module, **names, **first, owner="billing")
    result = declare(module, **names, **first, manage="observe", owner="shop")
    assert (result["changed"], result["differences"], result.get("warnings")) == (False, {}, None)
    assert result["diff"]["before"] == result["diff"]["after"]


def test_exact_and_unset_are_compared_too(declare, config):
    declare(nats_stream, name="S", max_msgs=5, metadata={"a": "b"})
    assert declare(nats_stream, name="S", exact=True, manage="observe")["differences"] == {
        "max_msgs": {"actual": 5, "declared": -1},
        "metadata": {"actual": {"a": "b"}, "declared": None},
    }
    assert declare(nats_stream, name="S", unset=["max_msgs"], manage="observe")["differences"].keys() == {"max_msgs"}
    assert config("S")["max_msgs"] == 5


def test_a_missing_or_unwanted_resource_is_a_difference(kind, declare, config):
    module, key, names, first, _second, place = kind
    missing = declare(module, **names, **first, manage="observe")
    assert missing["changed"] is False
    assert missing["differences"] == {"state": {"actual": "absent", "declared": "present"}}
    assert missing[key] == missing["diff"]["before"] == {}
    assert missing["diff"]["after"].items() >= names.items() - {("stream", "PARENT")}
    assert config(*place) is None
    declare(module, **names, **first)
    unwanted = declare(module, **names, state="absent", manage="observe")
    assert unwanted["differences"] == {"state": {"actual": "present", "declared": "absent"}}
    assert (unwanted["changed"], unwanted["diff"]["after"]) == (False, {})
    assert config(*place)


def test_an_observed_consumer_of_a_missing_stream_is_missing_too(declare):
    result = declare(nats_consumer, stream="NONE", name="c", manage="observe")
    assert result["differences"] == {"state": {"actual": "absent", "declared": "present"}}


@pytest.mark.parametrize(
    ("module", "options"),
    [(nats_stream, {"name": "S", "state": "purged"}), (nats_consumer, {"stream": "S", "name": "c", "state": "reset"})],
)
def test_an_action_can_not_be_observed(failed, module, options):
    result = failed(module, **options, manage="observe")
    assert result["code"] == "INVALID_VALUE"
    assert "manage: observe only compares" in result["cause"]


def test_a_state_is_compared(declare, config):
    declare(nats_stream, name="S")
    declare(nats_consumer, stream="S", name="c")
    sealed = declare(nats_stream, name="S", state="sealed", manage="observe")
    assert sealed["differences"] == {"sealed": {"actual": False, "declared": True}}
    until = "2035-01-01T00:00:00Z"
    paused = {"stream": "S", "name": "c", "state": "paused", "pause_until": until, "manage": "observe"}
    assert declare(nats_consumer, **paused)["differences"]["pause_until"]["declared"] == until
    assert not config("S").get("sealed")
    assert not config("S", "c").get("pause_until")
    declare(nats_consumer, **paused | {"manage": "full"})
    assert declare(nats_consumer, **paused)["differences"] == {}


def test_a_list_of_all_three(declare, config):
    declare(nats_jetstream, streams=[{"name": "SEEN"}, {"name": "KEPT"}], kv=[{"bucket": "seen"}])
    lists = {
        "streams": [
            {"name": "SEEN", "max_msgs": 5, "manage": "observe"},
            {"name": "KEPT", "max_msgs": 5, "manage": "keep"},
            {"name": "FULL"},
        ],
        "kv": [{"bucket": "seen", "manage": "observe"}],
    }
    foreseen, made = declare(nats_jetstream, **lists, check=True), declare(nats_jetstream, **lists)
    for result in (foreseen, made):
        assert result["resources"] == [
            {
                "kind": "stream",
                "name": "SEEN",
                "changed": False,
                "differences": {"max_msgs": {"actual": -1, "declared": 5}},
            },
            {"kind": "stream", "name": "KEPT", "changed": True},
            {"kind": "stream", "name": "FULL", "changed": True},
            {"kind": "bucket", "name": "seen", "changed": False, "differences": {}},
        ]
        assert result["diff"]["after"].keys() == {"stream SEEN", "stream KEPT", "stream FULL"}
        assert len(result["warnings"]) == 1
    again = declare(nats_jetstream, **lists)
    assert again["changed"] is False
    assert again["diff"]["after"]["stream SEEN"]["max_msgs"] == 5
    assert config("SEEN")["max_msgs"] == -1


def test_observed_consumers_of_a_work_queue_keep_their_filters(declare, run_module, account, config):
    """A consumer that is observed gives nothing up, so that another one can't take it."""
    declare(
        nats_jetstream,
        streams=[{"name": "Q", "subjects": ["q.>"], "retention": "workqueue"}],
        consumers=[{"stream": "Q", "name": "seen", "filter_subject": "q.a"}],
    )
    consumers = [
        {"stream": "Q", "name": "seen", "filter_subject": "q.b", "manage": "observe"},
        {"stream": "Q", "name": "taker", "filter_subject": "q.a"},
    ]
    for check in (True, False):
        result = run_module(nats_jetstream, **account, consumers=consumers, check=check)
        assert [entry.get("code") for entry in result["resources"]] == [None, "SUBJECTS_TAKEN"]
        free = [consumers[0], consumers[1] | {"filter_subject": "q.b"}]
        result = run_module(nats_jetstream, **account, consumers=free, check=check)
        assert not result.get("failed"), result
    assert config("Q", "seen")["filter_subject"] == "q.a"
