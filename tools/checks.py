# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps of `make test` share: run a command in view, see its warnings, report checks as JUnit XML."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "messaging.nats"
RESULTS = ROOT / ".cache" / "test"

WARNING = re.compile(r"\b(WARNING|[A-Z]\w+Warning)\b|^warning\b", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; without a problem it passed."""

    name: str
    problem: str = ""


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    show: bool = True,
    each_line: Callable[[str], None] | None = None,
) -> tuple[int, str]:
    """Run without standard input and colours; return the exit code and what was printed. `each_line` is called as a line comes."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = ""
        for line in process.stdout or ():
            output += line
            if each_line:
                each_line(line)
            if show:
                print(line, end="", flush=True)
    return process.returncode, output


def warnings(output: str, *, harmless: str = r"(?!)") -> str:
    """The lines that warn, one below the other."""
    return "\n".join(line for line in output.splitlines() if WARNING.search(line) and not re.search(harmless, line))


def report(step: str, checks: Iterable[Check], problem: str = "") -> int:
    """Write the results of a step where `make test` counts them, and return its exit code.

    A problem of the step as a whole counts where no check failed.
    """
    found = list(checks)
    if problem and not any(check.problem for check in found):
        found.append(Check(step, problem))
    failed = sum(bool(check.problem) for check in found)

    suite = ElementTree.Element("testsuite", name=step, tests=str(len(found)), failures=str(failed))
    for check in found:
        case = ElementTree.SubElement(suite, "testcase", classname=step, name=check.name)
        if check.problem:
            text = "".join(c for c in check.problem if c.isprintable() or c in "\n\t")
            ElementTree.SubElement(case, "failure").text = text
            print(f"FAILED {check.name}: {text}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(RESULTS / f"{step}.xml", encoding="utf-8")
    print(f"{step}: {len(found) - failed} passed, {failed} failed")
    return 1 if failed else 0


def tracked_files() -> list[Path]:
    """Every file that is, or would be, in git, relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and os.path.lexists(ROOT / name)]
