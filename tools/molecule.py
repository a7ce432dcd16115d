# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the Molecule scenarios named as arguments, or all of them. A warning fails."""

from __future__ import annotations

import re
import shutil
import sys

from .checks import CACHE, ROOT, Check, report, run, warnings
from .needs import NODE_PORT

STATE = ROOT / ".cache" / "molecule"
RECAP = re.compile(r"^(\S+) +: actions=\d+ .* failed=(\d+)$", re.MULTILINE)

# The scenarios share one state file, which Molecule compares with each of their configurations.
HARMLESS = "has been modified since the scenario was created"


def main() -> int:
    wanted = sys.argv[1:] or sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    # An interrupted run leaves "created: true" here; `molecule reset --all` stumbles over the shared directory.
    shutil.rmtree(STATE, ignore_errors=True)
    code, output = run(
        ["molecule", "test", "--no-command-borders", *(f"--scenario-name={name}" for name in wanted)],
        env={
            "MOLECULE_GLOB": "molecule/*/molecule.yml",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(STATE),
            "K8S_AUTH_KUBECONFIG": str(CACHE / "kind" / "messaging-nats-test.kubeconfig"),
            "KIND_NODE_PORT": str(NODE_PORT),  # the demo may be up as well
        },
    )
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
