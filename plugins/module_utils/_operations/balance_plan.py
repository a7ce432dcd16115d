# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How replicas, leaders and clients would be spread evenly. Pure: talks to nobody. PRIVATE: it can change at any time."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    Asset,
    Group,
    groups,
    server_accepts_replica,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import CLIENT_NAME
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import Handover

# A server may have this much more than the average number of clients.
CLIENT_TOLERANCE = 1.1
LIMITS = {"file": ("max_storage", "storage"), "memory": ("max_memory", "memory")}
# A stream moves only where the difference of the loads exceeds its weight by this much: less is not worth it, nor would it last.
MIN_GAIN = 1.0
# Weights are rounded, so that a load is the same whether it was summed up or computed by subtracting moves.
WEIGHT_DIGITS = 6


@dataclass(frozen=True)
class Move:
    """A replica of a stream, with those of its consumers, goes from one server to another."""

    asset: Asset
    leaves: str
    goes: str

    def __str__(self) -> str:
        return f"{self.asset}: replica from {self.leaves} to {self.goes}"


@dataclass(frozen=True)
class Kick:
    """A client whose connection a server closes, so that it connects again."""

    server: str
    server_id: str
    cid: int


def moves(servers: Mapping[str, Answer], members: Sequence[str], fixed: Collection[Asset] = ()) -> list[Move]:
    """Which replicas should move to which server, so that each has the same load; the move with the most effect comes first.

    A replica weighs one, plus its bytes divided by the average bytes of a replica. Streams that are not settled, and those in
    `fixed`, stay where they are.
    """
    found = {asset: group for asset, group in groups(servers).items() if not asset.consumer}
    answering = [name for name in members if name in servers]
    free = {asset for asset, group in found.items() if group.settled and asset not in fixed}
    board = _Board(servers, found, _weights(found), answering, free)
    planned = []
    while move := board.best():
        planned.append(move)
        board.apply(move)
    return planned


# Decides between streams with the same effect: first one that the server does not lead, then the smallest.
Rank = tuple[bool, int, Asset]


class _Held:
    """The streams that one server could give to another, sorted by weight, so that the best is found without looking at all."""

    def __init__(self) -> None:
        self._weights: list[float] = []
        self._ranks: dict[float, list[Rank]] = {}

    def add(self, weight: float, rank: Rank) -> None:
        if weight not in self._ranks:
            insort(self._weights, weight)
            self._ranks[weight] = []
        insort(self._ranks[weight], rank)

    def remove(self, weight: float, rank: Rank) -> None:
        ranks = self._ranks[weight]
        del ranks[bisect_left(ranks, rank)]
        if not ranks:
            del self._ranks[weight]
            del self._weights[bisect_left(self._weights, weight)]

    def by_gain(self, gap: float) -> Iterator[tuple[float, list[Rank]]]:
        """Streams with their gain, those with the most first: the nearer a weight is to half the gap, the more it gains."""
        above = bisect_left(self._weights, gap / 2)
        below, most = above - 1, bisect_right(self._weights, round(gap - MIN_GAIN, WEIGHT_DIGITS))
        while below >= 0 or above < most:
            gains = [_gain(self._weights[at], gap) if 0 <= at < most else -math.inf for at in (below, above)]
            at = below if gains[0] >= gains[1] else above
            if gains[0] >= gains[1]:
                below -= 1
            else:
                above += 1
            if at < most:
                yield max(gains), self._ranks[self._weights[at]]


def _gain(weight: float, gap: float) -> float:
    return round(weight * (gap - weight), WEIGHT_DIGITS)


