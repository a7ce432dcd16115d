#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_clients
short_description: Find the clients of NATS users, or wait until there are none
description:
  - Asks every server which clients are connected as one of these users, with their names and addresses.
  - With O(state=absent) it waits until there are none, as before a login is taken away. A server that does not answer may have clients.
  - Leaf nodes that log in as a user are not among the clients.
  - Without O(kubernetes), the login has to be one of the system account.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
attributes:
  check_mode:
    details: Does not wait.
options:
  users:
    description: The names of the users.
    type: list
    elements: str
    required: true
  expected_members:
    description: The names of the servers that have to answer.
    type: list
    elements: str
    required: true
  state:
    description: V(listed) looks once. V(absent) waits until nobody is connected as one of the users, and fails with the clients when the time is over.
    type: str
    choices: [listed, absent]
    default: listed
  wait_timeout:
    description: Seconds to wait.
    type: float
    default: 300
seealso:
  - module: messaging.nats.nats_account_info
"""

EXAMPLES = r"""
- name: See who still uses the old login
  messaging.nats.nats_clients:
    kubernetes:
      namespace: nats
    users: [orders]
    expected_members: [nats-0, nats-1, nats-2]
  register: old

- name: Wait until nobody does
  messaging.nats.nats_clients:
    kubernetes:
      namespace: nats
    users: [orders]
    expected_members: [nats-0, nats-1, nats-2]
    state: absent
    wait_timeout: 600
"""

RETURN = r"""
clients:
  description: The clients, by user. No more than 1024 of a user on one server.
  returned: success
  type: list
  elements: dict
  contains:
    user:
      description: The user that it logged in as.
      type: str
    account:
      description: The account of the user.
      type: str
    server:
      description: The server that it is connected to.
      type: str
    name:
      description: The name that the client gives itself; empty if it gives none.
      type: str
    address:
      description: The address that it connects from.
      type: str
silent:
  description: Expected servers that did not answer.
  returned: success
  type: list
  elements: str
code:
  description: The kind of failure, in capitals, for an C(assert) or a C(rescue) to decide on; C(docs/errors.md) lists them all.
  returned: failure
  type: str
cause:
  description: Why it failed.
  returned: failure
  type: str
remedy:
  description: What to do.
  returned: failure
  type: str
"""

from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._operations.connected_clients import (
    find_clients,
    wait_until_gone,
)


def main() -> None:
    spec = {
        "users": {"type": "list", "elements": "str", "required": True},
        "expected_members": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["listed", "absent"], "default": "listed"},
        "wait_timeout": {"type": "float", "default": 300},
    }
    with NatsModule(spec) as module:
        params = module.params
        asked = params["users"], params["expected_members"], params["timeout"]
        with connected(module.access, account="SYS") as connection:
            if params["state"] == "absent" and not module.check_mode:
                wait_until_gone(connection, *asked, params["wait_timeout"])
            found = find_clients(connection, *asked)
        module.exit_json(changed=False, clients=found.results(), silent=list(found.silent))


if __name__ == "__main__":
    main()
