# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A server leaves its node, or gets a new store. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._gate import against_going_on
from ansible_collections.messaging.nats.plugins.module_utils._giving_up import (
    accounts_of,
    against_being_without,
    against_doing_without,
    against_its_copies,
    only_there,
    unknown_accounts,
)
from ansible_collections.messaging.nats.plugins.module_utils._health import Snapshot, answered
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import Object
from ansible_collections.messaging.nats.plugins.module_utils._membership import move_off, shown
from ansible_collections.messaging.nats.plugins.module_utils._observation import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._placement import Asset, Group
from ansible_collections.messaging.nats.plugins.module_utils._pods import Pods, is_up
from ansible_collections.messaging.nats.plugins.module_utils._server_work import LOOK, ServerWork
from ansible_collections.messaging.nats.plugins.module_utils._whereabouts import (
    Next,
    Whereabouts,
    next_step,
    node_of,
    past_return,
    surely_off,
    unschedulable,
    why_lost,
)

# Seconds: a doubt that lasts so long is no moment's, and a pod that no node takes for so long waits for a node.
DOUBT, WAITS = 10.0, 5.0
# Streams that are given up anyway are moved while they let themselves be.
TRIED = 30.0


class NodeWork(ServerWork):
    """What nodes and disks make necessary."""

    def __init__(self, pods: Pods, params: Mapping[str, Any], opened: ExitStack) -> None:
        super().__init__(pods, params, opened)
        replicas = pods.statefulset()["spec"]["replicas"]
        if params["name"] not in (names := [f"{pods.cluster}-{number}" for number in range(replicas)]):
            cause = f"cluster {pods.cluster} has no such pod"
            raise NatsError(f"pod {params['name']}", cause, f"Write one of {', '.join(names)}.")
        self._at = Whereabouts(pods, params["name"])
        self._with_accounts: ThroughKubernetes | None = None

    # Verbs

    def drain(self, check: bool) -> None:
        """Away from its node, as others can do without it."""
        node, pod = self._params["node"], self._at.pod()
        if pod is None or node_of(pod) != node:
            if not check:
                self._come_to_rest(self._source.take(), "")
            else:
                self._say_what_it_waits_for(pod)
            return
        self._refuse_a_lost_node(node)
        leaving = bool(pod["metadata"].get("deletionTimestamp"))
        before = self._source.take() if leaving else self._when_others_are_whole()
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

    def replace(self, check: bool) -> None:
        """A new volume under the same name; meta keeps it, and it copies what the others have."""
        mark = self._at.replacing()
        if mark and mark[0] != self._name:
            cause = f"{mark[0]} is being replaced"
            raise NatsError(f"pod {self._name}", cause, f"Finish that first: replace {mark[0]} again.")
        pod, claim = self._at.pod(), self._at.claim()
        given_up = mark[1] if mark else (claim["metadata"]["uid"] if claim else "")
        lost_node = self._lost_node(pod)
        wiped = mark is not None and past_return(pod, claim, given_up)
        self.report.changed = True
        if wiped:
            self.report.said.append(f"{self._name} has given up its volume before: it went on from there")
            before = self._look()
        else:
            before = self._when_others_are_whole(giving_up=True)
        if check:
            self._foretell(before, claim)
            return
        if not wiped:
            before = self._emptied(before)
            self._at.mark(given_up)
        started = time.monotonic()
        self._renew(given_up, lost_node)
        up = time.monotonic() - started
        self._until(
            lambda now: [
                *against_going_on(before, now, self._server),
                *against_its_copies(before, now, self._server),
            ],
            before,
        )
        self._at.mark(None)
        self.report.said.append(
            f"{self._name} was back with a new volume after {up:.1f} s, and has all its copies after {time.monotonic() - started:.1f} s"
        )

    # Whether it may go

    def _when_others_are_whole(self, giving_up: bool = False) -> Snapshot:
        """Now or in a moment; what lasts is refused."""
        until = min(self._deadline, time.monotonic() + DOUBT)
        while True:
            snapshot = self._look() if giving_up else self._source.take()
            against = against_doing_without(snapshot, self._server)
            lost = self._lost(snapshot) if giving_up else []
            if not against and not lost:
                return snapshot
            if time.monotonic() > until:
                break
            time.sleep(LOOK)
        if against:
            cause = f"the others can't do without it now: {shown(against)}"
            remedy = "One server at a time: wait until the others are whole, or mend them first (playbook diagnose)."
            raise NatsError(f"server {self._name}", cause, remedy)
        nameless = "which of these consumers are ephemeral, and made anew by their clients, only the server knows"
        remedy = "Bring it back and give these more replicas. Set allow_data_loss: true if they may be lost."
        raise NatsError(
            f"server {self._name}",
            f"its store has what no other server has: {shown(lost)}",
            f"{remedy} {nameless.capitalize()}."
            if self._server not in answered(snapshot) and "consumer" in shown(lost)
            else remedy,
        )

    def _lost(self, snapshot: Snapshot) -> list[str]:
        """What goes with its store, and can't be moved away before."""
        if self._params["allow_data_loss"]:
            return []
        unknown = [
            f"account {account} has JetStream and can't be asked what it has: there is no Secret with its login"
            for account in unknown_accounts(snapshot, self._server)
        ]
        only = only_there(snapshot, self._server)
        return [str(asset) for asset, group in only.items() if not self._moves(snapshot, asset, group)] + unknown

    def _moves(self, snapshot: Snapshot, asset: Asset, group: Group | None) -> bool:
        return self._moving(snapshot) and group is not None and not asset.consumer

    def _moving(self, snapshot: Snapshot) -> bool:
        """Whether streams can leave it: it answers with its store open, and there is another."""
        there = answered(snapshot)
        answer = there.get(self._server)
        return answer is not None and not answer["data"].get("disabled") and len(there) > 1

    def _single_replicas(self, snapshot: Snapshot) -> None:
        """For a drain: what nobody else has is away with it."""
        alone = only_there(snapshot, self._server)
        streams = [asset for asset in alone if not asset.consumer]
        consumers = [asset for asset in alone if asset.consumer]
        how = self._params["single_replica"]
        stays = [*([] if how == "move" and self._moving(snapshot) else streams), *consumers]
        if stays and how == "confirm":
            raise NatsError(
                f"server {self._name}",
                f"it alone has {shown(map(str, stays))}, which would be away until it is back",
                "Give them three replicas, or set single_replica: move, or accept (those in memory are empty then).",
            )
        if stays:
            self.report.said.append(f"away until {self._name} is back: {shown(map(str, stays))}")

    def _refuse_a_lost_node(self, name: str) -> None:
        known, node = self._at.node(name)
        if known and (lost := why_lost(node)):
            remedy = (
                "Nothing can be drained there: bring it back, or give the server another volume with state: replaced."
            )
            raise NatsError(f"node {name}", lost, remedy)

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
            )
        return name

    # Before it goes

    def _out_of_the_way(self, before: Snapshot) -> Snapshot:
        if self._params["single_replica"] == "move":
            before = self._moved(before, self._left())
        self._hand_over(before)
        return self._source.take()

    def _emptied(self, before: Snapshot) -> Snapshot:
        """What only it has goes to others, as far as it can; nothing goes unless others are whole after that, too."""
        try:
            moved = self._moved(before, self._left())
        except NatsError as error:
            if not self._params["allow_data_loss"]:
                raise NatsError(
                    error.what, error.cause, f"{error.remedy} Set allow_data_loss: true if it may be lost."
                ) from error
            moved = before
        if moved is not before:
            before = self._when_others_are_whole(giving_up=True)
        if lost := only_there(before, self._server):
            self.report.said.append(f"given up: {shown(map(str, lost))}")
        self._hand_over(before)
        # What the others have now is what has to be there afterwards.
        return replace(before, answers=tuple(told for told in before.answers if told["server"]["name"] != self._server))

    def _moved(self, before: Snapshot, patience: float) -> Snapshot:
        if not self._moving(before):
            return before
        streams = [asset for asset, group in only_there(before, self._server).items() if group and not asset.consumer]
        if not streams:
            return before
        if self._params["allow_data_loss"]:
            patience = min(patience, TRIED)
        move_off(self._members(), self._server, streams, patience)
        self.report.said.append(f"moved {len(streams)} streams with one replica off {self._name}")
        return self._source.take()

    # When it has gone

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

    def _come_to_rest(self, before: Snapshot, gone: str) -> None:
        """Back on a node, or waiting for one while the others do without it."""
        since: float | None = None

        def rests(pod: Object | None) -> bool:
            nonlocal since
            if pod is None or pod["metadata"]["uid"] == gone:
                return False
            since = (since or time.monotonic()) if unschedulable(pod) else None
            return is_up(pod) or (since is not None and time.monotonic() - since > WAITS)

        if stuck := self._pods.wait_until(self._name, rests, self._left(), "it is not back"):
            raise self._error(f"pod {self._name}", stuck, "The others are as they were. Look at its node.")
        pod = self._at.pod()
        if unschedulable(pod):
            self._until(lambda now: against_being_without(before, now, self._server), before)
            self._say_what_it_waits_for(pod)
        else:
            self._until(lambda now: against_going_on(before, now, self._server), before)
            self.report.said.append(f"{self._name} is back on node {node_of(pod)}, and the cluster is whole")

    def _until(self, against: Callable[[Snapshot], list[str]], before: Snapshot) -> None:
        look = self._look if before.accounts else self._source.take
        while found := against(look()):
            if time.monotonic() > self._deadline:
                cause = f"after {self._params['wait_timeout']:.0f} s the cluster is not as it was: {shown(found)}"
                remedy = "No other server was touched. Look at it with the playbook diagnose, and run again to go on."
                raise NatsError(f"server {self._name}", cause, remedy)
            time.sleep(LOOK)

    # What is said

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

    def _foretell(self, before: Snapshot, claim: Object | None) -> None:
        if not claim:
            return
        moves = [
            str(asset) for asset, group in only_there(before, self._server).items() if self._moves(before, asset, group)
        ]
        if moves:
            self.report.said.append(f"moves off first: {shown(moves)}")
        volume = claim["spec"].get("volumeName") or "no volume yet"
        self.report.said.append(
            f"{self._name} gets a new volume, and the others give it its copies; deletes {claim['metadata']['name']} ({volume}) and the pod"
        )

    def _say_what_it_waits_for(self, pod: Object | None) -> None:
        reason = unschedulable(pod)
        if reason is None:
            return
        bound, count = self._at.bound_to(), len(self._pods.all())
        waits = f"for node {', '.join(bound)}, where its volume is" if bound else f"for a node ({reason})"
        self.report.said.append(
            f"{self._name} waits (Pending) {waits}. The cluster works with {count - 1} of {count} servers, and no other may go until it is back"
        )

    def _look(self) -> Snapshot:
        """With what each account is told of its streams: those too that nobody has who answers."""
        first = self._source.take()
        if self._with_accounts is None:
            logins = [{"account": account} for account in sorted(accounts_of(answered(first)))]
            look = dict(self._params) | {"expected_members": None, "cluster_name": None, "previous": None}
            self._with_accounts = ThroughKubernetes(look | {"accounts": logins}, self._opened, look_inside=False)
        return self._with_accounts.take()