class _Board:
    """Where every replica would be after each planned move."""

    def __init__(
        self,
        servers: Mapping[str, Answer],
        found: Mapping[Asset, Group],
        weights: Mapping[Asset, float],
        names: Sequence[str],
        free: Set[Asset],
    ) -> None:
        self._weights, self._names = weights, names
        self._size = {asset: (group.storage, group.bytes) for asset, group in found.items()}
        self._leader = {asset: group.leader for asset, group in found.items()}
        self._at = {asset: {name for name in names if name in group.servers} for asset, group in found.items()}
        self._load = {name: math.fsum(weights[asset] for asset, at in self._at.items() if name in at) for name in names}
        self._room = {(name, storage): _room(servers[name], storage) for name in names for storage in LIMITS}
        # Whether a server accepts a stream depends on the stream's tags alone, and many streams have the same.
        tags = {asset: group.tags for asset, group in found.items()}
        example = {tags[asset]: group for asset, group in found.items()}
        fit = {
            name: {wanted for wanted, group in example.items() if server_accepts_replica(servers[name], group)}
            for name in names
        }
        self._may = {asset: {name for name in names if tags[asset] in fit[name]} for asset in free}
        # By pair of servers, the streams that the first has and the second may get.
        self._held = {(full, bare): _Held() for full in names for bare in names if full != bare}
        for asset in free:
            self._list(asset, _Held.add)
        # Pairs of servers between which no move helps, until one of them changes.
        self._in_vain = set[tuple[str, str]]()

    def best(self) -> Move | None:
        load = self._load
        pairs = [
            (round(load[full] - load[bare], WEIGHT_DIGITS), full, bare)
            for full, bare in self._held.keys() - self._in_vain
        ]
        for gap, full, bare in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
            if asset := self._best_of(full, bare, gap):
                return Move(asset, full, bare)
            self._in_vain.add((full, bare))
        return None

    def _best_of(self, full: str, bare: str, gap: float) -> Asset | None:
        """The stream with the largest gain that there is room for; of several the one with the highest rank."""
        best: Rank | None = None
        reached = -math.inf
        room = {storage: self._room[bare, storage] for storage in LIMITS}
        for gain, ranks in self._held[full, bare].by_gain(gap):
            if gain < reached:
                break
            for rank in reversed(ranks):
                storage, size = self._size[rank[-1]]
                if size <= room[storage]:
                    best, reached = max(best or rank, rank), gain
                    break
        return best[-1] if best else None

    def apply(self, move: Move) -> None:
        asset, weight = move.asset, self._weights[move.asset]
        self._list(asset, _Held.remove)
        self._at[asset] = self._at[asset] - {move.leaves} | {move.goes}
        self._list(asset, _Held.add)
        self._load[move.leaves] -= weight
        self._load[move.goes] += weight
        storage, size = self._size[asset]
        self._room[move.goes, storage] -= size
        changed = {(full, bare) for full in self._at[asset] | {move.leaves} for bare in self._names}
        changed |= {(bare, full) for full, bare in changed}
        self._in_vain -= changed

    def _list(self, asset: Asset, enter: Callable[[_Held, float, Rank], None]) -> None:
        at, weight = self._at[asset], self._weights[asset]
        _storage, size = self._size[asset]
        for full in at:
            rank = (self._leader[asset] != full, -size, asset)
            for bare in self._may[asset] - at:
                enter(self._held[full, bare], weight, rank)


def _weights(found: Mapping[Asset, Group]) -> dict[Asset, float]:
    replicas = sum(len(group.servers) for group in found.values())
    mean = sum(group.bytes * len(group.servers) for group in found.values()) / max(1, replicas)
    return {asset: round(1 + (group.bytes / mean if mean else 0), WEIGHT_DIGITS) for asset, group in found.items()}


def _room(answer: Answer, storage: str) -> float:
    """The bytes that the server can take until nine tenths of its limit are used."""
    data = answer["data"]
    limit, used = LIMITS[storage]
    return float((data.get("config") or {}).get(limit, 0)) * 0.9 - float(data.get(used, 0))


def leader_moves(
    servers: Mapping[str, Answer], members: Sequence[str], skipped: Collection[str] = ()
) -> list[Handover]:
    """Which server should lead instead, so that each leads as many streams, and as many consumers, as any other.

    Accounts in `skipped` keep their leaders, because there is no login that may have these step down.
    """
    found = groups(servers)
    planned: list[Handover] = []
    beside: Counter[str] = Counter()
    for kind in (False, True):
        led = {asset: group for asset, group in found.items() if bool(asset.consumer) == kind and group.leader}
        leaders = {asset: str(group.leader) for asset, group in led.items()}
        able = {
            asset: group.current & set(members) & servers.keys() if asset.account not in skipped else frozenset()
            for asset, group in led.items()
            if group.settled
        }
        after = _evened(leaders, able, members, beside)
        beside.update(after.values())
        planned += [Handover(asset, leaders[asset], goes) for asset, goes in after.items() if goes != leaders[asset]]
    return planned


