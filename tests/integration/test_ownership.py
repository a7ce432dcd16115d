# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account that several teams share: whose a resource is stands in its metadata, on real servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import (
    nats_consumer,
    nats_jetstream,
    nats_jetstream_info,
    nats_stream,
)
from tests.support.resource_kinds import RESOURCE_KINDS

OWNER = "messaging.nats/owner"


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture(params=RESOURCE_KINDS)
def kind(request, jetstream):
    jetstream("STREAM.CREATE.PARENT", name="PARENT")
    return RESOURCE_KINDS[request.param]


@pytest.fixture
def metadata(jetstream):
    """The labels of a resource on the server, without the server's own; None where it does not exist."""

    def read(stream, consumer=None):
        call = f"CONSUMER.INFO.{stream}.{consumer}" if consumer else f"STREAM.INFO.{stream}"
        answer = jetstream(call)
        if "error" in answer:
            return None
        labels = answer["config"].get("metadata") or {}
        return {key: text for key, text in labels.items() if not key.startswith("_nats.")}

    return read


@pytest.fixture
def failed(run_module, account):
    def run(module, **params):
        results = [run_module(module, **account | params, check=check) for check in (True, False)]
        assert [(result.get("failed"), result.get("code")) for result in results] == [
            (True, results[0].get("code"))
        ] * 2, results
        return results[1]

    return run


def test_twelve_steps_with_an_owner(kind, steps, metadata):
    module, key, names, first, second, place = kind
    steps(module, key, **names, **first, owner="shop")
    assert metadata(*place) == {OWNER: "shop"}
    steps(module, key, **names, **second, owner="shop")
    steps(module, key, **names, state="absent", owner="shop")
    assert metadata(*place) is None


def test_a_resource_without_an_owner_is_taken_over_once(kind, declare, steps, metadata):
    module, key, names, first, _second, place = kind
    declare(module, **names, **first, metadata={"team": "a"})
    result = declare(module, **names, **first, owner="shop", check=True)
    before, after = result["diff"]["before"], result["diff"]["after"]
    assert {name for name in after if after[name] != before.get(name)} == {"metadata"}
    assert after["metadata"] == {"team": "a", OWNER: "shop"}
    steps(module, key, **names, **first, owner="shop")
    assert metadata(*place) == {"team": "a", OWNER: "shop"}


@pytest.mark.parametrize(
    "written", [{"metadata": {"more": "1"}}, {"metadata": {}}, {"exact": True}, {"unset": ["metadata"]}]
)
@pytest.mark.parametrize("owner", ["shop", None])
def test_nothing_wipes_the_label(kind, declare, metadata, written, owner):
    module, _key, names, first, _second, place = kind
    declare(module, **names, **first, owner="shop", metadata={"team": "a"})
    declare(module, **names, **first, **written, **({"owner": owner} if owner else {}))
    assert metadata(*place) == {OWNER: "shop"} | ({"team": "a", "more": "1"} if written.get("metadata") else {})
    assert declare(module, **names, **first, **written, owner="shop")["changed"] is False


@pytest.mark.parametrize("written", [{}, {"exact": True}, {"state": "absent"}, {"recreate": "always"}])
def test_a_resource_of_another_owner_is_refused(kind, declare, failed, metadata, written):
    module, _key, names, first, second, place = kind
    declare(module, **names, **first, owner="billing")
    result = failed(module, **names, **(second if written != {"state": "absent"} else {}), **written, owner="shop")
    assert result["code"] == "OTHER_OWNER"
    assert "it belongs to billing" in result["cause"]
    assert "the owner of this declaration is shop" in result["cause"]
    assert "owner: ''" in result["remedy"]
    assert metadata(*place) == {OWNER: "billing"}


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (nats_stream, {"name": "S", "state": "purged", "allow_data_loss": True}),
        (nats_stream, {"name": "S", "state": "sealed", "allow_irreversible": True}),
        (nats_consumer, {"stream": "S", "name": "c", "state": "paused", "pause_until": "2035-01-01T00:00:00Z"}),
        (nats_consumer, {"stream": "S", "name": "c", "state": "reset"}),
    ],
)
def test_no_state_touches_what_another_owner_has(declare, failed, publish, module, names):
    declare(nats_stream, name="S", owner="billing")
    declare(nats_consumer, stream="S", name="c", owner="billing")
    publish("S")
    assert failed(module, **names, owner="shop")["code"] == "OTHER_OWNER"


