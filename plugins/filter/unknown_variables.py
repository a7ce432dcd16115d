# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: unknown_variables
short_description: Which variables a role of this collection does not know
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Looks for names with the role's prefix that the role does not know, and for other names that are almost one of its variables.
    A default would stand in for what was mistyped.
  - This filter is private to the collection and may change in any release.
positional: known, others
options:
  _input:
    description: The names of all variables that begin with the role's prefix.
    type: list
    elements: str
    required: true
  known:
    description: The names that the role knows. Any other one is a problem, because ignoring it could leave something unprotected.
    type: list
    elements: str
    required: true
  others:
    description: The names of other variables that begin with C(nats). One that is almost a variable of the role is a problem, too.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
---
- name: Refuse a mistyped variable
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems }}"
  vars:
    problems: "{{ given | messaging.nats.unknown_variables(known) }}"
"""

RETURN = r"""
---
_value:
  description: Sentences that begin with the variable and end in how to write it. Empty when all is well.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.unknown_variables import unknown_variables


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"unknown_variables": unknown_variables}
