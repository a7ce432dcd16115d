# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: validate_role_variables
short_description: What is wrong with the variables of the role nats_cluster
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Looks at the variables alone, not at any Kubernetes cluster, and returns all problems at once.
    The role P(messaging.nats.nats_cluster#role) refuses to start while there are any.
  - No sentence shows a password.
  - This filter is private to the collection and may change in any release.
positional: options, others
options:
  _input:
    description: All variables whose names begin with C(nats_cluster_), by their full names.
    type: dict
    required: true
  options:
    description: The documentation of the variables that the role knows. Any other one is a problem, because ignoring it could leave something unprotected.
    type: dict
    required: true
  others:
    description: The names of other variables that begin with C(nats). One that is almost a variable of the role is a problem, too.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
---
- name: Refuse what cannot be
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems }}"
  vars:
    problems: "{{ declared | messaging.nats.validate_role_variables(options) }}"
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

from ansible_collections.messaging.nats.plugins.module_utils._config.role_variables import validate_role_variables


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"validate_role_variables": validate_role_variables}
