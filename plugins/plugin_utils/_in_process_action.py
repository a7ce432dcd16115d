# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection where Ansible itself runs, when it would run there anyway. PRIVATE to the collection: it can change at any time.

A module of Ansible is packed, unpacked and started as a Python of its own, which imports its libraries again for each task: a second
of every task on a machine that has time, two or three on a busy one. Ansible forks a process for each task in any case; here the
module runs in that one, on what the process before it has imported. ansible.netcommon does the same for network devices. It also lets
a module tell what it does while it does it.

It is a shortcut and never a condition: in a version of ansible-core or a situation that it does not know, the module is run as any other.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ansible import constants
from ansible.plugins.action.normal import ActionModule as NormalActionModule

# Ansible reads an action before it forks, so each task finds there what is imported here.
try:
    from ansible_collections.messaging.nats.plugins.plugin_utils import _in_process
except Exception:  # noqa: BLE001
    HAS_IN_PROCESS = False  # a version of ansible-core that lacks what this needs
else:
    HAS_IN_PROCESS = _in_process.HAS_PROFILES


class ActionModule(NormalActionModule):
    """What runs any module of Ansible, with a shorter way for this collection's own."""

    def _execute_module(self, *args: Any, **named: Any) -> dict[str, Any]:
        ordinary: Callable[..., dict[str, Any]] = super()._execute_module
        if args or not named.keys() <= {"task_vars", "wrap_async"} or named.get("wrap_async"):
            return ordinary(*args, **named)
        if not (prepared := self._prepared(named.get("task_vars") or {})):
            return ordinary(*args, **named)
        try:
            printed = _in_process.run(*prepared, silent=bool(self._task.no_log))
        except _in_process.NotStartedError:
            return ordinary(*args, **named)
        return self._parsed(printed)

    def _should_remove_tmp_path(self, tmp_path: str | None) -> bool:
        """Always: the file of a module has its arguments in it, with passwords, also where the setting keep_remote_files is on."""
        return bool(tmp_path and getattr(self, "_cleanup_remote_tmp", True) and "-tmp-" in tmp_path)

    def _prepared(self, task_vars: dict[str, Any]) -> tuple[Callable[[], None], _in_process.Surroundings] | None:
        """The module's main() and what it is to be given, or nothing where it has to be run in the ordinary way."""
        try:
            if not self._is_in_process_action(task_vars):
                return None
            name = str(self._task.action)
            arguments = dict(self._task.args)
            self._update_module_args(name, arguments, task_vars)
            # Of its own it would make another one, and remove it when the process ends, which this one does otherwise.
            arguments["_ansible_tmpdir"] = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]
            environment: dict[str, str] = {}
            self._compute_environment_string(environment)  # type: ignore[no-untyped-call]
            surroundings = _in_process.Surroundings(arguments, environment, self._loader.get_basedir())
            main = _in_process.load(name.rpartition(".")[2])
            _in_process.rehearse(surroundings, self._parsed)
        except Exception:  # noqa: BLE001
            return None  # nothing was started yet, and the ordinary way tells what is wrong
        return main, surroundings

    def _is_in_process_action(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would be started on this machine, as this user, with this Python, and waited for."""
        return bool(
            HAS_IN_PROCESS
            and multiprocessing.parent_process() is not None  # in the process that Ansible forks for a task
            and threading.current_thread() is threading.main_thread()
            and self._connection.transport in ("local", "ansible.builtin.local")
            and not self._connection.become
            and not self._task.async_val
            and self._interpreter(task_vars) == sys.executable
        )

    def _interpreter(self, task_vars: Mapping[str, Any]) -> str | None:
        if self._task.delegate_to:
            task_vars = task_vars["ansible_delegated_vars"][self._task.delegate_to]
        wanted = task_vars.get("ansible_python_interpreter")
        return str(self._templar.template(wanted)) if wanted else None

    def _parsed(self, printed: _in_process.Printed) -> dict[str, Any]:
        """What ActionBase._execute_module makes of a module's output."""
        parsed: Any = self._parse_returned_data(printed.result(), _in_process.PROFILE)
        if isinstance(parsed, dict):  # ansible-core 2.19 and 2.20
            internal = {name for name in parsed if name.startswith("_ansible_") and name != "_ansible_parsed"}
            empty = {name for name in ("warnings", "deprecations") if not parsed.get(name)}
            return {name: value for name, value in parsed.items() if name not in internal | empty}
        parsed.remove_internal_keys()
        result: dict[str, Any] = parsed.as_result_dict(for_round_trip=True)
        return result
