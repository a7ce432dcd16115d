# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user as whom the collection looks at a cluster sees enough for a verdict, and can't change anything."""

from __future__ import annotations

from typing import ClassVar

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import DeniedRequestError, NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import (
    CHECKER,
    account_config,
    account_credentials,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.modules import nats_clients, nats_health
from tests.support.servers import Cluster
from tests.support.waiting import eventually

NAMES = ["c1", "c2", "c3"]
ACCOUNTS = {"APP": {"jetstream": "enabled"}, "SYS": {}}


class OfRole(Cluster):
    """Servers with the accounts as the role writes them."""

    credentials: ClassVar = account_credentials(ACCOUNTS, [], "nats")["accounts"]
    logins: ClassVar = {login["username"]: login["password"] for login in credentials}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = OfRole(tmp_path_factory.mktemp("checker"), NAMES, accounts=0)
    for server in made.servers:
        made.start(server, accounts=account_config(ACCOUNTS, made.credentials))
    try:
        made.wait()
        yield made
    finally:
        for server in made.servers:
            made.stop(server)


def access(cluster, user, **more):
    return {
        "servers": [server.url for server in cluster.servers],
        "user": user,
        "password": cluster.logins[user],
        **more,
    }


def checker(cluster):
    return access(cluster, CHECKER["user"], inbox_prefix="_INBOX_sys.checker")


def test_it_sees_enough_for_a_verdict(run_module, cluster):
    found = run_module(nats_health, **checker(cluster), expected_members=NAMES)
    assert (found["healthy"], found["findings"]) == (True, [])


@pytest.mark.parametrize(
    "subject",
    [
        "$SYS.REQ.SERVER.{id}.RELOAD",
        "$SYS.REQ.SERVER.{id}.KICK",
        "$SYS.REQ.SERVER.{id}.LDM",
        "$SYS.REQ.SERVER.PING.CONNZ",
        "$JS.API.SERVER.REMOVE",
        "$JS.API.META.LEADER.STEPDOWN",
        "$JS.API.ACCOUNT.PURGE.APP",
        "$SYS.REQ.CLAIMS.UPDATE",
    ],
)
def test_it_can_not_change_anything(cluster, subject):
    server_id = cluster[0].get("/varz")["server_id"]
    with Connection(Options(**checker(cluster))) as connection, pytest.raises(DeniedRequestError):
        connection.request(subject.format(id=server_id), {})
    assert cluster.formed()


@pytest.mark.parametrize("subject", ["$SYS.ACCOUNT.>", "$SYS.SERVER.>", "_INBOX.>", ">"])
def test_it_hears_nothing_but_its_answers(cluster, subject):
    with Connection(Options(**checker(cluster))) as connection, pytest.raises(NatsError, match="may not"):
        connection.run(hear(connection, subject))


async def hear(connection, subject):
    client = await connection.client()
    with connection._denial_of(subject) as denied:
        await client.subscribe(subject)
        await client.flush()
        await client.flush()
    if denied.done():
        raise NatsError("subscription", "this user may not subscribe to it")


def test_clients_are_found_by_their_user_and_waited_for(run_module, cluster):
    asked = {"users": ["app"], "expected_members": NAMES}
    assert run_module(nats_clients, **access(cluster, "sys"), **asked)["clients"] == []
    with Connection(Options(**access(cluster, "app"))) as connection:
        connection.server()
        eventually(lambda: run_module(nats_clients, **access(cluster, "sys"), **asked)["clients"])
        (found,) = run_module(nats_clients, **access(cluster, "sys"), **asked)["clients"]
        assert (found["user"], found["account"], found["address"]) == ("app", "APP", "127.0.0.1")
        assert found["server"] in NAMES
        late = run_module(nats_clients, **access(cluster, "sys"), **asked, state="absent", wait_timeout=1)
        assert (late["failed"], late["code"]) == (True, "CLIENTS_CONNECTED")
        assert f"as app on {found['server']}" in late["cause"]
        checked = run_module(nats_clients, **access(cluster, "sys"), **asked, state="absent", check=True)
        assert checked["clients"] == [found]
    gone = run_module(nats_clients, **access(cluster, "sys"), **asked, state="absent", wait_timeout=30)
    assert (gone["changed"], gone["clients"]) == (False, [])


def test_a_server_that_does_not_answer_may_have_clients(run_module, cluster):
    late = run_module(
        nats_clients,
        **access(cluster, "sys", timeout=0.5),
        users=["app"],
        expected_members=[*NAMES, "c4"],
        state="absent",
        wait_timeout=0.1,
    )
    assert late["code"] == "CLIENTS_CONNECTED"
    assert "c4 did not answer, so its clients are not known" in late["cause"]
