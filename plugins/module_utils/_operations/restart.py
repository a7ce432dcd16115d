# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Restarts one server. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, Unasked
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import tell
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import option, shown
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset, single_replicas
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    says_ok,
    unseen,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object, restarted
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    is_newest,
    is_up,
    ordinal,
    runs,
    server_name,
    started_at,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.evacuation import move_off
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import against_stopping, emptied
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import (
    DOUBT_S,
    POLL_INTERVAL_S,
    ServerWork,
    Task,
    pod_error,
    streams_still_made,
    unseen_as_down,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods, Stuck

ROLL_BACK_TIMEOUT_S = 60


@dataclass(frozen=True)
class RestartOptions:
    # What happens to streams with one replica: "move" moves them to another server before, "confirm" refuses to empty one
    # in memory, "accept" lets it be empty.
    single_replica: str = "accept"
    # Whether it restarts even where streams lose their quorum meanwhile.
    force: bool = False
    # Check mode only: the requested restart would make a new revision, so that every pod counts as an older one.
    outdated: bool = False


class RestartWork(ServerWork):
    """Moves a server onto the newest revision of its StatefulSet."""

    def __init__(self, pods: Pods, contacts: Contacts, task: Task, options: RestartOptions) -> None:
        super().__init__(pods, contacts, task)
        self._options = options
        self._forced = False
        # Why it restarts by force alone.
        self._against: list[str] = []

    def run(self, check: bool) -> None:
        statefulset = self._statefulset()
        pod = self._pods.find(self._name)
        needs_restart = self._needs_restart(pod, statefulset)
        if check:
            self.report.changed = needs_restart
            return
        before = self._restart(pod, statefulset) if needs_restart else self._snapshot_before()
        self._contacts.answers_again(self)
        self._wait_until_whole(before)

    def wait_until_ready(self) -> None:
        """Waits until Kubernetes reports the pod ready. After the last server's restart the StatefulSet comes to rest."""
        statefulset = self._pods.statefulset()

        def ready(pod: Object | None) -> bool:
            return pod is not None and is_up(pod) and is_newest(pod, statefulset)

        if stuck := self._pods.wait_until(self._name, ready, self._remaining_s(), "it is not ready"):
            self._roll_back(stuck, statefulset)
        pods = self._pods.all()
        if len(pods) == statefulset["spec"]["replicas"] and all(is_newest(pod, statefulset) for pod in pods):
            self._pods.settle(self._remaining_s())

    def _statefulset(self) -> Object:
        """The StatefulSet, which has to have this server."""
        statefulset = self._pods.statefulset()
        if ordinal(self._name) >= (replicas := statefulset["spec"]["replicas"]):
            cause = f"cluster {self._pods.cluster} has {replicas} servers"
            remedy = f"The last one is {self._pods.cluster}-{replicas - 1}."
            raise NatsError(f"server {self._name}", cause, remedy, code="NOT_FOUND")
        return statefulset

    def _refuse_wrong_order(self, statefulset: Object) -> None:
        """A StatefulSet moves its last pods first: lowering the partition to this one would move those above it too."""
        for pod in self._pods.all():
            above = pod["metadata"]["name"]
            done = self._is_done(pod, statefulset) or above in self._task.earlier
            if ordinal(above) > ordinal(self._name) and not done:
                raise NatsError(
                    f"server {self._name}",
                    f"{above} is not of the newest revision",
                    f"Restart {above} first.",
                    code="WRONG_ORDER",
                )

    def _needs_restart(self, pod: Object | None, statefulset: Object) -> bool:
        self._refuse_wrong_order(statefulset)
        return pod is None or not self._is_done(pod, statefulset)

    def _is_done(self, pod: Object, statefulset: Object) -> bool:
        return is_newest(pod, statefulset) and not self._options.outdated

    def _restart(self, pod: Object | None, statefulset: Object) -> Snapshot:
        """Has the pod replaced once the others can do without its server; returns what was seen before it went."""
        started = time.monotonic()
        before = self._release(statefulset)
        tell(f"{self._name}: {self.report.handed_over} leaders handed over, it restarts")
        self.report.changed = True
        self._renew_pod(pod, statefulset)
        # What was seen of the replicas of its last process says nothing about those that it has now.
        self._contacts.steady.forget(self._server)
        tell(f"{self._name}: back after {time.monotonic() - started:.1f} s")
        return before

    # Before its pod goes

    def _release(self, statefulset: Object) -> Snapshot:
        """Hands over what depends on the server, and looks again right before its pod goes."""
        before = self._wait_until_stoppable()
        self._refuse_emptying(before)
        self._move_streams_and_leaders(before, statefulset)
        while True:
            self._contacts.wait_until_last_is_ready()
            # Streams and leaders may have come to the server meanwhile.
            before = self._wait_until_stoppable()
            self._refuse_emptying(before)
            if not self._move_streams_and_leaders(before, statefulset):
                self.report.lost += emptied(before, self._server)
                return before
            if time.monotonic() > self._deadline:
                raise streams_still_made(self._name)

    def _wait_until_stoppable(self) -> Snapshot:
        """Waits until nothing depends on this server alone."""
        started = time.monotonic()
        while True:
            snapshot = self._contacts.steady()
            against = against_stopping(snapshot, self._server)
            if not against:
                return snapshot
            if self._contacts.wait_until_last_is_ready():
                continue
            # A login that is refused stays refused; a server that is late answers in a moment.
            lasts = time.monotonic() - started > DOUBT_S
            if self._options.force and (self._forced or lasts or not unseen(snapshot)):
                return self._go_by_force(snapshot, against)
            reason = snapshot.system_not_asked
            if time.monotonic() > self._deadline or (lasts and reason and reason.reason is not Unasked.NO_ANSWER):
                raise self._needed(against, reason.remedy if reason else "")
            self._waiting(f"{self._name}: it can't be stopped yet: {shown(against)}")
            time.sleep(POLL_INTERVAL_S)

    def _refuse_emptying(self, snapshot: Snapshot) -> None:
        """What only the memory of this server has would be gone, and is neither moved before nor given up."""
        if self._options.single_replica == "accept" or self._moves_single_replicas(snapshot):
            return
        if lost := emptied(snapshot, self._server):
            remedy = f"Set {option('single_replica')} to accept if they may be empty then."
            if len(snapshot.expected) > 1:
                remedy = f"Give them three replicas, or set {option('single_replica')} to move, or to accept if they may be empty then."
            cause = f"a restart would lose {shown(lost)}"
            raise NatsError(f"server {self._name}", cause, remedy, code="SINGLE_REPLICA")

    def _moves_single_replicas(self, snapshot: Snapshot) -> bool:
        return self._options.single_replica == "move" and len(snapshot.expected) > 1

    def _go_by_force(self, snapshot: Snapshot, against: list[str]) -> Snapshot:
        if not self._forced:
            self.report.lost.append(f"{self._name} was restarted by force, so what is lost with it is not known")
            self.report.notes.append(f"{self._name} was restarted by force, although {shown(against)}")
        self._forced, self._against = True, against
        return unseen_as_down(snapshot)

    def _needed(self, against: list[str], remedy: str) -> NatsError:
        return NatsError(
            f"server {self._name}",
            f"the cluster can't do without it: {shown(against)}",
            f"{remedy or 'Mend that first.'} To restart it all the same, set {option('force')} to {self._name}.",
            code="QUORUM_AT_RISK",
        )

    def _move_streams_and_leaders(self, before: Snapshot, statefulset: Object) -> bool:
        """Moves what others can take over; True where streams moved, which takes long enough for others to come."""
        if self._server not in answered(before):
            return False
        streams = self._streams_to_move(before)
        if streams:
            move_off(self._members(), self._server, streams, self._remaining_s())
            self.report.notes.append(f"moved {len(streams)} streams with one replica off {self._server}")
        self._hand_over_leaders(before, [server_name(pod) for pod in self._pods.all() if is_newest(pod, statefulset)])
        return bool(streams)

    def _streams_to_move(self, before: Snapshot) -> list[Asset]:
        if not self._moves_single_replicas(before):
            return []
        return [group.asset for group in single_replicas(answered(before), self._server)]

    # Its pod

    def _renew_pod(self, _pod: Object | None, statefulset: Object) -> None:
        """Lets the StatefulSet replace the pod by one of the newest revision; puts it back where that one does not run."""
        number, partition = ordinal(self._name), statefulset["spec"]["updateStrategy"]["rollingUpdate"]["partition"]
        if partition > number:
            self._pods.set_partition(number)

        def back(pod: Object | None) -> bool:
            return (
                pod is not None
                and is_newest(pod, statefulset)
                and (is_up(pod) or (runs(pod) and self._reports_healthy()))
            )

        if stuck := self._pods.wait_until(self._name, back, self._remaining_s(), "it is not ready"):
            self._roll_back(stuck, statefulset)

    def _reports_healthy(self) -> bool:
        """Whether the server itself says that it is healthy."""
        query = {"server_name": self._server, "exact_match": True}
        try:
            system = self._contacts.system()
            if system is None:
                return False
            answers = system.run(system.survey("$SYS.REQ.SERVER.PING.HEALTHZ", query, 1, POLL_INTERVAL_S))
        except NatsError:
            return False  # it was the only server, or none of them can be reached
        return any(answer["server"]["name"] == self._server and says_ok(answer) for answer in answers)

    def _roll_back(self, stuck: Stuck, statefulset: Object) -> NoReturn:
        """Fails; where the new revision is at fault, the pod is first put back to the one before."""
        if not (stuck.own_fault and self.report.changed):
            raise pod_error(self._name, stuck, "It was left as it is; the other servers are unchanged.")
        # Above the partition no pod moves: the deleted pod comes back as it was before.
        self._pods.rest()
        self._pods.delete(self._name)
        still_stuck = self._pods.wait_until(self._name, _older(statefulset), ROLL_BACK_TIMEOUT_S, "it is not back")
        result = (
            "does not come back as it was either, look at it"
            if still_stuck
            else "is back as it was, the other servers are unchanged"
        )
        raise pod_error(self._name, stuck, f"It {result}. Correct what is declared and run it again.")


class LoneRestartWork(RestartWork):
    """Restarts a server as it is, with the revision that it has; the others stay as they are."""

    def __init__(self, pods: Pods, contacts: Contacts, task: Task, options: RestartOptions, moment: str | None) -> None:
        """Nothing happens where the server's process is younger than `moment`; without one, it always restarts."""
        super().__init__(pods, contacts, task, options)
        self._moment = instant(moment)
        if moment and self._moment is None:
            remedy = "Write it as 2026-11-30T22:00:00Z."
            raise NatsError("option restarted_at", f"{moment!r} is not a time", remedy, code="INVALID_VALUE")
        self._old_uid = ""

    def run(self, check: bool) -> None:
        if not check:
            super().run(check)
            return
        self.report.changed = self._needs_restart(self._pods.find(self._name), self._statefulset())
        if self.report.changed:
            self._foresee()

    def _foresee(self) -> None:
        """Asks whether the server may be stopped, as a restart would, but does not wait until it may."""
        self._deadline = min(self._deadline, time.monotonic() + DOUBT_S)
        before = self._wait_until_stoppable()
        self._refuse_emptying(before)
        if self._forced:
            self.report.notes = [f"by force, although {shown(self._against)}"]
            self.report.lost = [f"what is lost with {self._name} is not known, because it restarts by force"]
        elif len(before.expected) > 1:
            self.report.notes.append("the other servers can do without it now")
        if streams := self._streams_to_move(before):
            self.report.notes.append(f"moves to other servers first: {shown(map(str, streams))}")
        else:
            self.report.lost += emptied(before, self._server)

    def wait_until_ready(self) -> None:
        self._wait_for(is_up)

    def _wait_for(self, back: Callable[[Object], bool]) -> None:
        def is_back(pod: Object | None) -> bool:
            return pod is not None and pod["metadata"]["uid"] != self._old_uid and back(pod)

        if stuck := self._pods.wait_until(self._name, is_back, self._remaining_s(), "it is not ready"):
            raise pod_error(
                self._name, stuck, "The other servers are unchanged. Correct the cause; its StatefulSet tries again."
            )

    def _needs_restart(self, pod: Object | None, _statefulset: Object) -> bool:
        return pod is not None and not self._is_younger(pod)

    def _renew_pod(self, pod: Object | None, _statefulset: Object) -> None:
        if pod is not None:
            self._old_uid = pod["metadata"]["uid"]
            self._pods.delete(self._name)
        self._wait_for(lambda new: is_up(new) or (runs(new) and self._reports_healthy()))

    def _is_younger(self, pod: Object) -> bool:
        process = instant(started_at(pod))
        return bool(self._moment and process and process > self._moment)


def mark_restart(pods: Pods, names: list[str], moment: str | None, check: bool) -> bool:
    """Makes a revision for a restart that was asked for at this moment; False where it was made before, or none is asked for."""
    if not (moment and names):
        return False
    statefulset = pods.statefulset()
    if restarted(statefulset) == moment:
        return False
    replicas = statefulset["spec"]["replicas"]
    if ordinal(names[0]) != replicas - 1:
        cause = f"{pods.cluster}-{replicas - 1} restarts first"
        raise NatsError(f"server {names[0]}", cause, "Name them from the last.", code="WRONG_ORDER")
    if not check:
        pods.outdate(moment, replicas)
    return True


def _older(statefulset: Object) -> Callable[[Object | None], bool]:
    return lambda pod: pod is not None and is_up(pod) and not is_newest(pod, statefulset)
