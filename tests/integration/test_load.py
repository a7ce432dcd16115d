# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The load tool sees what it is there to see: messages that are lost, doubled, retried and late."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from tests.support.waiting import eventually

BUILD = Path(__file__).parents[2] / "bench" / "load" / "build"


class Load:
    """The tool against a cluster, from when all of its load flows."""

    def __init__(self, program, folder, account, *arguments) -> None:
        self.running, self.json = folder / "running", folder / "report.json"
        ready = folder / "ready"
        self.running.touch()
        self.process = subprocess.Popen(
            [program, "-duration=60s", f"-until={self.running}", f"-ready={ready}", f"-json={self.json}", *arguments],
            env=environment(account),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while not ready.exists():
            assert self.process.poll() is None, self.process.communicate()[0]
            time.sleep(0.05)

    def end(self) -> dict:
        """Have it come to its end, and return its report."""
        self.running.unlink()
        self.printed = self.process.communicate(timeout=90)[0]
        report = json.loads(self.json.read_text())
        assert report["table"] in self.printed
        return report


@pytest.fixture(scope="module")
def program() -> str:
    return subprocess.run([BUILD], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def load(program, tmp_path):
    """Starts the tool with the connection options of an account."""
    started = []

    def start(account, *arguments) -> Load:
        started.append(Load(program, tmp_path, account, *arguments))
        return started[-1]

    yield start
    for made in started:
        made.process.kill()
        made.process.communicate()


def environment(account) -> dict:
    login = {"NATS_USER": account["user"], "NATS_PASSWORD": account["password"]}
    return os.environ | login | {"NATS_URL": ",".join(account["servers"])}


def clients_of_the_load(server) -> int:
    names = [client.get("name", "") for client in server.get("/connz")["connections"]]
    return sum(name.startswith("load ") and name != "load control" for name in names)


def test_its_code_passes_its_own_checks():
    done = subprocess.run([BUILD, "check"], check=False, capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr


def test_all_is_well_and_its_traces_are_removed(load, account, jetstream):
    running = load(account, "-create=2", "-requesters=2")
    report = running.end()
    assert running.process.returncode == 0, running.printed
    assert report["streams"] == ["LOAD_0", "LOAD_1"]
    assert report["acked"] == report["sent"] > 0
    assert report["lost"] == report["doubled"] == report["all"]["unanswered"] == 0
    assert report["requests"]["answered"] > 0
    assert sum(consumer["delivered"] for consumer in report["consumers"]) == report["acked"] + report["redelivered"]
    assert account["password"] not in running.printed
    assert not jetstream("STREAM.NAMES").get("streams")


def test_a_stream_that_is_there_keeps_what_it_holds(load, account, jetstream, publish):
    jetstream("STREAM.CREATE.EVENTS", name="EVENTS", subjects=["events.*"])
    publish("events.old", count=3)
    running = load(account, "-stream=EVENTS")
    report = running.end()
    assert running.process.returncode == 0, running.printed
    warm_up = 4  # one of each publisher
    assert jetstream("STREAM.INFO.EVENTS")["state"]["messages"] == 3 + warm_up + report["acked"]
    assert not jetstream("CONSUMER.NAMES.EVENTS")["consumers"]


def test_a_server_that_dies_costs_retries_but_no_message(load, own_cluster):
    options = own_cluster.user("t0")
    account = {"servers": options.servers, "user": options.user, "password": options.password}
    running = load(account, "-create=1", "-timeout=1s")
    with Connection(options) as connection:
        leader = connection.request("$JS.API.STREAM.INFO.LOAD_0", b"")["cluster"]["leader"]
    died = next(server for server in own_cluster.servers if server.name == leader)
    # They choose their servers at random, and the one that only asks for the streams is not among those of the report.
    connected, everywhere = clients_of_the_load(died), sum(map(clients_of_the_load, own_cluster.servers))
    own_cluster.stop(died)
    time.sleep(0.5)
    own_cluster.start(died)
    own_cluster.wait()
    eventually(lambda: sum(map(clients_of_the_load, own_cluster.servers)) == everywhere)
    report = running.end()
    assert running.process.returncode == 0, running.printed
    assert report["lost"] == report["doubled"] == 0
    assert report["all"]["retried"] > 0
    assert report["all"]["longest_stall"] > 0.01
    assert report["reconnects"] >= connected


def test_a_message_that_is_acked_and_gone_is_lost(load, account, jetstream):
    running = load(account, "-create=1")
    jetstream("STREAM.PURGE.LOAD_0")
    report = running.end()
    assert running.process.returncode == 1, running.printed
    assert report["lost"] > 0
    assert report["not_stored"] == report["lost"]


def test_a_message_that_is_stored_twice_is_doubled(load, account, account_connection, jetstream):
    running = load(account, "-create=1")
    last = jetstream("STREAM.INFO.LOAD_0")["state"]["last_seq"]
    stored = jetstream("STREAM.MSG.GET.LOAD_0", seq=last)["message"]
    without_its_id = account_connection.request(stored["subject"], base64.b64decode(stored["data"]))
    assert "seq" in without_its_id
    report = running.end()
    assert running.process.returncode == 1, running.printed
    assert (report["lost"], report["doubled"], report["stored_twice"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Write either -stream NAME or -create 1"),
        (["-stream=NONE"], "asking for stream NONE"),
        (["-create=1", "-user=nobody"], "Check -servers, -user and the password"),
        (["-stream=QUEUE"], "stream QUEUE forgets messages by design"),
    ],
)
def test_what_cannot_be_measured_is_refused(program, account, jetstream, arguments, sentence):
    jetstream("STREAM.CREATE.QUEUE", name="QUEUE", retention="workqueue")
    done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True, env=environment(account))
    assert done.returncode == 2
    assert sentence in done.stderr
