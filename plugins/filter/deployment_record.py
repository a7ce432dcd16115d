# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: deployment_record
short_description: What a NATS cluster is deployed as
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Returns the annotation by which a later deploy knows what wrote the volumes, and which kinds of extra objects there may be.
  - This filter is private to the collection and may change in any release.
positional: declared, extra_objects, secrets
options:
  _input:
    description: The data of nats.conf.
    type: dict
    required: true
  declared:
    description: C(cluster), C(cluster_name), C(server_prefix), C(replicas) and C(version) as declared.
    type: dict
    required: true
  extra_objects:
    description: The extra objects that are declared.
    type: list
    elements: dict
    required: true
  secrets:
    description: The Secrets of the cluster that exist, as M(messaging.nats.nats_cluster_info) returns them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Note what is deployed
  ansible.builtin.set_fact:
    note: "{{ config | messaging.nats.deployment_record(declared, [], found.secrets) }}"
"""

RETURN = r"""
---
_value:
  description: The annotation's text.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import written_record


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"deployment_record": written_record}
