# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the steps of `make test` in order up to the first that fails, and count what passed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

from .checks import RESULTS, ROOT
from .needs import missing

# Not `sanity`: `cores` runs it with the oldest and the newest ansible-core.
STEPS = ("lint", "units", "integration", "cores", "molecule")


def count(results: Path) -> tuple[int, int]:
    """Passed and failed in a file of JUnit results; what was skipped did not pass."""
    total = failed = 0
    if results.exists():
        for suite in ElementTree.parse(results).iter("testsuite"):
            total += int(suite.get("tests", 0))
            failed += sum(int(suite.get(kind, 0)) for kind in ("failures", "errors", "skipped"))
    return total - failed, failed


def run(step: str) -> tuple[int, int]:
    """Run one step; what ends badly, or tests nothing, counts as a failure."""
    print(f"\n=== {step} ===", flush=True)
    results = RESULTS / f"{step}.xml"
    results.unlink(missing_ok=True)
    make = [os.environ.get("MAKE", "make"), "--no-print-directory", step]
    code = subprocess.run(make, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    passed, failed = count(results)
    return passed, failed or int(code != 0 or not passed)


def main() -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    if lacks := missing():
        summary = f"0 passed, {len(lacks)} failed"
        (RESULTS / "summary").write_text(summary + "\n")
        print(
            "\n".join(
                [
                    "`make test` needs of this machine, and can't bring itself:",
                    *(f"- {each}" for each in lacks),
                    summary,
                ]
            )
        )
        return 1
    # Where its version has no wheel it is built, while the linters run.
    subprocess.Popen([str(ROOT / "tools" / "nats-server")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    table = f"{'step':12}{'passed':>8}{'failed':>8}{'seconds':>9}\n"
    passed = failed = 0
    for step in STEPS:
        if failed:
            table += f"{step:12} not run\n"
            continue
        started = time.monotonic()
        step_passed, failed = run(step)
        passed += step_passed
        table += f"{step:12}{step_passed:8}{failed:8}{time.monotonic() - started:9.1f}\n"
    summary = f"{passed} passed, {failed} failed"
    (RESULTS / "summary").write_text(summary + "\n")
    print(f"\n{table}{summary}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
