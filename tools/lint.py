# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run all linters, as many at a time as there are cores. A warning fails."""

from __future__ import annotations

import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from .checks import CACHE, ROOT, Check, report, run, tracked_files, warnings

COMMANDS = {
    "mypy": ["mypy", "--cache-dir", str(CACHE / "mypy"), "-p", "ansible_collections.messaging.nats"],
    "ansible-lint": ["ansible-lint", "-q"],
    "antsibull-docs": [
        *["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck"],
        *["--validate-collection-refs", "self", "."],
    ],
    "antsibull-changelog": ["antsibull-changelog", "lint"],
    "reuse": ["reuse", "lint", "--lines"],
    "yamllint": ["yamllint", "--strict", "."],
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--diff"],
}


def shell_scripts() -> list[str]:
    """The files that begin with a shell's shebang."""
    found = []
    for path in tracked_files():
        if (ROOT / path).is_file() and (ROOT / path).read_bytes()[:40].startswith(
            (b"#!/usr/bin/env bash", b"#!/bin/sh")
        ):
            found.append(str(path))
    return found


def of_examples() -> dict[str, list[str]]:
    """The linters of the clients in other languages, where those are at hand; a Molecule scenario runs them everywhere."""
    clients = "examples/clients"
    linters = {
        "go vet": ["go", "-C", f"{clients}/go", "vet", "./..."],
        "gofmt": ["gofmt", "-d", f"{clients}/go"],
        "node": ["node", "--check", f"{clients}/nodejs/client.js"],
    }
    return {name: command for name, command in linters.items() if shutil.which(command[0])}


def lint(name: str) -> Check:
    """Run one linter and show what it finds."""
    started = time.monotonic()
    code, output = run(COMMANDS[name], show=False)
    problem = output.strip() or f"exit code {code}" if code else warnings(output)
    print(f"--- {name} ({time.monotonic() - started:.1f} s)\n{output if problem else ''}", end="")
    return Check(name, problem)


def main() -> int:
    COMMANDS["shellcheck"] = ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *shell_scripts()]
    COMMANDS.update(of_examples())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return report("lint", pool.map(lint, COMMANDS))


if __name__ == "__main__":
    sys.exit(main())
