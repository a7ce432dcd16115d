# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a server may go, and whether one that went is back. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

Each answer is a list of sentences that say what stands against it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._health import (
    Answer,
    Snapshot,
    answered,
    figures,
    meta_leader,
)
from ansible_collections.messaging.nats.plugins.module_utils._health_history import history_findings
from ansible_collections.messaging.nats.plugins.module_utils._placement import Group, groups, meta_peers, peer_id

# What may be under way to a replica of a busy stream.
UNDER_WAY = 100
OK = 200


def against_stopping(snapshot: Snapshot, server: str) -> list[str]:
    """What would lose its quorum without this server. One that does not answer can't be missed more."""
    there = answered(snapshot)
    if server not in there or len(snapshot.expected) == 1:
        return []
    found = [f"server {name} does not answer" for name in snapshot.expected if name not in there]
    if meta_leader(snapshot) is None:
        return [*found, "there is no meta leader"]
    found += not_current(snapshot, besides=server)
    for group in groups(there).values():
        if group.wanted > 1 and group.leader is None:
            found.append(f"{group.asset} has no leader")
        elif group.wanted > 1 and server in group.servers:
            left, needed = group.current - {server}, group.wanted // 2 + 1
            if len(left) < needed:
                found.append(f"{group.asset} would have {len(left)} of the {needed} replicas it needs")
    return found


def against_going_on(before: Snapshot, now: Snapshot, server: str) -> list[str]:
    """What is not as it was before this server went: members, leaders, replicas, messages."""
    there = answered(now)
    if server not in there:
        return [f"server {server} does not answer yet"]
    found = [*_checks(now, server), *_history(before, now)]
    if len(now.expected) == 1:
        return found
    if meta_leader(now) is None:
        return ["there is no meta leader", *found]
    earlier = groups(answered(before))
    for asset, group in groups(there).items():
        found += _incomplete(group, earlier.get(asset))
    return [*not_current(now), *found]


def not_current(snapshot: Snapshot, besides: str = "") -> Iterator[str]:
    """Expected servers that are no current members, and so could not help to elect a leader."""
    peers = meta_peers(answered(snapshot)) or {}
    for name in snapshot.expected:
        peer = peers.get(peer_id(name))
        if name != besides and (peer is None or peer.get("offline") or not peer.get("current")):
            yield f"server {name} is {'not current in' if peer else 'no member of'} meta"


def _incomplete(group: Group, earlier: Group | None) -> Iterator[str]:
    if group.wanted == 1 or not (group.asset.consumer == "" or (group.told.get("config") or {}).get("durable_name")):
        return
    if group.leader is None:
        yield f"{group.asset} has no leader"
        return
    # What had too few before this step does not hold it up.
    wanted = min(group.wanted, len(earlier.servers)) if earlier else group.wanted
    if len(group.servers) < wanted:
        yield f"{group.asset} has {len(group.servers)} of {wanted} replicas"
    for name in sorted(group.servers - group.current):
        yield f"{group.asset}: its replica on {name} is not current"
    for name, lag in sorted(group.lags.items()):
        if lag > UNDER_WAY:
            yield f"{group.asset}: its replica on {name} is {lag} messages behind"


def _checks(now: Snapshot, server: str) -> Iterator[str]:
    """The server's own word: it has recovered all that it holds."""
    for answer in now.healthz:
        if answer["server"]["name"] == server and not says_ok(answer):
            data = answer["data"]
            yield f"server {server} says: {data.get('error') or data.get('status')}"


def says_ok(healthz: Answer) -> bool:
    return bool(healthz["data"].get("status_code", OK) == OK)


def _history(before: Snapshot, now: Snapshot) -> Iterator[str]:
    for finding in history_findings(figures(before), figures(now)):
        if finding.severity == "error":
            yield f"{finding.object}: {finding.evidence}"
