# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A cluster on one page of HTML, findings first. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.units import show_bytes
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import WORST_FIRST, Finding, percent
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    by_server,
    cluster_of,
    meta_leader_with_quorum,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_style import STYLE
from ansible_collections.messaging.nats.plugins.module_utils._reporting.markup import Html, element, joined, raw
from ansible_collections.messaging.nats.plugins.module_utils._reporting.topology_svg import picture

# Percent of a limit from which a bar warns, as in the health check: of stores, and of memory and CPU.
STORE_WARN_PERCENT, LOAD_WARN_PERCENT = 80, 90
MAX_ROWS, MAX_WAITING_ROWS = 50, 20
# With more servers than these, the table of streams shows healthy replicas as symbols without words.
MAX_SERVERS_WITH_WORDS = 5
LEADS, CURRENT, BEHIND, OFFLINE = "●", "○", "◌", "✕"
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def report(snapshot: Snapshot, findings: Sequence[Finding], now: datetime) -> str:
    title = f"NATS cluster {_cluster(snapshot)}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", f"{title}: {_verdict(findings)[0]}"),
        element("style", raw(STYLE)),
    )
    sections = (
        _head(snapshot, findings, now, title),
        _findings(findings),
        _topology(snapshot),
        _servers(snapshot),
        _streams(snapshot),
        _waiting(snapshot),
    )
    body = element("body", element("main", *(part for section in sections for part in section)))
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _cluster(snapshot: Snapshot) -> str:
    reported = next(map(cluster_of, answered(snapshot).values()), None)
    return snapshot.cluster_name or reported or "without a name"


def _verdict(findings: Sequence[Finding]) -> tuple[str, str]:
    """The word that people read, and its CSS class."""
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "unhealthy", "error"
    if "warning" in severities:
        return "in doubt", "warning"
    return "healthy", "well"


def _head(snapshot: Snapshot, findings: Sequence[Finding], now: datetime, title: str) -> Iterator[Html]:
    servers = answered(snapshot)
    verdict, css_class = _verdict(findings)
    yield element("h1", title, element("span", verdict, class_=f"verdict {css_class}"))
    if snapshot.kubernetes and snapshot.kubernetes.place:
        yield element("p", snapshot.kubernetes.place, class_="soft")
    versions = ", ".join(sorted({answer["server"]["ver"] for answer in servers.values()})) or "unknown"
    leader = meta_leader_with_quorum(snapshot) or ("itself" if len(snapshot.expected) == 1 else "none")
    yield element(
        "p",
        f"{len(servers)} of {len(snapshot.expected)} servers answer · version {versions} · "
        f"meta leader {leader} · {now:%Y-%m-%d %H:%M:%S} UTC",
        class_="soft",
    )
    if snapshot.system_not_asked:
        sentence = f"The system account could not be asked: {snapshot.system_not_asked.cause}"
        yield element("p", sentence, class_="error")


def _findings(findings: Sequence[Finding]) -> Iterator[Html]:
    yield element("h2", "Findings")
    if not findings:
        yield element("p", "Nothing is wrong.", class_="well")
    for finding in sorted(findings, key=lambda finding: WORST_FIRST.index(finding.severity)):
        yield element(
            "div",
            element("b", finding.severity, class_=finding.severity),
            f" {finding.object} ",
            element("code", finding.code, class_="soft"),
            element("p", finding.evidence),
            element("p", finding.remedy, class_="soft"),
            class_=f"finding {finding.severity}",
        )


def _topology(snapshot: Snapshot) -> Iterator[Html]:
    yield element("h2", "Servers")
    yield picture(snapshot)


def _servers(snapshot: Snapshot) -> Iterator[Html]:
    servers = answered(snapshot)
    varz = {name: answer["data"] for name, answer in by_server(snapshot, snapshot.varz).items()}
    volumes = snapshot.kubernetes.volumes if snapshot.kubernetes else {}
    rows = [
        _server(name, servers[name]["data"], varz.get(name, {}), volumes.get(name, 0))
        if name in servers
        else [name, "does not answer", *[""] * 7]
        for name in snapshot.expected
    ]
    if rows:
        yield html_table(
            ("server", "file store", "volume", "memory store", "memory", "cpu", "clients", "slow", "up"), rows
        )


def _server(name: str, jsz: Answer, varz: Answer, volume: int) -> list[object]:
    limits, stored = jsz.get("config") or {}, jsz.get("storage", 0)
    busy = int(varz.get("cpu", 0) / max(1, varz.get("cores", 1)))
    return [
        name,
        _bar(stored, limits.get("max_storage", 0), STORE_WARN_PERCENT),
        _bar(stored, volume, STORE_WARN_PERCENT) if volume else "-",
        _bar(jsz.get("memory", 0), limits.get("max_memory", 0), STORE_WARN_PERCENT),
        _bar(varz.get("mem", 0), varz.get("gomemlimit", 0), LOAD_WARN_PERCENT),
        joined([f"{busy} %", _track(busy, LOAD_WARN_PERCENT)]),
        f"{varz.get('connections', 0):,}",
        f"{varz.get('slow_consumers', 0):,}",
        varz.get("uptime", "-"),
    ]


