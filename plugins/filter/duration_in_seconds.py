# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: duration_in_seconds
short_description: Seconds from a duration
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Reads a duration as nats.conf writes it and rounds it up to whole seconds.
  - This filter is private to the collection and may change in any release.
options:
  _input:
    description: A duration such as V(30s), V(1h30m) or V(500ms).
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Show 90
  ansible.builtin.debug:
    msg: "{{ '1m30s' | messaging.nats.duration_in_seconds }}"
"""

RETURN = r"""
---
_value:
  description: The number of seconds.
  type: int
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_duration


def duration_in_seconds(duration: str) -> int:
    try:
        return -(-parse_duration(duration) // 10**9)
    except ValueError as error:
        raise AnsibleFilterError(f"duration_in_seconds: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"duration_in_seconds": duration_in_seconds}
