# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A server in lame duck with few clients. PRIVATE to the collection: it can change at any time.

When its lame_duck_grace_period is over, nats-server closes its clients' connections one by one, half a second to a second apart,
so that the other servers do not get many at once. Where there are only a few clients they can all reconnect at once, and the server
is ended sooner. In lame duck it answers no request of the system account, so its monitoring port is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError

# Clients that may reconnect at once. A server with a thousand clients closes more than these within a second.
FEW = 30
LAST_CLOSED = "/connz?state=closed&sort=stop&limit=1"


class LameDuck:
    """Ends a server in lame duck once it closes clients' connections and only a few are left."""

    def __init__(self, get: Callable[[str], tuple[int, str]], end: Callable[[], None]) -> None:
        self._get, self._end = get, end
        self._over = False

    def look(self) -> None:
        """Is called again and again until the server has gone."""
        if self._over:
            return
        # A server that can't be asked once has gone; or its node has, and each look would take until the Kubernetes API gives up.
        self._over = True
        with suppress(NatsError, ValueError):
            self._over = self._closes_connections()
            if self._over and self._has_few_clients():
                self._end()

    def _closes_connections(self) -> bool:
        closed = self._answer(LAST_CLOSED)["connections"]
        return bool(closed) and closed[0]["reason"] == "Server Shutdown"

    def _has_few_clients(self) -> bool:
        varz = self._answer("/varz")
        return bool(varz["connections"] <= FEW and not varz["leafnodes"])

    def _answer(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._get(path)[1])
        return answer
