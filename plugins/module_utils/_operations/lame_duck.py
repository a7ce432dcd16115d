# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A server in lame duck with few clients. PRIVATE to the collection: it can change at any time.

When its lame_duck_grace_period is over, nats-server closes its clients' connections one by one, half a second to a second apart
however few they are, so that many do not come to the other servers at once. A few may. In lame duck it answers no request
of the system account, so it is looked at through its monitoring port.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError

# Clients that may reconnect at once: the server itself closes more than these within a second where it has a thousand.
FEW = 30
LAST_CLOSED = "/connz?state=closed&sort=stop&limit=1"


class LameDuck:
    """Ends a server that lets its last clients go, where they are few."""

    def __init__(self, get: Callable[[str], tuple[int, str]], end: Callable[[], None]) -> None:
        self._get, self._end = get, end
        self._over = False

    def look(self) -> None:
        """To be called again and again until the server has gone; where it can't be looked at, that takes longer."""
        if self._over:
            return
        # Once it can't be looked at, it has gone; or its node has, and each look would take as long as the Kubernetes API is patient.
        self._over = True
        with suppress(NatsError, ValueError):
            self._over = self._lets_go()
            if self._over and self._has_few():
                self._end()

    def _lets_go(self) -> bool:
        closed = self._told(LAST_CLOSED)["connections"]
        return bool(closed) and closed[0]["reason"] == "Server Shutdown"

    def _has_few(self) -> bool:
        varz = self._told("/varz")
        return bool(varz["connections"] <= FEW and not varz["leafnodes"])

    def _told(self, path: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._get(path)[1])
        return told
