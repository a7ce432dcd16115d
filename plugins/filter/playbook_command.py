# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: playbook_command
short_description: The command that runs a playbook of this collection on the same cluster
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Carries the inventory, the host of it, the name and namespace of the cluster, and what leads to the Kubernetes API.
    Keys, tokens and passwords are not part of it.
  - This filter is private to the collection and may change in any release.
positional: verb, variables
options:
  _input:
    description: What leads to the cluster, as the role P(messaging.nats.nats_cluster#role) knows it.
    type: dict
    required: true
  verb:
    description: Name of the playbook, as in V(uninstall).
    type: str
    required: true
  variables:
    description: More variables of the command.
    type: dict
    default: {}
"""

EXAMPLES = r"""
---
- name: How to go on
  ansible.builtin.debug:
    msg: "{{ {'variables': {'nats_cluster_namespace': 'staging'}} | messaging.nats.playbook_command('status') }}"
"""

RETURN = r"""
---
_value:
  description: A line for a shell.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.command_line import playbook_command


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"playbook_command": playbook_command}
