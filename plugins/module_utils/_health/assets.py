# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Where streams and consumers are. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Answer = Mapping[str, Any]
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, order=True)
class Asset:
    """A stream, or a consumer of it."""

    account: str
    stream: str
    consumer: str = ""

    @property
    def of(self) -> Asset:
        """The stream."""
        return Asset(self.account, self.stream)

    def __str__(self) -> str:
        of = f"consumer {self.consumer} of " if self.consumer else ""
        return f"{of}stream {self.stream} of account {self.account}"


@dataclass(frozen=True)
class Group:
    """The servers of one asset, as its leader tells them, or as anyone does where none leads."""

    asset: Asset
    told: Answer
    wanted: int
    # Servers whose own answer has it: a copy that is left over, too.
    copies: frozenset[str]
    # Whether its leader says itself that it leads: who follows may tell of an earlier one.
    confirmed: bool = True

    @property
    def leader(self) -> str | None:
        return self._cluster.get("leader") or None

    @property
    def servers(self) -> frozenset[str]:
        named = {str(peer["name"]) for peer in self.replicas}
        return frozenset(named | ({self.leader} if self.leader else set()))

    @property
    def current(self) -> frozenset[str]:
        """Who could lead."""
        there = {str(peer["name"]) for peer in self.replicas if peer.get("current") and not peer.get("offline")}
        return frozenset(there | ({self.leader} if self.leader else set()))

    @property
    def moving(self) -> bool:
        """From 2.15 on the server says so; before that, it lists old and new replicas together."""
        return bool(self._cluster.get("desired")) or len(self.servers) > self.wanted

    @property
    def settled(self) -> bool:
        return not self.moving and bool(self.leader) and len(self.current) >= self.wanted

    @property
    def bytes(self) -> int:
        return int((self.told.get("state") or {}).get("bytes", 0))

    @property
    def storage(self) -> str:
        return str((self.told.get("config") or {}).get("storage", "file"))

    @property
    def tags(self) -> tuple[str, ...]:
        """Those that its servers must have."""
        placement = (self.told.get("config") or {}).get("placement") or {}
        return tuple(str(tag) for tag in placement.get("tags") or ())

    @property
    def lags(self) -> dict[str, int]:
        return {str(peer["name"]): int(peer["lag"]) for peer in self.replicas if peer.get("lag")}

    @property
    def _cluster(self) -> Answer:
        found: Answer = self.told.get("cluster") or {}
        return found

    @property
    def replicas(self) -> list[dict[str, Any]]:
        return list(self._cluster.get("replicas") or ())

    def __str__(self) -> str:
        """With what there is to see of a move."""
        behind = "".join(f", {lag} messages behind on {name}" for name, lag in sorted(self.lags.items()))
        led = f"led by {self.leader}" if self.leader else "without a leader"
        return f"{self.asset} (on {', '.join(sorted(self.servers))}, {led}{behind})"


def groups(servers: Mapping[str, Answer]) -> dict[Asset, Group]:
    """Every stream and consumer, in order."""
    copies: dict[Asset, set[str]] = {}
    led = set[Asset]()
    for name, answer in servers.items():
        for asset, told in _had(answer):
            copies.setdefault(asset, set()).add(name)
            if (told.get("cluster") or {}).get("leader") == name:
                led.add(asset)
    configs, found = {}, {}
    for (account, name), told in streams(servers).items():
        asset, configs[account, name] = Asset(account, name), told.get("config") or {}
        wanted = configs[account, name].get("num_replicas", 1)
        found[asset] = Group(asset, told, wanted, frozenset(copies[asset]), asset in led)
    for (account, stream, name), told in consumers(servers).items():
        asset = Asset(account, stream, name)
        wanted = consumer_replicas(told.get("config") or {}, configs[account, stream])
        found[asset] = Group(asset, told, wanted, frozenset(copies[asset]), asset in led)
    return dict(sorted(found.items()))


def consumer_replicas(config: Answer, stream: Answer) -> int:
    """As the server counts them: an ephemeral consumer that says nothing has one, where the stream has limits."""
    of_stream = int(stream.get("num_replicas") or 1)
    own = int(config.get("num_replicas") or 0)
    if own == 0 and not config.get("durable_name") and stream.get("retention", "limits") == "limits":
        return 1
    return own if 0 < own <= of_stream else of_stream


