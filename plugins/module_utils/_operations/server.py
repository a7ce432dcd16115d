# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What every change of one server needs: looking, waiting, handing over leaders. PRIVATE to the collection: it can change at any time.

Each change reads from the cluster how far it has come, so that it can be killed at any point and run again.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    as_if_down,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import server_name
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.leader_transfer import hand_over
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import handovers
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import Members
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import accounts_of
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import (
    against_going_on,
    unseen_before,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods, Stuck

POLL_INTERVAL_S = 0.2
# A cluster is whole again soon after the restarted server answers. Where it is not by then, Kubernetes is asked whether that server still runs.
PROMPT_S = 2.0
# A doubt that lasts longer than this is not caused by an election or a slow answer.
DOUBT_S = 10.0
HANDOVER_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Task:
    """Which server is changed, and how long that may take."""

    name: str
    wait_timeout: float
    # The servers that the same task changes before this one, where check mode leaves them as they are.
    earlier: Collection[str] = ()


@dataclass
class Report:
    """What was done, for the task's result."""

    changed: bool = False
    notes: list[str] = field(default_factory=list)
    handed_over: int = 0
    # What is lost with the change, and what may be lost because it was not seen, in sentences.
    lost: list[str] = field(default_factory=list)


class ServerWork:
    """A change of one server of a cluster on Kubernetes."""

    def __init__(self, pods: Pods, contacts: Contacts, task: Task) -> None:
        self._pods, self._contacts, self._task, self._name = pods, contacts, task, task.name
        self._source = contacts.source
        self._deadline = time.monotonic() + task.wait_timeout
        self._template = pods.statefulset()["spec"]["template"]["spec"]
        self._server = self._server_in(self._name)
        self._waiting = Waiting()
        self._with_accounts: ThroughKubernetes | None = None
        self.report = Report()

    def run(self, check: bool) -> None:
        """Makes the change; in check mode only says whether there is one."""
        raise NotImplementedError

    # What it looks at

    def _snapshot_with_accounts(self) -> Snapshot:
        """A snapshot with what each account is told of its streams: also those that no server has which answers."""
        if self._with_accounts is None:
            accounts = sorted(accounts_of(answered(self._source.take())))
            self._with_accounts = self._contacts.with_accounts(accounts)
        return self._with_accounts.take()

    def _snapshot_before(self) -> Snapshot:
        """A snapshot to compare with later. Nothing is expected of a server that can't be seen for a while."""
        until = min(self._deadline, time.monotonic() + DOUBT_S)
        while unseen_before(snapshot := self._source.take()) and time.monotonic() < until:
            time.sleep(POLL_INTERVAL_S)
        return unseen_as_down(snapshot)

    def _members(self) -> Members:
        system = self._contacts.system()
        if system is None:
            remedy = "Deploy the cluster with this collection."
            raise NatsError("account SYS", "there are no credentials for it", remedy, code="ACCOUNT_NO_LOGIN")
        replicas = self._pods.statefulset()["spec"]["replicas"]
        names = tuple(self._server_in(f"{self._pods.cluster}-{number}") for number in range(replicas))
        return Members(system, names, check_lease=self._pods.kubernetes.check_lease)

    def _server_in(self, pod: str) -> str:
        """The name of the server in a pod, whether the pod exists or not."""
        return server_name({"metadata": {"name": pod}, "spec": self._template})

    def _remaining_s(self) -> float:
        return float(max(1.0, self._deadline - time.monotonic()))

    # What it does

    def _hand_over_leaders(self, before: Snapshot, preferred: list[str] | None = None) -> None:
        moves = handovers(answered(before), self._server, preferred or [])
        system = self._contacts.system() if moves else None
        if system is not None:
            self.report.notes += hand_over(
                system,
                self._contacts.account,
                moves,
                min(HANDOVER_TIMEOUT_S, self._remaining_s()),
                self._pods.kubernetes.check_lease,
            )
            self.report.handed_over += len(moves)

    def _wait_until_whole(self, before: Snapshot) -> None:
        started = time.monotonic()
        while True:
            against = against_going_on(before, self._contacts.steady(), self._server)
            if not against:
                return
            if time.monotonic() - started > PROMPT_S:
                self._contacts.wait_until_last_is_ready()
            if time.monotonic() > self._deadline:
                raise NatsError(
                    f"server {self._name}",
                    f"after {self._task.wait_timeout:.0f} s the cluster is not whole again: {shown(against)}",
                    "No other server was changed. Look at it with the playbook diagnose, and run it again to go on.",
                    code="CLUSTER_NOT_WHOLE",
                )
            self._waiting(f"{self._name}: {shown(against)}")
            time.sleep(POLL_INTERVAL_S)


def pod_error(pod: str, stuck: Stuck, remedy: str, code: str = "POD_NOT_READY") -> NatsError:
    """Why a pod is not as it should be, with its events and its log."""
    evidence = f"\n{stuck.evidence}" if stuck.evidence else ""
    return NatsError(f"pod {pod}", f"{stuck.reason}{evidence}", remedy, code=code)


def streams_still_made(name: str, streams: Collection[Asset] = ()) -> NatsError:
    """A server is not let go because time is over: the streams that were to be moved would go with it."""
    which = f": {shown(map(str, streams))}" if streams else ""
    cause = f"clients still create streams with one replica on it{which}, so it was not let go"
    remedy = "Run it again when fewer are created, or with a longer wait_timeout."
    return NatsError(f"server {name}", cause, remedy, code="TIMED_OUT")


def unseen_as_down(snapshot: Snapshot) -> Snapshot:
    """The snapshot with each server that was not seen as one that is down, so that nothing is expected of it."""
    for name in set(snapshot.expected) - answered(snapshot).keys():
        snapshot = as_if_down(snapshot, name)
    return snapshot
