# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which server leads which streams and consumers, and which should take over. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    Asset,
    groups,
    meta_peers,
    named_meta_leader,
)


@dataclass(frozen=True)
class Led:
    """What one server leads."""

    meta: bool
    assets: tuple[Asset, ...]


@dataclass(frozen=True)
class Handover:
    """The leadership of a stream or consumer, or of meta (without an asset), goes from one server to another."""

    asset: Asset | None
    leaves: str
    goes: str

    @property
    def account(self) -> str:
        return self.asset.account if self.asset else ""

    def __str__(self) -> str:
        return str(self.asset or "meta")

    @property
    def call(self) -> str:
        if self.asset is None:
            return "$JS.API.META.LEADER.STEPDOWN"
        if self.asset.consumer:
            return f"$JS.API.CONSUMER.LEADER.STEPDOWN.{self.asset.stream}.{self.asset.consumer}"
        return f"$JS.API.STREAM.LEADER.STEPDOWN.{self.asset.stream}"


def leads(servers: Mapping[str, Answer], server: str) -> Led:
    """What a server leads, including single replicas, which can't be handed over."""
    assets = tuple(asset for asset, group in groups(servers).items() if group.leader == server)
    return Led(named_meta_leader(servers) == server, assets)


def handovers(servers: Mapping[str, Answer], server: str, done: Sequence[str] = ()) -> list[Handover]:
    """The servers that should take over what a server leads: current replicas, spread evenly, and first those in `done`.

    Streams come first, then consumers, meta last. What has no other current replica is left out.
    """
    if server not in servers:
        return []
    found = groups(servers)
    load = Counter((bool(asset.consumer), group.leader) for asset, group in found.items())
    moves = []
    for asset, group in sorted(found.items(), key=lambda entry: (bool(entry[0].consumer), entry[0])):
        others = [name for name in group.current if name != server and name in servers]
        if group.leader == server and others:
            kind = bool(asset.consumer)
            goes = min(others, key=lambda name: (name not in done, load[kind, name], load[not kind, name], name))
            load[kind, goes] += 1
            moves.append(Handover(asset, server, goes))
    return moves + _meta_handover(servers, server, done)


def _meta_handover(servers: Mapping[str, Answer], server: str, done: Sequence[str]) -> list[Handover]:
    if named_meta_leader(servers) != server:
        return []
    peers = (meta_peers(servers) or {}).values()
    current = {str(peer["name"]) for peer in peers if peer.get("current") and not peer.get("offline")}
    others = sorted(current & set(servers) - {server}, key=lambda name: (name not in done, name))
    return [Handover(None, server, others[0])] if others else []
