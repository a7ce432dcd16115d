# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody can do who has one login, and what that login is not good for: the claims of docs/security.md, asked of real servers.

What a user with a role may do in general is in test_permission_presets.py; here are the ways around it.
"""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import account_config
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from tests.support.permissions import api, heard, listens, outcome, publish
from tests.support.servers import Cluster, login, secret

PASSWORD = "S3cret-of-all"
USERS: list[dict[str, Any]] = [
    {"user": "shop", "role": "publisher", "subjects": ["orders.>"]},
    {"user": "billing", "role": "consumer", "streams": ["ORDERS"]},
    {"user": "team", "role": "manager", "streams": ["ORDERS"]},
    {"user": "viewer", "role": "inspector"},
]
PRESETS = [user["user"] for user in USERS]
ACCOUNTS: dict[str, dict[str, Any]] = {
    "APP": {"jetstream": "enabled", "users": USERS},
    "OTHER": {"jetstream": "enabled"},
    "SYS": {},
}
STREAMS: dict[str, dict[str, Any]] = {
    "ORDERS": {"subjects": ["orders.new"]},
    "PAYMENTS": {"subjects": ["payments.>"]},
    "BUCKET": {"subjects": ["orders.bucket.>"], "allow_rollup_hdrs": True},
}


def accounts(password=PASSWORD):
    """The accounts of nats.conf, with a login of each kind."""
    logins = [
        {"account": account, "username": name, "bcrypt": password if name == "app" else PASSWORD}
        for account, names in (("APP", ["app", *PRESETS]), ("OTHER", ["other"]), ("SYS", ["sys", "sys.checker"]))
        for name in names
    ]
    return account_config(ACCOUNTS, logins, anonymous=True)


@contextmanager
def started(server, **more):
    try:
        server.start(server[0], accounts=accounts(), **more)
        server.wait()
        yield server
    finally:
        server.stop(server[0])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stolen")
    with started(Cluster(folder, ["s1"]), no_auth_user="anonymous") as running:
        yield running


@pytest.fixture
def connect(server):
    opened = []

    def to(user, **more):
        prefix = f"_INBOX_{user}" if user in PRESETS else "_INBOX"
        given = {"user": user, "password": PASSWORD} if user else {}
        opened.append(
            Connection(Options([server[0].url], inbox_prefix=prefix, timeout=2, **given | more)),
        )
        return opened[-1].__enter__()

    yield to
    for connection in opened:
        connection.__exit__(None, None, None)


@pytest.fixture
def owner(connect):
    """The user of account APP, with fresh streams of one message each; another account has a stream of its own."""
    found, other = connect("app"), connect("other")
    for connection in (found, other):
        for name in connection.request(*api("STREAM.NAMES")).get("streams") or []:
            connection.request(*api(f"STREAM.DELETE.{name}"))
    for name, config in STREAMS.items():
        assert "error" not in found.request(*api(f"STREAM.CREATE.{name}", {"name": name, **config}))
    consumer = {"durable_name": "reader", "name": "reader", "ack_policy": "explicit"}
    call = api("CONSUMER.CREATE.ORDERS.reader", {"stream_name": "ORDERS", "config": consumer})
    assert "error" not in found.request(*call)
    assert "error" not in other.request(*api("STREAM.CREATE.THEIRS", {"name": "THEIRS", "subjects": ["theirs.>"]}))
    for connection, subject in ((found, "orders.new"), (found, "payments.card"), (other, "theirs.x")):
        assert "seq" in connection.request(subject, b"stored")
    return found


def count(connection, stream):
    return connection.request(*api(f"STREAM.INFO.{stream}"))["state"]["messages"]


def soon(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


# The user of an account, which has no role.


def test_the_user_of_an_account_may_do_everything_in_it(owner, connect):
    assert heard(owner, "orders.>", lambda: connect("shop").request("orders.new", b"x"))
    assert owner.run(listens(owner, "_INBOX_shop.>"))
    assert outcome(owner, *api("STREAM.PURGE.PAYMENTS")) == "done"
    assert outcome(owner, *api("STREAM.DELETE.PAYMENTS")) == "done"


def test_no_user_reaches_another_account(owner, connect):
    other = connect("other")
    assert heard(owner, ">", lambda: publish(other, "theirs.y")) == []
    assert "THEIRS" not in owner.request(*api("STREAM.NAMES"))["streams"]
    for call in ("STREAM.INFO", "STREAM.PURGE", "STREAM.DELETE"):
        assert outcome(owner, *api(f"{call}.THEIRS")) == "error 404"
    assert outcome(owner, *api("STREAM.MSG.GET.THEIRS", {"seq": 1})) == "error 404"
    assert count(other, "THEIRS") == 2


def test_somebody_without_a_login_is_as_the_user_of_the_account_where_that_is_allowed(owner, connect):
    nobody = connect("")
    assert outcome(nobody, *api("STREAM.PURGE.PAYMENTS")) == "done"
    assert outcome(nobody, "$SYS.REQ.SERVER.PING") == "NOBODY_ANSWERS"


# What the servers tell of themselves.


@pytest.mark.parametrize(
    "subject", ["$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.OTHER.CONNZ", "$SYS.REQ.SERVER.PING.VARZ"]
)
@pytest.mark.parametrize("user", ["app", *PRESETS, "sys"])
def test_only_the_system_account_asks_the_servers(owner, connect, user, subject):
    denied = "NOBODY_ANSWERS" if user == "app" else "ACCOUNT_DENIED"
    assert outcome(connect(user), subject) == ("done" if user == "sys" else denied)


def test_the_user_of_an_account_sees_who_is_connected_to_it_and_nobody_else(owner, connect):
    connect("other")
    for subject in ("$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.SERVER.PING.CONNZ"):
        found = owner.request(subject, json.dumps({"auth": True}).encode())["data"]["connections"]
        assert found
        assert {connection["account"] for connection in found} == {"APP"}


def test_the_monitoring_port_asks_for_no_login_and_shows_no_password(owner, connect, server):
    connect("other")
    pages = (
        "varz",
        "connz?auth=1&subs=1",
        "jsz?accounts=1&streams=1&consumers=1&config=1",
        "accountz?acc=APP",
        "subsz?subs=1",
    )
    shown = ""
    for page in pages:
        with urllib.request.urlopen(f"http://127.0.0.1:{server[0].monitor}/{page}", timeout=2) as answer:
            shown += answer.read().decode()
    names = ("PAYMENTS", "THEIRS", "payments.", '"authorized_user": "other"')
    assert [name for name in names if name not in shown] == []
    assert PASSWORD not in shown
    assert "stored" not in shown


# Users with a role, and the ways around it.


@pytest.mark.parametrize("call", ["STREAM.DELETE.PAYMENTS", "STREAM.PURGE.PAYMENTS", "STREAM.DELETE.ORDERS"])
def test_the_answer_to_a_publisher_is_no_call_of_the_api(owner, connect, call):
    """The server sends its answer to any subject that the message names, with the rights of the account."""
    publish(connect("shop"), "orders.new", reply=f"$JS.API.{call}")
    assert soon(lambda: count(owner, "ORDERS") == 2)
    time.sleep(0.3)
    assert (count(owner, "ORDERS"), count(owner, "PAYMENTS")) == (2, 1)


def test_a_publisher_can_have_its_answers_stored_elsewhere(owner, connect):
    publish(connect("shop"), "orders.new", reply="payments.forged")
    assert soon(lambda: count(owner, "PAYMENTS") == 2)
    found = owner.request(*api("STREAM.MSG.GET.PAYMENTS", {"last_by_subj": "payments.forged"}))["message"]
    assert found["subject"] == "payments.forged"


def test_a_publisher_can_delete_where_a_stream_allows_rollups_and_nowhere_else(owner, connect):
    shop = connect("shop")
    for subject in ("orders.bucket.a", "orders.bucket.b", "orders.new"):
        shop.request(subject, b"x")
    for subject in ("orders.bucket.c", "orders.new"):
        publish(shop, subject, headers={"Nats-Rollup": "all"})
    assert soon(lambda: count(owner, "BUCKET") == 1)
    assert count(owner, "ORDERS") == 2


def test_a_consumer_can_have_messages_delivered_to_any_subject(owner, connect):
    publish(connect("billing"), "$JS.API.CONSUMER.MSG.NEXT.ORDERS.reader", b"1", reply="payments.copied")
    assert soon(lambda: count(owner, "PAYMENTS") == 2)


def test_a_manager_of_one_stream_can_read_all_of_the_account(owner, connect):
    """It may have its stream take the messages of others, and declare a consumer that sends them to itself."""
    team = connect("team")
    assert outcome(team, *api("STREAM.MSG.GET.PAYMENTS", {"seq": 1})) == "ACCOUNT_DENIED"
    changed = {"name": "ORDERS", **STREAMS["ORDERS"], "sources": [{"name": "PAYMENTS"}]}
    assert outcome(team, *api("STREAM.UPDATE.ORDERS", changed)) == "done"
    mine = {"stream_name": "ORDERS", "config": {"deliver_subject": "_INBOX_team.x", "ack_policy": "none"}}

    def read():
        assert outcome(team, *api("CONSUMER.CREATE.ORDERS", mine)) == "done"

    assert soon(lambda: count(owner, "ORDERS") == 2)
    assert b"stored" in [message.data for message in heard(team, "_INBOX_team.x", read)]
    assert outcome(team, *api("STREAM.DELETE.PAYMENTS")) == "ACCOUNT_DENIED"


def test_an_inspector_sees_the_subjects_of_messages_and_no_message(owner, connect):
    viewer = connect("viewer")
    found = viewer.request(*api("STREAM.INFO.PAYMENTS", {"subjects_filter": ">"}))
    assert found["state"]["subjects"] == {"payments.card": 1}
    assert outcome(viewer, *api("STREAM.MSG.GET.PAYMENTS", {"seq": 1})) == "ACCOUNT_DENIED"
    assert outcome(viewer, *api("DIRECT.GET.PAYMENTS", {"seq": 1})) == "ACCOUNT_DENIED"
    assert outcome(viewer, *api("STREAM.SNAPSHOT.PAYMENTS", {"deliver_subject": "_INBOX_viewer.x"})) == "ACCOUNT_DENIED"


# The user of the system account.


def test_the_system_user_reads_no_message(owner, connect):
    def act():
        publish(owner, "payments.secret", b"nobody-else")

    assert not [message for message in heard(connect("sys"), ">", act) if b"nobody-else" in message.data]
    assert outcome(connect("sys"), *api("STREAM.MSG.GET.PAYMENTS", {"seq": 1})) != "done"


def test_the_system_user_disconnects_a_client(owner, connect):
    system, victim = connect("sys"), connect("other")
    asked = system.request("$SYS.REQ.SERVER.PING.CONNZ", json.dumps({"auth": True}).encode())
    cid = next(one["cid"] for one in asked["data"]["connections"] if one["authorized_user"] == "other")
    system.request(f"$SYS.REQ.SERVER.{asked['server']['id']}.KICK", json.dumps({"cid": cid}).encode())
    assert victim.request(*api("INFO"))["streams"] == 1
    now = system.request("$SYS.REQ.SERVER.PING.CONNZ", json.dumps({"auth": True}).encode())["data"]["connections"]
    assert cid not in [one["cid"] for one in now]


def test_the_system_user_deletes_all_of_an_account(cluster, account, account_connection):
    created = account_connection.request(*api("STREAM.CREATE.S", {"name": "S", "subjects": ["system.test"]}))
    assert "error" not in created
    with Connection(cluster.system()) as system:
        answer = system.request(*api(f"ACCOUNT.PURGE.{account['user'].upper()}"))
    assert answer["initiated"] is True
    assert soon(lambda: not account_connection.request(*api("STREAM.NAMES")).get("streams"))


def stolen(server):
    return Options([server[0].url], user="app", password=PASSWORD, timeout=2)


def test_a_login_is_worthless_once_its_password_has_changed(tmp_path):
    with started(Cluster(tmp_path, ["s1"])) as server, Connection(stolen(server)) as thief:
        assert outcome(thief, *api("INFO")) == "done"
        (configuration,) = tmp_path.glob("*.conf")
        configuration.write_text(to_nats_conf(server.configuration(server[0], accounts=accounts("another"))))
        server[0].process.send_signal(signal.SIGHUP)
        assert soon(lambda: not server[0].get("/connz")["connections"])
        assert outcome(thief, *api("INFO")) != "done"
        with pytest.raises(NatsError), Connection(stolen(server)) as again:
            again.request(*api("INFO"))


# The password of the routes.

ROUTES = {"user": "routes", "password": "S3cret-of-routes"}


@contextmanager
def rogue(folder, victim, route_login):
    """A server of somebody else, with accounts and users of its own, that tries to join."""
    made = Cluster(folder, ["rogue"], accounts=1)
    url = f"nats://{route_login['user']}:{route_login['password']}@127.0.0.1:{victim._routes['s1']}"
    routes = {"name": "C", "listen": f"127.0.0.1:{made._routes['rogue']}", "routes": [url], "no_advertise": True}
    accounts = {"APP": {"users": [login("thief")]}, "SYS": {"users": [login("sys-user")]}}
    try:
        made.start(made[0], cluster=routes | {"authorization": route_login}, accounts=accounts, jetstream="disabled")
        assert soon(lambda: _answers(made[0]))
        yield made
    finally:
        made.stop(made[0])


def _answers(server):
    try:
        return server.get("/healthz")["status"] == "ok"
    except OSError:
        return False


@pytest.fixture
def routed(tmp_path):
    """A server that takes routes with a password."""
    made = Cluster(tmp_path / "victim", ["s1"])
    made.folder.mkdir()
    port = made._routes["s1"]
    routes = {"name": "C", "listen": f"127.0.0.1:{port}", "authorization": ROUTES, "no_advertise": True}
    with started(made, cluster=routes, jetstream="disabled") as running:
        yield running


@pytest.mark.parametrize(
    ("route_login", "joins"),
    [
        (ROUTES, True),
        ({"user": "routes", "password": "guessed"}, False),
        ({"user": "app", "password": PASSWORD}, False),
        ({"user": "sys", "password": PASSWORD}, False),
    ],
    ids=["routes", "guessed", "app", "sys"],
)
def test_who_has_the_password_of_the_routes_has_everything_and_who_has_not_nothing(
    tmp_path, routed, route_login, joins
):
    with (
        rogue(tmp_path, routed, route_login) as foreign,
        Connection(Options([routed[0].url], user="app", password=PASSWORD)) as owner,
        Connection(Options([foreign[0].url], user="thief", password=secret("thief"))) as thief,
        Connection(Options([foreign[0].url], user="sys-user", password=secret("sys-user"))) as system,
    ):
        assert soon(lambda: bool(routed[0].get("/routez")["num_routes"])) is joins
        found = heard(thief, ">", lambda: publish(owner, "orders.new", b"private"))
        assert (b"private" in [message.data for message in found]) is joins
        answers = heard(system, "found", lambda: publish(system, "$SYS.REQ.SERVER.PING.CONNZ", b"", reply="found"))
        assert ("s1" in [json.loads(message.data)["server"]["name"] for message in answers]) is joins
