# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Servers that join, are emptied, and leave. PRIVATE to the collection: it can change at any time.

Where a play that was killed stood is read from the servers: each of these can be run again and goes on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import parsed
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    Asset,
    Group,
    groups,
    holds,
    meta_leader,
    meta_peers,
    peer_id,
    too_wide,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import ASKED, AnswerTime, ask
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection

Answer = Mapping[str, Any]

NOT_A_MEMBER, CHANGE_UNDER_WAY, NO_QUORUM = 10044, 10202, 10008
# No refusals: it is under way, or will do in a moment.
LATER = (0, CHANGE_UNDER_WAY, NO_QUORUM, 10124, 10226)
# From this version on a server is emptied by one request.
EVACUATES = (2, 15)
# So many streams move at the same time.
AT_ONCE = 8
# Seconds: between two looks, and until what does not move is asked to again.
APART, AGAIN = 0.2, 3.0
# A server that does not answer, and a stream that refuses to move, so many times does not do it later.
TRIES = 3
SHOWN = 20


@dataclass(frozen=True)
class Members:
    """The servers of one cluster, asked as the system account."""

    system: Connection
    names: tuple[str, ...]
    cluster_name: str | None = None
    # Called before each change; raises where another play holds the Lease.
    check_lease: Callable[[], None] = lambda: None

    def look(self) -> dict[str, Answer]:
        """What each of them has, by name. Others that share the system account answer too."""
        try:
            found = self._ask()
        except NatsError:  # the server that it was connected to may be the one that goes
            found = self._ask()
        return {
            answer["server"]["name"]: answer
            for answer in found
            if answer["server"]["name"] in self.names and self.cluster_name in (None, answer["server"].get("cluster"))
        }

    def whole(self, needed: Collection[str] | None = None) -> dict[str, Answer]:
        """The same, asked again where one that is needed does not answer: a busy server may be late."""
        servers = self.look()
        for _try in range(TRIES - 1):
            if set(self.names if needed is None else needed) <= servers.keys():
                break
            servers = self.look()
        return servers

    def _ask(self) -> tuple[Answer, ...]:
        answers = ask(self.system, self.names, self._time.seconds, {"JSZ": ASKED["JSZ"]})
        self._time.learn(answers, self.names)
        return answers["JSZ"]

    @cached_property
    def _time(self) -> AnswerTime:
        return AnswerTime(self.system.options.timeout)

    def api(self, call: str, **body: Any) -> tuple[int, str]:
        """The error code of a call and its description, or 0; where no answer comes, looking again has to tell."""
        self.check_lease()
        try:
            answer = self.system.request(f"$JS.API.{call}", body)
        except UnansweredError as error:
            return 0, error.cause
        failed = answer.get("error") or {}
        return int(failed.get("err_code", failed.get("code", 0))), str(failed.get("description", ""))


def is_member(members: Members, name: str) -> bool:
    """Whether meta knows of a server, or for all that can be seen may."""
    peers = meta_peers(members.whole())
    return peers is None or peer_id(name) in peers


def is_empty(members: Members, name: str) -> bool:
    """Whether a server has nothing now, by its own word and that of all others."""
    servers = members.whole()
    return set(members.names) <= servers.keys() and not holds(servers, name)


def evacuate(
    members: Members,
    name: str,
    timeout: float,
    staying: Collection[str] | None = None,
) -> bool:
    """Has other servers take over all that a server has; whether there was anything.

    `members` are all servers, the one to be emptied too; `staying` those that will be left in the end, which are all
    others unless said. Refuses before the first move what would leave a stream with fewer replicas than it should have.
    """
    servers = members.whole()
    peers = meta_peers(servers)
    if peers is not None and peer_id(name) not in peers:
        return False
    what = f"server {name}"
    if name not in servers:
        cause = "it does not answer, so nobody can move what has its only copy there"
        raise NatsError(what, cause, "Bring it back, or give up what only it has and remove it from the cluster.")
    left = [other for other in (members.names if staying is None else staying) if other != name]
    if absent := [other for other in left if other not in servers]:
        cause = f"{', '.join(absent)} do not answer, and have to take over"
        raise NatsError(what, cause, "Bring them back first.")
    if sentences := too_wide(servers, left):
        raise NatsError(what, shown(sentences), "Lower num_replicas of these first, or keep more servers.")
    if not holds(servers, name):
        return False
    leaving = _Leaving(members, name, None, timeout)
    newer = all(parsed(answer["server"]["ver"])[:2] >= EVACUATES for answer in servers.values())
    leaving.wait(leaving.by_request if newer else leaving.by_stream)
    return True


