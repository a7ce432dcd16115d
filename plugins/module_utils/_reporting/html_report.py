# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A cluster on one page of HTML, findings first. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import show_bytes
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import WORST_FIRST, Finding, percent
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    meta_leader_with_quorum,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_style import STYLE
from ansible_collections.messaging.nats.plugins.module_utils._reporting.markup import Html, element, joined, raw
from ansible_collections.messaging.nats.plugins.module_utils._reporting.topology_svg import picture

Answer = Mapping[str, Any]
# Percent of a limit from which it is a worry.
WARN_PERCENT, WORRY_PERCENT = 80, 90
MAX_ROWS, MAX_WAITING_ROWS = 50, 20
# With more servers, what is well is a shape alone in the table of streams.
WORDED = 5
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
    told = next((answer["server"].get("cluster") for answer in answered(snapshot).values()), None)
    return str(snapshot.cluster_name or told or "without a name")


def _verdict(findings: Sequence[Finding]) -> tuple[str, str]:
    worst = {finding.severity for finding in findings}
    return next(
        (
            told
            for severity, told in (("error", ("ill", "error")), ("warning", ("in doubt", "warning")))
            if severity in worst
        ),
        ("healthy", "well"),
    )


def _head(snapshot: Snapshot, findings: Sequence[Finding], now: datetime, title: str) -> Iterator[Html]:
    there = answered(snapshot)
    word, kind = _verdict(findings)
    yield element("h1", title, element("span", word, class_=f"verdict {kind}"))
    versions = ", ".join(sorted({answer["server"]["ver"] for answer in there.values()})) or "unknown"
    leader = meta_leader_with_quorum(snapshot) or ("itself" if len(snapshot.expected) == 1 else "none")
    yield element(
        "p",
        f"{len(there)} of {len(snapshot.expected)} servers answer · version {versions} · meta leader {leader} · {now:%Y-%m-%d %H:%M:%S} UTC",
        class_="soft",
    )
    if snapshot.unreachable:
        yield element("p", f"The system account could not be asked: {snapshot.unreachable}", class_="error")


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
    there = answered(snapshot)
    figures = {answer["server"]["name"]: answer["data"] for answer in snapshot.varz}
    rows = [
        _server(name, there[name]["data"], figures.get(name, {}), snapshot)
        for name in snapshot.expected
        if name in there
    ]
    if rows:
        yield table(("server", "file store", "volume", "memory store", "memory", "cpu", "clients", "slow", "up"), rows)


def _server(name: str, jsz: Answer, varz: Answer, snapshot: Snapshot) -> list[object]:
    limits = jsz.get("config") or {}
    stored, volume = jsz.get("storage", 0), snapshot.volumes.get(name, 0)
    busy = int(varz.get("cpu", 0) / max(1, varz.get("cores", 1)))
    return [
        name,
        _bar(stored, limits.get("max_storage", 0), WARN_PERCENT),
        _bar(stored, volume, WARN_PERCENT) if volume else "-",
        _bar(jsz.get("memory", 0), limits.get("max_memory", 0), WARN_PERCENT),
        _bar(varz.get("mem", 0), varz.get("gomemlimit", 0), WORRY_PERCENT),
        joined([f"{busy} %", _track(busy, WORRY_PERCENT)]),
        f"{varz.get('connections', 0):,}",
        f"{varz.get('slow_consumers', 0):,}",
        varz.get("uptime", "-"),
    ]


def _bar(used: int, most: int, worry: int) -> Html:
    if not most:
        return joined([show_bytes(used)])
    share = percent(used, most)
    return joined([f"{share} % of {show_bytes(most)}", _track(share, worry)])


def _track(share: int, worry: int) -> Html:
    kind = "error" if share >= 100 else "warning" if share >= worry else None
    return element(
        "span", element("i", style=f"width:{min(share, 100)}%", class_=kind), class_="bar", aria_hidden="true"
    )


def _streams(snapshot: Snapshot) -> Iterator[Html]:
    found = streams(answered(snapshot))
    yield element("h2", f"Streams ({len(found):,})")
    if not found:
        yield element("p", "There is none.", class_="soft")
        return
    servers = list(snapshot.expected)
    head = ("stream", "account", "messages", "size", "consumers", *servers)
    ordered = sorted(
        found.items(), key=lambda entry: (_sound(entry[1]), -(entry[1].get("state") or {}).get("bytes", 0), entry[0])
    )
    rows = [_stream(account, name, stream, servers) for (account, name), stream in ordered]
    if len(servers) > WORDED:
        yield element("p", f"{LEADS} leads, {CURRENT} current, {BEHIND} behind, {OFFLINE} offline", class_="soft")
    yield table(head, rows[:MAX_ROWS])
    if rows[MAX_ROWS:]:
        more = (
            f"{len(rows) - MAX_ROWS:,} more, all with every replica current"
            if _sound(ordered[MAX_ROWS][1])
            else f"{len(rows) - MAX_ROWS:,} more"
        )
        yield element("details", element("summary", more), table(head, rows[MAX_ROWS:]))


def _sound(stream: Answer) -> bool:
    """Whether the leader is there and all replicas are current: the others come first."""
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
    alone, short = not cluster and len(servers) == 1, len(servers) > WORDED
    leads = LEADS if short else f"{LEADS} leads"
    return [
        name,
        account,
        f"{state.get('messages', 0):,}",
        show_bytes(state.get("bytes", 0)),
        f"{state.get('consumer_count', 0):,}",
        *(
            leads if alone or server == cluster.get("leader") else _replica(peers.get(server), short)
            for server in servers
        ),
    ]


def _replica(peer: Answer | None, short: bool) -> object:
    """A shape, a word and a colour: no one of them alone where something is wrong."""
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
    yield element("h2", f"Consumers with work that waits ({len(waiting):,} of {len(found):,})")
    rows = [
        [
            consumer,
            stream,
            account,
            f"{told.get('num_pending', 0):,}",
            f"{told.get('num_ack_pending', 0):,}",
            f"{(told.get('config') or {}).get('max_ack_pending', 0):,}",
            f"{told.get('num_redelivered', 0):,}",
        ]
        for (account, stream, consumer), told in longest[:MAX_WAITING_ROWS]
    ]
    yield table(("consumer", "stream", "account", "pending", "unacknowledged", "of at most", "redelivered"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Html:
    """The first column names the row."""
    titles = element("tr", *(element("th", name, scope="col") for name in head))
    lines = [
        element("tr", element("th", row[0], scope="row", class_="name"), *(element("td", cell) for cell in row[1:]))
        for row in rows
    ]
    return element("div", element("table", element("thead", titles), element("tbody", *lines)), class_="scroll")
