# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: merge_overrides
short_description: Change parts of Kubernetes objects
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Merges into every object the override of its kind, then the one of its kind and name.
  - Mappings are merged key by key, lists of named things by C(name) (mounts of volumes by C(mountPath)), everything else is replaced.
    A null takes a key out.
  - This filter is private to the collection and may change in any release.
positional: overrides
options:
  _input:
    description: The objects.
    type: list
    elements: dict
    required: true
  overrides:
    description: Parts of objects by kind, as in V(StatefulSet), or by kind and name, as in V(Service/nats-external).
    type: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Run a sidecar beside the server
  ansible.builtin.set_fact:
    objects: "{{ objects | messaging.nats.merge_overrides(overrides) }}"
  vars:
    overrides:
      StatefulSet:
        spec: {template: {spec: {containers: [{name: sidecar, image: example.org/sidecar:1.0}]}}}
"""

RETURN = r"""
---
_value:
  description: The objects with their overrides.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.overrides import merge_overrides


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"merge_overrides": merge_overrides}
