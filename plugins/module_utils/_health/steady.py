# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Snapshots of a busy cluster that is waited for. Pure but for what it is given. PRIVATE to the collection: it can change at any time.

The leader calls a replica current that lacks nothing at this very moment. Under load each lacks now and then what is under way,
and the more streams there are, the less often none of all their replicas does.
"""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset, groups
from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import Snapshot, answered
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import UNDER_WAY, says_ok


class Steady:
    """A replica that was seen current stays so while no more than what is under way is missing; for one wait."""

    def __init__(self, take: Callable[[], Snapshot]) -> None:
        self._take = take
        self._current: set[tuple[Asset, str]] = set()

    def __call__(self) -> Snapshot:
        snapshot = self._take()
        # Of a server that is just back the leader may still say what it was before.
        recovered = {told["server"]["name"] for told in snapshot.healthz if says_ok(told)}
        for asset, group in groups(answered(snapshot)).items():
            for peer in group.replicas:
                replica = (asset, str(peer["name"]))
                if peer.get("offline") or replica[1] not in recovered:
                    self._current.discard(replica)
                elif peer.get("current"):
                    self._current.add(replica)
                elif replica in self._current and peer.get("lag", 0) <= UNDER_WAY:
                    peer["current"] = True
        return snapshot

    def forget(self, server: str) -> None:
        """It is another process from now on."""
        self._current = {replica for replica in self._current if replica[1] != server}
