# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The JetStream API as raw JSON. PRIVATE to the collection: it can change at any time.

nats-py's dataclasses drop fields that they do not know, so that an update through them wipes those fields.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError

STREAM_NOT_FOUND = 10059

REMEDIES = {
    10005: "Too few servers are up, or none fits the placement: look at the cluster with nats_health.",
    10023: "A server's store is full: delete or purge something, or raise max_file_store.",
    10039: "Enable JetStream for this account.",
    10047: "The account's or the server's store is too small for it: raise the limit or lower max_bytes.",
    10065: "Another stream has these subjects: change one of the two.",
    10074: "A single server holds one replica only: use num_replicas 1 or a cluster.",
}


class JetStream:
    """Requests to JetStream's API in one account."""

    def __init__(self, connection: Connection, prefix: str = "$JS.API") -> None:
        self.connection = connection
        self._prefix = prefix
        self._level: int | None = None

    @property
    def api_level(self) -> int:
        """What the server's API can do: 0 up to 2.10, 1 with 2.11, and so on."""
        if self._level is None:
            self._level = int(self.ask("INFO", "JetStream").get("api", {}).get("level", 0))
        return self._level

    def ask(self, call: str, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to one call; an error of the server's names `what` it is about."""
        answer = self.connection.request(f"{self._prefix}.{call}", body or b"")
        if error := answer.get("error"):
            code = error.get("err_code")
            raise NatsError(
                what, f"{error.get('description', 'refused')} (err_code {code})", REMEDIES.get(code, ""), code
            )
        return answer

    def stream(self, name: str) -> dict[str, Any] | None:
        """Configuration, state and replicas of a stream, or None where there is none."""
        try:
            return self.ask(f"STREAM.INFO.{name}", f"stream {name}")
        except NatsError as error:
            if error.err_code == STREAM_NOT_FOUND:
                return None
            raise

    def settled(self, name: str, timeout: float) -> dict[str, Any]:
        """The stream once it has all its replicas, each of them current, and no change is under way."""
        deadline = time.monotonic() + timeout
        while True:
            info = self.stream(name) or {}
            cluster, wanted = info.get("cluster") or {}, info.get("config", {}).get("num_replicas", 1)
            replicas = cluster.get("replicas") or []
            if wanted == 1 and not replicas and not cluster.get("desired"):
                return info
            current = [peer for peer in replicas if peer.get("current") and not peer.get("offline")]
            if cluster.get("leader") and len(current) == len(replicas) == wanted - 1 and not cluster.get("desired"):
                return info
            if time.monotonic() > deadline:
                raise NatsError(
                    f"stream {name}",
                    f"its configuration is stored, but after {timeout:g} s only {len(current) + bool(cluster.get('leader'))} of {wanted} replicas are current",
                    "Run it again to wait longer, and look at the cluster with nats_health.",
                )
            time.sleep(0.1)
