# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Takes a server off its node. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import option, shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import is_up, unschedulable
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.node_maintenance import (
    NodeWork,
    against_its_return,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import (
    node_of,
    why_lost,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import (
    against_being_without,
    only_there,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import emptied
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import (
    Task,
    pod_error,
    streams_still_made,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

# A pod that the scheduler has found no node for during this time waits for a node.
UNSCHEDULABLE_S = 5.0


@dataclass(frozen=True)
class DrainOptions:
    node: str
    # What happens to streams that only this server has: confirm (refuse), accept (they are away), move.
    single_replica: str


class DrainWork(NodeWork):
    """Evicts a server from a node that is to be serviced, when the others can do without it."""

    def __init__(self, pods: Pods, contacts: Contacts, task: Task, options: DrainOptions) -> None:
        super().__init__(pods, contacts, task)
        self._node, self._single_replica = options.node, options.single_replica

    def run(self, check: bool) -> None:
        pod = self._binding.pod()
        if pod is None or node_of(pod) != self._node:
            if not check:
                self._wait_for_rest(self._snapshot_before(), "")
            else:
                self._note_what_it_waits_for(pod)
            return
        self._refuse_lost_node()
        going = bool(pod["metadata"].get("deletionTimestamp"))
        before = self._snapshot_before() if going else self._when_others_are_whole()
        if not going:
            self._check_single_replicas(before)
        self.report.changed = True
        if check:
            self._forecast()
            return
        if not going:
            before = self._release(before)
            self.report.lost += emptied(before, self._server)
            if refusal := self._binding.evict(pod, self._deadline):
                self.report.notes.append(f"waited for the disruption budget: {refusal}")
        else:
            self.report.lost.append(
                f"what only the memory of {self._name} had is not known, because it was leaving already"
            )
        self._wait_for_rest(before, pod["metadata"]["uid"])

    def _check_single_replicas(self, snapshot: Snapshot) -> None:
        """What only this server has is away with it: refuses that, or notes it."""
        alone = only_there(snapshot, self._server)
        streams = [asset for asset in alone if not asset.consumer]
        consumers = [asset for asset in alone if asset.consumer]
        moving = self._moving(snapshot)
        stays = [*(asset for asset in streams if asset not in moving), *consumers]
        if stays and self._single_replica == "confirm":
            raise NatsError(
                f"server {self._name}",
                f"it alone has {shown(map(str, stays))}, which would be away until it is back",
                f"Give them three replicas, or set {option('single_replica')} to move, or to accept (those in memory are empty then).",
                code="SINGLE_REPLICA",
            )
        note = f"away until {self._name} is back: {shown(map(str, stays))}"
        if stays and note not in self.report.notes:
            self.report.notes.append(note)

    def _moving(self, snapshot: Snapshot) -> list[Asset]:
        """Streams that are moved to other servers before this one goes."""
        return self._movable(snapshot) if self._single_replica == "move" else []

    def _refuse_lost_node(self) -> None:
        readable, node = self._binding.node(self._node)
        if readable and (lost := why_lost(node)):
            remedy = (
                "Nothing can be drained there: bring it back, or give the server another volume with state: replaced."
            )
            raise NatsError(f"node {self._node}", lost, remedy, code="NODE_LOST")

    def _release(self, before: Snapshot) -> Snapshot:
        """Streams and leaders go to others; streams that are created meanwhile are seen right before the eviction."""
        while True:
            if streams := self._moving(before):
                self._move_off(streams, self._remaining_s())
                before = self._when_others_are_whole()  # moving may have taken long
            self._hand_over_leaders(before)
            before = self._when_others_are_whole()
            self._check_single_replicas(before)
            if not (streams := self._moving(before)):
                return before
            if self._remaining_s() <= 1:
                raise streams_still_made(self._name, streams)

    def _wait_for_rest(self, before: Snapshot, evicted: str) -> None:
        """Until the pod is back on a node, or waits for one while the others do without it. `evicted` is a uid."""
        since: float | None = None

        def rests(pod: Object | None) -> bool:
            nonlocal since
            if pod is None or pod["metadata"]["uid"] == evicted:
                return False
            since = (since or time.monotonic()) if unschedulable(pod) else None
            return is_up(pod) or (since is not None and time.monotonic() - since > UNSCHEDULABLE_S)

        if stuck := self._pods.wait_until(self._name, rests, self._remaining_s(), "it is not back"):
            raise pod_error(self._name, stuck, "The other servers are unchanged. Look at its node.")
        pod = self._binding.pod()
        if unschedulable(pod):
            self._wait_until_as_before(against_being_without, before)
            self._note_what_it_waits_for(pod)
        else:
            self._wait_until_as_before(against_its_return, before)
            self.report.notes.append(f"{self._name} is back on node {node_of(pod)}, and the cluster is whole")

    # What it says

    def _forecast(self) -> None:
        nodes = self._binding.bound_to()
        if nodes:
            self.report.notes.append(
                f"{self._name} will wait (Pending) for node {', '.join(nodes)}, where its volume is; no other server may go then"
            )
        elif nodes is not None:
            self.report.notes.append(f"{self._name} will come back on another node: its volume can follow it")
        else:
            self.report.notes.append(f"{self._name} will leave node {self._node}")

    def _note_what_it_waits_for(self, pod: Object | None) -> None:
        reason = unschedulable(pod)
        if reason is None:
            return
        nodes, count = self._binding.bound_to(), len(self._pods.all())
        waits = f"for node {', '.join(nodes)}, where its volume is" if nodes else f"for a node ({reason})"
        others = (
            f"The cluster works with {count - 1} of {count} servers, and no other may go until it is back"
            if count > 1
            else "No server answers until it is back"
        )
        self.report.notes.append(f"{self._name} waits (Pending) {waits}. {others}")
