# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: batch_resources
short_description: A large declaration of resources in parts
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Returns all lists in one part where they have at most so many entries together, otherwise one list after the other in parts.
  - The role P(messaging.nats.nats_resources#role) loops over them, so that one sees how far it is.
  - This filter is private to the collection and may change in any release.
positional: most
options:
  _input:
    description: Lists by name.
    type: dict
    required: true
  most:
    description: Most entries of a part.
    type: int
    required: true
"""

EXAMPLES = r"""
---
- name: Two parts
  ansible.builtin.debug:
    msg: "{{ {'streams': ['a', 'b', 'c'], 'kv': []} | messaging.nats.batch_resources(2) }}"
"""

RETURN = r"""
---
_value:
  description: The parts; each has all names, and a C(label) for people. The C(others) of the first are all entries that it has not.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.batches import batch_resources


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"batch_resources": batch_resources}
