# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run every sanity test of ansible-test, without ignores, on a copy of what is in git. A warning fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .checks import CACHE, ROOT, Check, report, run, tracked_files, warnings

# ansible-test wants the path to end like this and a git repository of its own: it skips what git ignores.
COPY = ROOT / ".cache" / "sanity" / "ansible_collections" / "messaging" / "nats"
# ansible-test keeps its virtual environments at home. This one is ours: the user's stays untouched.
HOME = CACHE / "ansible-test"

# ansible-test would fetch this script from a host of its own to put pip into a new virtual environment; Python has one.
GET_PIP = """\
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
"""

# The locale is the machine's; the second only introduces a repetition of what was warned of before.
HARMLESS = r"WARNING: (Using locale|Reviewing previous)"


def copy_tree() -> None:
    """Make a git repository of a collection that holds what is in git here."""
    shutil.rmtree(COPY, ignore_errors=True)
    for path in tracked_files():
        if path.is_relative_to("tests/kind"):
            continue  # no Ansible: Kubernetes' manifests, a container file, shell. `make lint` looks at them.
        (COPY / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, COPY / path, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=COPY, check=True)
    subprocess.run(["git", "add", "--all"], cwd=COPY, check=True)


def prepare_home() -> None:
    """Give ansible-test a home with the script it would fetch, and with the user's cache and configuration of pip."""
    script = HOME / ".ansible" / "test" / "cache" / "get_pip_24_2.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(GET_PIP)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for name, target in {".cache": CACHE.parent, ".config": config}.items():
        if not (HOME / name).is_symlink():
            (HOME / name).symlink_to(target)


def main() -> int:
    copy_tree()
    prepare_home()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    code, output = run(
        ["ansible-test", "sanity", "--local", "--python", python, "--color", "no", "--junit"],
        cwd=COPY,
        env={"HOME": str(HOME)},
    )
    checks = []
    for path in sorted((COPY / "tests" / "output" / "junit").glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            failures = [failure.text or "failed" for failure in case.iter("failure")]
            checks.append(Check(case.get("name", path.stem), "\n".join(failures)))
    return report("sanity", checks, f"exit code {code}" if code else warnings(output, harmless=HARMLESS))


if __name__ == "__main__":
    sys.exit(main())
