# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The options of every module that looks at a whole cluster. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import (
    Expectation,
    ThroughServers,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Source
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import CONNECTION

LOGIN: dict[str, Any] = {name: CONNECTION[name] for name in ("user", "password", "token", "creds", "nkey_seed", "jwt")}
CLUSTER: dict[str, Any] = {
    "accounts": {
        "type": "list",
        "elements": "dict",
        "options": {"account": {"type": "str", "required": True}, **LOGIN},
        "default": [],
    },
    "previous": {"type": "dict"},
    "expected_members": {"type": "list", "elements": "str"},
    "cluster_name": {"type": "str"},
}


def source(params: Mapping[str, Any], opened: ExitStack) -> Source:
    """Where snapshots come from, as the options say."""
    expectation = _expectation(params["expected_members"] or (), params["cluster_name"], params["previous"] or {})
    if params["kubernetes"]:
        # Imported here, because importing the client library takes longer than asking a server at hand.
        from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import (
            ThroughKubernetes,
        )

        accounts = [login["account"] for login in params["accounts"]]
        return ThroughKubernetes(params["kubernetes"], params["timeout"], opened, expectation, accounts)
    if not expectation.servers and not expectation.count:
        raise NatsError(
            "option expected_members",
            "without the option kubernetes nobody knows which servers there should be",
            "List their names.",
            code="INVALID_OPTIONS",
        )
    system = opened.enter_context(connected(params, account="SYS"))
    logins = {login["account"]: {key: value for key, value in login.items() if value} for login in params["accounts"]}
    connections = {
        account: opened.enter_context(connected({**params, **login}, "")) for account, login in logins.items()
    }
    return ThroughServers(system, connections, expectation, params["timeout"])


def _expectation(members: Sequence[str], cluster_name: str | None, previous: Mapping[str, Any]) -> Expectation:
    """The option expected_members holds names, or one number."""
    if len(members) == 1 and members[0].isdigit() and int(members[0]):
        return Expectation(count=int(members[0]), cluster_name=cluster_name, previous=previous)
    return Expectation(tuple(members), cluster_name=cluster_name, previous=previous)
