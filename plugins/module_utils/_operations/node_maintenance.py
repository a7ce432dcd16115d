# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What draining a server and replacing its store have in common. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Steady
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.evacuation import move_off
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import PodBinding
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import (
    against_doing_without,
    against_its_copies,
    can_give_away,
    only_there,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import against_going_on
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import (
    DOUBT_S,
    POLL_INTERVAL_S,
    ServerWork,
    Task,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

# From what was before, what is now and the server's name to what is not as it should be.
Comparison = Callable[[Snapshot, Snapshot, str], list[str]]


class NodeWork(ServerWork):
    """A change that nodes and disks make necessary."""

    def __init__(self, pods: Pods, contacts: Contacts, task: Task) -> None:
        super().__init__(pods, contacts, task)
        replicas = pods.statefulset()["spec"]["replicas"]
        if task.name not in (names := [f"{pods.cluster}-{number}" for number in range(replicas)]):
            cause = f"cluster {pods.cluster} has no such pod"
            raise NatsError(f"pod {task.name}", cause, f"Write one of {', '.join(names)}.", code="NOT_FOUND")
        self._binding = PodBinding(pods, task.name)

    def _take(self) -> Snapshot:
        """A snapshot with what this change has to know."""
        return self._source.take()

    def _losses(self, _snapshot: Snapshot) -> list[str]:
        """What this change would lose for good."""
        return []

    def _losses_error(self, snapshot: Snapshot, losses: list[str]) -> NatsError:
        raise NotImplementedError

    def _when_others_are_whole(self) -> Snapshot:
        """Waits a moment until the others can do without this server and nothing is lost; refuses what lasts longer."""
        until = min(self._deadline, time.monotonic() + DOUBT_S)
        look = Steady(self._take)
        while True:
            snapshot = look()
            against = against_doing_without(snapshot, self._server)
            losses = self._losses(snapshot)
            if not against and not losses:
                return snapshot
            if time.monotonic() > until:
                break
            self._waiting(f"{self._name}: the others can't do without it yet: {shown([*against, *losses])}")
            time.sleep(POLL_INTERVAL_S)
        if against:
            cause = f"the others can't do without it now: {shown(against)}"
            remedy = "One server at a time: wait until the others are whole, or mend them first (playbook diagnose)."
            raise NatsError(f"server {self._name}", cause, remedy, code="QUORUM_AT_RISK")
        raise self._losses_error(snapshot, losses)

    def _movable(self, snapshot: Snapshot) -> list[Asset]:
        """Streams that only this server has, and that can go to others before it does."""
        if not can_give_away(snapshot, self._server):
            return []
        return [asset for asset, group in only_there(snapshot, self._server).items() if group and not asset.consumer]

    def _move_off(self, streams: list[Asset], timeout: float) -> None:
        move_off(self._members(), self._server, streams, timeout)
        self.report.notes.append(f"moved {len(streams)} streams with one replica off {self._name}")

    def _wait_until_as_before(self, differences: Comparison, before: Snapshot) -> None:
        look = Steady(self._snapshot_with_accounts if before.accounts else self._source.take)
        while found := differences(before, look(), self._server):
            if time.monotonic() > self._deadline:
                cause = f"after {self._task.wait_timeout:.0f} s the cluster is not as it was: {shown(found)}"
                remedy = (
                    "No other server was changed. Look at it with the playbook diagnose, and run it again to go on."
                )
                raise NatsError(f"server {self._name}", cause, remedy, code="CLUSTER_NOT_WHOLE")
            self._waiting(f"{self._name}: {shown(found)}")
            time.sleep(POLL_INTERVAL_S)


def against_its_return(before: Snapshot, now: Snapshot, server: str) -> list[str]:
    """What is missing until the server is back with all its copies."""
    return [*against_going_on(before, now, server), *against_its_copies(before, now, server)]
