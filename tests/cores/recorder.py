# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes the result of every task on every host into the file $RECORDED, whatever the version of ansible-core."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: aggregate
short_description: Writes results into a file
description: Writes the result of every task on every host into a file.
options: {}
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.recorded: list[dict[str, Any]] = []

    def _record(self, result: Any) -> None:
        # ansible-core 2.19 and newer have public names for these.
        task, host, content = (
            getattr(result, name) if hasattr(result, name) else getattr(result, f"_{name}")
            for name in ("task", "host", "result")
        )
        self.recorded.append(
            {"host": host.get_name(), "task": task.get_name(), "action": task.action, "result": dict(content)}
        )

    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_on_unreachable = _record
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_item_on_skipped = _record

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        with open(os.environ["RECORDED"], "w", encoding="utf-8") as file:
            json.dump(self.recorded, file, default=str)
