# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a server that leaves its node and one that gets a new store have in common. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Steady
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot, answered
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.evacuation import move_off
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import Whereabouts
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import (
    against_doing_without,
    against_giving_up,
    against_its_copies,
    can_give_away,
    only_there,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import against_going_on
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import (
    DOUBT_S,
    POLL_INTERVAL_S,
    ServerWork,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

# Streams that are given up anyway are moved while they let themselves be.
EVICTION_TIMEOUT_S = 30.0


class NodeWork(ServerWork):
    """What nodes and disks make necessary."""

    def __init__(self, pods: Pods, params: Mapping[str, Any], contacts: Contacts) -> None:
        super().__init__(pods, params, contacts)
        replicas = pods.statefulset()["spec"]["replicas"]
        if params["name"] not in (names := [f"{pods.cluster}-{number}" for number in range(replicas)]):
            cause = f"cluster {pods.cluster} has no such pod"
            raise NatsError(f"pod {params['name']}", cause, f"Write one of {', '.join(names)}.", code="NOT_FOUND")
        self._at = Whereabouts(pods, params["name"])

    def _when_others_are_whole(self, giving_up: bool = False) -> Snapshot:
        """Now or in a moment; what lasts is refused."""
        until = min(self._deadline, time.monotonic() + DOUBT_S)
        look = Steady(self._look if giving_up else self._source.take)
        while True:
            snapshot = look()
            against = against_doing_without(snapshot, self._server)
            lost = self._lost(snapshot) if giving_up else []
            if not against and not lost:
                return snapshot
            if time.monotonic() > until:
                break
            self._waiting(f"{self._name}: the others can't do without it yet: {shown([*against, *lost])}")
            time.sleep(POLL_INTERVAL_S)
        if against:
            cause = f"the others can't do without it now: {shown(against)}"
            remedy = "One server at a time: wait until the others are whole, or mend them first (playbook diagnose)."
            raise NatsError(f"server {self._name}", cause, remedy, code="QUORUM_AT_RISK")
        nameless = "which of these consumers are ephemeral, and made anew by their clients, only the server knows"
        remedy = "Bring it back and give these more replicas. Set allow_data_loss: true if they may be lost."
        raise NatsError(
            f"server {self._name}",
            f"its store has what no other server has: {shown(lost)}",
            f"{remedy} {nameless.capitalize()}."
            if self._server not in answered(snapshot) and "consumer" in shown(lost)
            else remedy,
            code="WOULD_LOSE_DATA",
        )

    def _lost(self, snapshot: Snapshot) -> list[str]:
        """What goes with its store, and can't be moved away before."""
        return [] if self._params["allow_data_loss"] else against_giving_up(snapshot, self._server)

    def _can_move(self, snapshot: Snapshot) -> list[Asset]:
        """Streams that only it has, and that can go to others before it does."""
        if not can_give_away(snapshot, self._server):
            return []
        return [asset for asset, group in only_there(snapshot, self._server).items() if group and not asset.consumer]

    def _moved(self, before: Snapshot, patience: float) -> Snapshot:
        if not (streams := self._can_move(before)):
            return before
        if self._params["allow_data_loss"]:
            patience = min(patience, EVICTION_TIMEOUT_S)
        move_off(self._members(), self._server, streams, patience)
        self.report.said.append(f"moved {len(streams)} streams with one replica off {self._name}")
        return self._source.take()

    @staticmethod
    def _against_its_return(before: Snapshot, now: Snapshot, server: str) -> list[str]:
        return [*against_going_on(before, now, server), *against_its_copies(before, now, server)]

    def _until(self, against: Callable[[Snapshot, Snapshot, str], list[str]], before: Snapshot) -> None:
        look = Steady(self._look if before.accounts else self._source.take)
        while found := against(before, look(), self._server):
            if time.monotonic() > self._deadline:
                cause = f"after {self._params['wait_timeout']:.0f} s the cluster is not as it was: {shown(found)}"
                remedy = "No other server was touched. Look at it with the playbook diagnose, and run again to go on."
                raise NatsError(f"server {self._name}", cause, remedy, code="CLUSTER_NOT_WHOLE")
            self._waiting(f"{self._name}: {shown(found)}")
            time.sleep(POLL_INTERVAL_S)
