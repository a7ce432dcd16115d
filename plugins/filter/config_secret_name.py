# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: config_secret_name
short_description: Which Secret holds a nats.conf
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - The Secret that the running servers read, where they can take the configuration over without a restart.
  - A new name where they can't, or where none run. It changes the StatefulSet's template, so that each server gets its configuration when it restarts.
  - This filter is private to the collection and may change in any release.
positional: cluster, found, image
options:
  _input:
    description: The text of nats.conf.
    type: str
    required: true
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  found:
    description: What M(messaging.nats.nats_cluster_info) returned.
    type: dict
    required: true
  image:
    description: The declared image of the servers.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Name the Secret
  ansible.builtin.set_fact:
    name: "{{ conf | messaging.nats.config_secret_name('nats', found, 'nats:2.15.2-alpine') }}"
"""

RETURN = r"""
---
_value:
  description: The name.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.secret_name import config_secret_name


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"config_secret_name": config_secret_name}
