# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the Molecule scenarios named as arguments, or all of them, and print how long each took. A warning fails."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path

from .checks import CACHE, ROOT, Check, report, run, warnings
from .needs import NODE_PORT

STATE = ROOT / ".cache" / "molecule"
BEGINS = re.compile(r"^INFO +\[(\w+) > (\w+)\] Executing$")
RECAP = re.compile(r"^(\S+) +: actions=\d+ .* failed=(\d+)$", re.MULTILINE)

# The scenarios share one state file, which Molecule compares with each of their configurations.
HARMLESS = "has been modified since the scenario was created"


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


def main() -> int:
    wanted = sys.argv[1:] or sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    # An interrupted run leaves "created: true" here; `molecule reset --all` stumbles over the shared directory.
    shutil.rmtree(STATE, ignore_errors=True)
    watch = Stopwatch()
    code, output = run(
        ["molecule", "test", "--no-command-borders", *(f"--scenario-name={name}" for name in wanted)],
        env={
            "MOLECULE_GLOB": "molecule/*/molecule.yml",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(STATE),
            "K8S_AUTH_KUBECONFIG": str(CACHE / "kind" / "messaging-nats-test.kubeconfig"),
            "KIND_NODE_PORT": str(NODE_PORT),  # the demo may be up as well
        },
        each_line=watch.line,
    )
    print(f"\n{watch.table()}\n", flush=True)
    failures: dict[str, int] = {}
    for name, failed in RECAP.findall(output):
        failures[name] = failures.get(name, 0) + int(failed)
    checks = []
    for name in wanted:
        if name in failures:
            checks.append(Check(name, f"{failures[name]} failed, see the output" if failures[name] else ""))
        elif not code:
            checks.append(Check(name, "was not run"))
    return report("molecule", checks, f"exit code {code}" if code else warnings(output, harmless=HARMLESS))


if __name__ == "__main__":
    sys.exit(main())
