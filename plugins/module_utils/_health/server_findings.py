# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Findings about single servers, and about differences between them, from VARZ and HEALTHZ. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from statistics import median

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.command_line import playbook_command
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import (
    Finding,
    error,
    info,
    percent,
    warning,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import KubernetesView, says_ok

DAY_S = 86400
EXPIRES_SOON_S, EXPIRES_NOW_S = 30 * DAY_S, 7 * DAY_S
CPU_PERCENT, MEMORY_PERCENT, CONNECTIONS_PERCENT, STORE_PERCENT = 90, 90, 90, 80
MANY_ASSETS = 1000
CLOCK_SKEW_S = 2.0
# Of two servers with different configurations, none is the odd one.
MIN_TO_COMPARE = 3
# A server is an outlier if it uses so many times the average memory, and more than these bytes.
OUTLIER_FACTOR, OUTLIER_MIN_BYTES = 1.5, 512 << 20
VARZ_LISTENERS = ("cluster", "gateway", "leaf", "mqtt", "websocket")
Servers = Mapping[str, Answer]
# What the health check says where a replica could not be written.
STORE_ERRORS = ("write error", "no space left on device")


def server_findings(servers: Servers, expected: int) -> Iterator[Finding]:
    """`servers` are the answers to VARZ, by name; `expected` is how many servers there should be."""
    for name, answer in sorted(servers.items()):
        what, varz = f"server {name}", answer["data"]
        yield from _load(what, varz)
        yield from _stores(what, varz)
        yield from _certificates(what, varz)
        yield from _bad_habits(what, name, varz)
        routes, others = varz.get("remotes", 0), len(servers) - 1
        if expected > 1 and routes < others:
            evidence = f"it has routes to {routes} of {others} other servers that answer"
            yield warning("ROUTES_MISSING", what, evidence, "Check network policies, and the names in cluster.routes.")
    yield from _versions(servers)
    yield from _odd_configuration(servers)
    yield from _different_gateways(servers)
    yield from _clocks(servers)
    yield from _memory_outliers(servers)


def health_check_findings(servers: Servers, view: KubernetesView | None) -> Iterator[Finding]:
    """`servers` are the answers to HEALTHZ, by name. That all is well is not believed; a complaint is."""
    for name, answer in servers.items():
        data = answer["data"]
        if says_ok(answer) and data.get("status") in ("ok", None):
            continue
        errors = "; ".join(str(entry.get("error")) for entry in data.get("errors") or [])
        complaint = str(data.get("error") or errors or data.get("status"))
        what, evidence = f"server {name}", f"its health check says: {complaint}"
        if any(words in complaint for words in STORE_ERRORS):
            remedy = "Its disk is full or broken: make room, then restart the server; it does not catch up by itself."
            if view and name in view.pods:
                command = playbook_command(view.target, "restart", {"nats_cluster_server": view.pods[name].name})
                remedy = f"{remedy} {command}"
            yield error("STORE_WRITE_FAILED", what, evidence, remedy)
        else:
            yield warning("HEALTH_CHECK_FAILED", what, evidence, "Look at the other findings, or at its log.")


def _load(what: str, varz: Answer) -> Iterator[Finding]:
    busy = varz.get("cpu", 0) / max(1, varz.get("cores", 1))
    if busy >= CPU_PERCENT:
        evidence = f"it uses {busy:.0f} % of {varz['cores']} cores"
        yield warning("CPU_HIGH", what, evidence, "Give it more CPU or spread the load.")
    limit, used = varz.get("gomemlimit", 0), varz.get("mem", 0)
    if percent(used, limit) >= MEMORY_PERCENT:
        evidence = f"it uses {percent(used, limit)} % of its memory ({used >> 20} of {limit >> 20} MiB)"
        remedy = "Look for memory streams and slow consumers, or raise nats_cluster_resources."
        yield warning("MEMORY_HIGH", what, evidence, remedy)
    connections = percent(varz.get("connections", 0), varz.get("max_connections", 0))
    if connections >= CONNECTIONS_PERCENT:
        evidence = f"{connections} % of its {varz['max_connections']} connections are in use"
        yield warning("CONNECTIONS_LIMIT", what, evidence, "Raise max_connections or spread the clients.")


def _stores(what: str, varz: Answer) -> Iterator[Finding]:
    jetstream = varz.get("jetstream") or {}
    limits, used = jetstream.get("config") or {}, jetstream.get("stats") or {}
    for kind, key, code in (("file", "storage", "STORAGE_LIMIT"), ("memory", "memory", "MEMORY_STORE_LIMIT")):
        limit = limits.get(f"max_{key}", 0)
        share = percent(used.get(key, 0), limit)
        if share >= STORE_PERCENT:
            evidence = f"its {kind} store is {share} % full ({used[key] >> 20} of {limit >> 20} MiB)"
            remedy = (
                f"Delete or purge something, or raise nats_cluster_max_{kind}_store: "
                "a full store makes its streams leaderless."
            )
            yield (error if share >= 100 else warning)(code, what, evidence, remedy)
    assets = used.get("ha_assets", 0)
    if assets >= MANY_ASSETS:
        remedy = "Add servers, or use fewer replicas where they are not needed."
        yield warning("HA_ASSETS", what, f"it has {assets} replicated streams and consumers", remedy)


def _certificates(what: str, varz: Answer) -> Iterator[Finding]:
    expiries = {"clients": varz.get("tls_cert_not_after")}
    expiries |= {listener: (varz.get(listener) or {}).get("tls_cert_not_after") for listener in VARZ_LISTENERS}
    for listener, text in expiries.items():
        moment = instant(text)
        # Without TLS, servers report the first day of the year 1.
        if moment is None or moment[0].year <= 1:
            continue
        remaining_s = (moment[0] - datetime.now(timezone.utc)).total_seconds()
        if remaining_s < EXPIRES_SOON_S:
            expires = "has expired" if remaining_s < 0 else f"expires in {int(remaining_s // DAY_S)} days"
            evidence = f"its certificate for {listener} {expires} ({text})"
            severity = error if remaining_s < EXPIRES_NOW_S else warning
            yield severity("CERTIFICATE_EXPIRES", what, evidence, "Renew it and reload the servers.")


def _bad_habits(what: str, name: str, varz: Answer) -> Iterator[Finding]:
    if not varz.get("auth_required"):
        remedy = "Give the accounts users, and leave nats_cluster_anonymous off."
        yield warning("NO_AUTHENTICATION", what, "it lets anyone in without credentials", remedy)
    domain = ((varz.get("jetstream") or {}).get("config") or {}).get("domain", "")
    with_space = [text for text in (name, (varz.get("cluster") or {}).get("name", ""), domain) if " " in text]
    if with_space:
        remedy = "Names of servers, clusters and domains should have none."
        yield warning("NAME_WITH_SPACE", what, f"{with_space[0]!r} has a space", remedy)


def _versions(servers: Servers) -> Iterator[Finding]:
    versions = {name: answer["server"]["ver"] for name, answer in servers.items()}
    if len(set(versions.values())) > 1:
        shown = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        yield warning("VERSION_SKEW", "cluster", f"servers have different versions: {shown}", "Finish the upgrade.")


def _odd_configuration(servers: Servers) -> Iterator[Finding]:
    """The one server whose configuration has another digest than that of all others, if theirs are equal."""
    digests = {name: digest for name, answer in servers.items() if (digest := answer["data"].get("config_digest"))}
    counts = Counter(digests.values())
    if len(digests) < MIN_TO_COMPARE or len(counts) != 2:
        return
    for name, digest in digests.items():
        if counts[digest] == 1:
            evidence = "its configuration has another digest than that of all others, which are equal"
            remedy = "Give it the configuration of the others and reload it, unless its environment variables differ on purpose."
            yield info("CONFIG_DIFFERS", f"server {name}", evidence, remedy)


def _different_gateways(servers: Servers) -> Iterator[Finding]:
    by_server = {name: _gateways(answer["data"]) for name, answer in servers.items()}
    if len(set(by_server.values())) > 1:
        shown = ", ".join(f"{name} {' and '.join(gateways) or 'none'}" for name, gateways in sorted(by_server.items()))
        evidence = f"servers are configured with different gateways: {shown}"
        yield warning("GATEWAYS_DIFFER", "cluster", evidence, "Give all servers of the cluster the same gateways.")


def _gateways(varz: Answer) -> tuple[str, ...]:
    """The other clusters that a server is configured to reach; some configurations list its own cluster as well."""
    gateway = varz.get("gateway") or {}
    names = [entry.get("name") for entry in gateway.get("gateways") or []]
    return tuple(sorted(str(name) for name in names if name != gateway.get("name")))


def _clocks(servers: Servers) -> Iterator[Finding]:
    offsets = {name: answer["offset"] for name, answer in servers.items() if "offset" in answer}
    if len(offsets) < 2:
        return
    usual = median(offsets.values())
    for name, offset in sorted(offsets.items()):
        if abs(offset - usual) >= CLOCK_SKEW_S:
            direction = "ahead of" if offset > usual else "behind"
            evidence = f"its clock is {abs(offset - usual):.1f} s {direction} the others"
            yield warning("CLOCK_SKEW", f"server {name}", evidence, "Synchronize the clocks of the nodes.")


def _memory_outliers(servers: Servers) -> Iterator[Finding]:
    memory = {name: answer["data"].get("mem", 0) for name, answer in servers.items()}
    mean = sum(memory.values()) / max(1, len(memory))
    for name, used in sorted(memory.items()):
        if used > OUTLIER_FACTOR * mean and used > OUTLIER_MIN_BYTES:
            evidence = f"it uses {used >> 20} MiB, the servers {int(mean) >> 20} MiB on average"
            yield info("MEMORY_OUTLIER", f"server {name}", evidence, "Look at where the leaders and the clients are.")
