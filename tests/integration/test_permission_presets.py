# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user of each role may do, and what the server denies it, against a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import nats.errors
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import account_config
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.modules import nats_jetstream, nats_jetstream_info
from tests.support.permissions import api, listens
from tests.support.servers import Cluster

USERS: list[dict[str, Any]] = [
    {"user": "shop", "role": "publisher", "subjects": ["orders.>"]},
    {"user": "billing", "role": "consumer", "streams": ["ORDERS"]},
    {"user": "board", "role": "consumer", "subjects": ["prices.>"]},
    {"user": "platform", "role": "manager"},
    {"user": "team", "role": "manager", "streams": ["ORDERS", "KV_stock"]},
    {"user": "viewer", "role": "inspector"},
]
ACCOUNTS: dict[str, dict[str, Any]] = {"APP": {"jetstream": "enabled", "users": USERS}, "SYS": {}}
PASSWORD = "secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    logins = [
        {"account": account, "username": name, "bcrypt": PASSWORD}
        for account, names in (("APP", ["app", *(user["user"] for user in USERS)]), ("SYS", ["sys", "sys.checker"]))
        for name in names
    ]
    made = Cluster(tmp_path_factory.mktemp("presets"), ["s1"])
    try:
        made.start(made[0], accounts=account_config(ACCOUNTS, logins))
        made.wait()
        yield made
    finally:
        made.stop(made[0])


def options(server, user):
    prefix = f"_INBOX_{user}" if user != "app" else "_INBOX"
    return Options([server[0].url], user=user, password=PASSWORD, inbox_prefix=prefix, timeout=2)


@pytest.fixture
def connect(server):
    opened = []

    def to(user):
        opened.append(Connection(options(server, user)))
        return opened[-1].__enter__()

    yield to
    for connection in opened:
        connection.__exit__(None, None, None)


@pytest.fixture(scope="module")
def content(server):
    """A stream with messages and a consumer, and a bucket."""
    with Connection(options(server, "app")) as owner:
        for call, body in (
            ("STREAM.CREATE.ORDERS", {"name": "ORDERS", "subjects": ["orders.>"], "allow_direct": True}),
            ("STREAM.CREATE.OTHER", {"name": "OTHER", "subjects": ["other.>"]}),
            ("STREAM.CREATE.KV_stock", {"name": "KV_stock", "subjects": ["$KV.stock.>"], "max_msgs_per_subject": 1}),
            *(
                (
                    f"CONSUMER.CREATE.{stream}.reader",
                    {
                        "stream_name": stream,
                        "config": {"durable_name": "reader", "name": "reader", "ack_policy": "explicit"},
                    },
                )
                for stream in ("ORDERS", "OTHER")
            ),
        ):
            assert "error" not in owner.request(f"$JS.API.{call}", json.dumps(body).encode())
        for subject in ("orders.new", "other.new"):
            assert "seq" in owner.request(subject, b"message")


NEW = {"name": "NEW", "subjects": ["new"]}
CALLS = {
    "publish": ("orders.new", b"x"),
    "publish elsewhere": ("other.new", b"x"),
    "publish a key": ("$KV.stock.a", b"x"),
    "account": api("INFO"),
    "names": api("STREAM.NAMES"),
    "stream": api("STREAM.INFO.ORDERS"),
    "other stream": api("STREAM.INFO.OTHER"),
    "consumer": api("CONSUMER.INFO.ORDERS.reader"),
    "other consumer": api("CONSUMER.INFO.OTHER.reader"),
    "consumers": api("CONSUMER.LIST.ORDERS"),
    "update": api("STREAM.UPDATE.ORDERS", {"name": "ORDERS", "subjects": ["orders.>"], "allow_direct": True}),
    "create": api("STREAM.CREATE.NEW", NEW),
    "delete": api("STREAM.DELETE.NEW"),
    "purge": api("STREAM.PURGE.OTHER"),
    "read by number": api("STREAM.MSG.GET.ORDERS", {"seq": 1}),
    "read directly": api("DIRECT.GET.ORDERS", {"seq": 1}),
    "delete a message": api("STREAM.MSG.DELETE.ORDERS", {"seq": 1}),
    "snapshot": api("STREAM.SNAPSHOT.ORDERS", {"deliver_subject": "x"}),
    "step down": api("STREAM.LEADER.STEPDOWN.ORDERS"),
}
ALLOWED = {
    "shop": {"publish"},
    "billing": {"stream", "consumer"},
    "board": set(),
    "platform": {"account", "names", "stream", "other stream", "consumer", "other consumer", "consumers", "update", "create", "delete", "purge"},
    "team": {"account", "stream", "consumer", "consumers", "update"},
    "viewer": {"account", "names", "stream", "other stream", "consumer", "other consumer", "consumers"},
}  # fmt: skip


