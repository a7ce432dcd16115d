# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Spreads replicas, leaders and clients evenly again. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset, groups
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import AnswerTime, ask
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._operations.balance_plan import (
    Kick,
    Move,
    clients_of,
    foreseen,
    imbalance,
    kicks,
    leader_moves,
    moves,
    placement,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.leader_transfer import hand_over
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import Handover
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import (
    MAX_TRIES,
    NOT_YET_ERR_CODES,
    POLL_INTERVAL_S,
    Members,
)

Answer = Mapping[str, Any]
# So many streams move at the same time.
MAX_CONCURRENT_MOVES = 4
# What a server chooses itself may make it no more even; so often it is asked again.
MAX_FAILED_MOVES = 3
# Leaders that did not go where they should are asked again so often.
MAX_ROUNDS = 2
# So many clients of each server are looked at.
MAX_CONNECTIONS_PER_SERVER = 4096
# Seconds that clients have to come back.
LEADER_RETURN_S = 5.0


@dataclass
class _Round:
    """The moves of one round: of different streams, so that no stream has more than one replica under way."""

    members: Members
    deadline: float
    timeout: float
    under_way: dict[Asset, Move] = field(default_factory=dict)
    refused: dict[Asset, str] = field(default_factory=dict)
    were: dict[Asset, frozenset[str]] = field(default_factory=dict)

    def start(self, planned: Sequence[Move], servers: Mapping[str, Answer], most: int) -> None:
        self.were = {asset: group.servers for asset, group in groups(servers).items()}
        for move in planned:
            if len(self.under_way) >= min(MAX_CONCURRENT_MOVES, most):
                return
            if move.asset in self.under_way or move.asset in self.refused:
                continue
            # A tag of the request adds to the stream's own and is not kept: with one that only the goal has, it goes there.
            tags = {"tags": [move.goes]} if directed(servers, move.goes) else {}
            call = f"ACCOUNT.STREAM.MOVE.{move.asset.account}.{move.asset.stream}"
            code, said = self.members.api(call, server=move.leaves, **tags)
            if code in NOT_YET_ERR_CODES:
                self.under_way[move.asset] = move
            else:
                self.refused[move.asset] = said

    def finish(self) -> list[Move]:
        """Until each stream and its consumers have all replicas, current, and none where they left; seen twice."""
        arrived: dict[Asset, Move] = {}
        seen: Counter[Asset] = Counter()
        tell_now_and_then = Waiting()
        while waiting := [asset for asset in self.under_way if asset not in arrived]:
            found = groups(everyone(self.members))
            for asset in waiting:
                move = self.under_way[asset]
                of_stream = [group for other, group in found.items() if other.of == asset]
                there = all(group.settled and move.leaves not in group.servers | group.copies for group in of_stream)
                seen[asset] = seen[asset] + 1 if there else 0
                if seen[asset] > 1:
                    got = found[asset].servers - self.were[asset] if asset in found else ()
                    arrived[asset] = replace(move, goes=min(got, default=move.goes))
            if time.monotonic() > self.deadline:
                late = shown(str(found.get(asset, asset)) for asset in waiting)
                cause = f"after {self.timeout:g} s these still move: {late}"
                raise NatsError("replicas", cause, "They go on by themselves: run it again later.", code="TIMED_OUT")
            tell_now_and_then(f"{len(waiting)} streams move")
            time.sleep(POLL_INTERVAL_S)
        return list(arrived.values())


def everyone(members: Members) -> dict[str, Answer]:
    """What all servers have: whoever does not answer would seem to have nothing."""
    servers = members.whole()
    if absent := [name for name in members.names if name not in servers]:
        remedy = "Look at the cluster with nats_health."
        raise NatsError(f"server {', '.join(absent)}", "it does not answer", remedy, code="SERVER_NOT_ANSWERING")
    return servers


def directed(servers: Mapping[str, Answer], name: str) -> bool:
    """Whether a server, and no other, has its own name as a tag."""
    tagged = [server for server, answer in servers.items() if name.lower() in (answer["server"].get("tags") or ())]
    return tagged == [name]


def move_replicas(members: Members, most: int, timeout: float) -> tuple[list[Move], dict[Asset, str]]:
    """Spreads replicas evenly, a few streams at a time; what was moved, and what was refused.

    Where servers do not have their names as tags the server chooses where a replica goes, so after every round it is
    planned anew, and given up on when it gets no more even.
    """
    deadline, vain = time.monotonic() + timeout, 0
    done: list[Move] = []
    refused: dict[Asset, str] = {}
    while len(done) < most and vain < MAX_FAILED_MOVES:
        servers = everyone(members)
        before = imbalance(servers, members.names)
        turn = _Round(members, deadline, timeout, refused=refused)
        turn.start(moves(servers, members.names, refused.keys()), servers, most - len(done))
        if not turn.under_way:
            break
        done += turn.finish()
        vain = 0 if imbalance(everyone(members), members.names) < before else vain + 1
    return done, refused


def move_leaders(
    members: Members,
    accounts: Callable[[str], Connection | None],
    skipped: Collection[str],
    timeout: float,
) -> tuple[list[Handover], list[str]]:
    """Spreads leaders evenly; what was handed over, and what could not be, in a sentence each."""
    deadline, sentences = time.monotonic() + timeout, list[str]()
    before: dict[Asset, str | None] = {}
    for _round in range(MAX_ROUNDS):
        found = groups(servers := everyone(members))
        planned = leader_moves(servers, members.names, skipped)
        if not planned:
            break
        before = {move.asset: found[move.asset].leader for move in planned if move.asset} | before
        sentences = hand_over(
            members.system, accounts, planned, max(1, deadline - time.monotonic()), members.check_lease
        )
    after = {asset: group.leader for asset, group in groups(members.whole()).items() if asset in before}
    gone = [(asset, before[asset], leader) for asset, leader in after.items() if leader != before[asset]]
    return [Handover(asset, str(left), str(leader)) for asset, left, leader in gone], sentences


def close_connections(members: Members, wanted: Sequence[Kick], per_second: float) -> int:
    """Has servers close clients' connections, so many in a second; how many there were still."""
    closed = 0
    for number, kick in enumerate(wanted):
        if number:
            time.sleep(1 / per_second)
        members.check_lease()
        answer = members.system.request(f"$SYS.REQ.SERVER.{kick.server_id}.KICK", {"cid": kick.cid})
        closed += "error" not in answer  # one that went by itself is none to close
    return closed


def connections(members: Members) -> dict[str, Answer]:
    """The clients of each server: whoever does not answer would seem to have none."""
    asked = {"auth": True, "sort": "idle", "limit": MAX_CONNECTIONS_PER_SERVER}
    answer_time = AnswerTime(members.system.options.timeout)
    for _try in range(MAX_TRIES):
        answers = ask(members.system, members.names, answer_time.seconds, {"CONNZ": asked})
        answer_time.learn(answers, members.names)
        found = {told["server"]["name"]: told for told in answers["CONNZ"] if told["server"]["name"] in members.names}
        if set(members.names) <= found.keys():
            return found
    absent = ", ".join(sorted(set(members.names) - found.keys()))
    remedy = "Look at the cluster with nats_health."
    raise NatsError(f"server {absent}", "it does not say who is connected", remedy, code="SERVER_NOT_ANSWERING")


@dataclass(frozen=True)
class RebalanceOptions:
    """What shall be even, and how gently."""

    replicas: bool
    leaders: bool
    connections: bool
    max_moves: int
    kicks_per_second: float
    wait_timeout: float


def rebalance(
    members: Members, accounts: Callable[[str], Connection | None], wanted: RebalanceOptions, check: bool
) -> dict[str, Any]:
    """Replicas, then leaders, which depend on them, then clients; what was done, or would be, and how it is then."""
    servers = everyone(members)
    before = balance_figures(servers, connections(members), members.names)
    skipped = without_login(servers, members.names, accounts) if wanted.leaders else {}
    if check:
        kicked = kicks(connections(members), members.names) if wanted.connections else []
        replicas = moves(servers, members.names)[: wanted.max_moves] if wanted.replicas else []
        leaders = leader_moves(servers, members.names, skipped) if wanted.leaders else []
        after = foreseen(before, groups(servers), replicas, leaders, kicked)
        return _result(before, after, replicas, leaders, kicked, skipped, [])
    replicas, leaders, kicked = [], [], []
    sentences: list[str] = []
    if wanted.replicas:
        replicas, refused = move_replicas(members, wanted.max_moves, wanted.wait_timeout)
        sentences += [f"{asset}: {reason}" for asset, reason in refused.items()]
    if wanted.leaders:
        leaders, unmoved = move_leaders(members, accounts, skipped, wanted.wait_timeout)
        sentences += unmoved
    if wanted.connections:
        kicked = kicks(connections(members), members.names)
        close_connections(members, kicked, wanted.kicks_per_second)
        _returned(members, sum(server["connections"] for server in before.values()))
    after = balance_figures(members.whole(), connections(members), members.names)
    return _result(before, after, replicas, leaders, kicked, skipped, sentences)


def without_login(
    servers: Mapping[str, Answer], names: Sequence[str], accounts: Callable[[str], Connection | None]
) -> dict[str, str]:
    """Accounts whose leaders should move and can't be made to, and why."""
    found = {}
    for account in sorted({move.account for move in leader_moves(servers, names)}):
        try:
            if accounts(account) is None:
                found[account] = "there are no credentials for it"
        except NatsError as error:
            found[account] = error.cause
    return found


def balance_figures(
    servers: Mapping[str, Answer], clients: Mapping[str, Answer], names: Sequence[str]
) -> dict[str, dict[str, int]]:
    """What each server has."""
    return {
        name: counts | {"connections": len(clients_of(clients[name])) if name in clients else 0}
        for name, counts in placement(servers, names).items()
    }


def _returned(members: Members, total: int) -> None:
    """A client that was closed connects again in its own time, which is short."""
    end = time.monotonic() + LEADER_RETURN_S
    while sum(len(clients_of(answer)) for answer in connections(members).values()) < total and time.monotonic() < end:
        time.sleep(POLL_INTERVAL_S)


def _result(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    replicas: Sequence[Move],
    leaders: Sequence[Handover],
    kicked: Sequence[Kick],
    skipped: Mapping[str, str],
    sentences: Sequence[str],
) -> dict[str, Any]:
    told = [{"what": "replica", "object": str(move.asset), "from": move.leaves, "to": move.goes} for move in replicas]
    told += [{"what": "leader", "object": str(move), "from": move.leaves, "to": move.goes} for move in leaders]
    told += [{"what": "connection", "object": f"client {kick.cid}", "from": kick.server, "to": ""} for kick in kicked]
    return {
        "changed": bool(told),
        "moves": told,
        "before": before,
        "servers": after,
        "not_moved": dict(skipped),
        "unmoved": list(sentences),
    }
