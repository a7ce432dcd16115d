# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the Molecule scenarios named as arguments, or all of them, and print how long each took. A warning fails.

Scenarios that do not disturb one another run two at a time: what one of them waits for, the other one uses. All others run alone.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .checks import CACHE, ROOT, Check, report, run, warnings
from .needs import CLUSTER, NODE_PORT

STATE = ROOT / ".cache" / "molecule"
KIND = "messaging-nats-test"
# The lists of a group run at the same time, each in a process of its own, and take about the same time.
# At most one scenario of a group uses the node port.
SIDE_BY_SIDE = (
    # They touch nothing outside of their own namespaces, and count no retries.
    (("default", "reload", "day2_lease"), ("diagnose", "patterns", "full_store", "uninstall", "preflight")),
    # What `health` takes away for some seconds, a node and DNS, `storage` does not need once its servers run.
    (("storage",), ("health",)),
)
BEGINS = re.compile(r"^INFO +\[(\w+) > (\w+)\] Executing$")
RECAP = re.compile(r"^(\S+) +: actions=\d+ .* failed=(\d+)$", re.MULTILINE)

# The scenarios share one state file, which Molecule compares with each of their configurations. It also says that the cluster is
# there, so that the scenarios that run alone find it, and this tool deletes the cluster itself.
HARMLESS = r"has been modified since the scenario was created|instances already created|'--destroy=never' requested"


class Stopwatch:
    """Seconds and processor time of each scenario's actions, by the lines that Molecule prints."""

    def __init__(self) -> None:
        self._begun = time.monotonic(), busy_seconds()
        self._now = ("", "")
        self._taken: dict[tuple[str, str], tuple[float, float]] = {}

    def line(self, line: str) -> None:
        if found := BEGINS.match(line):
            self._switch((found[1], found[2]))

    def _switch(self, to: tuple[str, str]) -> None:
        now = time.monotonic(), busy_seconds()
        seconds, busy = self._taken.get(self._now, (0.0, 0.0))
        self._taken[self._now] = seconds + now[0] - self._begun[0], busy + now[1] - self._begun[1]
        self._begun, self._now = now, to

    def table(self) -> str:
        self._switch(("", ""))
        rows = [f"{'scenario':12}{'seconds':>9}{'busy':>7}  of which"]
        for name in dict.fromkeys(scenario for scenario, _action in self._taken if scenario):
            actions = {action: taken for (scenario, action), taken in self._taken.items() if scenario == name}
            seconds, busy = (sum(taken[part] for taken in actions.values()) for part in (0, 1))
            parts = ", ".join(f"{action} {taken[0]:.0f}" for action, taken in actions.items() if taken[0] >= 1)
            rows.append(f"{name:12}{seconds:9.1f}{100 * busy / seconds if seconds else 0:6.0f}%  {parts}")
        return "\n".join(rows)


def busy_seconds() -> float:
    """Seconds that the processors of this machine have worked, as the average of all of them; 0 where the system does not tell."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    ticks = [int(text) for text in stat.read_text().splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)


def groups(wanted: Sequence[str]) -> list[list[list[str]]]:
    """The scenarios in groups, one after the other; the lists of a group run at the same time."""
    beside = [[[name for name in names if name in wanted] for names in group] for group in SIDE_BY_SIDE]
    taken = {name for group in beside for names in group for name in names}
    alone = [name for name in wanted if name not in taken]
    return [group for group in ([names for names in group if names] for group in [*beside, [alone]]) if group]


def run_scenarios(names: Sequence[str], *, lane: int, show: bool) -> tuple[int, str, str]:
    """Run scenarios one after the other; return the exit code, what was printed, and the table of seconds."""
    watch = Stopwatch()
    code, output = run(
        ["molecule", "test", "--no-command-borders", "--destroy=never", *(f"--scenario-name={name}" for name in names)],
        env={
            "MOLECULE_GLOB": "molecule/*/molecule.yml",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(STATE / str(lane)),
            "K8S_AUTH_KUBECONFIG": str(CACHE / "kind" / f"{KIND}.kubeconfig"),
            "KIND_NODE_PORT": str(NODE_PORT),  # the demo may be up as well
        },
        each_line=watch.line,
        show=show,
    )
    return code, output, watch.table()


def run_group(group: Sequence[Sequence[str]]) -> list[tuple[int, str, str]]:
    """Run the lists of a group at the same time. The first one is shown as it runs, the others when all have ended."""
    with ThreadPoolExecutor(len(group)) as pool:
        started = [pool.submit(run_scenarios, names, lane=lane, show=lane == 0) for lane, names in enumerate(group)]
        done = [each.result() for each in started]
    for _code, output, _table in done[1:]:
        print(output, end="", flush=True)
    return done


def main() -> int:
    wanted = sys.argv[1:] or sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    # An interrupted run leaves "created: true" here; `molecule reset --all` stumbles over the shared directory.
    shutil.rmtree(STATE, ignore_errors=True)
    done: list[tuple[int, str, str]] = []
    for group in groups(wanted):
        done += run_group(group)
        if any(code for code, _output, _table in done):
            break
    code, _output = run([str(CLUSTER), "delete", KIND])
    print("\n" + "\n".join(table for _code, _output, table in done) + "\n", flush=True)
    return report("molecule", checks_of(wanted, done), problem_of([code, *(each[0] for each in done)], done))


def checks_of(wanted: Sequence[str], done: Sequence[tuple[int, str, str]]) -> list[Check]:
    """What Molecule's recap says of each scenario; one that it does not name was not run."""
    failures: dict[str, int] = {}
    for name, failed in (found for _code, output, _table in done for found in RECAP.findall(output)):
        failures[name] = failures.get(name, 0) + int(failed)
    broke_off = any(code for code, _output, _table in done)
    checks = []
    for name in wanted:
        if name in failures:
            checks.append(Check(name, f"{failures[name]} failed, see the output" if failures[name] else ""))
        elif not broke_off:
            checks.append(Check(name, "was not run"))
    return checks


def problem_of(codes: Sequence[int], done: Sequence[tuple[int, str, str]]) -> str:
    """What is wrong with the run as a whole."""
    if bad := [code for code in codes if code]:
        return f"exit code {bad[0]}"
    return "\n".join(filter(None, (warnings(output, harmless=HARMLESS) for _code, output, _table in done)))


if __name__ == "__main__":
    sys.exit(main())
