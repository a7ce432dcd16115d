# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection where Ansible itself runs, when it would run there anyway. PRIVATE to the collection: it can change at any time.

A module of Ansible is packed, unpacked and started as a Python of its own, which imports its libraries again for each task: a second
of every task on a machine that has time, two or three on a busy one. Ansible forks a process for each task in any case; here the
module runs in that one, on what the process before it has imported. ansible.netcommon does the same for network devices, and
ansible-core keeps a hook for it. It also lets a module tell what it does while it does it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.module_utils.basic import AnsibleModule
from ansible.plugins.action.normal import ActionModule as NormalActionModule
from ansible.utils.display import Display
from ansible.vars.clean import remove_internal_keys

from ansible_collections.messaging.nats.plugins.module_utils import _nats_module, _progress
from ansible_collections.messaging.nats.plugins.module_utils._module import CollectionModule, Handed

try:
    from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
except ImportError:
    HAS_HOOK = False  # ansible-core before 2.19
else:
    HAS_HOOK = hasattr(AnsibleModule, "_record_module_result")

PROFILE = "legacy"
MODULES = "ansible_collections.messaging.nats.plugins.modules"


class ActionModule(NormalActionModule):
    """What runs any module of Ansible, with a shorter way for this collection's own."""

    # Ansible reads an action before it forks, so each task finds these there.
    imported: tuple[ModuleType, ...] = (_nats_module,)

    def _execute_module(self, *args: Any, **named: Any) -> dict[str, Any]:
        task_vars = named.get("task_vars") or {}
        if self._is_at_hand(task_vars):
            return self._run_here(task_vars)
        result: dict[str, Any] = super()._execute_module(*args, **named)
        return result

    def _is_at_hand(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would be started on this machine, as this user, with this Python, and waited for."""
        return bool(
            HAS_HOOK
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

    def _run_here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        name = str(self._task.action)
        module = importlib.import_module(f"{MODULES}.{name.rpartition('.')[2]}")
        arguments = dict(self._task.args)
        self._update_module_args(name, arguments, task_vars)
        # Of its own it would make another one, and remove it when the process ends, which this one does otherwise.
        arguments["_ansible_tmpdir"] = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)  # type: ignore[no-untyped-call]
        handed = Handed(_as_sent(arguments, Direction.CONTROLLER_TO_MODULE))
        silent = bool(self._task.no_log)
        with (
            _surroundings(self._loader.get_basedir(), environment),
            _told(silent),
            _handed(handed),
            contextlib.suppress(SystemExit),  # whatever else it raises, Ansible tells as of any action
        ):
            module.main()
        result: dict[str, Any] = _as_sent(handed.result, Direction.MODULE_TO_CONTROLLER)
        remove_internal_keys(result)
        return result


def _as_sent(data: Any, direction: Any) -> Any:
    """What arrives of data that goes from one process to another."""
    encoder, decoder = get_module_encoder(PROFILE, direction), get_module_decoder(PROFILE, direction)
    return json.loads(json.dumps(data, cls=encoder), cls=decoder)


@contextlib.contextmanager
def _surroundings(folder: str, environment: Mapping[str, str]) -> Iterator[None]:
    """The folder and the environment that a process for the module would have; what its libraries print is lost there, too."""
    before, here = dict(os.environ), os.getcwd()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _handed(handed: Handed) -> Iterator[None]:
    CollectionModule.handed = handed
    try:
        yield
    finally:
        CollectionModule.handed = None


@contextlib.contextmanager
def _told(silent: bool) -> Iterator[None]:
    """What is under way is shown beside the output of Ansible, which may be read by a program."""

    def show(sentence: str) -> None:
        Display().display(f"  {sentence}", stderr=True)

    with _progress.heard_by(_progress.nobody if silent else show):
        yield
