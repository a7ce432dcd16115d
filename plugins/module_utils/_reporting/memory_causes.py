# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Where the memory goes. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import percent
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import (
    Cause,
    CauseRank,
    Evidence,
    Object,
    cause,
    container,
    object_name,
    status,
)

MIB = 2**20
# Bytes that wait for one client, and percent of the container's limit.
PENDING_BYTES_SUSPECT = 8 * MIB
FULL_STORE_PERCENT, LARGE_STORE_PERCENT = 95, 60
MAX_LISTED = 5


def memory(facts: Evidence) -> Iterator[Cause]:
    figures = {answer["server"]["name"]: answer["data"] for answer in facts.snapshot.varz}
    for pod in facts.pods:
        limit = _limit(pod)
        yield from _killed(facts, pod, limit, figures.get(object_name(pod)) or {})
        yield from _limits(pod, limit, figures.get(object_name(pod)) or {})
    for server, connections in sorted(facts.connections.items()):
        yield from _pending(server, connections)
    for server, closed in sorted(facts.closed.items()):
        yield from _slow(server, closed)


def _limit(pod: Object) -> int:
    told = ((container(pod).get("resources") or {}).get("limits") or {}).get("memory")
    return parse_quantity(told) if told else 0


def _go_limit(pod: Object) -> int:
    entries = container(pod).get("env") or []
    told = next((entry.get("value") for entry in entries if entry["name"] == "GOMEMLIMIT"), None)
    return parse_quantity(str(told).removesuffix("B")) if told else 0


def _killed(facts: Evidence, pod: Object, limit: int, varz: Object) -> Iterator[Cause]:
    found = status(pod)
    for state in (found.get("state") or {}, found.get("lastState") or {}):
        ended = state.get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            now = "" if "running" in (found.get("state") or {}) else ", and does not run"
            evidence = (
                f"the kernel killed its server at {ended.get('finishedAt')} for memory beyond {limit // MIB} MiB{now}; "
                f"{found.get('restartCount', 0)} restarts. {_users(facts, object_name(pod), varz)}"
            )
            remedy = "Raise nats_cluster_resources.limits.memory, or lower max_memory_store and what is named here."
            rank = CauseRank.ENDS if now else CauseRank.SYMPTOM
            yield cause(rank, "OOM_KILLED", f"pod {object_name(pod)}", evidence, remedy, object_name(pod))
            return


def _users(facts: Evidence, server: str, varz: Object) -> str:
    """What fills a server's memory, as far as it says so."""
    if not varz:
        return "It does not answer, so nobody knows what filled it"
    kept = (((varz.get("jetstream") or {}).get("stats") or {}).get("memory", 0)) // MIB
    pending = sum(entry.get("pending_bytes", 0) for entry in facts.connections.get(server) or ()) // MIB
    return (
        f"Now it uses {varz.get('mem', 0) // MIB} MiB: memory streams {kept} MiB, waiting for clients {pending} MiB, "
        f"{varz.get('connections', 0)} connections, {varz.get('subscriptions', 0)} subscriptions"
    )


def _limits(pod: Object, limit: int, varz: Object) -> Iterator[Cause]:
    what, go = f"pod {object_name(pod)}", _go_limit(pod)
    if not limit:
        return
    if not go or percent(go, limit) > FULL_STORE_PERCENT:
        evidence = f"GOMEMLIMIT is {f'{go // MIB} MiB' if go else 'not set'}, the container's limit {limit // MIB} MiB"
        remedy = "Set GOMEMLIMIT to 80 % of the limit, as the role does: the garbage collector then works before the kernel kills."
        yield cause(CauseRank.RISK, "GOMEMLIMIT", what, evidence, remedy)
    store = ((varz.get("jetstream") or {}).get("config") or {}).get("max_memory", 0)
    if percent(store, limit) > LARGE_STORE_PERCENT:
        evidence = f"memory streams may take {store // MIB} of the container's {limit // MIB} MiB"
        remedy = (
            "Lower nats_cluster_max_memory_store or raise nats_cluster_resources: connections and caches need room too."
        )
        yield cause(CauseRank.RISK, "MEMORY_STORE_TOO_LARGE", what, evidence, remedy)


def _pending(server: str, connections: Sequence[Object]) -> Iterator[Cause]:
    waiting = [entry for entry in connections if entry.get("pending_bytes", 0) >= PENDING_BYTES_SUSPECT]
    if waiting:
        shown = ", ".join(f"{_client(entry)} {entry['pending_bytes'] // MIB} MiB" for entry in waiting[:MAX_LISTED])
        remedy = (
            "These clients read too slowly: more workers in a queue group, pull consumers, or a lower write_deadline."
        )
        yield cause(
            CauseRank.RISK,
            "PENDING_BYTES",
            f"server {server}",
            f"bytes wait in its memory for clients: {shown}",
            remedy,
        )


def _slow(server: str, closed: Sequence[Object]) -> Iterator[Cause]:
    slow = [entry for entry in closed if str(entry.get("reason", "")).startswith("Slow Consumer")]
    if slow:
        shown = ", ".join(f"{_client(entry)} ({entry['reason']}, {entry.get('stop')})" for entry in slow[:MAX_LISTED])
        remedy = "Core NATS dropped what they had not read: let them read faster, or use a JetStream consumer."
        yield cause(
            CauseRank.RISK,
            "SLOW_CONSUMERS",
            f"server {server}",
            f"it cut off {len(slow)} slow clients: {shown}",
            remedy,
        )


def _client(entry: Object) -> str:
    """A connection by the name that its program gave it, or by its address."""
    name, account = entry.get("name") or "a client", entry.get("account")
    return f"{name}{f' of account {account}' if account else ''} at {entry.get('ip')}:{entry.get('port')}"
