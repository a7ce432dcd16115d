# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Moves what a leaving server holds to the others. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import shown
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import parsed
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    Asset,
    Group,
    groups,
    holds,
    meta_peers,
    peer_id,
    too_wide,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import (
    MAX_TRIES,
    NOT_YET_ERR_CODES,
    POLL_INTERVAL_S,
    RETRY_AFTER_S,
    Members,
)

# From this version on a server is emptied by one request.
EVACUATION_VERSION = (2, 15)

# Streams that move at the same time.
MAX_CONCURRENT_MOVES = 8


def evacuate(
    members: Members,
    name: str,
    timeout: float,
    staying: Collection[str] | None = None,
) -> bool:
    """Moves all that a server has to other servers; False where it had nothing.

    `members` are all servers, including the one to be emptied; `staying` are those that will be left in the end, by default all
    others. Refuses before the first move what would leave a stream with fewer replicas than it should have.
    """
    servers = members.whole()
    peers = meta_peers(servers)
    if peers is not None and peer_id(name) not in peers:
        return False
    what = f"server {name}"
    if name not in servers:
        cause = "it does not answer, so streams with their only copy there can't be moved"
        remedy = "Bring it back, or give up what only it has and remove it from the cluster."
        raise NatsError(what, cause, remedy, code="SERVER_NOT_ANSWERING")
    others = [other for other in (members.names if staying is None else staying) if other != name]
    if absent := [other for other in others if other not in servers]:
        cause = f"the servers that have to take over do not answer: {', '.join(absent)}"
        raise NatsError(what, cause, "Bring them back first.", code="SERVER_NOT_ANSWERING")
    if sentences := too_wide(servers, others):
        remedy = "Lower num_replicas of these first, or keep more servers."
        raise NatsError(what, shown(sentences), remedy, code="TOO_FEW_SERVERS")
    if not holds(servers, name):
        return False
    leaving = _Evacuation(members, name, None, timeout)
    newer = all(parsed(answer["server"]["ver"])[:2] >= EVACUATION_VERSION for answer in servers.values())
    leaving.wait(leaving.by_request if newer else leaving.by_stream)
    return True


def move_off(
    members: Members,
    name: str,
    streams: Iterable[Asset],
    timeout: float,
) -> bool:
    """Moves some streams of a server, with their consumers, to other servers; False where it had none of them.

    This is for streams with one replica, before their server restarts or goes: no other server has their messages.
    """
    wanted = frozenset(streams)
    servers = members.whole([name])
    if name in servers and not wanted & holds(servers, name).keys():
        return False
    leaving = _Evacuation(members, name, wanted, timeout)
    leaving.wait(leaving.by_stream)
    return True


@dataclass
class Requests:
    """The moves that were requested already."""

    # When the evacuation of the whole server, or the move of a stream, may be requested again.
    again_at: float = 0
    stream_again_at: dict[Asset, float] = field(default_factory=dict)
    refused: Counter[Asset] = field(default_factory=Counter)
    reasons: dict[Asset, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Evacuation:
    """Moves streams off one server, and waits until they are complete elsewhere."""

    members: Members
    name: str
    # The streams that move; None for all.
    only: Collection[Asset] | None
    timeout: float
    waiting: Waiting = field(default_factory=Waiting)

    def by_request(self, held: Mapping[Asset, Group], requests: Requests) -> None:
        """Requests the evacuation of the whole server, as newer servers know it."""
        if requests.again_at < time.monotonic() and not any(group.moving for group in held.values()):
            code, said = self.members.api("SERVER.EVACUATE", peer=self.name)
            if code not in NOT_YET_ERR_CODES:
                cause = f"it can't be emptied: {said}"
                raise NatsError(
                    f"server {self.name}", cause, "Look at the cluster with nats_health.", code, code="SERVER_REFUSED"
                )
            requests.again_at = time.monotonic() + RETRY_AFTER_S

    def by_stream(self, held: Mapping[Asset, Group], requests: Requests) -> None:
        """Requests the move of a few streams at a time; their consumers go with them."""
        streams = {asset: group for asset, group in held.items() if not asset.consumer}
        now = time.monotonic()
        due = [
            asset
            for asset, group in streams.items()
            if not group.moving and self.name in group.servers and requests.stream_again_at.get(asset, 0) < now
        ]
        for asset in due[: max(0, MAX_CONCURRENT_MOVES - (len(streams) - len(due)))]:
            code, said = self.members.api(f"ACCOUNT.STREAM.MOVE.{asset.account}.{asset.stream}", server=self.name)
            requests.stream_again_at[asset] = time.monotonic() + RETRY_AFTER_S
            if code not in NOT_YET_ERR_CODES:
                requests.refused[asset] += 1
                requests.reasons[asset] = said
        if streams and all(requests.refused[asset] >= MAX_TRIES for asset in streams):
            said = shown(f"{asset} can't be moved: {requests.reasons[asset]}" for asset in streams)
            remedy = "Look at placement and num_replicas, and at the other servers."
            raise NatsError(f"server {self.name}", said, remedy, code="SERVER_REFUSED")

    def look(self) -> tuple[dict[Asset, Group], dict[Asset, Group]]:
        """What the server still has, and what there is on any server."""
        servers = self.members.whole()
        if self.name not in servers:
            cause = "it does not answer, so streams with their only copy there can't be moved"
            raise NatsError(
                f"server {self.name}", cause, "Bring it back and run it again.", code="SERVER_NOT_ANSWERING"
            )
        if absent := [name for name in self.members.names if name not in servers]:
            cause = f"{', '.join(absent)} do not answer, so it is not known whether they have all that was moved"
            raise NatsError(
                f"server {self.name}", cause, "Bring them back and run it again.", code="SERVER_NOT_ANSWERING"
            )
        held = holds(servers, self.name)
        if self.only is not None:
            held = {asset: group for asset, group in held.items() if asset.of in self.only}
        return held, groups(servers)

    def wait(self, request: Callable[[Mapping[Asset, Group], Requests], None]) -> None:
        """Until the server has nothing and all is complete elsewhere. Seen twice, because its data is given up then."""
        deadline, requests, times_seen = time.monotonic() + self.timeout, Requests(), 0
        moved: set[Asset] = set()
        while times_seen < 2:
            held, found = self.look()
            moved |= held.keys()
            incomplete = [found[asset] for asset in moved if asset in found and not found[asset].settled]
            if held:
                request(held, requests)
            times_seen = 0 if held or incomplete else times_seen + 1
            if not times_seen:
                self.report(held, incomplete, requests.reasons, deadline)
            time.sleep(POLL_INTERVAL_S)

    def report(
        self,
        held: Mapping[Asset, Group],
        incomplete: Collection[Group],
        reasons: Mapping[Asset, str],
        deadline: float,
    ) -> None:
        """Shows what is still there; raises when time is over."""
        streams = [group for asset, group in held.items() if not asset.consumer]
        if time.monotonic() > deadline:
            what = "it still has" if held else "these are not complete on the other servers yet:"
            assets = (
                f"{group}, {reason}" if (reason := reasons.get(group.asset)) else str(group)
                for group in streams or held.values() or incomplete
            )
            cause = f"after {self.timeout:g} s {what} {shown(assets)}"
            remedy = "Run it again to go on, or look at the servers' load and disks."
            raise NatsError(f"server {self.name}", cause, remedy, code="TIMED_OUT")
        moving = sum(group.moving for group in streams)
        self.waiting(
            f"server {self.name}: still has {len(streams)} streams and {len(held) - len(streams)} consumers; {moving} move"
        )
