# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real nats-servers on loopback, made once; each test has an account of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import NOTHING
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from tests.support.modules import module_runner
from tests.support.servers import ACCOUNTS, Cluster, running, secret
from tests.support.waiting import published


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """Three servers."""
    yield from running(Cluster(tmp_path_factory.mktemp("cluster"), ["n1", "n2", "n3"]))


@pytest.fixture(scope="session")
def single(tmp_path_factory) -> Iterator[Cluster]:
    """One server."""
    yield from running(Cluster(tmp_path_factory.mktemp("single"), ["s1"]))


@pytest.fixture
def own_cluster(tmp_path) -> Iterator[Cluster]:
    """Three servers for a test that breaks them."""
    yield from running(Cluster(tmp_path, ["n1", "n2", "n3"], accounts=1))


@pytest.fixture(scope="session")
def accounts() -> Iterator[str]:
    return (f"t{number}" for number in range(ACCOUNTS))


@pytest.fixture
def account(cluster, accounts) -> dict:
    """Connection options of an account on three servers that no other test uses."""
    user = next(accounts)
    return {"servers": [server.url for server in cluster.servers], "user": user, "password": secret(user)}


@pytest.fixture
def alone(single, accounts) -> dict:
    """The same on one server, for what does not depend on the number of servers: a file makes it its `account`."""
    user = next(accounts)
    return {"servers": [single[0].url], "user": user, "password": secret(user)}


@pytest.fixture
def account_connection(account) -> Iterator[Connection]:
    """The same account for a test's own questions."""
    with ExitStack() as opened:
        yield opened.enter_context(
            Connection(Options(account["servers"], user=account["user"], password=account["password"]))
        )


@pytest.fixture
def jetstream(account_connection):
    """JetStream's own answers, past the collection's code."""

    def ask(call, **body) -> dict:
        return account_connection.request(f"$JS.API.{call}", json.dumps(body).encode() if body else b"")

    return ask


@pytest.fixture
def publish(account_connection):
    """Stores so many messages under each subject."""

    def send(*subjects, count=1) -> None:
        for subject in subjects:
            for number in range(count):
                published(account_connection, subject, str(number).encode())

    return send


@pytest.fixture
def take(account_connection):
    """Has a pull consumer deliver so many messages, and acknowledges none."""

    def pull(stream, consumer, count=1) -> None:
        async def work() -> None:
            client = await account_connection._connected()
            inbox = client.new_inbox()
            listening = await client.subscribe(inbox)
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", str(count).encode(), reply=inbox)
            for _message in range(count):
                await listening.next_msg(timeout=5)
            await listening.unsubscribe()

        account_connection.run(work())

    return pull


@pytest.fixture
def run_module(capsys):
    return module_runner(capsys)


@pytest.fixture
def declare(run_module, account):
    """A module in the test's account, which must not fail."""

    def run(module, /, **params) -> dict:
        result = run_module(module, **account | params)
        assert not result.get("failed"), result["msg"]
        return result

    return run


@pytest.fixture
def refused(run_module, account):
    """A module in the test's account that fails, the same in check mode and for real, with a sentence."""

    def run(module, /, *, foreseen=True, **params) -> str:
        results = [
            run_module(module, **account | params, check=check) for check in ((True, False) if foreseen else (False,))
        ]
        assert [result.get("failed") for result in results] == [True] * len(results), results
        assert all("exception" not in result for result in results)
        return results[-1]["msg"]

    return run


def said(config, by=None):
    """What a configuration says, or as much of it as another one says."""
    if isinstance(config, list) and (by is None or len(config) == len(by)):
        return [said(entry, other) for entry, other in zip(config, by or config, strict=True)]
    if not isinstance(config, dict):
        return config
    by = by if isinstance(by, dict) else config
    return {name: said(config.get(name), value) for name, value in by.items() if value not in SILENT}


SILENT = (*NOTHING, 0, "0s", "none", "default")


@pytest.fixture
def twice(declare):
    """Whether a task changes something in check mode, again, for real, and again; what check mode shows is what comes."""

    def run(module, key, /, **params) -> list[bool]:
        results = [declare(module, **params, check=check) for check in (True, True, False, False)]
        foreseen, made, again = results[0][key], results[2][key], results[3][key]
        assert said(foreseen) == said(made, foreseen)
        assert again == made
        assert declare(module, **params, check=True)["changed"] is False
        return [result["changed"] for result in results]

    return run


@pytest.fixture
def steps(twice):
    """Once: check mode tells it and changes nothing, then it is done, then there is nothing to do."""

    def run(module, key, /, **params) -> None:
        assert twice(module, key, **params) == [True, True, True, False]

    return run
