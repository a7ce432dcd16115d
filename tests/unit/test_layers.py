# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of module_utils import in one direction only, and no file imports itself by way of others."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

MODULE_UTILS = Path(__file__).resolve().parents[2] / "plugins" / "module_utils"
PREFIX = "ansible_collections.messaging.nats.plugins.module_utils"
# Each imports from itself and from those before it.
LAYERS = (
    "_common",
    "_kubernetes",
    "_config",
    "_nats",
    "_jetstream",
    "_health",
    "_operations",
    "_deploy",
    "_reporting",
)


def imported(source: str) -> set[str]:
    """The files of module_utils that a source names, as `package/file`: at its top, in functions and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.removeprefix(f"{PREFIX}.").split(".")
            if (
                name.startswith(f"{PREFIX}.")
                and len(parts) > 1
                and (MODULE_UTILS / parts[0] / f"{parts[1]}.py").exists()
            ):
                found.add(f"{parts[0]}/{parts[1]}")
    return found


IMPORTS = {
    f"{path.parent.name}/{path.stem}": imported(path.read_text())
    for path in sorted(MODULE_UTILS.rglob("*.py"))
    if path.name != "__init__.py"
}


def package(file: str) -> str:
    return file.partition("/")[0]


def test_every_file_is_in_a_package_of_the_order() -> None:
    assert {package(file) for file in IMPORTS} == set(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_package_imports_only_from_those_before_it(layer: str) -> None:
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    against = {
        (file, other)
        for file, others in IMPORTS.items()
        if package(file) == layer
        for other in others
        if package(other) not in allowed
    }
    assert not against


def test_no_file_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_package_itself_imports_nothing() -> None:
    assert [path.parent.name for path in MODULE_UTILS.rglob("__init__.py") if path.read_bytes()] == []


def test_what_is_imported_in_a_function_is_seen() -> None:
    source = f"def first():\n    from {PREFIX}._common.errors import NatsError\n    from {PREFIX}._nats import connect"
    assert imported(source) == {"_common/errors", "_nats/connect"}
