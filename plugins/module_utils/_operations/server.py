# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is done to one server. PRIVATE to the collection: it can change at any time.

Each verb reads where it stands from the cluster, so that it can be killed at any point and run again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NatsError,
    Unasked,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting, tell
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset, single_replicas
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    as_if_down,
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
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.evacuation import evacuate, move_off
from ansible_collections.messaging.nats.plugins.module_utils._operations.leader_transfer import hand_over
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import handovers
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import (
    Members,
    is_empty,
    is_member,
    remove_peer,
    wait_members,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import accounts_of, listed_nowhere
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import (
    against_going_on,
    against_stopping,
    unseen_before,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods, Stuck

POLL_INTERVAL_S = 0.2
# Seconds: what is not whole by then may never be, as where the server's process ended after all.
PROMPT_S = 2.0
# Seconds: a doubt that lasts so long is no moment's.
DOUBT_S = 10.0
# How the scheduler says that a pod can't be where its volume is.
VOLUME_ELSEWHERE = re.compile(r"volume node affinity|PersistentVolume's node affinity")
HANDOVER_TIMEOUT_S = 10.0


@dataclass
class Report:
    """What was done, for the task's result."""

    changed: bool = False
    said: list[str] = field(default_factory=list)
    handed_over: int = 0


class ServerWork:
    """One server of a cluster on Kubernetes."""

    def __init__(self, pods: Pods, params: Mapping[str, Any], contacts: Contacts) -> None:
        self._pods, self._name, self._params, self._contacts = pods, params["name"], params, contacts
        self._source = contacts.source
        self._deadline = time.monotonic() + params["wait_timeout"]
        self._template = pods.statefulset()["spec"]["template"]["spec"]
        self._server = self._named(self._name)
        self._forced = False
        self._waiting = Waiting()
        self._with_accounts: ThroughKubernetes | None = None
        self.report = Report()

    # Verbs

    def restart(self, check: bool) -> None:
        """Onto the newest revision of its StatefulSet."""
        statefulset = self._pods.statefulset()
        if ordinal(self._name) >= (replicas := statefulset["spec"]["replicas"]):
            cause = f"cluster {self._pods.cluster} has {replicas} servers"
            remedy = f"The last one is {self._pods.cluster}-{replicas - 1}."
            raise NatsError(f"server {self._name}", cause, remedy, code="NOT_FOUND")
        pod = self._pods.find(self._name)
        self._refuse_out_of_order(statefulset)
        done = pod is not None and self._is_done(pod, statefulset)
        if check:
            self.report.changed = not done
            return
        if done:
            before = self._as_it_is()
        else:
            started = time.monotonic()
            before = self._out_of_use(statefulset)
            tell(f"{self._name}: {self.report.handed_over} leaders handed over, it restarts")
            self.report.changed = True
            self._replace(statefulset)
            tell(f"{self._name}: back after {time.monotonic() - started:.1f} s")
        self._contacts.is_back(self)
        self._until_all_is_whole(before)

    def prove(self) -> None:
        """After a restart: Kubernetes finds it ready, too. The cluster comes to rest where it was the last one."""
        statefulset = self._pods.statefulset()

        def proven(pod: Object | None) -> bool:
            return pod is not None and is_up(pod) and is_newest(pod, statefulset)

        if stuck := self._pods.wait_until(self._name, proven, self._left(), "it is not ready"):
            self._put_back(stuck, statefulset)
        there = self._pods.all()
        if len(there) == statefulset["spec"]["replicas"] and all(is_newest(each, statefulset) for each in there):
            self._pods.settle(self._left())

    def join(self, check: bool) -> None:
        """It, and all before it, are there and members."""
        statefulset, wanted = self._pods.statefulset(), ordinal(self._name) + 1
        self.report.changed = statefulset["spec"]["replicas"] < wanted
        if check:
            return
        if self.report.changed:
            self._pods.scale(wanted)
        for number in range(wanted):
            name = f"{self._pods.cluster}-{number}"
            if stuck := self._pods.wait_until(name, is_up, self._left(), "it is not ready"):
                raise self._error(f"pod {name}", stuck, f"The others are as they were. {way_in(name, stuck)}")
        wait_members(self._members(), self._left())

    def leave(self, check: bool) -> None:
        """All it holds goes to others, then it goes, and meta forgets it."""
        statefulset, number = self._pods.statefulset(), ordinal(self._name)
        replicas = statefulset["spec"]["replicas"] - len(self._params["spoken_for"])
        if replicas > number + 1:
            raise NatsError(
                f"server {self._name}",
                f"{self._pods.cluster}-{replicas - 1} goes first",
                "Take them out from the last.",
                code="WRONG_ORDER",
            )
        pod = self._pods.find(self._name)
        if check:
            self.report.changed = pod is not None or replicas > number
            return
        nowhere = set[Asset]()
        while True:
            if replicas > number:
                self._empty()
                nowhere = self._nowhere()
                self._pods.scale(number)
                self.report.changed = True
            if stuck := self._pods.wait_until(self._name, lambda pod: pod is None, self._left(), "it is still there"):
                raise self._error(f"pod {self._name}", stuck, "Look at its node.", code="TIMED_OUT")
            # With its membership goes what it alone has; so long it can still come back with its volume.
            if not (left := self._nowhere() - nowhere):
                break
            tell(f"{self._name} comes back: {shown(map(str, sorted(left)))} came to it as it went")
            replicas = number + 1
            self._pods.scale(replicas)
            self._until_it_is_up()
        self.report.changed |= remove_peer(self._members(), self._server, self._left())
        if self._params["delete_volume"]:
            self._pods.delete_claim(self._name)

    # Steps

    def _empty(self) -> None:
        """All it has goes to others. What was made on it while that took its time goes, too."""
        while True:
            members = self._members()
            if not is_member(members, self._server):
                return
            if not is_up(self._pods.find(self._name)):
                self._until_it_is_up()
            self.report.changed |= evacuate(members, self._server, self._left(), self._params["staying"])
            self._hand_over(self._source.take())
            # Also where an earlier play was killed while what left it was still being copied.
            self._until_all_is_whole(self._as_it_is())
            if is_empty(members, self._server):
                return
            if time.monotonic() > self._deadline:
                cause = f"after {self._params['wait_timeout']:.0f} s streams are still made on it"
                remedy = "Run it again when fewer are made."
                raise NatsError(f"server {self._name}", cause, remedy, code="TIMED_OUT")
            self._waiting(f"{self._name}: more was made on it meanwhile")

    def _until_it_is_up(self) -> None:
        if stuck := self._pods.wait_until(self._name, is_up, self._left(), "it is not ready"):
            remedy = "It has to give away what it has before it goes. Bring it back and run it again."
            raise self._error(f"pod {self._name}", stuck, remedy)

    def _nowhere(self) -> set[Asset]:
        """Streams that no server has which answers: seen twice, since one is listed as soon as it is being made."""
        found: set[Asset] | None = None
        until = time.monotonic() + DOUBT_S
        while True:
            snapshot = self._look()
            unknown = unseen(snapshot) + [
                f"account {account}: {told.cause}"
                for account, told in snapshot.unasked.items()
                if told.reason is not Unasked.NO_LOGIN
            ]
            if not unknown:
                now = listed_nowhere(snapshot)
                if not now or found is not None:
                    return now & found if found is not None else now
                found = now
            elif time.monotonic() > until:
                cause = f"it can't be seen whether all that it had is elsewhere: {shown(unknown)}"
                remedy = "Mend that first, and run it again to go on."
                raise NatsError(f"server {self._name}", cause, remedy, code="SERVER_NOT_ANSWERING")
            time.sleep(POLL_INTERVAL_S)

    def _look(self) -> Snapshot:
        """With what each account is told of its streams: those too that nobody has who answers."""
        if self._with_accounts is None:
            accounts = sorted(accounts_of(answered(self._source.take())))
            target, timeout = self._params["kubernetes"], self._params["timeout"]
            self._with_accounts = ThroughKubernetes(
                target, timeout, self._contacts.opened, accounts=accounts, look_inside=False
            )
        return self._with_accounts.take()

    def _as_it_is(self) -> Snapshot:
        """To compare with later: of a server that can't be seen for a while nothing is expected."""
        until = min(self._deadline, time.monotonic() + DOUBT_S)
        while unseen_before(snapshot := self._source.take()) and time.monotonic() < until:
            time.sleep(POLL_INTERVAL_S)
        return nothing_expected(snapshot)

    def _out_of_use(self, statefulset: Object) -> Snapshot:
        """Nothing depends on it any more, which is seen right before it goes."""
        before = self._until_it_may_go()
        self._make_way(before, statefulset)
        while True:
            self._contacts.prove()
            # Much may have happened meanwhile.
            before = self._until_it_may_go()
            if not self._make_way(before, statefulset):
                return before
            if time.monotonic() > self._deadline:
                raise still_made_on(self._name)

    def _refuse_out_of_order(self, statefulset: Object) -> None:
        """A StatefulSet moves its last pods first: lowering the partition to this one would move those above it too."""
        for pod in self._pods.all():
            above = pod["metadata"]["name"]
            done = self._is_done(pod, statefulset) or above in self._params["spoken_for"]
            if ordinal(above) > ordinal(self._name) and not done:
                raise NatsError(
                    f"server {self._name}",
                    f"{above} is not of the newest revision",
                    f"Restart {above} first.",
                    code="WRONG_ORDER",
                )

    def _is_done(self, pod: Object, statefulset: Object) -> bool:
        """In check mode nothing has told the pods yet that they are out of date."""
        return is_newest(pod, statefulset) and not self._params["outdated"]

    def _until_it_may_go(self) -> Snapshot:
        """Waits until nothing depends on this server alone."""
        started = time.monotonic()
        while True:
            snapshot = self._contacts.steady()
            against = against_stopping(snapshot, self._server)
            if not against:
                return snapshot
            if self._contacts.prove():
                continue
            # A login that is refused does not heal by itself; who is late answers in a moment.
            lasts = time.monotonic() - started > DOUBT_S
            if self._params["force"] and (self._forced or lasts or not unseen(snapshot)):
                if not self._forced:
                    self.report.said.append(f"{self._name} was restarted by force, although {shown(against)}")
                self._forced = True
                return nothing_expected(snapshot)
            told = snapshot.system_not_asked
            if time.monotonic() > self._deadline or (lasts and told and told.reason is not Unasked.NO_ANSWER):
                mend = told.remedy if told and told.remedy else "Mend that first."
                raise NatsError(
                    f"server {self._name}",
                    f"it can't be spared: {shown(against)}",
                    f"{mend} To restart it all the same, set force: {self._name}.",
                    code="QUORUM_AT_RISK",
                )
            self._waiting(f"{self._name}: can't be spared yet: {shown(against)}")
            time.sleep(POLL_INTERVAL_S)

    def _make_way(self, before: Snapshot, statefulset: Object) -> bool:
        """Streams and leaders go to others; whether streams did, which takes its time."""
        if self._server not in answered(before):
            return False
        alone = []
        if self._params["single_replica"] == "move" and len(before.expected) > 1:
            alone = [group.asset for group in single_replicas(answered(before), self._server)]
            if alone:
                move_off(self._members(), self._server, alone, self._left())
                self.report.said.append(f"moved {len(alone)} streams with one replica off {self._server}")
        done = [server_name(pod) for pod in self._pods.all() if is_newest(pod, statefulset)]
        self._hand_over(before, done)
        return bool(alone)

    def _hand_over(self, before: Snapshot, done: list[str] | None = None) -> None:
        moves = handovers(answered(before), self._server, done or [])
        if moves:
            system = self._contacts.system()
            if system is not None:
                self.report.said += hand_over(
                    system,
                    self._contacts.account,
                    moves,
                    min(HANDOVER_TIMEOUT_S, self._left()),
                    self._pods.kubernetes.check_lease,
                )
                self.report.handed_over += len(moves)

    def _replace(self, statefulset: Object) -> None:
        """Its pod goes, and comes back of the newest revision; or of the one before where that does not run."""
        number, partition = ordinal(self._name), statefulset["spec"]["updateStrategy"]["rollingUpdate"]["partition"]
        if partition > number:
            self._pods.set_partition(number)

        def back(pod: Object | None) -> bool:
            return pod is not None and is_newest(pod, statefulset) and (is_up(pod) or (runs(pod) and self._is_well()))

        stuck = self._pods.wait_until(self._name, back, self._left(), "it is not ready")
        # What was seen of its replicas before it went says nothing of those it has now.
        self._contacts.steady.forget(self._server)
        if stuck:
            self._put_back(stuck, statefulset)

    def _is_well(self) -> bool:
        """By its own word."""
        named = {"server_name": self._server, "exact_match": True}
        try:
            system = self._contacts.system()
            told = (
                system.run(system.survey("$SYS.REQ.SERVER.PING.HEALTHZ", named, 1, POLL_INTERVAL_S)) if system else []
            )
        except NatsError:
            return False  # the only server there was, or all of them are out of reach
        return any(each["server"]["name"] == self._server and says_ok(each) for each in told)

    def _put_back(self, stuck: Stuck, statefulset: Object) -> NoReturn:
        """Fails; where what the pod was given now is at fault, the pod is first made what it was before."""
        if not (stuck.own_fault and self.report.changed):
            raise self._error(f"pod {self._name}", stuck, "It was left as it is; the others are untouched.")
        # Above the partition nothing moves: the deleted pod comes back as it was before.
        self._pods.rest()
        self._pods.delete(self._name)
        back = self._pods.wait_until(self._name, _older(statefulset), 60, "it is not back")
        told = (
            "does not come back as it was either, look at it" if back else "is back as it was, the others are untouched"
        )
        raise self._error(f"pod {self._name}", stuck, f"It {told}. Correct what is declared and run again.")

    def _until_all_is_whole(self, before: Snapshot) -> None:
        started = time.monotonic()
        while True:
            against = against_going_on(before, self._contacts.steady(), self._server)
            if not against:
                return
            if time.monotonic() - started > PROMPT_S:
                self._contacts.prove()
            if time.monotonic() > self._deadline:
                raise NatsError(
                    f"server {self._name}",
                    f"after {self._params['wait_timeout']:.0f} s the cluster is not whole again: {shown(against)}",
                    "No other server was touched. Look at it with the playbook diagnose, and run again to go on.",
                    code="CLUSTER_NOT_WHOLE",
                )
            self._waiting(f"{self._name}: {shown(against)}")
            time.sleep(POLL_INTERVAL_S)

    # What they need

    def _left(self) -> float:
        return float(max(1.0, self._deadline - time.monotonic()))

    def _members(self) -> Members:
        system = self._contacts.system()
        if system is None:
            remedy = "Deploy the cluster with this collection."
            raise NatsError("account SYS", "there are no credentials for it", remedy, code="ACCOUNT_NO_LOGIN")
        replicas = self._pods.statefulset()["spec"]["replicas"]
        names = tuple(self._named(f"{self._pods.cluster}-{number}") for number in range(replicas))
        return Members(system, names, check_lease=self._pods.kubernetes.check_lease)

    def _named(self, pod: str) -> str:
        """The server in a pod, whether it is there or not."""
        return server_name({"metadata": {"name": pod}, "spec": self._template})

    def _error(self, what: str, stuck: Stuck, remedy: str, code: str = "POD_NOT_READY") -> NatsError:
        evidence = f"\n{stuck.evidence}" if stuck.evidence else ""
        return NatsError(what, f"{stuck.reason}{evidence}", remedy, code=code)


def still_made_on(name: str, streams: Collection[Asset] = ()) -> NatsError:
    """Time that is over is no consent: what was to be moved would go with the server."""
    which = f": {shown(map(str, streams))}" if streams else ""
    cause = f"streams with one replica are still made on it{which}, so it was not let go"
    remedy = "Run it again when fewer are made, or with a longer wait_timeout."
    return NatsError(f"server {name}", cause, remedy, code="TIMED_OUT")


def nothing_expected(snapshot: Snapshot) -> Snapshot:
    """Of those that were not seen."""
    for name in set(snapshot.expected) - answered(snapshot).keys():
        snapshot = as_if_down(snapshot, name)
    return snapshot


def outdate(pods: Pods, params: Mapping[str, Any], check: bool) -> bool:
    """Before the first restart: whether all pods are told of it for the first time."""
    moment, names = params["restarted_at"], params["name"]
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


def way_in(name: str, stuck: Stuck) -> str:
    if VOLUME_ELSEWHERE.search(stuck.evidence):
        claim = f"PersistentVolumeClaim data-{name}"
        return f"{claim} is bound to nodes that don't take it. Where a server that was taken out left it, nothing in it is needed: delete it, and run again."
    return "Correct it and run again."


def _older(statefulset: Object) -> Callable[[Object | None], bool]:
    return lambda pod: pod is not None and is_up(pod) and not is_newest(pod, statefulset)
