# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A server leaves its node. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import is_up
from ansible_collections.messaging.nats.plugins.module_utils._operations.node_maintenance import NodeWork
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import (
    node_of,
    unschedulable,
    why_lost,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import (
    against_being_without,
    only_there,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import still_made_on

# Seconds: a pod that no node takes for so long waits for a node.
DRAIN_POLL_S = 5.0


class DrainWork(NodeWork):
    """Away from a node that is to be serviced."""

    def drain(self, check: bool) -> None:
        """Away from its node, as others can do without it."""
        node, pod = self._params["node"], self._at.pod()
        if pod is None or node_of(pod) != node:
            if not check:
                self._come_to_rest(self._as_it_is(), "")
            else:
                self._say_what_it_waits_for(pod)
            return
        self._refuse_a_lost_node(node)
        leaving = bool(pod["metadata"].get("deletionTimestamp"))
        before = self._as_it_is() if leaving else self._when_others_are_whole()
        if not leaving:
            self._single_replicas(before)
        self.report.changed = True
        if check:
            self._forecast(node)
            return
        if not leaving:
            before = self._out_of_the_way(before)
            if waited := self._at.evict(pod, self._deadline):
                self.report.said.append(f"waited for the disruption budget: {waited}")
        self._come_to_rest(before, pod["metadata"]["uid"])

    def _single_replicas(self, snapshot: Snapshot) -> None:
        """For a drain: what nobody else has is away with it."""
        alone = only_there(snapshot, self._server)
        streams = [asset for asset in alone if not asset.consumer]
        consumers = [asset for asset in alone if asset.consumer]
        how = self._params["single_replica"]
        moving = self._can_move(snapshot) if how == "move" else []
        stays = [*(asset for asset in streams if asset not in moving), *consumers]
        if stays and how == "confirm":
            raise NatsError(
                f"server {self._name}",
                f"it alone has {shown(map(str, stays))}, which would be away until it is back",
                "Give them three replicas, or set single_replica: move, or accept (those in memory are empty then).",
                code="SINGLE_REPLICA",
            )
        if stays and (said := f"away until {self._name} is back: {shown(map(str, stays))}") not in self.report.said:
            self.report.said.append(said)

    def _refuse_a_lost_node(self, name: str) -> None:
        known, node = self._at.node(name)
        if known and (lost := why_lost(node)):
            remedy = (
                "Nothing can be drained there: bring it back, or give the server another volume with state: replaced."
            )
            raise NatsError(f"node {name}", lost, remedy, code="NODE_LOST")

    def _out_of_the_way(self, before: Snapshot) -> Snapshot:
        """Streams and leaders go to others; what came to it meanwhile is seen right before it goes."""
        while True:
            if self._params["single_replica"] == "move" and self._moved(before, self._left()) is not before:
                before = self._when_others_are_whole()  # to move much takes long
            self._hand_over(before)
            before = self._when_others_are_whole()
            self._single_replicas(before)
            movable = self._can_move(before) if self._params["single_replica"] == "move" else []
            if not movable:
                return before
            if self._left() <= 1:
                raise still_made_on(self._name, movable)

    def _come_to_rest(self, before: Snapshot, gone: str) -> None:
        """Back on a node, or waiting for one while the others do without it."""
        since: float | None = None

        def rests(pod: Object | None) -> bool:
            nonlocal since
            if pod is None or pod["metadata"]["uid"] == gone:
                return False
            since = (since or time.monotonic()) if unschedulable(pod) else None
            return is_up(pod) or (since is not None and time.monotonic() - since > DRAIN_POLL_S)

        if stuck := self._pods.wait_until(self._name, rests, self._left(), "it is not back"):
            raise self._error(f"pod {self._name}", stuck, "The others are as they were. Look at its node.")
        pod = self._at.pod()
        if unschedulable(pod):
            self._until(against_being_without, before)
            self._say_what_it_waits_for(pod)
        else:
            self._until(self._against_its_return, before)
            self.report.said.append(f"{self._name} is back on node {node_of(pod)}, and the cluster is whole")

    def _forecast(self, node: str) -> None:
        bound = self._at.bound_to()
        if bound:
            self.report.said.append(
                f"{self._name} will wait (Pending) for node {', '.join(bound)}, where its volume is; no other server may go then"
            )
        elif bound is not None:
            self.report.said.append(f"{self._name} will come back on another node: its volume can follow it")
        else:
            self.report.said.append(f"{self._name} will leave node {node}")

    def _say_what_it_waits_for(self, pod: Object | None) -> None:
        reason = unschedulable(pod)
        if reason is None:
            return
        bound, count = self._at.bound_to(), len(self._pods.all())
        waits = f"for node {', '.join(bound)}, where its volume is" if bound else f"for a node ({reason})"
        others = (
            f"The cluster works with {count - 1} of {count} servers, and no other may go until it is back"
            if count > 1
            else "Nobody serves until it is back"
        )
        self.report.said.append(f"{self._name} waits (Pending) {waits}. {others}")
