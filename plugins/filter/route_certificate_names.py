# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: route_certificate_names
short_description: The names in the certificates of servers
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Returns all names by which each pod of a StatefulSet is known to others, and the longest name of the first pod for each of them.
  - This filter is private to the collection and may change in any release.
positional: service, namespace, domain
options:
  _input:
    description: The names of the pods, the first one first.
    type: list
    elements: str
    required: true
  service:
    description: The name of the headless Service.
    type: str
    required: true
  namespace:
    description: The namespace.
    type: str
    required: true
  domain:
    description: The DNS domain of the Kubernetes cluster; empty leaves out the names that need it.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Show the names of two servers
  ansible.builtin.debug:
    msg: "{{ ['nats-0', 'nats-1'] | messaging.nats.route_certificate_names('nats', 'nats', 'cluster.local') }}"
"""

RETURN = r"""
---
_value:
  description: The names of each pod.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.server_names import route_certificate_names


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"route_certificate_names": route_certificate_names}