def test_the_states_leave_the_label_alone(declare, metadata, publish):
    declare(nats_stream, name="S")
    declare(nats_consumer, stream="S", name="c")
    publish("S", count=2)
    paused = {"stream": "S", "name": "c", "state": "paused", "pause_until": "2035-01-01T00:00:00Z", "owner": "shop"}
    assert [declare(nats_consumer, **paused)["changed"] for _time in range(2)] == [True, False]
    purged = {"name": "S", "state": "purged", "allow_data_loss": True, "owner": "shop"}
    assert [declare(nats_stream, **purged)["changed"] for _time in range(2)] == [True, False]
    assert metadata("S") == metadata("S", "c") == {}
    made = {**paused, "name": "new"}
    assert [declare(nats_consumer, **made)["changed"] for _time in range(2)] == [True, False]
    assert metadata("S", "new") == {OWNER: "shop"}


def test_a_sealed_stream_is_taken_over(steps, declare, metadata):
    declare(nats_stream, name="S")
    declare(nats_stream, name="S", state="sealed", allow_irreversible=True)
    steps(nats_stream, "stream", name="S", owner="shop")
    assert metadata("S") == {OWNER: "shop"}


def test_an_owner_hands_a_resource_over(kind, declare, failed, steps, metadata):
    module, key, names, first, second, place = kind
    declare(module, **names, **first, owner="billing")
    assert failed(module, **names, metadata={OWNER: "shop"}, owner="billing")["code"] == "INVALID_VALUE"
    steps(module, key, **names, metadata={OWNER: "shop"}, owner="")
    steps(module, key, **names, **second, owner="shop")
    declare(module, **names, metadata={OWNER: ""})
    steps(module, key, **names, owner="third")
    assert metadata(*place) == {OWNER: "third"}


def test_exact_resets_only_what_is_ours(kind, declare, failed, steps, metadata):
    module, key, names, first, _second, place = kind
    declare(module, **names, **first, description="somebody's", metadata={"team": "a"})
    result = failed(module, **names, **first, exact=True, owner="shop")
    assert result["code"] == "NOT_OWNED"
    assert "exact: true would reset description, metadata" in result["cause"]
    assert metadata(*place) == {"team": "a"}
    declare(module, **names, **first, owner="shop")
    steps(module, key, **names, **first, exact=True, owner="shop")
    assert metadata(*place) == {OWNER: "shop"}


def test_exact_takes_over_what_is_as_declared(kind, declare, steps, metadata):
    module, key, names, first, _second, place = kind
    declare(module, **names, **first)
    steps(module, key, **names, **first, exact=True, owner="shop")
    assert metadata(*place) == {OWNER: "shop"}


def test_a_recreated_resource_keeps_its_owner(declare, metadata):
    declare(nats_stream, name="S", owner="shop")
    declare(nats_consumer, stream="S", name="c", owner="shop")
    declare(nats_consumer, stream="S", name="c", max_waiting=5, recreate="always")
    assert metadata("S", "c") == {OWNER: "shop"}
    declare(nats_consumer, stream="S", name="c", state="absent")
    declare(nats_stream, name="S", storage="memory", recreate="always")
    assert metadata("S") == {OWNER: "shop"}


@pytest.fixture
def shared(declare, jetstream):
    """An account with streams of two owners and of nobody."""
    declare(
        nats_jetstream,
        owner="shop",
        streams=[{"name": "OURS"}, {"name": "THEIRS", "owner": "billing"}, {"name": "NOBODYS", "owner": ""}],
        kv=[{"bucket": "ours"}, {"bucket": "theirs", "owner": "billing"}],
        object_stores=[{"bucket": "ours"}],
        consumers=[{"stream": "OURS", "name": "ours"}, {"stream": "THEIRS", "name": "theirs", "owner": "billing"}],
    )
    return lambda: sorted(jetstream("STREAM.NAMES").get("streams") or [])


ALL = ["KV_ours", "KV_theirs", "NOBODYS", "OBJ_ours", "OURS", "THEIRS"]


