# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: server_pod
short_description: The template of a server's pod, as far as overrides say
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Merges the overrides of the StatefulSet into a template that has only the server's container.
  - This filter is private to the collection and may change in any release.
positional: cluster, metadata
options:
  _input:
    description: The overrides of the cluster's objects.
    type: dict
    required: true
  cluster:
    description: The name of the cluster.
    type: str
    required: true
  metadata:
    description: Labels and annotations that the pods have without overrides.
    type: dict
"""

EXAMPLES = r"""
---
- name: See which containers the pods have
  ansible.builtin.set_fact:
    template: "{{ nats_cluster_overrides | messaging.nats.server_pod(nats_cluster_name, {'labels': nats_cluster_labels}) }}"
"""

RETURN = r"""
---
_value:
  description: The template, with C(metadata) and C(spec).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.overrides import server_pod


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"server_pod": server_pod}
