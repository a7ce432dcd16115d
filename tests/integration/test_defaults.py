# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default that a field returns to is the one of this server and this account, and check mode knows what they refuse."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import (
    nats_consumer,
    nats_jetstream,
    nats_kv,
    nats_object_store,
    nats_stream,
)
from tests.support.limited import one_server
from tests.support.servers import Cluster, login


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with one_server(tmp_path_factory.mktemp("limited"), limited=True) as made:
        yield made


@pytest.fixture
def account(limited):
    return {"servers": [limited[0].url], "user": "t0", "password": "t0-S3cret"}


@pytest.fixture
def empty(declare):
    """An account without streams, but for one in which nothing is."""
    declare(nats_jetstream, prune={"pattern": "*", "max": 50}, allow_data_loss=True, streams=[{"name": "OTHER"}])
    declare(nats_jetstream, prune={"pattern": "KV_*", "max": 50}, allow_data_loss=True)
    declare(nats_jetstream, prune={"pattern": "OBJ_*", "max": 50}, allow_data_loss=True)


@pytest.fixture
def both(run_module, account):
    """A task in check mode and for real, which must tell the same."""

    def run(module, /, **params):
        told = [run_module(module, check=check, **account, **params) for check in (True, False)]
        foreseen, done = ({key: result.get(key) for key in ("changed", "msg", "code", "diff")} for result in told)
        assert {**foreseen, "msg": (foreseen["msg"] or "").replace("would be done", "are done")} == {
            **done,
            "msg": done["msg"] or "",
        }
        return told[1]

    return run


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("module", "named", "other", "derived"),
    [
        (nats_stream, {"name": "S"}, {"duplicate_window": "10s"}, {"duplicate_window": "30s"}),
        (nats_stream, {"name": "S", "max_age": "20s"}, {"duplicate_window": "10s"}, {"duplicate_window": "20s"}),
        (nats_consumer, {"stream": "OTHER", "name": "c"}, {"max_ack_pending": 7}, {"max_ack_pending": 400}),
        (nats_consumer, {"stream": "OTHER", "name": "c"}, {"max_batch": 7}, {"max_batch": 50}),
        (nats_consumer, {"stream": "OTHER", "name": "p", "deliver_subject": "d"}, {"max_ack_pending": 7}, {}),
        (nats_kv, {"bucket": "b"}, {"ttl": "10s"}, {}),
        (nats_object_store, {"bucket": "b"}, {"ttl": "10s"}, {}),
    ],
)
def test_exact_returns_to_the_limits_of_the_server_and_the_account(both, module, named, other, derived):
    key = {nats_stream: "stream", nats_consumer: "consumer", nats_kv: "bucket", nats_object_store: "bucket"}[module]
    made = both(module, **named)
    assert not made.get("failed"), made
    assert made[key].items() >= derived.items()
    assert both(module, **named, exact=True)["changed"] is False
    assert both(module, **named, **other)["changed"] is True
    back = both(module, **named, exact=True)
    assert back["changed"] is True
    assert back[key] == made[key]
    assert both(module, **named, exact=True)["changed"] is False
    both(module, **named, **other)
    assert both(module, **named, unset=[*other])[key] == made[key]


@pytest.mark.usefixtures("empty")
def test_a_stream_with_sources_has_the_window_that_its_server_gives_it(both):
    declared = {"name": "S", "sources": [{"name": "OTHER"}], "subjects": ["s"]}
    assert [both(nats_stream, **declared, exact=True)["changed"] for _time in range(2)] == [True, False]
    assert both(nats_stream, **declared, duplicate_window="1s")["changed"] is True
    assert [both(nats_stream, **declared, exact=True)["changed"] for _time in range(2)] == [True, False]


@pytest.mark.usefixtures("empty")
def test_a_limit_that_the_stream_gets_later_is_no_change_of_its_consumers(both):
    both(nats_stream, name="S")
    both(nats_consumer, stream="S", name="c", max_ack_pending=10)
    both(nats_stream, name="S", consumer_limits={"inactive_threshold": "1h", "max_ack_pending": 50})
    assert both(nats_consumer, stream="S", name="c", max_ack_pending=10, exact=True)["changed"] is False