def holds(servers: Mapping[str, Answer], name: str) -> dict[Asset, Group]:
    """What a server has or is about to get or to give: as leader, as replica, or as a copy that only it still knows."""
    return {asset: group for asset, group in groups(servers).items() if name in group.servers or name in group.copies}


def single_replicas(servers: Mapping[str, Answer], name: str) -> list[Group]:
    """Streams that have their only copy on a server. What is in memory there does not outlive the server's process."""
    found = groups(servers).values()
    return [group for group in found if not group.asset.consumer and group.wanted == 1 and name in group.servers]


def too_wide(servers: Mapping[str, Answer], staying: Collection[str]) -> list[str]:
    """The streams that would have fewer replicas than they should, were these the only servers; a sentence for each.

    No consumer has more replicas than its stream.
    """
    sentences = []
    for asset, group in groups(servers).items():
        fit = [name for name in staying if name in servers and server_accepts_replica(servers[name], group)]
        if not asset.consumer and len(fit) < group.wanted:
            tags = f", with its tags {', '.join(group.tags)}" if group.tags else ""
            sentences.append(
                f"{asset} has {group.wanted} replicas; of the servers that stay it may use {len(fit)}{tags}"
            )
    return sentences


def server_accepts_replica(server: Answer, group: Group) -> bool:
    """Whether a server may have a replica of this, by JetStream and tags."""
    tags = {str(tag).lower() for tag in server["server"].get("tags") or ()}
    enabled = not server["data"].get("disabled") and bool(server["data"].get("config"))
    return enabled and all(
        (tag[1:].lower() not in tags) if tag.startswith("!") else (tag.lower() in tags) for tag in group.tags
    )


def named_meta_leader(servers: Mapping[str, Answer]) -> str | None:
    """The server that leads meta by its own word, or the one that all others name: it may be none of ours."""
    named = {str(leader) for answer in servers.values() if (leader := _meta(answer).get("leader"))}
    own = [name for name, answer in servers.items() if _meta(answer).get("leader") == name]
    return own[0] if own else named.pop() if len(named) == 1 else None


def meta_peers(servers: Mapping[str, Answer]) -> dict[str, Answer] | None:
    """The members of meta by their id, as its leader tells them; None where nobody leads."""
    leader = named_meta_leader(servers)
    if leader is None or leader not in servers:
        return None
    found = {
        str(peer.get("peer") or peer_id(peer["name"])): peer for peer in _meta(servers[leader]).get("replicas") or []
    }
    return found | {peer_id(leader): {"name": leader, "current": True}}


def peer_id(name: str) -> str:
    """How meta calls a server: by this it is listed even where its name is forgotten, after all others restarted."""
    return "".join(DIGITS[byte % len(DIGITS)] for byte in hashlib.sha256(name.encode()).digest()[:8])


def _meta(answer: Answer) -> Answer:
    found: Answer = answer["data"].get("meta_cluster") or {}
    return found


def _had(answer: Answer) -> Iterator[tuple[Asset, Answer]]:
    for account in answer["data"].get("account_details") or []:
        for stream in account.get("stream_detail") or []:
            yield Asset(account["name"], stream["name"]), stream
            for consumer in stream.get("consumer_detail") or []:
                yield Asset(account["name"], stream["name"], consumer["name"]), consumer


# What may be under way to a replica of a busy stream.
LAG_IN_FLIGHT = 100


Key = tuple[str, str]


def streams(servers: Mapping[str, Answer]) -> dict[Key, Answer]:
    """Every stream by account and name, as its leader tells it, or as anyone does where none leads."""
    found: dict[Key, Answer] = {}
    for name, answer in servers.items():
        for account in answer["data"].get("account_details") or []:
            for stream in account.get("stream_detail") or []:
                _prefer_leader(found, (account["name"], stream["name"]), stream, name)
    return found


def consumers(servers: Mapping[str, Answer]) -> dict[tuple[str, str, str], Answer]:
    """Every consumer by account, stream and name, in the same way."""
    found: dict[tuple[str, str, str], Answer] = {}
    for name, answer in servers.items():
        for account in answer["data"].get("account_details") or []:
            for stream in account.get("stream_detail") or []:
                for consumer in stream.get("consumer_detail") or []:
                    _prefer_leader(found, (account["name"], stream["name"], consumer["name"]), consumer, name)
    return found


def _prefer_leader(found: dict[Any, Answer], key: Any, told: Answer, server: str) -> None:
    if key not in found or (told.get("cluster") or {}).get("leader") == server:
        found[key] = told
