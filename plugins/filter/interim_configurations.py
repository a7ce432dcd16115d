# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: interim_configurations
short_description: What servers run with until they restart
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Where a declared nats.conf needs restarts, its passwords would be known to one server after another, and routes would be encrypted on some
    of them only. Returns the configurations that the servers run with until then, with the declared logins of accounts and routes and the
    declared C(cluster.tls), which a reload brings to all of them at once.
  - Empty where the servers take over the declared configuration itself as they run, or where these settings are the same.
  - This filter is private to the collection and may change in any release.
positional: conf, secret
options:
  _input:
    description: What M(messaging.nats.nats_cluster_info) returned.
    type: dict
    required: true
  conf:
    description: The text of the declared nats.conf.
    type: str
    required: true
  secret:
    description: The Secret that will hold it.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: What the servers run with until they restart
  ansible.builtin.set_fact:
    configurations: "{{ found | messaging.nats.interim_configurations(conf, 'nats-config-0a1b2c3d4e') }}"
  no_log: true
"""

RETURN = r"""
---
_value:
  description: By the name of the Secret, the text of nats.conf.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.interim_config import interim_configurations


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"interim_configurations": interim_configurations}
