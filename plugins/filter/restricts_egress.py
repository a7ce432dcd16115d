# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: restricts_egress
short_description: Whether a NetworkPolicy restricts what NATS servers connect to
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - True where rules are declared, and for a new cluster whose servers connect to nothing but one another and DNS. A running cluster stays as it is.
  - This filter is private to the collection and may change in any release.
positional: rules, running, template
options:
  _input:
    description: The data of nats.conf.
    type: dict
    required: true
  rules:
    description: The egress rules that are declared.
    type: list
    elements: dict
    required: true
  running:
    description: What M(messaging.nats.nats_cluster_info) returned about the running cluster; empty where none runs.
    type: dict
    required: true
  template:
    description: The template of the servers' pods, as P(messaging.nats.server_pod#filter) finds it.
    type: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Decide on egress
  ansible.builtin.set_fact:
    restricted: "{{ config | messaging.nats.restricts_egress(nats_cluster_network_policy_egress, found.running, template) }}"
"""

RETURN = r"""
---
_value:
  description: Whether egress is restricted.
  type: bool
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.egress import restricts_egress


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"restricts_egress": restricts_egress}