@pytest.mark.parametrize(
    ("owner", "pattern", "going", "staying"),
    [
        ("shop", "*", ["OURS"], {"THEIRS": "it belongs to billing", "NOBODYS": "it has no owner"}),
        ("billing", "*", ["THEIRS"], {"OURS": "it belongs to shop", "NOBODYS": "it has no owner"}),
        (None, "*", ["NOBODYS"], {"OURS": "it belongs to shop", "THEIRS": "it belongs to billing"}),
        ("shop", "KV_*", ["KV_ours"], {"KV_theirs": "it belongs to billing"}),
        ("other", "*S", [], {"NOBODYS": "it has no owner", "OURS": "it belongs to shop", "THEIRS": "it belongs to billing"}),
    ],
)  # fmt: skip
def test_prune_deletes_only_what_is_ours(declare, shared, owner, pattern, going, staying):
    assert shared() == ALL
    task = {"prune": {"pattern": pattern, "max": 1}, "allow_data_loss": True} | ({"owner": owner} if owner else {})
    results = [declare(nats_jetstream, **task, check=check) for check in (True, True, False)]
    for result in results:
        assert [entry["name"] for entry in result["resources"]] == going
        assert {entry["name"]: entry["why"] for entry in result["not_pruned"]} == staying
        assert result["changed"] is bool(going)
    assert shared() == [name for name in ALL if name not in going]
    assert declare(nats_jetstream, **task)["changed"] is False


def test_a_stream_with_consumers_of_another_owner_is_not_deleted(declare, run_module, account, shared):
    declare(nats_consumer, stream="OURS", name="guest", owner="billing")
    for check in (True, False):
        task = {"prune": {"pattern": "OURS", "max": 1}, "allow_data_loss": True, "owner": "shop"}
        result = run_module(nats_jetstream, **account, **task, check=check)
        assert result["code"] == "OTHER_OWNER"
        assert "guest of billing" in result["msg"]
        gone = {"name": "OURS", "state": "absent", "allow_data_loss": True, "owner": "shop"}
        assert run_module(nats_stream, **account, **gone, check=check)["code"] == "OTHER_OWNER"
    assert "OURS" in shared()


def test_one_refused_entry_leaves_the_others_done(run_module, account, shared, metadata):
    task = {"owner": "shop", "streams": [{"name": "THEIRS", "max_msgs": 5}, {"name": "NEW"}]}
    result = run_module(nats_jetstream, **account, **task)
    assert [(entry["name"], entry.get("code"), entry["changed"]) for entry in result["resources"]] == [
        ("THEIRS", "OTHER_OWNER", False),
        ("NEW", None, True),
    ]
    assert metadata("NEW") == {OWNER: "shop"}


def test_info_returns_owners_and_finds_by_them(declare, shared):
    everything = declare(nats_jetstream_info)
    assert {entry["name"]: entry.get("owner") for entry in everything["streams"]} == {
        "OURS": "shop",
        "THEIRS": "billing",
        "NOBODYS": None,
    }
    assert all("metadata" not in entry for entry in everything["streams"])
    lists = {key: everything[key] for key in ("streams", "consumers", "kv", "object_stores")}
    assert declare(nats_jetstream, **lists, owner="somebody")["changed"] is True  # NOBODYS is taken over
    mine = declare(nats_jetstream_info, owner="shop")
    assert [entry["name"] for entry in mine["streams"]] == ["OURS"]
    assert [entry["name"] for entry in mine["consumers"]] == ["ours"]
    assert [entry["bucket"] for entry in mine["kv"] + mine["object_stores"]] == ["ours", "ours"]
    assert mine["figures"].keys() == {"OURS", "KV_ours", "OBJ_ours"}
    assert [entry["name"] for entry in declare(nats_jetstream_info, owner="")["streams"]] == []


@pytest.mark.parametrize("owner", ["shop", None])
def test_what_info_returns_can_be_declared_without_a_change(declare, shared, owner):
    found = declare(nats_jetstream_info, **({"owner": owner} if owner else {}))
    lists = {key: found[key] for key in ("streams", "consumers", "kv", "object_stores")}
    assert declare(nats_jetstream, **lists)["changed"] is False