def move_off(
    members: Members,
    name: str,
    streams: Iterable[Asset],
    timeout: float,
) -> bool:
    """Has other servers take over some streams, with their consumers; whether there was anything.

    For those with one replica, before their server restarts or goes: nobody else has their messages.
    """
    wanted = frozenset(streams)
    servers = members.whole([name])
    if name in servers and not wanted & holds(servers, name).keys():
        return False
    leaving = _Leaving(members, name, wanted, timeout)
    leaving.wait(leaving.by_stream)
    return True


def remove_peer(members: Members, name: str, timeout: float) -> bool:
    """Takes a server out of meta, until meta's leader no longer lists it; whether it did.

    `members` are those that stay. The server itself may run or not; if it leads, another one is made to first.
    """
    deadline, asked, waiting = time.monotonic() + timeout, False, Waiting()
    said, by_id = "", False
    while True:
        servers = members.look()
        leader, peers = meta_leader(servers), meta_peers(servers)
        if peers is not None and peer_id(name) not in peers:
            return asked
        if time.monotonic() > deadline:
            cause = f"it is still a member of meta after {timeout:g} s ({said or _meta_words(leader, peers)})"
            raise NatsError(f"server {name}", cause, "Look at the cluster with nats_health, then run it again.")
        if leader == name:
            waiting(f"meta: {name} leads it and steps down")
            members.api("META.LEADER.STEPDOWN")
        elif peers is not None:
            waiting(f"server {name}: leaves meta, which has {len(peers)} members")
            # After a restart of all others it is listed by its id only.
            code, said = members.api("SERVER.REMOVE", **({"peer_id": peer_id(name)} if by_id else {"peer": name}))
            asked, by_id = True, by_id != (code == NOT_A_MEMBER)
            if code not in (0, NOT_A_MEMBER, CHANGE_UNDER_WAY, NO_QUORUM):
                raise NatsError(f"server {name}", f"meta keeps it: {said}", "Look at the cluster.", code)
        time.sleep(APART)


def wait_members(members: Members, timeout: float) -> None:
    """Until meta has exactly these servers, all current, and a leader."""
    deadline, waiting = time.monotonic() + timeout, Waiting()
    while sentences := membership_problems(members.look(), members.names):
        if time.monotonic() > deadline:
            cause = f"{shown(sentences)}, after {timeout:g} s"
            raise NatsError("cluster", cause, "Look at it with nats_health, then run it again.")
        waiting(shown(sentences))
        time.sleep(APART)


def membership_problems(servers: Mapping[str, Answer], names: Sequence[str]) -> list[str]:
    """Why meta is not yet made of these servers, all of them current. Pure."""
    sentences = [f"server {name} does not answer" for name in names if name not in servers]
    if len(names) == 1 and not any(answer["data"].get("meta_cluster") for answer in servers.values()):
        return sentences  # a server alone has no meta
    peers = meta_peers(servers)
    if peers is None:
        return [*sentences, _meta_words(meta_leader(servers), peers)]
    for name in names:
        peer = peers.pop(peer_id(name), None)
        if peer is None and name in servers:
            sentences.append(
                f"server {name} answers, but is no member of meta: one that was removed less than five minutes ago is "
                "shut out until then, and joins by itself"
            )
        elif peer is None:
            sentences.append(f"server {name} is no member of meta")
        elif peer.get("offline") or not peer.get("current"):
            sentences.append(f"server {name} is {'offline' if peer.get('offline') else 'not current'} in meta")
    return sentences + [f"server {peer['name']} is still a member of meta" for peer in peers.values()]


