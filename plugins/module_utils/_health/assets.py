# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The servers of each stream and consumer, and the meta group. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer

# Account and name of a stream; account, stream and name of a consumer.
StreamKey = tuple[str, str]
ConsumerKey = tuple[str, str, str]
# How many messages may be on their way to a replica of a busy stream.
LAG_IN_FLIGHT = 100
# The digits of a peer's id, as nats-server computes it from the server's name.
PEER_ID_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, order=True)
class Asset:
    """A stream, or a consumer of it."""

    account: str
    stream: str
    consumer: str = ""

    @property
    def of(self) -> Asset:
        """The stream, also for a consumer."""
        return Asset(self.account, self.stream)

    def __str__(self) -> str:
        of = f"consumer {self.consumer} of " if self.consumer else ""
        return f"{of}stream {self.stream} of account {self.account}"


@dataclass(frozen=True)
class Group:
    """The servers of one asset, as its leader reports them, or as any server does if the asset has no leader."""

    asset: Asset
    report: Answer
    wanted: int
    # The servers that report a copy of it, which includes copies that are no longer replicas.
    copies: frozenset[str]
    # Whether its leader says itself that it leads: a follower may still report an earlier leader.
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
        """The servers that could lead it."""
        current = {str(peer["name"]) for peer in self.replicas if peer.get("current") and not peer.get("offline")}
        return frozenset(current | ({self.leader} if self.leader else set()))

    @property
    def moving(self) -> bool:
        """Whether it gets other replicas: servers report that from 2.15 on; older ones list old and new replicas together."""
        return bool(self._cluster.get("desired")) or len(self.servers) > self.wanted

    @property
    def settled(self) -> bool:
        return not self.moving and bool(self.leader) and len(self.current) >= self.wanted

    @property
    def bytes(self) -> int:
        return int((self.report.get("state") or {}).get("bytes", 0))

    @property
    def storage(self) -> str:
        return str((self.report.get("config") or {}).get("storage", "file"))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that its servers must have."""
        placement = (self.report.get("config") or {}).get("placement") or {}
        return tuple(str(tag) for tag in placement.get("tags") or ())

    @property
    def lags(self) -> dict[str, int]:
        return {str(peer["name"]): int(peer["lag"]) for peer in self.replicas if peer.get("lag")}

    @property
    def _cluster(self) -> Answer:
        found: Answer = self.report.get("cluster") or {}
        return found

    @property
    def replicas(self) -> list[dict[str, Any]]:
        return list(self._cluster.get("replicas") or ())

    def __str__(self) -> str:
        """Where it is, who leads it, and which replicas lag behind."""
        behind = "".join(f", {lag} messages behind on {name}" for name, lag in sorted(self.lags.items()))
        leader = f"led by {self.leader}" if self.leader else "without a leader"
        return f"{self.asset} (on {', '.join(sorted(self.servers))}, {leader}{behind})"


def groups(servers: Mapping[str, Answer]) -> dict[Asset, Group]:
    """Every stream and consumer, in order."""
    copies: dict[Asset, set[str]] = {}
    confirmed = set[Asset]()
    for server, asset, report in _reports(servers):
        copies.setdefault(asset, set()).add(server)
        if (report.get("cluster") or {}).get("leader") == server:
            confirmed.add(asset)
    configs, found = {}, {}
    for (account, name), report in streams(servers).items():
        asset, configs[account, name] = Asset(account, name), report.get("config") or {}
        wanted = configs[account, name].get("num_replicas", 1)
        found[asset] = Group(asset, report, wanted, frozenset(copies[asset]), asset in confirmed)
    for (account, stream, name), report in consumers(servers).items():
        asset = Asset(account, stream, name)
        wanted = consumer_replicas(report.get("config") or {}, configs[account, stream])
        found[asset] = Group(asset, report, wanted, frozenset(copies[asset]), asset in confirmed)
    return dict(sorted(found.items()))


def consumer_replicas(config: Answer, stream: Answer) -> int:
    """How many replicas nats-server gives a consumer: an ephemeral one of a limits stream has one unless it says more."""
    of_stream = int(stream.get("num_replicas") or 1)
    own = int(config.get("num_replicas") or 0)
    if own == 0 and not config.get("durable_name") and stream.get("retention", "limits") == "limits":
        return 1
    return own if 0 < own <= of_stream else of_stream


def holds(servers: Mapping[str, Answer], name: str) -> dict[Asset, Group]:
    """The assets of a server: those it leads, those it is a replica of, and those of which only it reports a copy."""
    return {asset: group for asset, group in groups(servers).items() if name in group.servers or name in group.copies}


def single_replicas(servers: Mapping[str, Answer], name: str) -> list[Group]:
    """Streams that have their only copy on a server. Those in memory are lost when its process ends."""
    return [
        group
        for group in groups(servers).values()
        if not group.asset.consumer and group.wanted == 1 and name in group.servers
    ]


def too_wide(servers: Mapping[str, Answer], staying: Collection[str]) -> list[str]:
    """A sentence for each stream that would have too few replicas if these were the only servers.

    Consumers are not looked at, because none has more replicas than its stream.
    """
    sentences = []
    for asset, group in groups(servers).items():
        usable = [name for name in staying if name in servers and server_accepts_replica(servers[name], group)]
        if not asset.consumer and len(usable) < group.wanted:
            tags = f", with its tags {', '.join(group.tags)}" if group.tags else ""
            sentences.append(
                f"{asset} has {group.wanted} replicas; of the servers that stay it may use {len(usable)}{tags}"
            )
    return sentences


def server_accepts_replica(server: Answer, group: Group) -> bool:
    """Whether a server may have a replica of this: it has JetStream and the required tags."""
    tags = {str(tag).lower() for tag in server["server"].get("tags") or ()}
    enabled = not server["data"].get("disabled") and bool(server["data"].get("config"))
    return enabled and all(
        (tag[1:].lower() not in tags) if tag.startswith("!") else (tag.lower() in tags) for tag in group.tags
    )


def named_meta_leader(servers: Mapping[str, Answer]) -> str | None:
    """The server that says itself that it is the meta leader, or else the one that all servers name.

    The named one need not be among `servers`.
    """
    named = {str(leader) for answer in servers.values() if (leader := meta_cluster(answer).get("leader"))}
    own = [name for name, answer in servers.items() if meta_cluster(answer).get("leader") == name]
    return own[0] if own else named.pop() if len(named) == 1 else None


def meta_peers(servers: Mapping[str, Answer]) -> dict[str, Answer] | None:
    """The peers of the meta group by their id, as its leader reports them; None without a leader that answers."""
    leader = named_meta_leader(servers)
    if leader is None or leader not in servers:
        return None
    peers = meta_cluster(servers[leader]).get("replicas") or []
    return {str(peer.get("peer") or peer_id(peer["name"])): peer for peer in peers} | {
        peer_id(leader): {"name": leader, "current": True}
    }


def peer_id(name: str) -> str:
    """The id of a server in the meta group, which lists it by id alone after all other servers restarted."""
    return "".join(PEER_ID_DIGITS[byte % len(PEER_ID_DIGITS)] for byte in hashlib.sha256(name.encode()).digest()[:8])


def meta_cluster(answer: Answer) -> Answer:
    found: Answer = answer["data"].get("meta_cluster") or {}
    return found


def streams(servers: Mapping[str, Answer]) -> dict[StreamKey, Answer]:
    """Every stream, as its leader reports it, or as any server does if it has no leader."""
    found: dict[StreamKey, Answer] = {}
    for server, account, stream in _stream_reports(servers):
        _prefer_leader(found, (account, stream["name"]), stream, server)
    return found


def consumers(servers: Mapping[str, Answer]) -> dict[ConsumerKey, Answer]:
    """Every consumer, as its leader reports it, or as any server does if it has no leader."""
    found: dict[ConsumerKey, Answer] = {}
    for server, account, stream in _stream_reports(servers):
        for consumer in stream.get("consumer_detail") or []:
            _prefer_leader(found, (account, stream["name"], consumer["name"]), consumer, server)
    return found


def _reports(servers: Mapping[str, Answer]) -> Iterator[tuple[str, Asset, Answer]]:
    """What each server reports of each stream and consumer."""
    for server, account, stream in _stream_reports(servers):
        yield server, Asset(account, stream["name"]), stream
        for consumer in stream.get("consumer_detail") or []:
            yield server, Asset(account, stream["name"], consumer["name"]), consumer


def _stream_reports(servers: Mapping[str, Answer]) -> Iterator[tuple[str, str, Answer]]:
    """Server, account, and what the server reports of one of the account's streams."""
    for server, answer in servers.items():
        for account in answer["data"].get("account_details") or []:
            for stream in account.get("stream_detail") or []:
                yield server, account["name"], stream


def _prefer_leader(found: dict[Any, Answer], key: Any, report: Answer, server: str) -> None:
    if key not in found or (report.get("cluster") or {}).get("leader") == server:
        found[key] = report