def _bar(used: int, limit: int, warn_percent: int) -> Html:
    if not limit:
        return joined([show_bytes(used)])
    share = percent(used, limit)
    return joined([f"{share} % of {show_bytes(limit)}", _track(share, warn_percent)])


def _track(share: int, warn_percent: int) -> Html:
    css_class = "error" if share >= 100 else "warning" if share >= warn_percent else None
    filled = element("i", style=f"width:{min(share, 100)}%", class_=css_class)
    return element("span", filled, class_="bar", aria_hidden="true")


def _streams(snapshot: Snapshot) -> Iterator[Html]:
    found = streams(answered(snapshot))
    yield element("h2", f"Streams ({len(found):,})")
    if not found:
        yield element("p", "There are no streams.", class_="soft")
        return
    servers = list(snapshot.expected)
    head = ("stream", "account", "messages", "size", "consumers", *servers)
    # The streams with a problem come first, then the largest.
    ordered = sorted(
        found.items(),
        key=lambda entry: (_all_current(entry[1]), -(entry[1].get("state") or {}).get("bytes", 0), entry[0]),
    )
    rows = [_stream(account, name, stream, servers) for (account, name), stream in ordered]
    if len(servers) > MAX_SERVERS_WITH_WORDS:
        yield element("p", f"{LEADS} leads, {CURRENT} current, {BEHIND} behind, {OFFLINE} offline", class_="soft")
    yield html_table(head, rows[:MAX_ROWS])
    if rows[MAX_ROWS:]:
        healthy = ", all with every replica current" if _all_current(ordered[MAX_ROWS][1]) else ""
        more = f"{len(rows) - MAX_ROWS:,} more{healthy}"
        yield element("details", element("summary", more), html_table(head, rows[MAX_ROWS:]))


def _all_current(stream: Answer) -> bool:
    """Whether it has a leader and all its replicas are current."""
    cluster, wanted = stream.get("cluster") or {}, (stream.get("config") or {}).get("num_replicas", 1)
    peers = cluster.get("replicas") or []
    return wanted == 1 or bool(
        cluster.get("leader")
        and len(peers) + 1 >= wanted
        and all(peer.get("current") and not peer.get("offline") for peer in peers)
    )


def _stream(account: str, name: str, stream: Answer, servers: Sequence[str]) -> list[object]:
    state, cluster = stream.get("state") or {}, stream.get("cluster") or {}
    peers = {peer["name"]: peer for peer in cluster.get("replicas") or []}
    only_server, short = not cluster and len(servers) == 1, len(servers) > MAX_SERVERS_WITH_WORDS
    leads = LEADS if short else f"{LEADS} leads"
    return [
        name,
        account,
        f"{state.get('messages', 0):,}",
        show_bytes(state.get("bytes", 0)),
        f"{state.get('consumer_count', 0):,}",
        *(
            leads if only_server or server == cluster.get("leader") else _replica(peers.get(server), short)
            for server in servers
        ),
    ]


def _replica(peer: Answer | None, short: bool) -> object:
    """A symbol; with a word and a colour if something is wrong, so that nobody depends on one of them alone."""
    if peer is None:
        return ""
    if peer.get("offline"):
        return element("span", f"{OFFLINE} offline", class_="error")
    if not peer.get("current"):
        return element("span", f"{BEHIND} {peer.get('lag', 0):,} behind", class_="warning")
    if peer.get("lag"):
        return f"{CURRENT} lag {peer['lag']:,}"
    return CURRENT if short else f"{CURRENT} current"


def _waiting(snapshot: Snapshot) -> Iterator[Html]:
    found = consumers(answered(snapshot))
    waiting = [entry for entry in found.items() if entry[1].get("num_pending") or entry[1].get("num_ack_pending")]
    if not waiting:
        return
    longest = sorted(waiting, key=lambda entry: (-entry[1].get("num_pending", 0), entry[0]))
    yield element("h2", f"Consumers with waiting messages ({len(waiting):,} of {len(found):,})")
    rows = [
        [
            consumer,
            stream,
            account,
            f"{report.get('num_pending', 0):,}",
            f"{report.get('num_ack_pending', 0):,}",
            f"{(report.get('config') or {}).get('max_ack_pending', 0):,}",
            f"{report.get('num_redelivered', 0):,}",
        ]
        for (account, stream, consumer), report in longest[:MAX_WAITING_ROWS]
    ]
    yield html_table(("consumer", "stream", "account", "pending", "unacknowledged", "of at most", "redelivered"), rows)


def html_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Html:
    """An HTML table; the first cell of a row is its heading."""
    titles = element("tr", *(element("th", name, scope="col") for name in head))
    lines = [
        element("tr", element("th", row[0], scope="row", class_="name"), *(element("td", cell) for cell in row[1:]))
        for row in rows
    ]
    return element("div", element("table", element("thead", titles), element("tbody", *lines)), class_="scroll")
