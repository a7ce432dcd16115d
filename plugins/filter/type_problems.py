# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: type_problems
short_description: Which variables of a role are of the wrong type
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Compares values with the documentation of a role's variables. Ansible's own check shows that documentation as a whole where one value is wrong.
  - No sentence shows a secret.
  - This filter is private to the collection and may change in any release.
positional: options
options:
  _input:
    description: The values of the variables, by their full names.
    type: dict
    required: true
  options:
    description: The documentation of the variables, C(options) in the role's C(meta/argument_specs.yml).
    type: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Refuse a value of the wrong type
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems }}"
  vars:
    problems: "{{ declared | messaging.nats.type_problems(options) }}"
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

from ansible_collections.messaging.nats.plugins.module_utils._config.variable_types import type_problems


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"type_problems": type_problems}
