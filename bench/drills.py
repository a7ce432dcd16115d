# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every change to a running cluster, under load, whole and killed half-way. Run by `make drills`; the result goes to docs/drills.md."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from tools.checks import ROOT, Check, report, run

from .under_load import KUBECONFIG, NAMESPACE, built, kind, load, login, play

PAGE = ROOT / "docs" / "drills.md"
VERSIONS = ("2.11.11", "2.12.8", "2.14.6", "2.15.2")
KILLED = 137
# These are noticed only by a client whose own server leaves.
NOT_NOTICED = re.compile(r"reload|servers|authority|other logins")
COLUMNS = ("drill", "seconds", "acked", "lost", "doubled", "retried", "time-outs", "in a row", "longest stall")


@dataclass(frozen=True)
class Drill:
    """One play, the seconds after which it is killed before it is run once more, and what is declared once it is done."""

    title: str
    play: str = "deploy"
    declares: dict[str, Any] = field(default_factory=dict)
    killed: tuple[float, ...] = ()
    then: dict[str, Any] | None = None


def drills() -> Iterator[Drill]:
    for before, version in pairwise(VERSIONS):
        yield Drill(f"upgrade {before} to {version}", declares={"nats_cluster_version": version})
    last, newest = VERSIONS[-2:]
    yield Drill(f"downgrade {newest} to {last}", declares={"nats_cluster_version": last})
    yield Drill(f"upgrade {last} to {newest}, killed twice", declares={"nats_cluster_version": newest}, killed=(8, 12))

    five: dict[str, Any] = {"nats_cluster_replicas": 5}
    yield Drill("3 to 5 servers", declares=five)
    yield Drill("rebalance", "rebalance", five)
    # Volumes that stay are bound to nodes, which servers that are replaced may take meanwhile.
    yield Drill("5 to 3 servers, without their volumes", declares={"nats_cluster_delete_volumes": True})

    # NATS shuts a removed name out for five minutes: these come before the next scaling.
    yield Drill("reload", declares={"nats_cluster_config": {"max_payload": "2MB"}})
    here: dict[str, Any] = {"nats_cluster_config": {"max_payload": "3MB"}}
    yield Drill("reload, killed", declares=here, killed=(6,))
    here = {"nats_cluster_config": {"max_payload": "3MB", "lame_duck_duration": "40s"}}
    yield Drill("restart for a configuration", declares=here)
    yield Drill("restart, killed twice", "restart", here, (8, 12))
    yield Drill("replace", "replace", here | {"nats_cluster_server": "nats-1"})
    yield Drill("replace, killed twice", "replace", here | {"nats_cluster_server": "nats-2"}, (4, 6))

    clear, encrypted = (here | {"nats_cluster_route_tls": value} for value in ("off", "on"))
    yield Drill("routes in clear", declares=clear)
    yield Drill("routes encrypted", declares=encrypted)
    yield Drill("routes in clear, killed", declares=clear, killed=(8,))
    yield Drill("routes encrypted, killed three times", declares=encrypted, killed=(8, 10, 10))
    yield Drill("another authority", "rotate_ca", here)
    yield Drill("another authority, killed twice", "rotate_ca", here, (3, 4))
    # The load keeps the login of the application.
    yield Drill("other logins of the system account", "rotate_credentials", here | {"nats_cluster_rotate": ["sys"]})
    yield Drill(
        "other logins of the system account, killed twice",
        "rotate_credentials",
        here | {"nats_cluster_rotate": ["sys"]},
        (6, 8),
    )
    yield Drill("another password of the routes", "rotate_credentials", here | {"nats_cluster_rotate": ["routes"]})

    five = here | {"nats_cluster_replicas": 5}
    yield Drill("3 to 5 servers, killed twice", declares=five, killed=(5, 6))
    yield Drill("rebalance, killed", "rebalance", five, (2.5,))
    yield Drill("5 to 3 servers, killed three times", declares=here, killed=(5, 6, 6))
    # Nobody is connected to those that come and go. Their names are shut out for five minutes after the drill before: that is waited for.
    yield Drill("3 to 5 servers and back", declares=five, then=here)


def drill(wanted: Drill, folder: Path, program: str) -> tuple[list[str], str]:
    """A row of figures, and what is wrong with them."""
    early = []
    with load(program, folder, login(), "-stream=LOAD") as figures:
        started = time.monotonic()
        for seconds in wanted.killed:
            code, output = play(wanted.play, wanted.declares, seconds)
            if code not in (KILLED, -9):
                early.append(f"was to be killed after {seconds} s, and ended with {code}: {output[-3000:]}")
        code, output = play(wanted.play, wanted.declares)
        if wanted.then is not None and not code:
            code, output = play(wanted.play, wanted.then)
        took = time.monotonic() - started
    if code or "error" in figures:
        return [wanted.title, "failed"], figures.get("error") or output[-5000:]
    everyone = figures["all"]
    counts = (figures["acked"], figures["lost"], figures["doubled"], everyone["retried"], everyone["timeouts"])
    row = [wanted.title, f"{took:.1f}", *(f"{count:,}" for count in counts), str(everyone["timeouts_in_a_row"])]
    moved = all(publisher["retried"] <= publisher["reconnects"] for publisher in figures["publishers"])
    noticed = NOT_NOTICED.search(wanted.title) and not moved
    bad = figures["lost"] or figures["doubled"] or everyone["timeouts_in_a_row"] > 1 or not figures["within_timeout"]
    return [*row, f"{everyone['longest_stall']:.2f} s"], figures["table"] if bad or noticed else "\n".join(early)


def begin(version: str) -> str:
    """Three servers with the stream that the load goes to; what went wrong."""
    code, output = play("deploy", {"nats_cluster_version": version})
    if code:
        return output[-5000:]
    stream = {"streams": [{"name": "LOAD", "subjects": ["load.0.>"], "num_replicas": 3}]}
    arguments = json.dumps(stream | {"kubernetes": {"namespace": NAMESPACE}})
    code, output = run(
        ["ansible", "--connection=local", "localhost", "-m", "messaging.nats.nats_jetstream", "-a", arguments],
        env={"K8S_AUTH_KUBECONFIG": str(KUBECONFIG)},
        show=False,
    )
    return output if code else ""


def main() -> int:
    chosen = [wanted for wanted in drills() if re.search(sys.argv[1] if sys.argv[1:] else "", wanted.title)]
    if not chosen:
        return report("drills", [Check("DRILL", f"no drill's name matches {sys.argv[1]}")])
    program, rows, checks = built("bench/load/build"), [], []
    from_the_start = chosen[0] == next(drills())
    with kind(*VERSIONS, workers=5), tempfile.TemporaryDirectory() as folder:
        problem = begin(VERSIONS[0] if from_the_start else VERSIONS[-1])
        if problem:
            return report("drills", [Check("deploy", problem)])
        for wanted in chosen:
            row, problem = drill(wanted, Path(folder), program)
            print(" | ".join(row), flush=True)
            if problem:
                print(problem, flush=True)
            rows.append(row)
            checks.append(Check(wanted.title, problem))
    if not sys.argv[1:]:
        write(rows)
    return report("drills", checks)


def write(rows: list[list[str]]) -> None:
    head = PAGE.read_text().partition("| drill |")[0]
    table = [list(COLUMNS), ["---"] * len(COLUMNS), *rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
    PAGE.write_text(f"{head}{lines}\n\nLast run: {date.today().isoformat()}.\n")


if __name__ == "__main__":
    sys.exit(main())
