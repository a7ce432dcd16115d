# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a real server whose answers are lost on the way, or that are lost themselves."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_stream

S = {"name": "S", "subjects": ["s.>"]}


@pytest.fixture
def account(alone):
    return alone | {"timeout": 0.3}


@pytest.fixture
def losing(monkeypatch):
    """Loses the answers to the first calls of a kind, or the calls; what happens in the meantime is done by `then`."""
    asked = []

    def lose(prefix, times=1, carried_out=True, then=None, storage=None):
        ask = JetStream.ask

        async def answer(self, call, what, body=None, timeout=None):
            if not call.startswith(prefix) or (storage and body["storage"] != storage):
                return await ask(self, call, what, body, timeout)
            asked.append((call, body))
            if len(asked) > times:
                return await ask(self, call, what, body)
            if carried_out:
                await ask(self, call, what, body)
            if then:
                await then(await self.connection.client())
            raise UnansweredError(
                str(what), "no answer within 1 s: whether it was carried out is unknown", "Run it again."
            )

        monkeypatch.setattr(JetStream, "ask", answer)
        return asked

    return lose


async def one_more(client):
    await client.request("s.a", b"new", timeout=20)


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize(
    ("purge", "left"),
    [({}, 1), ({"filter": "s.a"}, 6), ({"seq": 4}, 8), ({"filter": "s.a", "seq": 4}, 9)],
)
def test_a_purge_whose_answer_is_lost_deletes_nothing_that_came_after_it_was_planned(
    declare, publish, jetstream, losing, carried_out, purge, left
):
    declare(nats_stream, **S)
    publish(*["s.a", "s.b"] * 5)
    asked = losing("STREAM.PURGE", carried_out=carried_out, then=one_more)
    declare(nats_stream, name="S", state="purged", purge=purge, allow_data_loss=True)
    assert jetstream("STREAM.INFO.S")["state"]["messages"] == left
    assert len(asked) == (1 if carried_out else 2)


@pytest.mark.parametrize(("carried_out", "left"), [(True, 4), (False, 11)])
def test_a_purge_that_keeps_some_is_not_sent_again_once_others_came(
    run_module, account, declare, publish, jetstream, losing, carried_out, left
):
    declare(nats_stream, **S)
    publish("s.a", count=10)
    losing("STREAM.PURGE", carried_out=carried_out, then=one_more)
    result = run_module(nats_stream, **account, name="S", state="purged", purge={"keep": 3}, allow_data_loss=True)
    assert bool(result.get("failed")) is not carried_out
    assert jetstream("STREAM.INFO.S")["state"]["messages"] == left


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_recreation_whose_answer_is_lost_leaves_the_new_one_or_the_old_one(
    run_module, account, declare, jetstream, losing, carried_out
):
    declare(nats_stream, **S, max_age="1h", metadata={"owner": "shop"})
    # The request that puts it back comes through.
    losing("STREAM.CREATE.S", times=1 if carried_out else 10**6, carried_out=carried_out, storage="memory")
    result = run_module(nats_stream, **account, name="S", storage="memory", recreate="if_empty")
    config = jetstream("STREAM.INFO.S")["config"]
    assert (config["max_age"], config["metadata"]["owner"]) == (3600 * 10**9, "shop")
    if carried_out:
        assert result["changed"] is True
        assert config["storage"] == "memory"
    else:
        assert "It was deleted for that and is back as it was, but empty" in result["remedy"]
        assert config["storage"] == "file"


def test_a_deletion_that_was_carried_out_is_no_error(declare, jetstream, losing):
    declare(nats_stream, **S)
    losing("STREAM.DELETE.S", times=1)
    assert declare(nats_stream, name="S", state="absent")["changed"] is True
    assert jetstream("STREAM.INFO.S")["error"]["err_code"] == 10059


def test_a_reset_whose_answer_is_lost_is_not_sent_twice(declare, publish, jetstream, losing, take):
    declare(nats_stream, **S)
    declare(nats_consumer, stream="S", name="c")
    publish("s.a", count=10)
    take("S", "c", 6)
    asked = losing("CONSUMER.RESET")
    declare(nats_consumer, stream="S", name="c", state="reset", reset_seq=3)
    assert len(asked) == 1
    assert jetstream("CONSUMER.INFO.S.c")["num_pending"] == 8


def test_what_can_not_be_looked_at_is_an_error(run_module, account, declare, publish, losing):
    declare(nats_stream, **S)
    publish("s.a")
    losing("STREAM", times=10**6, carried_out=False)
    result = run_module(nats_stream, **account, name="S", state="purged", allow_data_loss=True)
    assert "unknown" in result["msg"]
