# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each failure has a code, and each code is documented."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, Unasked

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = re.findall(r"^\| `([A-Z_0-9]+)` \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
PLUGINS = [
    path for folder in ("action", "modules", "module_utils") for path in (ROOT / "plugins" / folder).rglob("*.py")
]
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def errors(source):
    """The calls that make a NatsError, each with its line and whether it has a code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NatsError":
            yield node.lineno, any(keyword.arg in ("code", None) for keyword in node.keywords)


def codes(source):
    """The codes that a source writes, as an argument or as the code of a class of errors."""
    for node in ast.walk(ast.parse(source)):
        values = [node.value] if isinstance(node, ast.keyword) and node.arg == "code" else []
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            values = [
                item.value
                for item in node.body
                if isinstance(item, ast.Assign) and ast.unparse(item.targets[0]) == "code"
            ]
        for value in values:
            yield from (
                part.value
                for part in ast.walk(value)
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value)
            )


def test_each_failure_has_a_code():
    without = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in PLUGINS
        for line, has_code in errors(path.read_text())
        if not has_code
    ]
    assert without == []


def texts(source):
    """Every text of a source: refusals of a plan have their code in a field."""
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}


def test_each_code_is_documented_once_and_no_other():
    always = {f"ACCOUNT_{reason.name}" for reason in Unasked} | {NatsError.code}
    written = always.union(*(codes(path.read_text()) for path in PLUGINS))
    anywhere = always.union(*(texts(path.read_text()) for path in PLUGINS))
    assert len(DOCUMENTED) == len(set(DOCUMENTED))
    assert sorted(written - set(DOCUMENTED)) == []
    assert sorted(set(DOCUMENTED) - anywhere) == []
