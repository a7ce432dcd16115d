# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No module returns a value under a key that Ansible itself acts on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

MODULES = sorted((Path(__file__).resolve().parents[3] / "plugins" / "modules").glob("*.py"))

# What ansible-core reads or writes in the result of a task: its strategies, its callbacks, its loops and its test plugins.
RESERVED = {
    "action",
    "add_group",
    "add_host",
    "ansible_facts",
    "ansible_included_var_files",
    "ansible_index_var",
    "ansible_item_label",
    "ansible_job_id",
    "ansible_loop",
    "ansible_loop_var",
    "ansible_module_results",
    "ansible_notify",
    "ansible_stats",
    "attempts",
    "backup_file",
    "censored",
    "changed",
    "cmd",
    "delta",
    "deprecations",
    "diff",
    "end",
    "exception",
    "failed",
    "failed_when_result",
    "failed_when_suppressed_exception",
    "false_condition",
    "finished",
    "include",
    "include_args",
    "invocation",
    "item",
    "module_stderr",
    "module_stdout",
    "msg",
    "rc",
    "reason",
    "results",
    "results_file",
    "retries",
    "skip_reason",
    "skipped",
    "skipped_reason",
    "start",
    "started",
    "stats",
    "status",
    "stderr",
    "stderr_lines",
    "stdout",
    "stdout_lines",
    "unreachable",
    "warnings",
}


def returned(path: Path) -> dict:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["RETURN"]:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no RETURN")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_return_value_has_a_name_that_ansible_reserves(path):
    names = set(returned(path))
    assert not names & RESERVED
    assert not {name for name in names if name.startswith(("ansible_", "_"))}
