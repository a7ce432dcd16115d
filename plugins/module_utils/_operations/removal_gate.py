# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a server may be away for long, or its store be given up. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

Unlike for a restart, the server may be down already, and no other server may be behind, because this one may not come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import LAG_IN_FLIGHT, Asset, Group, groups
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    meta_leader_with_quorum,
    unseen,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import (
    against_its_silence,
    not_current,
    too_few_without,
    unseen_before,
    without_leader,
)


def against_doing_without(snapshot: Snapshot, server: str) -> list[str]:
    """What is not whole on the other servers without this one."""
    there = answered(snapshot)
    if set(snapshot.expected) <= {server}:
        return list(against_its_silence(snapshot, server))
    if silent := unseen(snapshot, besides=server):
        return silent
    if meta_leader_with_quorum(snapshot) is None:
        return ["there is no meta leader"]
    found = [*against_its_silence(snapshot, server), *not_current(snapshot, besides=server)]
    for group in groups(there).values():
        found += _not_without(group, server)
    return found


def against_being_without(before: Snapshot, now: Snapshot, server: str) -> list[str]:
    """What the others have not taken over yet of the streams and consumers with several replicas."""
    leaderless = [
        f"{asset} has no leader but {server}"
        for asset, group in groups(answered(now)).items()
        if group.wanted > 1 and group.leader == server
    ]
    return [*leaderless, *against_doing_without(now, server), *unseen_before(before), *_gone(before, now)]


def against_its_copies(before: Snapshot, now: Snapshot, server: str) -> list[str]:
    """What the server itself has not copied yet. A leader may still report its copies as they were before, so its own answer counts."""
    there = answered(now)
    if server not in there:
        return []  # the restart gate says already that it does not answer
    own, found = groups({server: there[server]}), []
    for asset, group in groups(there).items():
        if server not in group.servers:
            continue
        if asset not in own:
            found.append(f"{asset} is not on {server} yet")
        elif not asset.consumer:
            found += _behind(group, own[asset], server)
    return [*found, *_gone(before, now)]


def only_there(snapshot: Snapshot, server: str) -> dict[Asset, Group | None]:
    """Streams and durable consumers that no other server has a current copy of; None where no server that answers has it."""
    held = groups(answered(snapshot))
    others = frozenset(snapshot.expected) - {server}
    found: dict[Asset, Group | None] = {
        asset: group for asset, group in held.items() if not group.current & others and not _ephemeral(group)
    }
    found |= {asset: None for asset in _listed(snapshot) if asset not in held}
    return {
        asset: group
        for asset, group in sorted(found.items())
        if not asset.consumer or Asset(asset.account, asset.stream) not in found
    }


def against_giving_up(snapshot: Snapshot, server: str) -> list[str]:
    """What would be lost with this server's store, or might be, except for what can be moved to others before."""
    movable = can_give_away(snapshot, server)
    lost = [
        str(asset)
        for asset, group in only_there(snapshot, server).items()
        if group is None or asset.consumer or not movable
    ]
    return lost + [
        f"account {account} has JetStream and can't be asked what it has: {why}"
        for account, why in unknown_accounts(snapshot, server).items()
    ]


def can_give_away(snapshot: Snapshot, server: str) -> bool:
    """Whether streams can be moved off the server: it answers, its JetStream is enabled, and there is another server."""
    there = answered(snapshot)
    return server in there and not there[server]["data"].get("disabled") and len(there) > 1


def unknown_accounts(snapshot: Snapshot, server: str) -> dict[str, str]:
    """Accounts with JetStream that could not be asked what they have, and why.

    Where there is no login for an account, the answer of the server itself is enough.
    """
    there = answered(snapshot)
    tells = server in there and not there[server]["data"].get("disabled")
    found = {}
    for account in sorted(accounts_of(there) - set(snapshot.accounts)):
        reason = snapshot.unasked.get(account)
        if not (tells and reason and reason.reason is Unasked.NO_LOGIN):
            found[account] = reason.cause if reason else "it was not asked"
    return found


def accounts_of(servers: Mapping[str, Answer]) -> set[str]:
    """The accounts that have JetStream, with streams or without."""
    return {
        str(account["name"]) for answer in servers.values() for account in answer["data"].get("account_details") or []
    }


def _not_without(group: Group, server: str) -> Iterator[str]:
    if group.wanted < 2:
        return
    if without_leader(group):
        yield f"{group.asset} has no leader"
    elif too_few := list(too_few_without(group, server)):
        yield from too_few
    else:
        for name in sorted(group.servers - group.current - {server}):
            yield f"{group.asset}: its replica on {name} is not current"


def _behind(led: Group, own: Group, server: str) -> Iterator[str]:
    """What the server's own copy lacks of what the leader has."""
    leads, has = led.report.get("state") or {}, own.report.get("state") or {}
    for figure in ("last_seq", "messages"):
        lacks = int(leads.get(figure, 0)) - int(has.get(figure, 0))
        if lacks > LAG_IN_FLIGHT:
            yield f"{led.asset}: {server} lacks {lacks} messages"
            return


def _gone(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """Streams that were on several servers and are on none, unless their account no longer lists them."""
    there = groups(answered(now))
    for asset, group in groups(answered(before)).items():
        known = now.accounts.get(asset.account)
        deleted = known is not None and asset.stream not in known.streams
        if group.wanted > 1 and not asset.consumer and asset not in there and not deleted:
            yield f"{asset} is on no server"


def listed_nowhere(snapshot: Snapshot) -> set[Asset]:
    """Streams that their account lists, and that no server has which answers."""
    held = groups(answered(snapshot))
    return {asset for asset in _listed(snapshot) if not asset.consumer and asset not in held}


def _ephemeral(group: Group) -> bool:
    """Whether it is a consumer that its client creates again."""
    return bool(group.asset.consumer) and not (group.report.get("config") or {}).get("durable_name")


def _listed(snapshot: Snapshot) -> Iterator[Asset]:
    """What meta lists, whether the servers that have it run or not."""
    for account, listed in snapshot.accounts.items():
        for stream in listed.streams:
            yield Asset(account, stream)
        for stream, consumers in listed.consumers.items():
            for consumer in consumers:
                yield Asset(account, stream, consumer)
