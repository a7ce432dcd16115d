# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The options of every module that looks at a whole cluster. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import ThroughServers
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Source
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
    if params["kubernetes"]:
        # Here, because importing the client library takes longer than asking a server at hand.
        from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import (
            ThroughKubernetes,
        )

        return ThroughKubernetes(params, opened)
    if not params["expected_members"]:
        raise NatsError(
            "expected_members", "without kubernetes nobody knows which servers there should be", "List their names."
        )
    return ThroughServers(params, opened)


def told(finding: Finding) -> dict[str, str]:
    """A finding as a result has it."""
    own = ("severity", "code", "object", "evidence", "remedy")
    return {key: getattr(finding, key) for key in own}
