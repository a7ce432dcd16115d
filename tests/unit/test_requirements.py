# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requirements name every Python library that a plugin imports, and no other."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"^([A-Za-z0-9._-]+)\s*>=\s*[0-9.]+$")
DISTRIBUTIONS = packages_distributions()
# Where an import goes through one of Ansible's own files.
BY_ANSIBLE = {"ansible.module_utils.common.yaml": "pyyaml"}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(path: Path) -> set[str]:
    lines = [line.strip() for line in path.read_text().splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
    assert [line for line in wanted if not NAME.match(line)] == []
    return {normalized(line.partition(">=")[0].strip()) for line in wanted}


def imported(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def libraries(path: Path) -> set[str]:
    """The distributions of what a file imports that is neither Python's, Ansible's nor ours."""
    found = set()
    for module in imported(path):
        top = module.partition(".")[0]
        if module in BY_ANSIBLE:
            found.add(BY_ANSIBLE[module])
        elif top not in sys.stdlib_module_names and top not in ("ansible", "ansible_collections"):
            found |= {normalized(name) for name in DISTRIBUTIONS.get(top, [top])}
    return found


SOURCES = sorted((ROOT / "plugins").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT / "plugins")) for path in SOURCES])
def test_what_a_plugin_imports_is_required(path):
    assert libraries(path) - required(ROOT / "meta" / "ee-requirements.txt") == set()


def test_what_is_required_is_imported():
    assert required(ROOT / "meta" / "ee-requirements.txt") == set().union(*map(libraries, SOURCES))


def test_pip_installs_what_an_execution_environment_has():
    assert "-r meta/ee-requirements.txt" in (ROOT / "requirements.txt").read_text().splitlines()
    assert required(ROOT / "requirements.txt") == set()
