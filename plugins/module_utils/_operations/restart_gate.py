# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a server may be stopped, and whether a restarted one is back. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

Each function returns the reasons against it, as sentences; an empty list is consent.
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

# A peer that the meta leader has not heard for this long is away; a healthy one is heard every two seconds or more often.
SILENCE_NS = 10 * 10**9


def against_stopping(snapshot: Snapshot, server: str) -> list[str]:
    """What would lose its quorum without this server, or might, because too little was seen.

    A server that Kubernetes reports down may be restarted whatever the others say: the restart may be what repairs it.
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
            found += too_few_without(group, server)
    return found


def against_going_on(before: Snapshot, now: Snapshot, server: str) -> list[str]:
    """What is not as it was before this server stopped: members, leaders, replicas, messages."""
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
    """A server that does not answer may still serve clients: only Kubernetes, or a quorum of the others, can say that it is down."""
    if server in answered(snapshot) or is_down(snapshot, server):
        return
    if snapshot.system_not_asked:
        yield from unseen(snapshot)
    elif not is_away_for_meta(snapshot, server):
        yield f"server {server} does not answer, and neither Kubernetes nor the other servers say that it is down"


def is_away_for_meta(snapshot: Snapshot, server: str) -> bool:
    """Whether the meta leader, which has a quorum, does not reach this server or does not list it as a peer."""
    if meta_leader_with_quorum(snapshot) is None:
        return False
    peer = (meta_peers(answered(snapshot)) or {}).get(peer_id(server))
    if peer is None or peer.get("offline"):
        return True
    return not peer.get("current") and int(peer.get("active") or 0) > SILENCE_NS


def without_leader(group: Group) -> bool:
    """Whether no server says itself that it leads. What others say is not enough: they may mean an earlier leader."""
    return group.leader is None or not group.confirmed


def too_few_without(group: Group, server: str) -> Iterator[str]:
    """That a stream or consumer would lose its quorum without this server."""
    left, needed = group.current - {server}, group.wanted // 2 + 1
    if len(left) < needed:
        yield f"{group.asset} would have {len(left)} of the {needed} replicas it needs"


def unseen_before(before: Snapshot) -> list[str]:
    """Servers that were neither seen before nor down: what they had can't be compared."""
    there = answered(before)
    return [
        f"server {name} was not seen before, so what it had is not known"
        for name in before.expected
        if name not in there and not is_down(before, name)
    ]


def not_current(snapshot: Snapshot, besides: str = "") -> Iterator[str]:
    """Expected servers that are not current peers of meta, and so can't vote for a leader."""
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
    # A stream that had too few replicas before the restart does not keep it from going on.
    wanted = min(group.wanted, len(earlier.servers)) if earlier else group.wanted
    if len(group.servers) < wanted:
        yield f"{group.asset} has {len(group.servers)} of {wanted} replicas"
    for name in sorted(group.servers - group.current):
        yield f"{group.asset}: its replica on {name} is not current"
    for name, lag in sorted(group.lags.items()):
        if lag > LAG_IN_FLIGHT:
            yield f"{group.asset}: its replica on {name} is {lag} messages behind"


def _checks(now: Snapshot, server: str) -> Iterator[str]:
    """What the server's own health check says: whether it has recovered all that it stores."""
    answers = [answer for answer in now.healthz if answer["server"]["name"] == server]
    if not answers:
        yield f"server {server} does not answer its health check"
    for answer in answers:
        if not says_ok(answer):
            data = answer["data"]
            yield f"server {server} says: {data.get('error') or data.get('status')}"


def _history(before: Snapshot, now: Snapshot, server: str) -> Iterator[str]:
    earlier = figures(before)
    # What only the memory of this server held ended with its process: that was accepted when it was stopped.
    accepted = _only_in_memory(before, server)
    kept = {key: figure for key, figure in earlier["streams"].items() if key not in accepted}
    for finding in history_findings({**earlier, "streams": kept}, figures(now)):
        if finding.severity == "error":
            yield f"{finding.object}: {finding.evidence}"


def emptied(before: Snapshot, server: str) -> list[str]:
    """The streams that are empty once this server's process has ended, because only its memory holds them."""
    names = _only_in_memory(before, server)
    return [
        f"{count} messages of {asset}, in the memory of {server} alone"
        for asset, group in groups(answered(before)).items()
        if not asset.consumer
        and f"{asset.account}/{asset.stream}" in names
        and (count := int((group.report.get("state") or {}).get("messages", 0)))
    ]


def _only_in_memory(before: Snapshot, server: str) -> set[str]:
    return {
        f"{asset.account}/{asset.stream}"
        for asset, group in groups(answered(before)).items()
        if group.wanted == 1 and group.storage == "memory" and server in group.servers | group.copies
    }
