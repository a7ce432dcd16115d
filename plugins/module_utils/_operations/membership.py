# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The members of meta: servers that join and leave. PRIVATE to the collection: it can change at any time.

How far a play that was killed had come is read from the servers: each of these functions can be run again and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    holds,
    meta_peers,
    named_meta_leader,
    peer_id,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import ASKED_BY_OPTION, AnswerTime, ask
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection

NOT_A_MEMBER, CHANGE_UNDER_WAY, NO_QUORUM = 10044, 10202, 10008
# These are no refusals: the change is under way, or will be possible in a moment.
NOT_YET_ERR_CODES = (0, CHANGE_UNDER_WAY, NO_QUORUM, 10124, 10226)
# Between two looks, and until a move that has not begun is requested again.
POLL_INTERVAL_S, RETRY_AFTER_S = 0.2, 3.0
# A server that does not answer this many times is not expected to answer; a stream that refuses to move this often does not move.
MAX_TRIES = 3


@dataclass(frozen=True)
class Members:
    """The servers of one cluster, asked as the system account."""

    system: Connection
    names: tuple[str, ...]
    cluster_name: str | None = None
    # Called before each change; raises if another play holds the Lease.
    check_lease: Callable[[], None] = lambda: None

    def look(self) -> dict[str, Answer]:
        """What each server has, by name, without servers of other clusters that share the system account."""
        try:
            found = self._ask()
        except NatsError:  # the connection may have been to the server that goes
            found = self._ask()
        return {
            answer["server"]["name"]: answer
            for answer in found
            if answer["server"]["name"] in self.names and self.cluster_name in (None, answer["server"].get("cluster"))
        }

    def whole(self, needed: Collection[str] | None = None) -> dict[str, Answer]:
        """The same, asked again while a needed server does not answer, because a busy server may be late."""
        servers = self.look()
        for _try in range(MAX_TRIES - 1):
            if set(self.names if needed is None else needed) <= servers.keys():
                break
            servers = self.look()
        return servers

    def _ask(self) -> tuple[Answer, ...]:
        answers = ask(self.system, self.names, self._time.seconds, {"JSZ": ASKED_BY_OPTION["JSZ"]})
        self._time.learn(answers, self.names)
        return answers["JSZ"]

    @cached_property
    def _time(self) -> AnswerTime:
        return AnswerTime(self.system.options.timeout)

    def api(self, call: str, **body: Any) -> tuple[int, str]:
        """The error code of a call and its description; 0 without an error, or without an answer: then only looking again tells."""
        self.check_lease()
        try:
            answer = self.system.request(f"$JS.API.{call}", body)
        except UnansweredError as error:
            return 0, error.cause
        failed = answer.get("error") or {}
        return int(failed.get("err_code", failed.get("code", 0))), str(failed.get("description", ""))


def is_member(members: Members, name: str) -> bool:
    """Whether a server is a peer of meta; True also where the meta leader can't be asked."""
    peers = meta_peers(members.whole())
    return peers is None or peer_id(name) in peers


def is_empty(members: Members, name: str) -> bool:
    """Whether a server has nothing now, as it says itself and as all others say."""
    servers = members.whole()
    return set(members.names) <= servers.keys() and not holds(servers, name)


def remove_peer(members: Members, name: str, timeout: float) -> bool:
    """Removes a server from meta, until the meta leader no longer lists it; False where it was not listed.

    `members` are the servers that stay. The server itself may run or not; if it is the meta leader, it steps down first.
    """
    deadline, requested, waiting = time.monotonic() + timeout, False, Waiting()
    said, by_id = "", False
    while True:
        servers = members.look()
        leader, peers = named_meta_leader(servers), meta_peers(servers)
        if peers is not None and peer_id(name) not in peers:
            return requested
        if time.monotonic() > deadline:
            cause = f"it is still a member of meta after {timeout:g} s ({said or _meta_state(leader, peers)})"
            remedy = "Look at the cluster with nats_health, then run it again."
            raise NatsError(f"server {name}", cause, remedy, code="TIMED_OUT")
        if leader == name:
            waiting(f"server {name}: is the meta leader and steps down")
            members.api("META.LEADER.STEPDOWN")
        elif peers is not None:
            waiting(f"server {name}: is removed from meta, which has {len(peers)} peers")
            # After all others have restarted, meta knows the server by its id only.
            code, said = members.api("SERVER.REMOVE", **({"peer_id": peer_id(name)} if by_id else {"peer": name}))
            requested, by_id = True, by_id != (code == NOT_A_MEMBER)
            if code not in (0, NOT_A_MEMBER, CHANGE_UNDER_WAY, NO_QUORUM):
                cause = f"the meta leader refuses to remove it: {said}"
                raise NatsError(
                    f"server {name}", cause, "Look at the cluster with nats_health.", code, code="SERVER_REFUSED"
                )
        time.sleep(POLL_INTERVAL_S)


def wait_members(members: Members, timeout: float) -> None:
    """Waits until meta has exactly these servers, all current, and a leader."""
    deadline, waiting = time.monotonic() + timeout, Waiting()
    while sentences := membership_problems(members.look(), members.names):
        if time.monotonic() > deadline:
            cause = f"{shown(sentences)}, after {timeout:g} s"
            remedy = "Look at it with nats_health, then run it again."
            raise NatsError("cluster", cause, remedy, code="CLUSTER_NOT_WHOLE")
        waiting(shown(sentences))
        time.sleep(POLL_INTERVAL_S)


def membership_problems(servers: Mapping[str, Answer], names: Sequence[str]) -> list[str]:
    """Why meta does not consist of these servers, all of them current. Pure: talks to nobody."""
    sentences = [f"server {name} does not answer" for name in names if name not in servers]
    if len(names) == 1 and not any(answer["data"].get("meta_cluster") for answer in servers.values()):
        return sentences  # a single server has no meta
    peers = meta_peers(servers)
    if peers is None:
        return [*sentences, _meta_state(named_meta_leader(servers), peers)]
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


def _meta_state(leader: str | None, peers: Mapping[str, Answer] | None) -> str:
    if leader is None:
        return "meta has no leader"
    if peers is None:
        return f"meta is led by {leader}, which does not answer"
    return "meta has " + ", ".join(sorted(str(peer["name"]) for peer in peers.values()))
