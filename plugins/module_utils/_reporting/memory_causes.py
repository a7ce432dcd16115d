# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Causes of high memory. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import percent
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import by_server
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import (
    Cause,
    CauseRank,
    Evidence,
    Object,
    cause,
    container,
    object_name,
    server_of,
    status,
)

MIB = 2**20
# So many bytes that wait for one client are too many.
MANY_PENDING_BYTES = 8 * MIB
# Percent of the container's limit that GOMEMLIMIT and the memory store should not exceed.
MAX_GOMEMLIMIT_PERCENT, MAX_MEMORY_STORE_PERCENT = 95, 60
MAX_CLIENTS_LISTED = 5


def memory(facts: Evidence) -> Iterator[Cause]:
    answers = by_server(facts.snapshot, facts.snapshot.varz)
    for pod in facts.pods:
        limit, varz = _limit(pod), answers.get(server_of(facts, pod), {}).get("data") or {}
        yield from _killed(facts, pod, limit, varz)
        yield from _limits(pod, limit, varz)
    for server, connections in sorted(facts.connections.items()):
        yield from _pending_bytes(server, connections)
    for server, closed in sorted(facts.closed.items()):
        yield from _slow_consumers(server, closed)


def _limit(pod: Object) -> int:
    """Bytes that the container may use; 0 without a limit."""
    limit = ((container(pod).get("resources") or {}).get("limits") or {}).get("memory")
    return parse_quantity(limit) if limit else 0


def _go_limit(pod: Object) -> int:
    """Bytes of GOMEMLIMIT; 0 if it is not set."""
    environment = container(pod).get("env") or []
    limit = next((variable.get("value") for variable in environment if variable["name"] == "GOMEMLIMIT"), None)
    return parse_quantity(str(limit).removesuffix("B")) if limit else 0


def _killed(facts: Evidence, pod: Object, limit: int, varz: Object) -> Iterator[Cause]:
    name, container_status = object_name(pod), status(pod)
    state, last_state = container_status.get("state") or {}, container_status.get("lastState") or {}
    ends = [ended.get("terminated") or {} for ended in (state, last_state)]
    killed = next((ended for ended in ends if ended.get("reason") == "OOMKilled"), None)
    if killed is None:
        return
    running = "running" in state
    evidence = (
        f"the kernel killed its server at {killed.get('finishedAt')} for memory beyond {limit // MIB} MiB"
        f"{'' if running else ', and it does not run'}; {container_status.get('restartCount', 0)} restarts. "
        f"{_usage(facts, server_of(facts, pod), varz)}"
    )
    remedy = "Raise nats_cluster_resources.limits.memory, or lower max_memory_store and what is named here."
    rank = CauseRank.SYMPTOM if running else CauseRank.ENDS
    yield cause(rank, "OOM_KILLED", f"pod {name}", evidence, remedy, name)


def _usage(facts: Evidence, server: str, varz: Object) -> str:
    """What fills a server's memory, as far as it reports that."""
    if not varz:
        return "It does not answer, so what filled its memory is not known"
    streams = (((varz.get("jetstream") or {}).get("stats") or {}).get("memory", 0)) // MIB
    pending = sum(entry.get("pending_bytes", 0) for entry in facts.connections.get(server) or ()) // MIB
    return (
        f"Now it uses {varz.get('mem', 0) // MIB} MiB: memory streams {streams} MiB, waiting for clients {pending} MiB, "
        f"{varz.get('connections', 0)} connections, {varz.get('subscriptions', 0)} subscriptions"
    )


def _limits(pod: Object, limit: int, varz: Object) -> Iterator[Cause]:
    what, go_limit = f"pod {object_name(pod)}", _go_limit(pod)
    if not limit:
        return
    if not go_limit or percent(go_limit, limit) > MAX_GOMEMLIMIT_PERCENT:
        shown = f"{go_limit // MIB} MiB" if go_limit else "not set"
        evidence = f"GOMEMLIMIT is {shown}, the container's limit {limit // MIB} MiB"
        remedy = (
            "Set GOMEMLIMIT to 80 % of the limit, as the role does, "
            "so that the garbage collector works before the kernel kills the server."
        )
        yield cause(CauseRank.RISK, "GOMEMLIMIT", what, evidence, remedy)
    store = ((varz.get("jetstream") or {}).get("config") or {}).get("max_memory", 0)
    if percent(store, limit) > MAX_MEMORY_STORE_PERCENT:
        evidence = f"memory streams may take {store // MIB} of the container's {limit // MIB} MiB"
        remedy = (
            "Lower nats_cluster_max_memory_store or raise nats_cluster_resources: connections and caches need room too."
        )
        yield cause(CauseRank.RISK, "MEMORY_STORE_TOO_LARGE", what, evidence, remedy)


def _pending_bytes(server: str, connections: Sequence[Object]) -> Iterator[Cause]:
    waiting = [entry for entry in connections if entry.get("pending_bytes", 0) >= MANY_PENDING_BYTES]
    if waiting:
        shown = ", ".join(
            f"{_client(entry)} {entry['pending_bytes'] // MIB} MiB" for entry in waiting[:MAX_CLIENTS_LISTED]
        )
        remedy = (
            "These clients read too slowly: more workers in a queue group, pull consumers, or a lower write_deadline."
        )
        evidence = f"bytes wait in its memory for clients: {shown}"
        yield cause(CauseRank.RISK, "PENDING_BYTES", f"server {server}", evidence, remedy)


def _slow_consumers(server: str, closed: Sequence[Object]) -> Iterator[Cause]:
    slow = [entry for entry in closed if str(entry.get("reason", "")).startswith("Slow Consumer")]
    if slow:
        shown = ", ".join(
            f"{_client(entry)} ({entry['reason']}, {entry.get('stop')})" for entry in slow[:MAX_CLIENTS_LISTED]
        )
        remedy = "Core NATS dropped what they had not read: let them read faster, or use a JetStream consumer."
        evidence = f"it cut off {len(slow)} slow clients: {shown}"
        yield cause(CauseRank.RISK, "SLOW_CONSUMERS", f"server {server}", evidence, remedy)


def _client(entry: Object) -> str:
    """A connection in words: the name that its program gave it, its account and its address."""
    name, account = entry.get("name") or "a client", entry.get("account")
    return f"{name}{f' of account {account}' if account else ''} at {entry.get('ip')}:{entry.get('port')}"
