# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_account_info
short_description: Read an account's limits and what it uses of them
description:
  - Returns the account and the user of the connection, the account's limits in JetStream, and how much of them is used.
  - An account without JetStream is not an error.
  - With O(kubernetes), the default account is V(APP).
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
options: {}
seealso:
  - module: messaging.nats.nats_jetstream_info
  - module: messaging.nats.nats_health
"""

EXAMPLES = r"""
- name: Read what the account uses
  messaging.nats.nats_account_info:
    kubernetes:
      namespace: nats
  register: account

- name: There is room for more
  ansible.builtin.assert:
    that: account.usage.storage < account.limits.max_storage * 0.8
"""

RETURN = r"""
account:
  description: The account's name.
  returned: when the server returns it
  type: str
user:
  description: The user's name.
  returned: when the server returns it
  type: str
server:
  description: The server that answered; its C(name) and C(version), and its API C(level) where JetStream is enabled.
  returned: success
  type: dict
jetstream:
  description: Whether JetStream is enabled for the account.
  returned: success
  type: bool
limits:
  description: The limits of the account, in bytes and numbers; V(-1) for no limit; C(max_memory), C(max_storage), C(max_streams), C(max_consumers) and others.
  returned: when RV(jetstream) is enabled
  type: dict
usage:
  description: What the account uses of its limits; C(memory), C(storage), C(reserved_memory), C(reserved_storage), C(streams), C(consumers).
  returned: when RV(jetstream) is enabled
  type: dict
tiers:
  description: The same for each number of replicas, where the account's limits depend on it.
  returned: when the account has such limits
  type: dict
api:
  description: Requests to the API; C(total) and C(errors).
  returned: when RV(jetstream) is enabled
  type: dict
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

from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, NobodyAnswersError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule

# Without JetStream, the server refuses the request, or nobody answers it.
DISABLED = ("JETSTREAM_DISABLED", NobodyAnswersError.code)
USAGE = ("memory", "storage", "reserved_memory", "reserved_storage", "streams", "consumers")


def identity(connection: Connection) -> dict[str, Any]:
    """Account and user; empty where this user may not request them."""
    try:
        data = connection.request("$SYS.REQ.USER.INFO").get("data", {})
    except NatsError:
        return {}
    return {"account": data.get("account_name") or data.get("account"), "user": data.get("user")}


def account(jetstream: JetStream) -> dict[str, Any]:
    """Limits and usage of the account in JetStream."""
    try:
        found = jetstream.connection.run(jetstream.surely("INFO", "JetStream"))
    except NatsError as error:
        if error.code in DISABLED:
            return {"jetstream": False}
        raise
    tiers = {"tiers": found["tiers"]} if found.get("tiers") else {}
    usage = {key: found.get(key, 0) for key in USAGE}
    return {"jetstream": True, "limits": found["limits"], "usage": usage, "api": found.get("api", {}), **tiers}


def main() -> None:
    with NatsModule({}) as module:
        with connected(module.access, account="APP") as connection:
            server = connection.server()
            usage = account(JetStream(connection, module.api_prefix))
            user = identity(connection)
        shown = {"name": server.get("server_name"), "version": server.get("version")}
        if usage["jetstream"]:
            shown["level"] = usage["api"].get("level", 0)
        module.exit_json(changed=False, server=shown, **user, **usage)


if __name__ == "__main__":
    main()
