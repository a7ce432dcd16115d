# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: account_config
short_description: The accounts of nats.conf
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Joins what is declared for each account with its users and their hashed passwords.
  - This filter is private to the collection and may change in any release.
positional: logins, anonymous
options:
  _input:
    description: The accounts by name, as in the variable C(nats_cluster_accounts).
    type: dict
    required: true
  logins:
    description: The C(accounts) that P(messaging.nats.account_credentials#filter) returned.
    type: list
    elements: dict
    required: true
  anonymous:
    description: Add the user to C(APP) that C(no_auth_user) names.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Show the accounts as nats.conf has them
  ansible.builtin.debug:
    msg: "{{ {'accounts': accounts | messaging.nats.account_config(credentials.accounts)} | messaging.nats.to_nats_conf }}"
"""

RETURN = r"""
---
_value:
  description: The value of the key C(accounts) in nats.conf, as data.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import account_config


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"account_config": account_config}
