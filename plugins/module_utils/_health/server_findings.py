# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is wrong with single servers, and between them. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from statistics import median
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import (
    Finding,
    error,
    info,
    percent,
    warning,
)

Answer = Mapping[str, Any]

DAY = 86400
EXPIRES_SOON_S, EXPIRES_NOW_S = 30 * DAY, 7 * DAY
CPU_PERCENT, STORE_WARN_PERCENT, STORE_ERROR_PERCENT, MANY_ASSETS = 90, 80, 90, 1000
CLOCK_SKEW_S = 2.0
VARZ_LISTENERS = ("cluster", "gateway", "leaf", "mqtt", "websocket")


def server_findings(servers: Mapping[str, Answer], expected: int) -> Iterator[Finding]:
    """`servers` are the answers to VARZ, by name."""
    for name, answer in sorted(servers.items()):
        what, varz = f"server {name}", answer["data"]
        yield from _load(what, varz)
        yield from _store(what, varz)
        yield from _certificates(what, varz)
        yield from _habits(what, name, varz)
        remotes = varz.get("remotes", 0)
        if expected > 1 and remotes < len(servers) - 1:
            evidence = f"it has routes to {remotes} of {len(servers) - 1} other servers that answer"
            yield warning("ROUTES_MISSING", what, evidence, "Check network policies, and the names in cluster.routes.")
    yield from _skew(servers)


def _load(what: str, varz: Answer) -> Iterator[Finding]:
    busy = varz.get("cpu", 0) / max(1, varz.get("cores", 1))
    if busy >= CPU_PERCENT:
        yield warning(
            "CPU_HIGH", what, f"it uses {busy:.0f} % of {varz['cores']} cores", "Give it more CPU or spread the load."
        )
    limit, used = varz.get("gomemlimit", 0), varz.get("mem", 0)
    if percent(used, limit) >= STORE_ERROR_PERCENT:
        evidence = f"it uses {percent(used, limit)} % of its memory ({used >> 20} of {limit >> 20} MiB)"
        yield warning(
            "MEMORY_HIGH",
            what,
            evidence,
            "Look for memory streams and slow consumers, or raise nats_cluster_resources.",
        )
    connections = percent(varz.get("connections", 0), varz.get("max_connections", 0))
    if connections >= STORE_ERROR_PERCENT:
        evidence = f"{connections} % of its {varz['max_connections']} connections are in use"
        yield warning("CONNECTIONS_LIMIT", what, evidence, "Raise max_connections or spread the clients.")


def _store(what: str, varz: Answer) -> Iterator[Finding]:
    jetstream = varz.get("jetstream") or {}
    limits, used = jetstream.get("config") or {}, jetstream.get("stats") or {}
    for kind, key, code in (("file", "storage", "STORAGE_LIMIT"), ("memory", "memory", "MEMORY_STORE_LIMIT")):
        most = limits.get(f"max_{key}", 0)
        share = percent(used.get(key, 0), most)
        if share >= STORE_WARN_PERCENT:
            evidence = f"its {kind} store is {share} % full ({used[key] >> 20} of {most >> 20} MiB)"
            remedy = f"Delete or purge something, or raise nats_cluster_max_{kind}_store: a full store makes its streams leaderless."
            yield (error if share >= 100 else warning)(code, what, evidence, remedy)
    assets = used.get("ha_assets", 0)
    if assets >= MANY_ASSETS:
        yield warning(
            "HA_ASSETS",
            what,
            f"it has {assets} replicated streams and consumers",
            "Add servers, or use fewer replicas where they are not needed.",
        )


def _certificates(what: str, varz: Answer) -> Iterator[Finding]:
    ends = {"clients": varz.get("tls_cert_not_after")}
    ends |= {listener: (varz.get(listener) or {}).get("tls_cert_not_after") for listener in VARZ_LISTENERS}
    for listener, text in ends.items():
        moment = instant(text)
        if moment is None or moment[0].year <= 1:
            continue
        left = (moment[0] - datetime.now(timezone.utc)).total_seconds()
        if left < EXPIRES_SOON_S:
            when = "has expired" if left < 0 else f"expires in {int(left // DAY)} days"
            evidence = f"its certificate for {listener} {when} ({text})"
            yield (error if left < EXPIRES_NOW_S else warning)(
                "CERTIFICATE_EXPIRES", what, evidence, "Renew it and reload the servers."
            )


def _habits(what: str, name: str, varz: Answer) -> Iterator[Finding]:
    if not varz.get("auth_required"):
        yield warning(
            "NO_AUTHENTICATION",
            what,
            "it lets anyone in without credentials",
            "Give the accounts users, and leave nats_cluster_anonymous off.",
        )
    domain = ((varz.get("jetstream") or {}).get("config") or {}).get("domain", "")
    spaced = [text for text in (name, (varz.get("cluster") or {}).get("name", ""), domain) if " " in text]
    if spaced:
        yield warning(
            "NAME_WITH_SPACE",
            what,
            f"{spaced[0]!r} has a space",
            "Names of servers, clusters and domains should have none.",
        )


def _gateways(varz: Answer) -> tuple[str, ...]:
    """The clusters that a server is configured to reach; some name their own as well."""
    told = varz.get("gateway") or {}
    return tuple(
        sorted(str(found.get("name")) for found in told.get("gateways") or [] if found.get("name") != told.get("name"))
    )


def _skew(servers: Mapping[str, Answer]) -> Iterator[Finding]:
    versions = {name: answer["server"]["ver"] for name, answer in servers.items()}
    if len(set(versions.values())) > 1:
        shown = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        yield warning("VERSION_SKEW", "cluster", f"servers have different versions: {shown}", "Finish the upgrade.")
    gateways = {name: _gateways(answer["data"]) for name, answer in servers.items()}
    if len(set(gateways.values())) > 1:
        shown = ", ".join(f"{name} {' and '.join(there) or 'none'}" for name, there in sorted(gateways.items()))
        evidence = f"servers are configured with different gateways: {shown}"
        yield warning("GATEWAYS_DIFFER", "cluster", evidence, "Give all servers of the cluster the same gateways.")
    offsets = {name: answer["offset"] for name, answer in servers.items() if "offset" in answer}
    usual = median(offsets.values()) if len(offsets) > 1 else 0
    for name, offset in sorted(offsets.items()):
        if len(offsets) > 1 and abs(offset - usual) >= CLOCK_SKEW_S:
            evidence = (
                f"its clock is {abs(offset - usual):.1f} s {'ahead of' if offset > usual else 'behind'} the others"
            )
            yield warning("CLOCK_SKEW", f"server {name}", evidence, "Synchronize the clocks of the nodes.")
    memory = {name: answer["data"].get("mem", 0) for name, answer in servers.items()}
    mean = sum(memory.values()) / max(1, len(memory))
    for name, used in sorted(memory.items()):
        if used > 1.5 * mean and used > 512 << 20:
            evidence = f"it uses {used >> 20} MiB, the servers {int(mean) >> 20} MiB on average"
            yield info("MEMORY_OUTLIER", f"server {name}", evidence, "Look at where the leaders and the clients are.")
