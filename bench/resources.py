# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many streams in one task, beside a loop of single tasks, the nats CLI and nats-py alone. Run by `make bench`; see docs/benchmarks.md."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nats

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import (
    Declaration,
    converge_all,
    declared_resources,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from tests.support.servers import Cluster, secret

Config = dict[str, Any]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
MANY, REPLICATED, SAMPLE, AT_ONCE = 1000, 200, 20, 32
USER = "t0"
LOGIN: Config = {"user": USER, "password": secret(USER)}
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {{ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"}}
  tasks:
    - messaging.nats.{module}: {arguments}
      {more}
"""


def streams(count: int, replicas: int) -> list[Config]:
    return [
        {"name": f"S{number}", "subjects": [f"s.{number}.>"], "max_age": "24h", "num_replicas": replicas}
        for number in range(count)
    ]


def stored(stream: Config) -> Config:
    return stream | {"max_age": 24 * 3600 * 10**9}


class Bench:
    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.servers = [server.url for server in cluster.servers]
        self.folder = folder

    def connection(self) -> Connection:
        return Connection(Options(self.servers, **LOGIN))

    def task(self, module: str, arguments: Config, more: str = "") -> float:
        """Seconds of one task, or of a loop of them, as Ansible counts them."""
        play = self.folder / "play.yml"
        play.write_text(
            PLAY.format(module=module, arguments=json.dumps({"servers": self.servers} | LOGIN | arguments), more=more)
        )
        environment = os.environ | {
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
            "ANSIBLE_DISPLAY_OK_HOSTS": "false",
        }
        done = subprocess.run(
            ["ansible-playbook", "--inventory", "localhost,", str(play)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout.strip().splitlines()[-1].rsplit(" ", 1)[1].removesuffix("s"))

    def bulk(self, wanted: list[Config]) -> float:
        """Seconds of the module's own work: read, plan, write, read again."""
        start = time.perf_counter()
        with self.connection() as connection:
            items = declared_resources({"streams": wanted}, {})
            connection.run(converge_all(JetStream(connection), Declaration(items), Mode(False, 60)))
        return time.perf_counter() - start

    def raw(self, calls: list[tuple[str, Config]]) -> float:
        """Seconds of the same requests through nats-py alone, as many at once."""

        async def ask() -> None:
            client = await nats.connect(self.servers, **LOGIN)
            room = asyncio.Semaphore(AT_ONCE)

            async def one(call: str, body: Config) -> None:
                async with room:
                    answer = json.loads(
                        (await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=10)).data
                    )
                    assert "error" not in answer, answer

            await asyncio.gather(*(one(call, body) for call, body in calls))
            await client.close()

        start = time.perf_counter()
        asyncio.run(ask())
        return time.perf_counter() - start

    def cli(self, program: str) -> float:
        """Seconds of the nats CLI for one stream, times all of them."""
        command = [
            program,
            "--server",
            self.servers[0],
            "--user",
            USER,
            "--password",
            LOGIN["password"],
            "stream",
            "info",
            "--json",
        ]
        start = time.perf_counter()
        for number in range(SAMPLE):
            subprocess.run([*command, f"S{number}"], check=True, capture_output=True)
        return (time.perf_counter() - start) / SAMPLE * MANY

    def empty(self) -> None:
        names = [f"S{number}" for number in range(MANY)]
        with self.connection() as connection:
            there = connection.run(JetStream(connection).names())
        self.raw([(f"STREAM.DELETE.{name}", {}) for name in names if name in there])


def row(
    name: str, measure: Callable[[], float], of: float | None = None, prepare: Callable[[], None] = lambda: None
) -> float:
    figures = []
    for _round in range(ROUNDS):
        prepare()
        figures.append(measure())
    median = statistics.median(figures)
    ratio = f"{median / of:8.2f}" if of else " " * 8
    print(f"{name:<52}{ratio}{median:9.2f}   {' '.join(f'{figure:.2f}' for figure in figures)}", flush=True)
    return median


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder), ["n1", "n2", "n3"], accounts=1)
        try:
            for server in cluster.servers:
                cluster.start(server)
            cluster.wait()
            bench = Bench(cluster, Path(folder))
            print(
                f"Seconds, median of {ROUNDS} rounds; three servers on loopback\n{'':<52}{'ratio':>8}{'median':>9}   rounds"
            )
            three = streams(REPLICATED, 3)
            calls = [(f"STREAM.CREATE.{stream['name']}", stored(stream)) for stream in three]
            of = row(
                f"{REPLICATED} R3 created, nats-py alone, {AT_ONCE} at once",
                lambda: bench.raw(calls),
                prepare=bench.empty,
            )
            row(f"{REPLICATED} R3 created, nats_jetstream's own work", lambda: bench.bulk(three), of, bench.empty)
            row(
                f"{REPLICATED} R3 created, one task",
                lambda: bench.task("nats_jetstream", {"streams": three}),
                of,
                bench.empty,
            )
            bench.empty()
            many = streams(MANY, 1)
            bench.bulk(many)
            infos: list[tuple[str, Config]] = [(f"STREAM.INFO.{stream['name']}", {}) for stream in many]
            of = row(f"{MANY} unchanged, one task", lambda: bench.task("nats_jetstream", {"streams": many}))
            row(f"{MANY} read, nats-py alone, {AT_ONCE} at once", lambda: bench.raw(infos), of)
            row(f"{MANY} unchanged, nats_jetstream's own work", lambda: bench.bulk(many), of)
            single = {
                "name": "{{ item.name }}",
                "subjects": "{{ item.subjects }}",
                "max_age": "{{ item.max_age }}",
                "num_replicas": 1,
            }
            loop = f"loop: {json.dumps(many[:SAMPLE])}"
            row(
                f"{MANY} unchanged, loop of tasks ({SAMPLE}, extrapolated)",
                lambda: bench.task("nats_stream", single, loop) / SAMPLE * MANY,
                of,
            )
            if program := os.environ.get("NATS_CLI") or shutil.which("nats"):
                row(f"{MANY} read, nats CLI ({SAMPLE}, extrapolated)", lambda: bench.cli(program), of)
            else:
                print("The nats CLI was not measured: NATS_CLI is not set, and there is no nats in the PATH.")
        finally:
            for server in cluster.servers:
                cluster.stop(server)


if __name__ == "__main__":
    main()
