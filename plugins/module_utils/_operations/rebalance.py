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

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
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

# Streams that move at the same time.
MAX_CONCURRENT_MOVES = 4
# Rounds without any improvement before it stops: where a replica goes is chosen by the server, which may not make it more even.
MAX_FAILED_ROUNDS = 3
# How often leaders are handed over, as one that did not go where it should is tried again.
MAX_ROUNDS = 2
# Clients of each server that are looked at.
MAX_CONNECTIONS_PER_SERVER = 4096
# How long clients are given to reconnect.
RECONNECT_S = 5.0


@dataclass
class _Round:
    """The moves of one round, each of another stream, so that no stream has more than one replica under way."""

    members: Members
    deadline: float
    timeout: float
    under_way: dict[Asset, Move] = field(default_factory=dict)
    refused: dict[Asset, str] = field(default_factory=dict)
    # The servers that each stream was on when the round began.
    servers_before: dict[Asset, frozenset[str]] = field(default_factory=dict)

    def start(self, planned: Sequence[Move], servers: Mapping[str, Answer], most: int) -> None:
        self.servers_before = {asset: group.servers for asset, group in groups(servers).items()}
        for move in planned:
            if len(self.under_way) >= min(MAX_CONCURRENT_MOVES, most):
                return
            if move.asset in self.under_way or move.asset in self.refused:
                continue
            # The request's tags are used for this move only: a tag that only the target has makes the replica go there.
            tags = {"tags": [move.goes]} if directed(servers, move.goes) else {}
            call = f"ACCOUNT.STREAM.MOVE.{move.asset.account}.{move.asset.stream}"
            code, said = self.members.api(call, server=move.leaves, **tags)
            if code in NOT_YET_ERR_CODES:
                self.under_way[move.asset] = move
            else:
                self.refused[move.asset] = said

    def finish(self) -> list[Move]:
        """Waits until each stream and its consumers have all replicas, current, and none on the server that they left; seen twice."""
        arrived: dict[Asset, Move] = {}
        times_seen: Counter[Asset] = Counter()
        progress = Waiting()
        while waiting := [asset for asset in self.under_way if asset not in arrived]:
            found = groups(everyone(self.members))
            for asset in waiting:
                move = self.under_way[asset]
                of_stream = [group for other, group in found.items() if other.of == asset]
                moved = all(group.settled and move.leaves not in group.servers | group.copies for group in of_stream)
                times_seen[asset] = times_seen[asset] + 1 if moved else 0
                if times_seen[asset] > 1:
                    new = found[asset].servers - self.servers_before[asset] if asset in found else ()
                    arrived[asset] = replace(move, goes=min(new, default=move.goes))
            if time.monotonic() > self.deadline:
                late = shown(str(found.get(asset, asset)) for asset in waiting)
                cause = f"after {self.timeout:g} s these still move: {late}"
                raise NatsError("replicas", cause, "They go on by themselves: run it again later.", code="TIMED_OUT")
            progress(f"{len(waiting)} streams move")
            time.sleep(POLL_INTERVAL_S)
        return list(arrived.values())


def everyone(members: Members) -> dict[str, Answer]:
    """What all servers have. Raises if one does not answer, because it would seem to have nothing."""
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
    """Spreads replicas evenly, a few streams at a time. Returns what was moved, and what was refused.

    Where servers do not have their names as tags, the server chooses where a replica goes. So the moves are planned again after
    each round, and it stops when several rounds bring no improvement.
    """
    deadline, failed_rounds = time.monotonic() + timeout, 0
    done: list[Move] = []
    refused: dict[Asset, str] = {}
    while len(done) < most and failed_rounds < MAX_FAILED_ROUNDS:
        servers = everyone(members)
        before = imbalance(servers, members.names)
        turn = _Round(members, deadline, timeout, refused=refused)
        turn.start(moves(servers, members.names, refused.keys()), servers, most - len(done))
        if not turn.under_way:
            break
        done += turn.finish()
        better = imbalance(everyone(members), members.names) < before
        failed_rounds = 0 if better else failed_rounds + 1
    return done, refused


def move_leaders(
    members: Members,
    accounts: Callable[[str], Connection | None],
    skipped: Collection[str],
    timeout: float,
) -> tuple[list[Handover], list[str]]:
    """Spreads leaders evenly. Returns what was handed over, and a sentence for each leader that could not be."""
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
    moved = [(asset, before[asset], leader) for asset, leader in after.items() if leader != before[asset]]
    return [Handover(asset, str(old), str(new)) for asset, old, new in moved], sentences


def close_connections(members: Members, wanted: Sequence[Kick], per_second: float) -> int:
    """Has servers close clients' connections, so many in a second. Returns how many of these there still were."""
    closed = 0
    for number, kick in enumerate(wanted):
        if number:
            time.sleep(1 / per_second)
        members.check_lease()
        answer = members.system.request(f"$SYS.REQ.SERVER.{kick.server_id}.KICK", {"cid": kick.cid})
        closed += "error" not in answer  # an error means that the client had disconnected already
    return closed


def connections(members: Members) -> dict[str, Answer]:
    """The clients of each server. Raises if one does not answer, because it would seem to have none."""
    asked = {"auth": True, "sort": "idle", "limit": MAX_CONNECTIONS_PER_SERVER}
    answer_time = AnswerTime(members.system.options.timeout)
    for _try in range(MAX_TRIES):
        answers = ask(members.system, members.names, answer_time.seconds, {"CONNZ": asked})
        answer_time.learn(answers, members.names)
        found = {
            answer["server"]["name"]: answer for answer in answers["CONNZ"] if answer["server"]["name"] in members.names
        }
        if set(members.names) <= found.keys():
            return found
    absent = ", ".join(sorted(set(members.names) - found.keys()))
    remedy = "Look at the cluster with nats_health."
    raise NatsError(f"server {absent}", "it does not say who is connected", remedy, code="SERVER_NOT_ANSWERING")


@dataclass(frozen=True)
class RebalanceOptions:
    """What is to be spread evenly, and how fast."""

    replicas: bool
    leaders: bool
    connections: bool
    max_moves: int
    kicks_per_second: float
    wait_timeout: float


def rebalance(
    members: Members, accounts: Callable[[str], Connection | None], wanted: RebalanceOptions, check: bool
) -> dict[str, Any]:
    """Spreads replicas, then leaders, which depend on them, then clients. Returns the module's result."""
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
        _wait_for_reconnects(members, sum(server["connections"] for server in before.values()))
    after = balance_figures(members.whole(), connections(members), members.names)
    return _result(before, after, replicas, leaders, kicked, skipped, sentences)


def without_login(
    servers: Mapping[str, Answer], names: Sequence[str], accounts: Callable[[str], Connection | None]
) -> dict[str, str]:
    """Accounts whose leaders should move but can't be moved, and why."""
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


def _wait_for_reconnects(members: Members, total: int) -> None:
    """Waits a short time until as many clients are connected as before; when one reconnects is up to its library."""
    end = time.monotonic() + RECONNECT_S
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
    moved = [{"what": "replica", "object": str(move.asset), "from": move.leaves, "to": move.goes} for move in replicas]
    moved += [{"what": "leader", "object": str(move), "from": move.leaves, "to": move.goes} for move in leaders]
    moved += [{"what": "connection", "object": f"client {kick.cid}", "from": kick.server, "to": ""} for kick in kicked]
    return {
        "changed": bool(moved),
        "moves": moved,
        "before": before,
        "servers": after,
        "not_moved": dict(skipped),
        "unmoved": list(sentences),
    }