def _evened(
    leaders: Mapping[Asset, str],
    able: Mapping[Asset, Collection[str]],
    members: Sequence[str],
    beside: Mapping[str, int],
) -> dict[Asset, str]:
    """The leaders after evening out. It uses chains: what only n2 can take from n1 goes there once n2 has given something to n3.

    `beside` is how many of another kind each server leads: a server with more of them gets fewer of this kind if it makes no difference.
    """
    after, load = dict(leaders), Counter(leaders.values())
    edges: dict[str, dict[str, set[Asset]]] = {}

    def put(asset: Asset, there: bool) -> None:
        for name in able.get(asset, ()):
            if name != after[asset]:
                of = edges.setdefault(after[asset], {}).setdefault(name, set())
                (of.add if there else of.discard)(asset)

    def worth(giver: str, taker: str) -> bool:
        gap = load[giver] - load[taker]
        return gap >= 2 or (gap == 1 and gap + beside[giver] - beside[taker] >= 2)

    for asset in after:
        put(asset, True)
    while chain := _chain(sorted(members, key=lambda name: (-load[name], name)), edges, worth):
        for giver, taker in pairwise(chain):
            asset = min(edges[giver][taker])
            put(asset, False)
            after[asset] = taker
            put(asset, True)
        load[chain[0]] -= 1
        load[chain[-1]] += 1
    return after


def _chain(
    givers: Sequence[str],
    edges: Mapping[str, Mapping[str, Collection[Asset]]],
    worth: Callable[[str, str], bool],
) -> list[str]:
    """The shortest chain of servers along which a leadership can go from one that has many to one that has fewer."""
    for start in givers:
        ways: dict[str, list[str]] = {start: [start]}
        queue = deque([start])
        while queue:
            name = queue.popleft()
            if worth(start, name):
                return ways[name]
            for other in sorted(edges.get(name, ())):
                if edges[name][other] and other not in ways:
                    ways[other] = [*ways[name], other]
                    queue.append(other)
    return []


def kicks(connections: Mapping[str, Answer], members: Sequence[str]) -> list[Kick]:
    """Which clients should connect again, from what the servers answer to CONNZ: the idle ones first.

    Only servers with a tenth more than the average lose some. A client chooses itself where it connects then, so the result is
    even only by chance, and smaller differences are left alone.
    """
    clients = {name: clients_of(connections[name]) for name in members if name in connections}
    total = sum(map(len, clients.values()))
    most = math.ceil(total / max(1, len(members)) * CLIENT_TOLERANCE)
    average = math.ceil(total / max(1, len(members)))
    return [
        Kick(name, connections[name]["server"]["id"], int(client["cid"]))
        for name, of in sorted(clients.items())
        if len(of) > most
        for client in sorted(of, key=lambda client: str(client.get("last_activity")))[: len(of) - average]
    ]


def clients_of(answer: Answer) -> list[Answer]:
    """The clients of one server, without the collection's own."""
    found = answer["data"].get("connections") or []
    return [
        client for client in found if client.get("kind", "Client") == "Client" and client.get("name") != CLIENT_NAME
    ]


def placement(servers: Mapping[str, Answer], members: Sequence[str]) -> dict[str, dict[str, int]]:
    """What each server has: replicas of streams, leaders of streams and consumers, bytes of streams."""
    counts = {name: {"streams": 0, "leaders": 0, "bytes": 0} for name in members}
    for asset, group in groups(servers).items():
        if group.leader in counts:
            counts[group.leader]["leaders"] += 1
        for name in group.servers & counts.keys():
            if not asset.consumer:
                counts[name]["streams"] += 1
                counts[name]["bytes"] += group.bytes
    return counts


def imbalance(servers: Mapping[str, Answer], members: Sequence[str]) -> float:
    """How uneven the loads are: the sum of their squared distances from the mean."""
    found = {asset: group for asset, group in groups(servers).items() if not asset.consumer}
    weights = _weights(found)
    load = [sum(weights[asset] for asset, group in found.items() if name in group.servers) for name in members]
    mean = sum(load) / max(1, len(load))
    return sum((amount - mean) ** 2 for amount in load)


def foreseen(
    before: Mapping[str, Mapping[str, int]],
    found: Mapping[Asset, Group],
    replicas: Sequence[Move],
    leaders: Sequence[Handover],
    kicked: Sequence[Kick],
) -> dict[str, dict[str, int]]:
    """What each server would have after these moves, if clients go to the server with the fewest."""
    after = {name: dict(counts) for name, counts in before.items()}

    def shift(of: str, leaves: str, goes: str, by: int = 1) -> None:
        after[leaves][of] -= by
        after[goes][of] += by

    for move in replicas:
        shift("streams", move.leaves, move.goes)
        shift("bytes", move.leaves, move.goes, found[move.asset].bytes)
    for handover in leaders:
        shift("leaders", handover.leaves, handover.goes)
    for kick in kicked:
        shift("connections", kick.server, min(after, key=lambda name: (after[name]["connections"], name)))
    return after