@dataclass
class Tried:
    """What was asked for already."""

    # When all, or a stream, may be asked for again.
    after: float = 0
    asked: dict[Asset, float] = field(default_factory=dict)
    refused: Counter[Asset] = field(default_factory=Counter)
    reasons: dict[Asset, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Leaving:
    """One server that other servers take something over from."""

    members: Members
    name: str
    only: Collection[Asset] | None
    timeout: float
    waiting: Waiting = field(default_factory=Waiting)

    def by_request(self, held: Mapping[Asset, Group], tried: Tried) -> None:
        """The one request of newer servers, for all that is there."""
        if tried.after < time.monotonic() and not any(group.moving for group in held.values()):
            code, said = self.members.api("SERVER.EVACUATE", peer=self.name)
            if code not in LATER:
                raise NatsError(f"server {self.name}", f"it can't be emptied: {said}", "Look at the cluster.", code)
            tried.after = time.monotonic() + AGAIN

    def by_stream(self, held: Mapping[Asset, Group], tried: Tried) -> None:
        """A few streams at a time; their consumers go with them."""
        streams = {asset: group for asset, group in held.items() if not asset.consumer}
        now = time.monotonic()
        due = [
            asset
            for asset, group in streams.items()
            if not group.moving and self.name in group.servers and tried.asked.get(asset, 0) < now
        ]
        for asset in due[: max(0, AT_ONCE - (len(streams) - len(due)))]:
            code, said = self.members.api(f"ACCOUNT.STREAM.MOVE.{asset.account}.{asset.stream}", server=self.name)
            tried.asked[asset] = time.monotonic() + AGAIN
            if code not in LATER:
                tried.refused[asset] += 1
                tried.reasons[asset] = said
        if streams and all(tried.refused[asset] >= TRIES for asset in streams):
            said = shown(f"{asset} can't be moved: {tried.reasons[asset]}" for asset in streams)
            remedy = "Look at placement and num_replicas, and at the other servers."
            raise NatsError(f"server {self.name}", said, remedy)

    def look(self) -> tuple[dict[Asset, Group], dict[Asset, Group]]:
        """What is still there, and all that there is anywhere."""
        servers = self.members.whole()
        if self.name not in servers:
            cause = "it does not answer, so nobody can move what has its only copy there"
            raise NatsError(f"server {self.name}", cause, "Bring it back and run it again.")
        if absent := [name for name in self.members.names if name not in servers]:
            cause = f"{', '.join(absent)} do not answer, so nobody knows whether all that left it is there"
            raise NatsError(f"server {self.name}", cause, "Bring them back and run it again.")
        held = holds(servers, self.name)
        if self.only is not None:
            held = {asset: group for asset, group in held.items() if asset.of in self.only}
        return held, groups(servers)

    def wait(self, work: Callable[[Mapping[Asset, Group], Tried], None]) -> None:
        """Until nothing is left there and all is complete elsewhere: seen twice, since then its data is given up."""
        deadline, tried, over = time.monotonic() + self.timeout, Tried(), 0
        left: set[Asset] = set()
        while over < 2:
            held, found = self.look()
            left |= held.keys()
            incomplete = [found[asset] for asset in left if asset in found and not found[asset].settled]
            if held:
                work(held, tried)
            over = 0 if held or incomplete else over + 1
            if not over:
                self.tell(held, incomplete, tried.reasons, deadline)
            time.sleep(APART)

    def tell(
        self,
        held: Mapping[Asset, Group],
        incomplete: Collection[Group],
        reasons: Mapping[Asset, str],
        deadline: float,
    ) -> None:
        """What is still there, or that it takes too long."""
        streams = [group for asset, group in held.items() if not asset.consumer]
        if time.monotonic() > deadline:
            what = "it still has" if held else "what left it is not complete elsewhere:"
            seen = (
                f"{group}, {reason}" if (reason := reasons.get(group.asset)) else str(group)
                for group in streams or held.values() or incomplete
            )
            cause = f"after {self.timeout:g} s {what} {shown(seen)}"
            remedy = "Run it again to go on, or look at the servers' load and disks."
            raise NatsError(f"server {self.name}", cause, remedy)
        moving = sum(group.moving for group in streams)
        self.waiting(
            f"server {self.name}: still has {len(streams)} streams and {len(held) - len(streams)} consumers; {moving} move"
        )


def shown(sentences: Iterable[str]) -> str:
    """A list that may be long."""
    told = list(sentences)
    return "; ".join(told[:SHOWN]) + (f"; and {len(told) - SHOWN} more" if len(told) > SHOWN else "")


def _meta_words(leader: str | None, peers: Mapping[str, Answer] | None) -> str:
    if leader is None:
        return "meta has no leader"
    if peers is None:
        return f"meta is led by {leader}, which does not answer"
    return "meta has " + ", ".join(sorted(str(peer["name"]) for peer in peers.values()))
