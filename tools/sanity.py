# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run every sanity test of ansible-test, without ignores, on a copy of what is in git. A warning fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .checks import CACHE, ROOT, Check, report, run, tracked_files, warnings

# ansible-test keeps its virtual environments at home. This one is ours: the user's stays untouched.
HOME = CACHE / "ansible-test"

# ansible-test would fetch this script from a host of its own to put pip into a new virtual environment; Python has one.
GET_PIP = """\
import subprocess, sys
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *wanted], check=True)
"""
PIP_VERSION = re.compile(r"pip='([\d.]+)'")

# The locale is the machine's; the second only introduces a repetition of what was warned of before.
HARMLESS = r"WARNING: (Using locale|Reviewing previous)"


def copy_tree(copy: Path) -> None:
    """Make a git repository of a collection that holds what is in git here."""
    shutil.rmtree(copy, ignore_errors=True)
    for path in tracked_files():
        if path.is_relative_to("tests/kind"):
            continue  # no Ansible: Kubernetes' manifests, a container file, shell. `make lint` looks at them.
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)


def prepare_home(site_packages: Path) -> None:
    """Give ansible-test a home with the scripts it would fetch, and with the user's cache and configuration of pip."""
    requirements = site_packages / "ansible_test" / "_internal" / "python_requirements.py"
    for version in PIP_VERSION.findall(requirements.read_text()):
        script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(GET_PIP)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for name, target in {".cache": CACHE.parent, ".config": config}.items():
        if not (HOME / name).is_symlink():
            (HOME / name).symlink_to(target)


def sanity(name: str, venv: Path, python: str, *, show: bool = True) -> tuple[list[Check], str]:
    """All sanity tests of the ansible-core in this virtual environment; its checks, and what is wrong with the run as a whole."""
    # ansible-test wants the path to end like this and a git repository of its own: it skips what git ignores.
    copy = ROOT / ".cache" / name / "ansible_collections" / "messaging" / "nats"
    copy_tree(copy)
    prepare_home(venv / "lib" / f"python{python}" / "site-packages")
    code, output = run(
        [str(venv / "bin" / "ansible-test"), "sanity", "--local", "--python", python, "--color", "no", "--junit"],
        cwd=copy,
        env={"HOME": str(HOME), "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        show=show,
    )
    checks = []
    for path in sorted((copy / "tests" / "output" / "junit").glob("*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            failures = [failure.text or "failed" for failure in case.iter("failure")]
            checks.append(Check(case.get("name", path.stem), "\n".join(failures)))
    return checks, f"exit code {code}" if code else warnings(output, harmless=HARMLESS)


def main() -> int:
    return report("sanity", *sanity("sanity", Path(sys.prefix), f"{sys.version_info.major}.{sys.version_info.minor}"))


if __name__ == "__main__":
    sys.exit(main())
