# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: planned_objects
short_description: The objects that a plan names
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Returns the objects that are named in a plan, whole. A plan shows only what they are called, because an object may hold a secret,
    as in a variable of a container's environment.
  - This filter is private to the collection and may change in any release.
positional: planned
options:
  _input:
    description: The declared objects.
    type: list
    elements: dict
    required: true
  planned:
    description: C(apply) of what M(messaging.nats.nats_cluster_plan) returned.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Apply what was planned
  kubernetes.core.k8s:
    definition: "{{ objects | messaging.nats.planned_objects(plan.apply) }}"
    apply: true
"""

RETURN = r"""
---
_value:
  description: The objects, in the order in which they are declared.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]


def planned_objects(objects: Sequence[Object], planned: Sequence[Object]) -> list[Object]:
    wanted = list(map(_identity, planned))
    return [item for item in objects if _identity(item) in wanted]


def _identity(item: Object) -> tuple[Any, ...]:
    return item["apiVersion"], item["kind"], item["metadata"]["name"], item["metadata"].get("namespace")


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"planned_objects": planned_objects}
