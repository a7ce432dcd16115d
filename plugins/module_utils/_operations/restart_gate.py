# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a server may go, and whether one that went is back. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

Each answer is a list of sentences that say what stands against it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    LAG_IN_FLIGHT,
    Group,
    groups,
    meta_peers,
    peer_id,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.history_findings import history_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    figures,
    is_down,
    meta_leader_with_quorum,
    says_ok,
    unseen,
)

# Nanoseconds after which a peer that is silent is away: a healthy one is heard of within two seconds.
SILENCE_NS = 10 * 10**9


def against_stopping(snapshot: Snapshot, server: str) -> list[str]:
    """What would lose its quorum without this server, or could for all that was seen.

    A server that is down by Kubernetes' word may go whatever the others say: to restart it may be what helps.
    """
    if is_down(snapshot, server):
        return []
    there = answered(snapshot)
    if len(snapshot.expected) == 1:
        return unseen(snapshot)
    found = unseen(snapshot, besides=server)
    if meta_leader_with_quorum(snapshot) is None:
        return found if snapshot.system_not_asked else [*found, "there is no meta leader"]
    found += [*against_its_silence(snapshot, server), *not_current(snapshot, besides=server)]
    for group in groups(there).values():
        if group.wanted > 1 and without_leader(group):
            found.append(f"{group.asset} has no leader")
        elif group.wanted > 1 and server in group.servers:
            left, needed = group.current - {server}, group.wanted // 2 + 1
            if len(left) < needed:
                found.append(f"{group.asset} would have {len(left)} of the {needed} replicas it needs")
    return found


def against_going_on(before: Snapshot, now: Snapshot, server: str) -> list[str]:
    """What is not as it was before this server went: members, leaders, replicas, messages."""
    there = answered(now)
    if unknown := [*unseen(now), *unseen_before(before)]:
        return unknown
    found = [*_checks(now, server), *_history(before, now, server)]
    if len(now.expected) == 1:
        return found
    if meta_leader_with_quorum(now) is None:
        return ["there is no meta leader", *found]
    earlier = groups(answered(before))
    for asset, group in groups(there).items():
        found += _incomplete(group, earlier.get(asset))
    return [*not_current(now), *found]


def against_its_silence(snapshot: Snapshot, server: str) -> Iterator[str]:
    """A server that does not answer may still serve: only Kubernetes, or a quorum of the others, can say that it does not."""
    if server in answered(snapshot) or is_down(snapshot, server):
        return
    if snapshot.system_not_asked:
        yield from unseen(snapshot)
    elif not called_away(snapshot, server):
        yield f"server {server} does not answer, and neither Kubernetes nor the other servers say that it is down"


def called_away(snapshot: Snapshot, server: str) -> bool:
    """Whether the meta leader, with a quorum behind it, does not reach this server or has it not among its peers."""
    if meta_leader_with_quorum(snapshot) is None:
        return False
    peer = (meta_peers(answered(snapshot)) or {}).get(peer_id(server))
    if peer is None or peer.get("offline"):
        return True
    return not peer.get("current") and int(peer.get("active") or 0) > SILENCE_NS


def without_leader(group: Group) -> bool:
    """Also where one is named that is silent, or that does not say so itself: others may tell of an earlier one."""
    return group.leader is None or not group.confirmed


def unseen_before(before: Snapshot) -> list[str]:
    """Servers that were not seen before, and were not down either: what they had can't be compared."""
    there = answered(before)
    return [
        f"server {name} was not seen before: nobody knows what it had"
        for name in before.expected
        if name not in there and not is_down(before, name)
    ]


def not_current(snapshot: Snapshot, besides: str = "") -> Iterator[str]:
    """Expected servers that are no current members, and so could not help to elect a leader."""
    peers = meta_peers(answered(snapshot)) or {}
    for name in snapshot.expected:
        peer = peers.get(peer_id(name))
        if name != besides and (peer is None or peer.get("offline") or not peer.get("current")):
            yield f"server {name} is {'not current in' if peer else 'no member of'} meta"


def _incomplete(group: Group, earlier: Group | None) -> Iterator[str]:
    if group.wanted == 1 or not (group.asset.consumer == "" or (group.report.get("config") or {}).get("durable_name")):
        return
    if without_leader(group):
        yield f"{group.asset} has no leader"
        return
    # What had too few before this step does not hold it up.
    wanted = min(group.wanted, len(earlier.servers)) if earlier else group.wanted
    if len(group.servers) < wanted:
        yield f"{group.asset} has {len(group.servers)} of {wanted} replicas"
    for name in sorted(group.servers - group.current):
        yield f"{group.asset}: its replica on {name} is not current"
    for name, lag in sorted(group.lags.items()):
        if lag > LAG_IN_FLIGHT:
            yield f"{group.asset}: its replica on {name} is {lag} messages behind"


def _checks(now: Snapshot, server: str) -> Iterator[str]:
    """The server's own word: it has recovered all that it holds."""
    told = [answer for answer in now.healthz if answer["server"]["name"] == server]
    if not told:
        yield f"server {server} does not answer how well it is"
    for answer in told:
        if not says_ok(answer):
            data = answer["data"]
            yield f"server {server} says: {data.get('error') or data.get('status')}"


def _history(before: Snapshot, now: Snapshot, server: str) -> Iterator[str]:
    earlier = figures(before)
    # What was in the memory of this server alone went with its process: that was accepted when it was let go.
    gone = _in_memory_alone(before, server)
    kept = {key: figure for key, figure in earlier["streams"].items() if key not in gone}
    for finding in history_findings({**earlier, "streams": kept}, figures(now)):
        if finding.severity == "error":
            yield f"{finding.object}: {finding.evidence}"


def _in_memory_alone(before: Snapshot, server: str) -> set[str]:
    return {
        f"{asset.account}/{asset.stream}"
        for asset, group in groups(answered(before)).items()
        if group.wanted == 1 and group.storage == "memory" and server in group.servers | group.copies
    }
