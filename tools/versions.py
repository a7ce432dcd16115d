# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules against every minor version of nats-server that they talk to; the result goes to docs/versions.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date

from .checks import ROOT, Check, report, run

# The latest patch of each minor version, and old ones: up to 2.10.5 a server deletes what is above a limit under `discard: new` too.
SERVERS = ["2.10.0", "2.10.5", "2.10.6", "2.10.26", "2.11.11", "2.12.8", "2.14.6", "2.15.2"]
# The modules talk to all of them, the role deploys 2.11 and later.
TESTS = {
    "tests/integration/test_versions.py": "2.10",
    "tests/integration/test_losses.py": "2.10",
    "tests/integration/test_account_limits.py": "2.10",
    "tests/integration/test_defaults.py": "2.10",
    "tests/integration/test_property.py": "2.10",
    "tests/integration/test_reload.py": "2.11",
    "tests/integration/test_store_limits.py": "2.11",
    "tests/integration/test_members.py": "2.11",
    "tests/integration/test_lame_duck.py": "2.11",
}
# Pairs of generated declarations of each kind, on each server.
PROPERTY_EXAMPLES = os.environ.get("PROPERTY_EXAMPLES", "200")
PAGE = ROOT / "docs" / "versions.md"
PASSED = re.compile(r"^(\d+) passed", re.MULTILINE)


def binary(version: str) -> str:
    """The server, which is in the user's cache or brought there."""
    command = [str(ROOT / "tools" / "nats-server"), version]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def main() -> int:
    rows, checks = [], []
    for version in SERVERS:
        server = binary(version)
        told = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        tests = [name for name, oldest in TESTS.items() if version >= oldest]
        environment = os.environ | {"NATS_SERVER": server, "PROPERTY_EXAMPLES": PROPERTY_EXAMPLES}
        code, output = run(["pytest", "-q", *tests], env=environment)
        passed = PASSED.search(output)
        checks.append(Check(f"nats-server {version}", "failed" if code or not passed or told != f"v{version}" else ""))
        rows.append(
            f"| {told.removeprefix('v')} | {passed[1] if passed else 0} passed{', some failed' if code else ''} |"
        )
    head = PAGE.read_text().partition("| Tested with |")[0]
    table = "\n".join(["| Tested with | Result |", "|---|---|", *rows])
    PAGE.write_text(f"{head}{table}\n\nLast run: {date.today().isoformat()}.\n")
    return report("versions", checks)


if __name__ == "__main__":
    sys.exit(main())