@pytest.mark.parametrize("user", ALLOWED)
def test_a_user_does_what_its_role_is_for_and_nothing_else(connect, content, user):
    connection, done, denied = connect(user), set(), {}
    for name, (subject, payload) in CALLS.items():
        try:
            answer = connection.request(subject, payload)
        except NatsError as error:
            denied[name] = error.code
        else:
            assert "error" not in answer, (name, answer)
            done.add(name)
    assert done == ALLOWED[user]
    assert set(denied.values()) == {"ACCOUNT_DENIED"}


@pytest.mark.parametrize(
    ("user", "subject", "allowed"),
    [
        *((user, f"_INBOX_{user}.x", True) for user in ALLOWED),
        *(
            (user, subject, False)
            for user in ALLOWED
            for subject in (">", "_INBOX.>", "_INBOX_app.>", "orders.>", "$JS.>")
        ),
        ("shop", "_INBOX_billing.>", False),
        ("board", "prices.>", True),
        ("billing", "prices.>", False),
    ],
)
def test_a_user_listens_to_its_own_subjects_and_answers(connect, content, user, subject, allowed):
    connection = connect(user)
    assert connection.run(listens(connection, subject)) is allowed


@pytest.mark.parametrize(("stream", "works"), [("ORDERS", True), ("OTHER", False)])
def test_a_consumer_reads_and_acknowledges_from_its_streams_alone(connect, content, stream, works):
    owner, connection = connect("app"), connect("billing")
    assert "seq" in owner.request(f"{stream.lower()}.new", b"message")

    async def work():
        client = await connection.client()
        inbox = client.new_inbox()
        listening = await client.subscribe(inbox)
        await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.reader", b"1", reply=inbox)
        message = await listening.next_msg(timeout=1)
        await client.request(message.reply, b"+ACK", timeout=1)
        await listening.unsubscribe()

    before = owner.request(f"$JS.API.CONSUMER.INFO.{stream}.reader", b"")["ack_floor"]["consumer_seq"]
    if works:
        connection.run(work())
    else:
        with pytest.raises((nats.errors.TimeoutError, asyncio.TimeoutError)):
            connection.run(work())
    after = owner.request(f"$JS.API.CONSUMER.INFO.{stream}.reader", b"")["ack_floor"]["consumer_seq"]
    assert after - before == (1 if works else 0)


@pytest.mark.parametrize(
    "forged",
    [
        "$JS.ACK.OTHER.reader.1.1.1.0.0",
        "$JS.ACK.OTHER.reader.ORDERS.1.1.0.0",
        "$JS.ACK.D.H.OTHER.reader.1.1.1.0.0",
        "$JS.ACK.D.H.OTHER.reader.1.1.1.0.0.x",
    ],
)
def test_a_consumer_acknowledges_for_no_other_stream(connect, content, forged):
    with pytest.raises(NatsError) as failure:
        connect("billing").request(forged, b"+TERM")
    assert failure.value.code == "ACCOUNT_DENIED"


def test_a_manager_declares_with_our_modules_and_an_inspector_reads(run_module, server, content):
    login = {"servers": [server[0].url], "password": PASSWORD}
    declared = {
        "streams": [{"name": "MADE", "subjects": ["made.>"]}],
        "consumers": [{"stream": "MADE", "name": "c"}],
        "kv": [{"bucket": "b"}],
    }
    manager = login | {"user": "platform", "inbox_prefix": "_INBOX_platform"}
    assert [
        run_module(nats_jetstream, **manager, **declared, check=check)["changed"] for check in (True, False, False)
    ] == [True, True, False]
    viewer = login | {"user": "viewer", "inbox_prefix": "_INBOX_viewer"}
    read = run_module(nats_jetstream_info, **viewer)
    assert "MADE" in [stream["name"] for stream in read["streams"]]
    refused = run_module(nats_jetstream, **viewer, streams=[{"name": "MADE", "max_age": "1h"}])
    assert refused["failed"] is True
    gone = {"streams": [{"name": "MADE", "state": "absent"}], "kv": [{"bucket": "b", "state": "absent"}]}
    assert run_module(nats_jetstream, **manager, **gone)["changed"] is True
