# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: kept_key
short_description: A key in a Secret, or a new one
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Returns what the Secret holds, so that a second run changes nothing, or 256 random bits where it does not exist.
  - This filter is private to the collection and may change in any release.
positional: name, key
options:
  _input:
    description: The Secrets of the cluster that exist, as M(messaging.nats.nats_cluster_info) returns them.
    type: list
    elements: dict
    required: true
  name:
    description: The name of the Secret.
    type: str
    required: true
  key:
    description: The key in it.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Keep the encryption key, or make one
  ansible.builtin.set_fact:
    key: "{{ found.secrets | messaging.nats.kept_key('nats-encryption', 'key') }}"
  no_log: true
"""

RETURN = r"""
---
_value:
  description: The key in base64.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.encryption import kept_key


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kept_key": kept_key}
