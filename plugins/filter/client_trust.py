# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: client_trust
short_description: How a client beside a NATS cluster trusts its servers
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Finds the Secret with the authority of the servers' certificate, which overrides mount into the servers' pods.
  - This filter is private to the collection and may change in any release.
positional: overrides, cluster
options:
  _input:
    description: The data of nats.conf.
    type: dict
    required: true
  overrides:
    description: The overrides of the cluster's objects.
    type: dict
    required: true
  cluster:
    description: The name of the cluster.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Find the authority
  ansible.builtin.set_fact:
    trust: "{{ config | messaging.nats.client_trust(nats_cluster_overrides, nats_cluster_name) }}"
"""

RETURN = r"""
---
_value:
  description: Empty where clients connect without TLS; else C(tls), C(first), and where a Secret has the authority, C(secret) and C(key).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.client_trust import client_trust


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"client_trust": client_trust}
