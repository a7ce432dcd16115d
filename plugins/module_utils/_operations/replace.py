# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Gives a server a new, empty store. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import option, shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot, answered, as_if_down
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.node_maintenance import (
    NodeWork,
    against_its_return,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import (
    Next,
    is_surely_off,
    node_of,
    why_lost,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import (
    against_giving_up,
    can_give_away,
    only_there,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import (
    Task,
    pod_error,
    unseen_as_down,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

# Streams that may be lost are still moved off, but not waited for longer than this.
MOVE_BEFORE_LOSS_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class ReplaceOptions:
    # Whether what only this server has may be lost.
    allow_data_loss: bool
    # Whether its silent node is certainly off.
    node_lost: bool


class ReplaceWork(NodeWork):
    """For a disk that is dead, or a node that is lost: a new volume under the same name, and the same member of meta."""

    def __init__(self, pods: Pods, contacts: Contacts, task: Task, options: ReplaceOptions) -> None:
        super().__init__(pods, contacts, task)
        self._options = options
        # What is lost with its store, and may be.
        self._given_up: frozenset[Asset] = frozenset()

    def run(self, check: bool) -> None:
        mark = self._binding.replacing()
        if mark and mark[0] != self._name:
            remedy = f"Finish that first: replace {mark[0]} again."
            raise NatsError(f"pod {self._name}", f"{mark[0]} is being replaced", remedy, code="REPLACEMENT_UNDER_WAY")
        pod, store = self._binding.pod(), self._binding.store()
        given_up = mark[1] if mark else (store["metadata"]["uid"] if store else "")
        lost_node = self._lost_node(pod)
        wiped = mark is not None and self._binding.is_past_return(given_up)
        self.report.changed = True
        if wiped:
            had = f"{self._name} had given up its {self._binding.store_word()} before"
            self.report.notes.append(f"{had}, and this run went on from there")
            self.report.lost.append(f"what only {self._name} had is not known, because an earlier run gave it up")
            before = unseen_as_down(self._snapshot_with_accounts())
        else:
            before = self._when_others_are_whole()
        if check:
            self._forecast(before, store)
            return
        if not wiped:
            before = self._release(before)
            self._binding.mark(given_up)
        self._renew_and_wait(before, given_up, lost_node, wiped)

    def _renew_and_wait(self, before: Snapshot, given_up: str, lost_node: str, wiped: bool) -> None:
        started, word = time.monotonic(), self._binding.store_word()
        self._renew(given_up, lost_node)
        up = time.monotonic() - started
        self._wait_until_as_before(against_its_return, before)
        self._binding.mark(None)
        back = "has all its copies" if wiped else f"was back with a new {word} after {up:.1f} s, and has all its copies"
        self.report.notes.append(f"{self._name} {back} after {time.monotonic() - started:.1f} s")

    # What may be lost

    def _take(self) -> Snapshot:
        return self._snapshot_with_accounts()

    def _losses(self, snapshot: Snapshot) -> list[str]:
        """What would be lost with its store, and can't be moved away before."""
        return [] if self._options.allow_data_loss else against_giving_up(snapshot, self._server)

    def _losses_error(self, snapshot: Snapshot, losses: list[str]) -> NatsError:
        remedy = (
            f"Bring it back and give these more replicas. If they may be lost, set {option('allow_data_loss')} to true."
        )
        has_consumers = any(asset.consumer for asset in only_there(snapshot, self._server))
        if self._server not in answered(snapshot) and has_consumers:
            remedy += (
                " Which of these consumers are ephemeral, and created again by their clients, only the server knows."
            )
        cause = f"its store has what no other server has: {shown(losses)}"
        return NatsError(f"server {self._name}", cause, remedy, code="WOULD_LOSE_DATA")

    # Before its pod goes

    def _lost_node(self, pod: Object | None) -> str:
        """The pod's node where that is off, so that its kubelet will never report the pod's end; else empty."""
        name = node_of(pod)
        readable, node = self._binding.node(name) if name else (False, None)
        lost = why_lost(node) if readable else None
        if lost is None:
            return ""
        if not (is_surely_off(node) or self._options.node_lost):
            raise NatsError(
                f"pod {self._name}",
                f"its node {name} is silent ({lost}), so nobody knows whether its server still runs; two servers of one name would harm each other",
                f"Make sure that the node is off, then delete it from Kubernetes, or set {option('node_lost')} to true.",
                code="NODE_LOST",
            )
        return name

    def _release(self, before: Snapshot) -> Snapshot:
        """Moves what only it has to others, again where more came to it meanwhile."""
        before = self._emptied(before)
        while self._has_more():
            before = self._emptied(self._when_others_are_whole())
        return before

    def _emptied(self, before: Snapshot) -> Snapshot:
        """Streams and leaders go to others, as far as they can; the others have to be whole after that, too."""
        while self._moved(before):
            before = self._when_others_are_whole()
        given_up = only_there(before, self._server)
        self._given_up = frozenset(given_up)
        self.report.lost = [f"{asset}, which only {self._name} had" for asset in given_up]
        if given_up:
            self.report.notes.append(f"given up: {shown(map(str, given_up))}")
        self._hand_over_leaders(before)
        # What the others have now is what has to be there afterwards.
        return as_if_down(before, self._server)

    def _moved(self, before: Snapshot) -> bool:
        """Whether streams were moved off, after which more may have come."""
        if not (streams := self._movable(before)):
            return False
        timeout = self._remaining_s()
        if self._options.allow_data_loss:
            timeout = min(timeout, MOVE_BEFORE_LOSS_TIMEOUT_S)
        try:
            self._move_off(streams, timeout)
        except NatsError as error:
            if self._options.allow_data_loss:
                return False
            remedy = f"{error.remedy} If it may be lost, set {option('allow_data_loss')} to true."
            raise NatsError(error.what, error.cause, remedy, error.err_code, code=error.code) from error
        return True

    def _has_more(self) -> bool:
        """Whether it has something by now that no other has, and that was not given up."""
        now = self._snapshot_with_accounts()
        return can_give_away(now, self._server) and not only_there(now, self._server).keys() <= self._given_up

    # Its pod and its volume

    def _renew(self, given_up: str, lost_node: str) -> None:
        """Until its pod runs with another store than the one that is given up."""
        word = self._binding.store_word()

        def renewed(pod: Object | None) -> bool:
            step = self._binding.next_step(pod, given_up)
            stays = pod is not None and lost_node != "" and node_of(pod) == lost_node
            if step is Next.DELETE_CLAIM:
                self._binding.delete_claim()
            elif step is Next.DELETE_POD or stays:
                self._binding.delete_pod(by_force=stays)
            return step is Next.DONE

        if stuck := self._pods.wait_until(
            self._name, renewed, self._remaining_s(), f"it is not ready with a new {word}"
        ):
            remedy = f"The other servers are unchanged. Give it a node and a {word}, and run it again: it goes on from there."
            raise pod_error(self._name, stuck, remedy)

    def _forecast(self, before: Snapshot, store: Object | None) -> None:
        if not store:
            return
        movable = self._movable(before)
        if movable:
            self.report.notes.append(f"moves to other servers first: {shown(map(str, movable))}")
        self.report.lost += [
            f"{asset}, which only {self._name} has"
            for asset in only_there(before, self._server)
            if asset not in movable
        ]
        deletes = "the pod"
        if self._binding.has_volume:
            deletes = f"{store['metadata']['name']} ({store['spec'].get('volumeName') or 'no volume yet'}) and the pod"
        gets = f"{self._name} gets a new {self._binding.store_word()}, and the others give it its copies"
        self.report.notes.append(f"{gets}; deletes {deletes}")
