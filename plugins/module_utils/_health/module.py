# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The options of every module that looks at a whole cluster. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.history_findings import earlier_figures
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import (
    Expectation,
    ThroughServers,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Source
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import LOGIN_OPTIONS, Access, UserLogin
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import CONNECTION, NatsModule

CLUSTER: dict[str, Any] = {
    "accounts": {
        "type": "list",
        "elements": "dict",
        "options": {"account": {"type": "str", "required": True}} | {name: CONNECTION[name] for name in LOGIN_OPTIONS},
        "default": [],
    },
    "previous": {"type": "dict"},
    "expected_members": {"type": "list", "elements": "str"},
    "cluster_name": {"type": "str"},
}


class ClusterModule(NatsModule):
    """A module that looks at a whole cluster."""

    def __init__(self, argument_spec: Mapping[str, Any]) -> None:
        super().__init__(CLUSTER | dict(argument_spec))

    @property
    def logins(self) -> dict[str, UserLogin]:
        """The login of each account that the option `accounts` names; empty where the account's Secret has it."""
        return {entry["account"]: UserLogin.from_options(entry) for entry in self.params["accounts"]}

    def source(self, opened: ExitStack) -> Source:
        """Where snapshots come from, as the options say."""
        members, previous = self.params["expected_members"] or (), earlier_figures(self.params["previous"] or {})
        return source(self.access, self.logins, _expectation(members, self.params["cluster_name"], previous), opened)


def source(access: Access, logins: Mapping[str, UserLogin], expectation: Expectation, opened: ExitStack) -> Source:
    """Snapshots of a cluster in Kubernetes, or of the servers that are expected."""
    if access.kubernetes:
        # Imported here, because importing the client library takes longer than asking a server at hand.
        from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import (
            ThroughKubernetes,
        )

        return ThroughKubernetes(access.kubernetes, access.timeout, opened, expectation, list(logins))
    if not expectation.servers and not expectation.count:
        raise NatsError(
            "option expected_members",
            "without the option kubernetes nobody knows which servers there should be",
            "List their names.",
            code="INVALID_OPTIONS",
        )
    system = opened.enter_context(connected(access, account="SYS"))
    connections = {
        account: opened.enter_context(connected(replace(access, login=login if login.given() else access.login), ""))
        for account, login in logins.items()
    }
    return ThroughServers(system, connections, expectation, access.timeout)


def _expectation(members: Sequence[str], cluster_name: str | None, previous: Mapping[str, Any]) -> Expectation:
    """The option expected_members holds names, or one number."""
    if len(members) == 1 and members[0].isdigit() and int(members[0]):
        return Expectation(count=int(members[0]), cluster_name=cluster_name, previous=previous)
    return Expectation(tuple(members), cluster_name=cluster_name, previous=previous)
