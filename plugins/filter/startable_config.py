# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: startable_config
short_description: What of a declared nats.conf the servers of a running cluster can take over now
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Leaves out C(cluster.tls) while there are pods that do not mount its files, and the servers have no such block yet. A server that restarted with
    it would find no routes, so all servers have to load it at once.
  - This filter is private to the collection and may change in any release.
positional: found, open_routes
options:
  _input:
    description: The data of nats.conf.
    type: dict
    required: true
  found:
    description: What M(messaging.nats.nats_cluster_info) returned.
    type: dict
    required: true
  open_routes:
    description: Leave out the password of routes that are encrypted already, while it is replaced.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Leave out what the servers can't load yet
  ansible.builtin.set_fact:
    config: "{{ config | messaging.nats.startable_config(found) }}"
  no_log: true
"""

RETURN = r"""
---
_value:
  description: The data of nats.conf.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.route_tls import startable_config


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"startable_config": startable_config}
