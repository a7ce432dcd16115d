# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A server gets a new store. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot, as_if_down
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._operations.node_maintenance import NodeWork
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import (
    Next,
    next_step,
    node_of,
    past_return,
    surely_off,
    why_lost,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import can_give_away, only_there
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import nothing_expected


class ReplaceWork(NodeWork):
    """For a disk that is dead, or a node that is lost."""

    # What goes with its store.
    _given_up: frozenset[Asset] = frozenset()

    def replace(self, check: bool) -> None:
        """A new volume under the same name; meta keeps it, and it copies what the others have."""
        mark = self._at.replacing()
        if mark and mark[0] != self._name:
            cause = f"{mark[0]} is being replaced"
            remedy = f"Finish that first: replace {mark[0]} again."
            raise NatsError(f"pod {self._name}", cause, remedy, code="REPLACEMENT_UNDER_WAY")
        pod, claim = self._at.pod(), self._at.claim()
        given_up = mark[1] if mark else (claim["metadata"]["uid"] if claim else "")
        lost_node = self._lost_node(pod)
        wiped = mark is not None and past_return(pod, claim, given_up)
        self.report.changed = True
        if wiped:
            self.report.said.append(f"{self._name} has given up its volume before: it went on from there")
            before = nothing_expected(self._look())
        else:
            before = self._when_others_are_whole(giving_up=True)
        if check:
            self._foretell(before, claim)
            return
        if not wiped:
            before = self._emptied(before)
            while self._came_meanwhile():
                before = self._emptied(self._when_others_are_whole(giving_up=True))
            self._at.mark(given_up)
        started = time.monotonic()
        self._renew(given_up, lost_node)
        up = time.monotonic() - started
        self._until(self._against_its_return, before)
        self._at.mark(None)
        back = "has all its copies" if wiped else f"was back with a new volume after {up:.1f} s, and has all its copies"
        self.report.said.append(f"{self._name} {back} after {time.monotonic() - started:.1f} s")

    def _lost_node(self, pod: Object | None) -> str:
        """The pod's node where that is off, so that nobody will ever say that the pod has ended; or nothing."""
        name = node_of(pod)
        known, node = self._at.node(name) if name else (False, None)
        lost = why_lost(node) if known else None
        if lost is None:
            return ""
        if not (surely_off(node) or self._params["node_lost"]):
            raise NatsError(
                f"pod {self._name}",
                f"its node {name} is silent ({lost}), so nobody knows whether its server still runs; two of one name would harm each other",
                "Make sure that the node is off, then delete it from Kubernetes, or set node_lost: true.",
                code="NODE_LOST",
            )
        return name

    def _emptied(self, before: Snapshot) -> Snapshot:
        """What only it has goes to others, as far as it can; nothing goes unless others are whole after that, too."""
        while self._moved_some(before):
            # More may have come to it meanwhile.
            before = self._when_others_are_whole(giving_up=True)
        lost = only_there(before, self._server)
        self._given_up = frozenset(lost)
        if lost:
            self.report.said.append(f"given up: {shown(map(str, lost))}")
        self._hand_over(before)
        # What the others have now is what has to be there afterwards.
        return as_if_down(before, self._server)

    def _moved_some(self, before: Snapshot) -> bool:
        try:
            return self._moved(before, self._left()) is not before
        except NatsError as error:
            if not self._params["allow_data_loss"]:
                remedy = f"{error.remedy} Set allow_data_loss: true if it may be lost."
                raise NatsError(error.what, error.cause, remedy, error.err_code, code=error.code) from error
            return False

    def _came_meanwhile(self) -> bool:
        """Whether it has something that no other has, and that was not given up."""
        now = self._look()
        return can_give_away(now, self._server) and not only_there(now, self._server).keys() <= self._given_up

    def _renew(self, given_up: str, lost_node: str) -> None:
        """Until its pod runs with another claim than the one that is given up."""

        def renewed(pod: Object | None) -> bool:
            step = next_step(pod, self._at.claim(), given_up)
            stays = pod is not None and lost_node != "" and node_of(pod) == lost_node
            if step is Next.DELETE_CLAIM:
                self._at.delete_claim()
            elif step is Next.DELETE_POD or stays:
                self._at.delete_pod(by_force=stays)
            return step is Next.DONE

        if stuck := self._pods.wait_until(self._name, renewed, self._left(), "it is not ready with a new volume"):
            remedy = (
                "The others are as they were. Give it a node and a volume, and run it again: it goes on from there."
            )
            raise self._error(f"pod {self._name}", stuck, remedy)

    def _foretell(self, before: Snapshot, claim: Object | None) -> None:
        if not claim:
            return
        if moves := self._can_move(before):
            self.report.said.append(f"moves off first: {shown(map(str, moves))}")
        volume = claim["spec"].get("volumeName") or "no volume yet"
        self.report.said.append(
            f"{self._name} gets a new volume, and the others give it its copies; deletes {claim['metadata']['name']} ({volume}) and the pod"
        )
