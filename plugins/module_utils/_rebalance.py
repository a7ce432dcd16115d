# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Spreads replicas, leaders and clients evenly again. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._balance import Kick, Move, imbalance, leader_moves, moves
from ansible_collections.messaging.nats.plugins.module_utils._connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._leaders import Handover, hand_over
from ansible_collections.messaging.nats.plugins.module_utils._membership import (
    APART,
    LATER,
    Members,
    Progress,
    shown,
    silent,
)
from ansible_collections.messaging.nats.plugins.module_utils._placement import Asset, groups

Answer = Mapping[str, Any]
# So many streams move at the same time.
AT_ONCE = 4
# What a server chooses itself may make it no more even; so often it is asked again.
IN_VAIN = 3
# Leaders that did not go where they should are asked again so often.
ROUNDS = 2
# So many clients of each server are looked at.
CONNECTIONS = 4096


@dataclass
class _Round:
    """The moves of one round: of different streams, so that no stream has more than one replica under way."""

    members: Members
    deadline: float
    timeout: float
    under_way: dict[Asset, Move] = field(default_factory=dict)
    refused: dict[Asset, str] = field(default_factory=dict)

    def start(self, planned: Sequence[Move], servers: Mapping[str, Answer], most: int) -> None:
        for move in planned:
            if len(self.under_way) >= min(AT_ONCE, most):
                return
            if move.asset in self.under_way or move.asset in self.refused:
                continue
            # A tag of the request adds to the stream's own and is not kept: with one that only the goal has, it goes there.
            tags = {"tags": [move.goes]} if directed(servers, move.goes) else {}
            call = f"ACCOUNT.STREAM.MOVE.{move.asset.account}.{move.asset.stream}"
            code, said = self.members.api(call, server=move.leaves, **tags)
            if code in LATER:
                self.under_way[move.asset] = move
            else:
                self.refused[move.asset] = said

    def finish(self, progress: Progress) -> list[Move]:
        """Until each stream has all its replicas, current, and none where it left; seen twice."""
        arrived: dict[Asset, Move] = {}
        seen: Counter[Asset] = Counter()
        while waiting := [asset for asset in self.under_way if asset not in arrived]:
            found = groups(self.members.look())
            for asset in waiting:
                move, group = self.under_way[asset], found.get(asset)
                there = group is None or (group.settled and move.leaves not in group.servers | group.copies)
                seen[asset] = seen[asset] + 1 if there else 0
                if seen[asset] > 1:
                    arrived[asset] = move
            if time.monotonic() > self.deadline:
                late = shown(str(found.get(asset, asset)) for asset in waiting)
                cause = f"after {self.timeout:g} s these still move: {late}"
                raise NatsError("replicas", cause, "They go on by themselves: run it again later.")
            progress(f"{len(waiting)} streams move")
            time.sleep(APART)
        return list(arrived.values())


def directed(servers: Mapping[str, Answer], name: str) -> bool:
    """Whether a server, and no other, has its own name as a tag."""
    tagged = [server for server, answer in servers.items() if name.lower() in (answer["server"].get("tags") or ())]
    return tagged == [name]


def move_replicas(
    members: Members, most: int, timeout: float, progress: Progress = silent
) -> tuple[list[Move], dict[Asset, str]]:
    """Spreads replicas evenly, a few streams at a time; what was moved, and what was refused.

    Where servers do not have their names as tags the server chooses where a replica goes, so after every round it is
    planned anew, and given up on when it gets no more even.
    """
    deadline, vain = time.monotonic() + timeout, 0
    done: list[Move] = []
    refused: dict[Asset, str] = {}
    while len(done) < most and vain < IN_VAIN:
        servers = members.look()
        before = imbalance(servers, members.names)
        turn = _Round(members, deadline, timeout, refused=refused)
        turn.start(moves(servers, members.names, refused.keys()), servers, most - len(done))
        if not turn.under_way:
            break
        done += turn.finish(progress)
        vain = 0 if imbalance(members.look(), members.names) < before else vain + 1
    return done, refused


def move_leaders(
    members: Members,
    accounts: Callable[[str], Connection | None],
    skipped: Collection[str],
    timeout: float,
) -> tuple[list[Handover], list[str]]:
    """Spreads leaders evenly; what was handed over, and what could not be, in a sentence each."""
    deadline = time.monotonic() + timeout
    done: list[Handover] = []
    sentences: list[str] = []
    for _round in range(ROUNDS):
        planned = leader_moves(members.look(), members.names, skipped)
        if not planned:
            break
        sentences = hand_over(members.system, accounts, planned, max(1, deadline - time.monotonic()))
        done += planned
    return done, sentences


def close_connections(system: Connection, wanted: Sequence[Kick], per_second: float) -> int:
    """Has servers close clients' connections, so many in a second; how many there were still."""
    closed = 0
    for number, kick in enumerate(wanted):
        if number:
            time.sleep(1 / per_second)
        answer = system.request(f"$SYS.REQ.SERVER.{kick.server_id}.KICK", {"cid": kick.cid})
        closed += "error" not in answer  # one that went by itself is none to close
    return closed


def connections(members: Members) -> dict[str, Answer]:
    """The clients of each server."""
    asked = {"auth": True, "sort": "idle", "limit": CONNECTIONS}
    work = members.system.survey("$SYS.REQ.SERVER.PING.CONNZ", asked, members.names, 2)
    told = members.system.run(work)
    return {answer["server"]["name"]: answer for answer in told if answer["server"]["name"] in members.names}