@pytest.mark.usefixtures("empty")
def test_a_consumer_has_the_limit_of_its_stream_where_it_has_no_other(both):
    streams = [{"name": "S", "consumer_limits": {"max_ack_pending": 50}}]
    assert both(nats_jetstream, streams=streams, consumers=[{"stream": "S", "name": "c"}])["changed"] is True
    made = both(nats_consumer, stream="S", name="c", exact=True)
    assert (made["changed"], made["consumer"]["max_ack_pending"]) == (False, 50)


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("module", "declared", "words"),
    [
        (nats_stream, {"name": "S", "duplicate_window": "1m"}, "server limit of 30s (err_code 10052)"),
        (nats_consumer, {"stream": "OTHER", "name": "c", "max_ack_pending": 450}, "(err_code 10121)"),
        (nats_consumer, {"stream": "OTHER", "name": "c", "max_batch": 60}, "(err_code 10125)"),
        (nats_stream, {"name": "S", "num_replicas": 3}, "(err_code 10074)"),
        (nats_stream, {"name": "S", "republish": {"src": "S", "dest": "S"}}, "forms a cycle (err_code 10052)"),
        (nats_stream, {"name": "S", "mirror_direct": True}, "mirror_direct: only a mirror has it"),
        (nats_stream, {"name": "S", "subjects": ["s.*", "s.a"]}, "subjects: s.a and s.* overlap"),
        (nats_stream, {"name": "S", "subjects": ["OTHER"]}, "OTHER is of stream OTHER"),
        (nats_stream, {"name": "S", "sources": [{"name": "S"}]}, "stream S takes from S"),
        (
            nats_jetstream,
            {"streams": [{"name": "A", "mirror": {"name": "B"}}, {"name": "B", "mirror": {"name": "A"}}]},
            "circle",
        ),
        (
            nats_jetstream,
            {"streams": [{"name": "A", "subjects": ["x"]}, {"name": "B", "subjects": ["x"]}]},
            "x is of stream A",
        ),
        (
            nats_jetstream,
            {"streams": [{"name": "A"}], "consumers": [{"stream": "A", "name": "c", "deliver_subject": "A"}]},
            "would deliver its own deliveries",
        ),
    ],
)
def test_check_mode_refuses_what_the_real_run_refuses_in_the_same_words(both, module, declared, words):
    assert words in both(module, **declared)["msg"]


@pytest.mark.usefixtures("empty")
def test_limits_below_what_a_consumer_has_are_refused_with_its_value(both):
    consumers = [{"stream": "S", "name": "c", "max_ack_pending": 100}]
    both(nats_jetstream, streams=[{"name": "S"}], consumers=consumers)
    refused = both(nats_stream, name="S", consumer_limits={"max_ack_pending": 50, "inactive_threshold": "1h"})
    assert "consumer c has max_ack_pending 100, and the limit would be 50" in refused["msg"]
    # Up to 2.12 a limit that is missing counts as 0.
    only_one = both(nats_stream, name="S", consumer_limits={"inactive_threshold": "1h"})
    assert only_one.get("changed") or "the limit would be 0" in only_one["msg"]
    gone = [consumers[0] | {"state": "absent"}]
    assert both(nats_jetstream, streams=[{"name": "S", "consumer_limits": {"max_ack_pending": 50}}], consumers=gone)[
        "changed"
    ]


@pytest.mark.usefixtures("empty")
def test_a_stream_that_could_not_be_recreated_is_not_deleted(both, declare, jetstream):
    declare(nats_stream, name="S", subjects=["s"])
    created = jetstream("STREAM.INFO.S")["created"]
    refused = both(nats_stream, name="S", storage="memory", persist_mode="async", recreate="always")
    assert refused["failed"] is True
    assert jetstream("STREAM.INFO.S")["created"] == created


@pytest.mark.usefixtures("empty")
def test_a_mirror_is_made_after_its_origin_and_has_its_direct_access(both):
    streams = [{"name": "COPY", "mirror": {"name": "ORIGIN"}}, {"name": "ORIGIN", "allow_direct": True}]
    assert both(nats_jetstream, streams=streams)["changed"] is True
    assert both(nats_stream, name="COPY")["stream"]["mirror_direct"] is True


def test_a_user_who_may_not_ask_the_server_is_told_what_the_modules_own_rules_say(run_module, tmp_path):
    made = Cluster(tmp_path, ["p1"], accounts=1)
    (server,) = made.servers
    allowed = [f"$JS.API.{call}" for call in ("STREAM.INFO.S", "STREAM.CREATE.S", "STREAM.NAMES", "CONSUMER.*.S.c")]
    user = login("t0") | {"permissions": {"publish": allowed, "subscribe": ["_INBOX.>"]}}
    accounts = made.configuration(server)["accounts"] | {"T0": {"jetstream": "enabled", "users": [user]}}
    try:
        made.start(server, accounts=accounts)
        made.wait()
        account = {"servers": [server.url], "user": "t0", "password": "t0-S3cret"}
        for check, changed in ((True, True), (False, True), (True, False)):
            result = run_module(nats_stream, check=check, **account, name="S", mirror={"name": "HIDDEN"}, exact=True)
            assert result["changed"] is changed, result
        for check in (True, False):
            assert run_module(nats_consumer, check=check, **account, stream="S", name="c")["changed"] is True
        assert run_module(nats_consumer, **account, stream="S", name="c", exact=True)["changed"] is False
    finally:
        made.stop(server)
