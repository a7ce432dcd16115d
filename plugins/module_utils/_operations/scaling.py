# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Servers join a cluster and leave it. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
import time
from collections.abc import Collection

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, Unasked
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import tell
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import unseen
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import is_up, ordinal
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.evacuation import evacuate
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import (
    is_empty,
    is_member,
    remove_peer,
    wait_members,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import listed_nowhere
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import (
    DOUBT_S,
    POLL_INTERVAL_S,
    ServerWork,
    Task,
    pod_error,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods, Stuck

# How the scheduler says that a pod can't be where its volume is.
VOLUME_ELSEWHERE = re.compile(r"volume node affinity|PersistentVolume's node affinity")


class JoinWork(ServerWork):
    """Scales out until the server, and all before it, run and are members."""

    def run(self, check: bool) -> None:
        statefulset, wanted = self._pods.statefulset(), ordinal(self._name) + 1
        self.report.changed = statefulset["spec"]["replicas"] < wanted
        if check:
            return
        if self.report.changed:
            self._pods.scale(wanted)
        for number in range(wanted):
            name = f"{self._pods.cluster}-{number}"
            if stuck := self._pods.wait_until(name, is_up, self._remaining_s(), "it is not ready"):
                raise pod_error(name, stuck, f"The other servers are unchanged. {join_remedy(name, stuck)}")
        wait_members(self._members(), self._remaining_s())


class LeaveWork(ServerWork):
    """Takes out the last server, once all that it has is on others."""

    def __init__(
        self, pods: Pods, contacts: Contacts, task: Task, staying: Collection[str] | None, delete_volume: bool
    ) -> None:
        super().__init__(pods, contacts, task)
        # The servers that will be left in the end; None for all others.
        self._staying, self._delete_volume = staying, delete_volume

    def run(self, check: bool) -> None:
        statefulset, number = self._pods.statefulset(), ordinal(self._name)
        replicas = statefulset["spec"]["replicas"] - len(self._task.earlier)
        if replicas > number + 1:
            cause = f"{self._pods.cluster}-{replicas - 1} goes first"
            raise NatsError(f"server {self._name}", cause, "Take them out from the last.", code="WRONG_ORDER")
        pod = self._pods.find(self._name)
        if check:
            self.report.changed = pod is not None or replicas > number
            return
        self._scale_in(replicas, number)
        self.report.changed |= remove_peer(self._members(), self._server, self._remaining_s())
        if self._delete_volume:
            self._pods.delete_claim(self._name)

    def _scale_in(self, replicas: int, number: int) -> None:
        """Until the pod has gone, and no stream with it."""
        nowhere_before = set[Asset]()
        while True:
            if replicas > number:
                self._empty()
                nowhere_before = self._streams_nowhere()
                self._pods.scale(number)
                self.report.changed = True
            gone = self._pods.wait_until(self._name, lambda pod: pod is None, self._remaining_s(), "it is still there")
            if gone:
                raise pod_error(self._name, gone, "Look at its node.", code="TIMED_OUT")
            # While it is still a member it can come back with its volume; after that, what only it has is lost.
            if not (lost := self._streams_nowhere() - nowhere_before):
                return
            tell(f"{self._name} comes back: {shown(map(str, sorted(lost)))} came to it as it went")
            replicas = number + 1
            self._pods.scale(replicas)
            self._wait_until_up()

    def _empty(self) -> None:
        """Moves all that the server has to others, also what is created on it meanwhile."""
        while True:
            members = self._members()
            if not is_member(members, self._server):
                return
            if not is_up(self._pods.find(self._name)):
                self._wait_until_up()
            self.report.changed |= evacuate(members, self._server, self._remaining_s(), self._staying)
            self._hand_over_leaders(self._source.take())
            # An earlier play may have been killed while others were still copying.
            self._wait_until_whole(self._snapshot_before())
            if is_empty(members, self._server):
                return
            if time.monotonic() > self._deadline:
                cause = f"after {self._task.wait_timeout:.0f} s clients still create streams on it"
                remedy = "Run it again when fewer are created."
                raise NatsError(f"server {self._name}", cause, remedy, code="TIMED_OUT")
            self._waiting(f"{self._name}: more streams were created on it meanwhile")

    def _wait_until_up(self) -> None:
        if stuck := self._pods.wait_until(self._name, is_up, self._remaining_s(), "it is not ready"):
            remedy = "It has to give away what it has before it goes. Bring it back and run it again."
            raise pod_error(self._name, stuck, remedy)

    def _streams_nowhere(self) -> set[Asset]:
        """Streams that no server has which answers. Seen twice, because a stream is listed as soon as it is being created."""
        found: set[Asset] | None = None
        until = time.monotonic() + DOUBT_S
        while True:
            snapshot = self._snapshot_with_accounts()
            unknown = unseen(snapshot) + [
                f"account {account}: {reason.cause}"
                for account, reason in snapshot.unasked.items()
                if reason.reason is not Unasked.NO_LOGIN
            ]
            if not unknown:
                now = listed_nowhere(snapshot)
                if not now or found is not None:
                    return now & found if found is not None else now
                found = now
            elif time.monotonic() > until:
                cause = f"it is not known whether all that it had is on other servers: {shown(unknown)}"
                remedy = "Mend that first, and run it again to go on."
                raise NatsError(f"server {self._name}", cause, remedy, code="SERVER_NOT_ANSWERING")
            time.sleep(POLL_INTERVAL_S)


def join_remedy(name: str, stuck: Stuck) -> str:
    """What to do about a pod that does not become ready."""
    if VOLUME_ELSEWHERE.search(stuck.evidence):
        claim = f"PersistentVolumeClaim data-{name}"
        return (
            f"{claim} is bound to nodes that do not accept the pod. Where it is left from a server that was taken out, "
            "nothing in it is needed: delete it, and run it again."
        )
    return "Correct it and run it again."
