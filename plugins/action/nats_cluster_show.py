# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints a text as it is. A module can't: all that it returns is printed as data, in quotes."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable, displayable_data

SPEC: dict[str, Any] = {
    "text": {"type": "str", "default": ""},
    "problems": {"type": "list", "elements": "str", "default": []},
    "outcome": {"type": "dict", "default": {}},
}
# Callbacks whose output is data.
READ_BY_PROGRAMS = ("json", "jsonl", "null")
PARTS_OF_A_FAILURE = ("msg", "code", "cause", "remedy", "err_code")


class ActionModule(ActionBase):
    """Runs where Ansible runs, without a module and without a connection."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        # With -v, Ansible prints all of it.
        result |= displayable_data(self._shown(task_vars or {}))
        return result

    def _shown(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Prints the text, and returns what belongs in the result."""
        given = ArgumentSpecValidator(SPEC).validate(self._task.args)
        if given.error_messages:
            remedy = "Correct the options of the task."
            return failed(given.error_messages, "INVALID_OPTIONS", remedy)
        options = given.validated_parameters
        if options["problems"]:
            remedy = "Correct these variables, and run it again."
            return failed(options["problems"], "INVALID_VARIABLES", remedy)
        if options["outcome"].get("code"):
            parts = {key: value for key in PARTS_OF_A_FAILURE if (value := options["outcome"].get(key)) is not None}
            return {"failed": True} | parts
        if options["text"]:
            show(displayable(options["text"].strip("\n")), host_of(task_vars))
        return {"changed": False, "text": options["text"]}


def failed(sentences: list[str], code: str, remedy: str) -> dict[str, Any]:
    cause = "\n".join(sentences)
    return {"failed": True, "msg": cause, "code": code, "cause": cause, "remedy": remedy}


def host_of(task_vars: dict[str, Any]) -> str:
    """The name of the host where there are several, so that the texts of several clusters can be told apart."""
    return (
        str(task_vars.get("inventory_hostname", "")) if len(task_vars.get("ansible_play_hosts_all") or ()) > 1 else ""
    )


def show(text: str, host: str) -> None:
    callback = str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
    if callback.rpartition(".")[2] not in READ_BY_PROGRAMS:
        Display().display(f"[{host}]\n{text}" if host else text)
