# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: account_credentials
short_description: The logins of a NATS cluster, kept or generated
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Returns a login for each account's own user, for each further user with a password, and for the routes between the servers.
  - What a Secret holds already is kept, so a second run changes nothing. A declared password takes its place.
    Everything else is generated from 256 random bits.
  - A generated password is hashed with bcrypt at cost 4, a declared one at cost 10. The hash is kept beside the password.
  - This filter is private to the collection and may change in any release.
positional: secrets, cluster, rotated, stage
options:
  _input:
    description: The accounts by name, as in the variable C(nats_cluster_accounts).
    type: dict
    required: true
  secrets:
    description: The Secrets of the cluster that exist, as M(messaging.nats.nats_cluster_info) returns them.
    type: list
    elements: dict
    required: true
  cluster:
    description: The name of the cluster, with which the Secrets' names begin.
    type: str
    required: true
  rotated:
    description: The accounts, and the routes, in lower case, whose logins enter the stage of a rotation.
    type: list
    elements: str
    default: []
  stage:
    description:
      - V(add) gives a login a second user. V(switch) has clients use that one. V(drop) takes the first one away. V(keep) leaves each where it is.
    type: str
    choices: [keep, add, switch, drop]
    default: keep
requirements:
  - The Python library bcrypt
"""

EXAMPLES = r"""
---
- name: Complete the logins
  ansible.builtin.set_fact:
    credentials: "{{ {'APP': {}, 'SYS': {}} | messaging.nats.account_credentials(found.secrets, 'nats') }}"
  no_log: true
"""

RETURN = r"""
---
_value:
  description: The logins.
  type: dict
  contains:
    accounts:
      description: A dictionary for each login, with C(account), C(username), C(password), C(bcrypt), and C(secret), the name of its Secret;
        during a rotation with C(next) or C(previous), the other user of the login.
      type: list
      elements: dict
    routes:
      description: The login of the routes, with C(username), C(password) and C(secret).
      type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import account_credentials


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"account_credentials": account_credentials}
