# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every change to a running cluster on a kind of its own, under load, whole and killed half-way; the result goes to docs/drills.md."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from .checks import CACHE, ROOT, Check, report, run

KIND, PORT, WORKERS = "messaging-nats-drills", "31522", "5"
PAGE = ROOT / "docs" / "drills.md"
NAMESPACE = "drills"
VERSIONS = ("2.11.11", "2.12.8", "2.14.6", "2.15.1")
KUBECONFIG = CACHE / "kind" / f"{KIND}.kubeconfig"
ALWAYS = {
    "nats_cluster_namespace": NAMESPACE,
    "nats_cluster_profile": "small",
    "nats_cluster_external_service": {"type": "NodePort", "node_port": 30422},
    "nats_cluster_single_replica": "accept",
}
COLUMNS = (
    "drill",
    "seconds",
    "acked/s",
    "lost",
    "doubled",
    "retried",
    "time-outs in a row",
    "longest stall",
    "requests lost",
)


@dataclass(frozen=True)
class Drill:
    """One play, and when it is killed before it is run again."""

    title: str
    play: str = "deploy"
    declares: dict[str, Any] = field(default_factory=dict)
    killed: tuple[float, ...] = ()


def drills() -> Iterator[Drill]:
    here: dict[str, Any] = {"nats_cluster_version": VERSIONS[0]}
    for before, version in pairwise(VERSIONS):
        yield Drill(f"upgrade {before} to {version}", declares={"nats_cluster_version": version})
    yield Drill(f"downgrade {VERSIONS[-1]} to {VERSIONS[-2]}", declares={"nats_cluster_version": VERSIONS[-2]})
    yield Drill(
        f"upgrade {VERSIONS[-2]} to {VERSIONS[-1]}, killed twice",
        declares=here | {"nats_cluster_version": VERSIONS[-1]},
        killed=(9, 14),
    )
    here = {"nats_cluster_config": {"max_payload": "2MB"}}
    yield Drill("reload", declares=here)
    yield Drill("reload, killed", declares={"nats_cluster_config": {"max_payload": "3MB"}}, killed=(7.5,))
    here = {"nats_cluster_config": {"max_payload": "3MB", "lame_duck_duration": "40s"}}
    yield Drill("restart for a configuration", declares=here)
    yield Drill("restart, killed twice", "restart", here, (9, 13))
    yield Drill("3 to 5 servers", declares=here | {"nats_cluster_replicas": 5})
    yield Drill("rebalance", "rebalance", here | {"nats_cluster_replicas": 5})
    yield Drill("5 to 3 servers", declares=here)
    yield Drill("3 to 5 servers, killed", declares=here | {"nats_cluster_replicas": 5}, killed=(8,))
    yield Drill("5 to 3 servers, killed three times", declares=here, killed=(7, 9, 12))


def play(name: str, declares: dict[str, Any], killed: float | None = None) -> tuple[int, str]:
    command = ["ansible-playbook", f"messaging.nats.{name}", "--extra-vars", json.dumps(ALWAYS | declares)]
    if killed is not None:
        command = ["timeout", "--signal=KILL", str(killed), *command]
    return run(command, env={"K8S_AUTH_KUBECONFIG": str(KUBECONFIG)}, show=False)


def cluster(*arguments: str) -> None:
    environment = os.environ | {"KIND_WORKERS": WORKERS, "KIND_NODE_PORT": PORT}
    subprocess.run(
        [str(ROOT / "tests/kind/cluster"), *arguments], check=True, env=environment, stdin=subprocess.DEVNULL
    )


@contextmanager
def load(folder: Path, program: str) -> Iterator[dict[str, Any]]:
    """Acked messages, consumers and requests from outside; the report when it has ended."""
    secret = subprocess.run(
        ["kubectl", "--kubeconfig", str(KUBECONFIG), "-n", NAMESPACE, "get", "secret", "nats-app", "-o", "json"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    login = {key: base64.b64decode(value).decode() for key, value in json.loads(secret)["data"].items()}
    ready, running, result = folder / "ready", folder / "running", folder / "report.json"
    for path in (ready, result):
        path.unlink(missing_ok=True)
    running.touch()
    environment = {
        "NATS_URL": f"nats://127.0.0.1:{PORT}",
        "NATS_USER": login["username"],
        "NATS_PASSWORD": login["password"],
    }
    command = [program, f"-until={running}", f"-ready={ready}", f"-json={result}", "-duration=15m", "-stream=LOAD"]
    found: dict[str, Any] = {}
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not ready.exists() and process.poll() is None:
            time.sleep(0.1)
        try:
            yield found
        finally:
            running.unlink()
            process.wait()
            found |= json.loads(result.read_text())


def stall(figure: float) -> str:
    return f"{figure:.2f} s"


def drill(wanted: Drill, folder: Path, program: str) -> tuple[list[str], str]:
    """A row of figures, and what is wrong with them."""
    with load(folder, program) as figures:
        started = time.monotonic()
        for seconds in wanted.killed:
            play(wanted.play, wanted.declares, seconds)
        code, output = play(wanted.play, wanted.declares)
        took = time.monotonic() - started
    if code or figures.get("error"):
        return [wanted.title, "failed"], figures.get("error") or output[-3000:]
    everyone, requests = figures["all"], figures["requests"]
    row = [
        wanted.title,
        f"{took:.1f}",
        f"{figures['acked_per_second']:.0f}",
        str(figures["lost"]),
        str(figures["doubled"]),
        str(everyone["retried"]),
        str(everyone["timeouts_in_a_row"]),
        stall(everyone["longest_stall"]),
        str(requests["timeouts"]),
    ]
    bad = figures["lost"] or figures["doubled"] or everyone["timeouts_in_a_row"] > 1 or not figures["within_timeout"]
    return row, figures["table"] if bad else ""


def main() -> int:
    program = subprocess.run(
        [str(ROOT / "bench/load/build")], check=True, capture_output=True, text=True
    ).stdout.strip()
    cluster("up", KIND)
    for version in VERSIONS:
        cluster("nats-image", version, KIND)
    chosen = [wanted for wanted in drills() if re.search(sys.argv[1] if len(sys.argv) > 1 else "", wanted.title)]
    try:
        rows, checks = [], []
        first = {"nats_cluster_version": VERSIONS[0] if len(sys.argv) == 1 else VERSIONS[-1]}
        code, output = play("deploy", first)
        if code:
            return report("drills", [Check("deploy", output[-3000:])])
        stream = {
            "streams": [{"name": "LOAD", "subjects": ["load.0.>"], "num_replicas": 3}],
            "kubernetes": {"namespace": NAMESPACE},
        }
        run(
            ["ansible", "localhost", "-m", "messaging.nats.nats_jetstream", "-a", json.dumps(stream)],
            env={"K8S_AUTH_KUBECONFIG": str(KUBECONFIG)},
        )
        with tempfile.TemporaryDirectory() as folder:
            for wanted in chosen:
                row, problem = drill(wanted, Path(folder), program)
                print(" | ".join(row), flush=True)
                rows.append(row)
                checks.append(Check(wanted.title, problem))
    finally:
        cluster("delete", KIND)
    if len(sys.argv) == 1:
        write(rows)
    return report("drills", checks)


def write(rows: list[list[str]]) -> None:
    head = PAGE.read_text().partition("| drill |")[0]
    table = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
    PAGE.write_text(f"{head}{lines}\n\nLast run: {date.today().isoformat()}.\n")


if __name__ == "__main__":
    sys.exit(main())
