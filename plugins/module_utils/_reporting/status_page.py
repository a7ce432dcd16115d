# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A cluster on one page of text. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable_line
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log
from ansible_collections.messaging.nats.plugins.module_utils._common.sentences import table
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant, show_bytes
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import WORST_FIRST, Finding, percent
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    by_server,
    meta_leader_with_quorum,
)

MAX_ROWS = 15
# The row of a server that does not answer, in place of its figures.
SILENT = ("does not answer",)


def status_page(
    snapshot: Snapshot, findings: Sequence[Finding], pods: Sequence[Answer], logs: Mapping[str, str], now: datetime
) -> str:
    """`pods` are Kubernetes' own objects; `logs` are the last lines of each pod's log, by the pod's name."""
    sections = (
        _head(snapshot, now),
        _findings(findings),
        _pods(pods, now),
        _servers(snapshot),
        _stores(snapshot),
        _streams(snapshot),
        _waiting(snapshot),
        _logs(logs),
    )
    return "\n\n".join("\n".join(lines) for section in sections if (lines := list(section)))


def _head(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    yield from map(displayable_line, _head_lines(snapshot, now))


def _head_lines(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    servers = answered(snapshot)
    versions = ", ".join(sorted({answer["server"]["ver"] for answer in servers.values()})) or "unknown"
    leader = meta_leader_with_quorum(snapshot) or ("itself" if len(snapshot.expected) == 1 else "none")
    if snapshot.kubernetes and snapshot.kubernetes.place:
        yield f"STATUS of {snapshot.kubernetes.place}"
    answer_count = f"{len(servers)} of {len(snapshot.expected)} servers answer"
    yield f"{answer_count}, version {versions}, meta leader {leader}, {now:%Y-%m-%d %H:%M:%S} UTC"
    if snapshot.system_not_asked:
        yield f"The system account could not be asked: {snapshot.system_not_asked.cause}"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield "HEALTH  Nothing is wrong."
        return
    yield "HEALTH"
    for finding in sorted(findings, key=lambda finding: WORST_FIRST.index(finding.severity)):
        yield f"  {finding.severity:<8}{finding}"


def _pods(pods: Sequence[Answer], now: datetime) -> Iterator[str]:
    if not pods:
        return
    yield "PODS    restarts should not grow; OOMKilled: give the pod more memory"
    yield from table(
        ("pod", "node", "status", "ready", "restarts", "last end", "age"),
        ((pod["metadata"]["name"], *_pod(pod, now)) for pod in pods),
    )


def _pod(pod: Answer, now: datetime) -> Iterator[str]:
    status = pod["status"]
    containers = status.get("containerStatuses") or []
    server: Answer = next((container for container in containers if container["name"] == "nats"), {})
    waiting = (server.get("state") or {}).get("waiting") or {}
    ended = (server.get("lastState") or {}).get("terminated") or {}
    yield pod["spec"].get("nodeName", "-")
    yield waiting.get("reason") or status.get("phase", "Unknown")
    yield f"{sum(bool(container.get('ready')) for container in containers)}/{len(pod['spec']['containers'])}"
    yield str(server.get("restartCount", 0))
    yield ended.get("reason", "-")
    yield _ago(pod["metadata"].get("creationTimestamp"), now)


def _servers(snapshot: Snapshot) -> Iterator[str]:
    rows = {name: answer["data"] for name, answer in by_server(snapshot, snapshot.varz).items()}
    if not rows:
        return
    yield "SERVERS cpu: of all cores, high from 90 %; memory: of GOMEMLIMIT, high from 90 %; slow: clients cut off because they read too slowly"
    yield from table(
        ("server", "cpu", "memory", "clients", "routes", "slow", "messages in", "messages out", "up"),
        ((name, *(_server(rows[name]) if name in rows else SILENT)) for name in sorted(snapshot.expected)),
    )


def _server(varz: Answer) -> Iterator[str]:
    limit = varz.get("gomemlimit", 0)
    yield f"{varz.get('cpu', 0) / max(1, varz.get('cores', 1)):.0f} %"
    yield show_bytes(varz.get("mem", 0)) + (f" ({percent(varz['mem'], limit)} %)" if limit else "")
    yield str(varz.get("connections", 0))
    yield str(varz.get("remotes", 0))
    yield str(varz.get("slow_consumers", 0))
    yield f"{varz.get('in_msgs', 0):,}"
    yield f"{varz.get('out_msgs', 0):,}"
    yield str(varz.get("uptime", "-"))


def _stores(snapshot: Snapshot) -> Iterator[str]:
    servers = answered(snapshot)
    if not servers:
        return
    yield "STORES  high from 80 %: at 100 % of a server's store its streams are leaderless; api errors: refused requests to JetStream's API"
    leaders = Counter((stream.get("cluster") or {}).get("leader") for stream in streams(servers).values())
    volumes = snapshot.kubernetes.volumes if snapshot.kubernetes else {}
    yield from table(
        ("server", "file store", "volume", "memory store", "streams", "leads", "consumers", "api errors"),
        (
            (name, *(_store(servers[name]["data"], volumes.get(name, 0), leaders[name]) if name in servers else SILENT))
            for name in sorted(snapshot.expected)
        ),
    )


def _store(jsz: Answer, volume: int, leads: int) -> Iterator[str]:
    limits = jsz.get("config") or {}
    yield _of_limit(jsz.get("storage", 0), limits.get("max_storage", 0))
    yield show_bytes(volume) if volume else "-"
    yield _of_limit(jsz.get("memory", 0), limits.get("max_memory", 0))
    yield str(jsz.get("streams", 0))
    yield str(leads)
    yield str(jsz.get("consumers", 0))
    yield str((jsz.get("api") or {}).get("errors", 0))


def _of_limit(used: int, limit: int) -> str:
    if not limit:
        return f"{show_bytes(used)} of none" if used else "none"
    return f"{show_bytes(used)} of {show_bytes(limit)} ({percent(used, limit)} %)"


def _streams(snapshot: Snapshot) -> Iterator[str]:
    found = streams(answered(snapshot))
    away = sorted(
        (account, name)
        for account, listed in snapshot.accounts.items()
        for name in listed.streams
        # Where no server has answered, nothing is known of where streams are.
        if answered(snapshot) and (account, name) not in found
    )
    if not found and not away:
        return
    largest = sorted(found.items(), key=lambda entry: (-(entry[1].get("state") or {}).get("bytes", 0), entry[0]))
    more = f", the {MAX_ROWS} largest of {len(found)}" if len(found) > MAX_ROWS else ""
    yield f"STREAMS lag: messages that the slowest replica is behind, should not grow{more}"
    yield from table(
        ("account", "stream", "messages", "size", "replicas", "leader", "lag", "consumers"),
        [
            *((*key, *_stream(stream)) for key, stream in largest[:MAX_ROWS]),
            *((*key, "no server that answers has it") for key in away),
        ],
    )


def _stream(stream: Answer) -> Iterator[str]:
    state, cluster = stream.get("state") or {}, stream.get("cluster") or {}
    replicas = cluster.get("replicas") or []
    current = sum(bool(peer.get("current") and not peer.get("offline")) for peer in replicas)
    yield f"{state.get('messages', 0):,}"
    yield show_bytes(state.get("bytes", 0))
    yield f"{current + 1}/{(stream.get('config') or {}).get('num_replicas', 1)}"
    yield cluster.get("leader") or "-"
    yield str(max((peer.get("lag", 0) for peer in replicas), default=0))
    yield str(state.get("consumer_count", 0))


def _waiting(snapshot: Snapshot) -> Iterator[str]:
    found = consumers(answered(snapshot))
    waiting = [entry for entry in found.items() if entry[1].get("num_pending") or entry[1].get("num_ack_pending")]
    if not waiting:
        return
    longest = sorted(waiting, key=lambda entry: (-entry[1].get("num_pending", 0), entry[0]))
    yield "WAITING pending: not delivered yet; unacked: delivered and not acknowledged, at max_ack_pending nothing more is delivered"
    yield from table(
        ("account", "stream", "consumer", "pending", "unacked", "of max", "redelivered"),
        (
            (
                *key,
                str(consumer.get("num_pending", 0)),
                str(consumer.get("num_ack_pending", 0)),
                str((consumer.get("config") or {}).get("max_ack_pending", "-")),
                str(consumer.get("num_redelivered", 0)),
            )
            for key, consumer in longest[:MAX_ROWS]
        ),
    )


def _logs(logs: Mapping[str, str]) -> Iterator[str]:
    lines = sorted(
        (line.partition("] ")[2], pod) for pod, log in logs.items() for line in log.splitlines() if line.strip()
    )
    if not lines:
        return
    yield "LOGS    the last lines of all pods, by time"
    width = max(len(pod) for _line, pod in lines)
    for line, pod in lines:
        yield f"  {displayable_line(pod):<{width}}  {displayable_line(masked_log(line))}"


def _ago(text: str | None, now: datetime) -> str:
    moment = instant(text)
    if moment is None:
        return "-"
    seconds = int((now - moment[0]).total_seconds())
    for length, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
