# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: kubectl_command
short_description: The kubectl command that reaches the namespace of the same cluster
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Carries the kubeconfig, the context and the namespace. Keys, tokens and passwords are not part of it.
  - This filter is private to the collection and may change in any release.
options:
  _input:
    description: What leads to the cluster, as the role P(messaging.nats.nats_cluster#role) knows it.
    type: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Where the pods are
  ansible.builtin.debug:
    msg: "{{ {'variables': {'nats_cluster_namespace': 'staging'}} | messaging.nats.kubectl_command }} get pods"
"""

RETURN = r"""
---
_value:
  description: The beginning of a line for a shell.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.command_line import kubectl_command


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubectl_command": kubectl_command}
