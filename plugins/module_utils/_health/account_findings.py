# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Findings about accounts: what they list beside what the servers hold, and their limits. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    ConsumerKey,
    StreamKey,
    consumers,
    streams,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import (
    Finding,
    error,
    percent,
    warning,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Listed,
    Snapshot,
    answered,
    meta_leader_with_quorum,
    quorum,
)

NEAR_LIMIT_PERCENT = 90


def account_findings(snapshot: Snapshot) -> Iterator[Finding]:
    yield from _not_asked(snapshot)
    servers = answered(snapshot)
    held_streams, held_consumers = set(streams(servers)), set(consumers(servers))
    all_answer = len(servers) == len(snapshot.expected) and not any(
        answer["data"].get("disabled") for answer in servers.values()
    )
    for account, listed in sorted(snapshot.accounts.items()):
        yield from _orphaned(account, listed, held_streams)
        yield from _usage(account, listed.usage)
        if answered(snapshot):
            yield from _unavailable_streams(account, listed, held_streams)
        yield from _unavailable_consumers(account, listed, held_streams, held_consumers, all_answer)


def _not_asked(snapshot: Snapshot) -> Iterator[Finding]:
    """Accounts that could not be asked, unless that follows from missing servers, which are findings already."""
    without_leader = len(snapshot.expected) > 1 and not meta_leader_with_quorum(snapshot)
    if len(answered(snapshot)) < quorum(snapshot) or without_leader:
        return
    for account, problem in sorted(snapshot.unasked.items()):
        evidence = f"its streams and consumers can't be listed: {problem.cause}"
        yield error("ACCOUNT_NOT_ASKED", f"account {account}", evidence, problem.remedy or "Check its login.")


def _orphaned(account: str, listed: Listed, held: set[StreamKey]) -> Iterator[Finding]:
    count = sum(of == account for of, _name in held)
    if count and not listed.streams:
        evidence = f"the servers hold {count} streams, and its API lists none"
        remedy = "Stop at once, before the servers delete them: was a system account added, or the account renamed?"
        yield error("ORPHANED_STREAMS", f"account {account}", evidence, remedy)


def _usage(account: str, usage: Answer) -> Iterator[Finding]:
    limits = usage.get("limits") or {}
    for figure in ("storage", "memory", "streams", "consumers"):
        used, limit = usage.get(figure, 0), limits.get(f"max_{figure}", -1)
        if percent(used, limit) >= NEAR_LIMIT_PERCENT:
            evidence = f"{used} of max_{figure} {limit} ({percent(used, limit)} %)"
            remedy = "At its limit it gets no more: delete or purge something, or raise the account's limit."
            yield warning("ACCOUNT_NEAR_LIMIT", f"account {account}", evidence, remedy)


def _unavailable_streams(account: str, listed: Listed, held: set[StreamKey]) -> Iterator[Finding]:
    for name in sorted(name for name in set(listed.streams) if (account, name) not in held):
        evidence = "it is listed, but no server that answers has it"
        remedy = "Bring its server back. With one replica there is no other copy."
        yield error("STREAM_UNAVAILABLE", f"stream {name} of account {account}", evidence, remedy)


def _unavailable_consumers(
    account: str, listed: Listed, held_streams: set[StreamKey], held: set[ConsumerKey], all_answer: bool
) -> Iterator[Finding]:
    for stream, names in sorted(listed.consumers.items()):
        for name in sorted(name for name in set(names) if (account, stream, name) not in held):
            what = f"consumer {name} of stream {stream} of account {account}"
            # A server that is silent or has no JetStream may have it, so that nobody should delete it.
            if all_answer:
                remedy = "Delete it: the request may time out, and deletes it nevertheless."
                yield error("CONSUMER_GHOST", what, "it is listed, but no server has it", remedy)
            elif (account, stream) in held_streams:
                evidence = "it is listed, but no server that answers has it"
                yield error("CONSUMER_UNAVAILABLE", what, evidence, "Bring the missing servers back.")
