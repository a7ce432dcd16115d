# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: size_in_bytes
short_description: Bytes from a size
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Reads sizes as nats.conf and as Kubernetes write them, which never disagree.
    V(10M) is 10^7 for both, V(10MB) and V(10MiB) are nats.conf's 10 * 2^20, V(10Mi) is that of both.
  - This filter is private to the collection and may change in any release.
options:
  _input:
    description: A size, or a number of bytes.
    type: raw
    required: true
"""

EXAMPLES = r"""
---
- name: Show 4294967296
  ansible.builtin.debug:
    msg: "{{ '4GB' | messaging.nats.size_in_bytes }}"
"""

RETURN = r"""
---
_value:
  description: The number of bytes.
  type: int
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity, parse_size


def size_in_bytes(size: str | int) -> int:
    try:
        return parse_size(size)
    except ValueError as error:
        try:
            return parse_quantity(size)
        except ValueError:
            raise AnsibleFilterError(f"size_in_bytes: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"size_in_bytes": size_in_bytes}
