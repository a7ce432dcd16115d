# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: listener_ports
short_description: The ports of listeners that nats.conf declares
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Finds the websocket, MQTT, leaf node and gateway listeners of a configuration, which get a port of the container, a port of the Service
    and a rule of the NetworkPolicy.
  - What overrides or another NetworkPolicy already declare for a port is left to them.
  - This filter is private to the collection and may change in any release.
positional: overrides, extra_objects, cluster
options:
  _input:
    description: The data of nats.conf.
    type: dict
    required: true
  overrides:
    description: The overrides of the cluster's objects.
    type: dict
    required: true
  extra_objects:
    description: The objects that are declared beside those of the role.
    type: list
    elements: dict
    required: true
  cluster:
    description: The name of the cluster.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Find the ports
  ansible.builtin.set_fact:
    ports: "{{ config | messaging.nats.listener_ports(nats_cluster_overrides, nats_cluster_extra_objects, nats_cluster_name) }}"
"""

RETURN = r"""
---
_value:
  description: The listeners by where they are declared, as C(container), C(service) and C(policy); C(name) and C(port) of each.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.listeners import listener_ports


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"listener_ports": listener_ports}
