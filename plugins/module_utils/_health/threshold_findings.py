# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Findings about thresholds that owners set in the metadata of their streams and consumers. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time. The keys and their meaning are those of the nats CLI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant, parse_duration
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding, error, warning

Thresholds = Mapping[str, str]
METADATA_PREFIX = "io.nats.monitor."
THRESHOLD_REMEDY = "Its owner set this threshold in the metadata of the resource."


def owner_findings(servers: Mapping[str, Answer]) -> Iterator[Finding]:
    """`servers` are the answers to JSZ, by name."""
    for (account, name), stream in sorted(streams(servers).items()):
        yield from _judged(f"stream {name} of account {account}", stream, _stream)
    for (account, stream_name, name), consumer in sorted(consumers(servers).items()):
        yield from _judged(f"consumer {name} of stream {stream_name} of account {account}", consumer, _consumer)


def _judged(
    what: str, report: Answer, judge: Callable[[str, Answer, Thresholds], Iterator[Finding]]
) -> Iterator[Finding]:
    metadata = (report.get("config") or {}).get("metadata") or {}
    thresholds = {
        key.removeprefix(METADATA_PREFIX): text for key, text in metadata.items() if key.startswith(METADATA_PREFIX)
    }
    if not thresholds or thresholds.get("enabled", "true").lower() in ("false", "f", "0"):
        return
    try:
        yield from judge(what, report, thresholds)
    except ValueError as problem:
        evidence = f"a threshold in {METADATA_PREFIX}* can't be read: {problem}"
        yield warning("OWNER_THRESHOLD_UNREADABLE", what, evidence, "Write a number or a duration.")


def _stream(what: str, report: Answer, thresholds: Thresholds) -> Iterator[Finding]:
    state, cluster = report.get("state") or {}, report.get("cluster") or {}
    yield from _messages(what, state.get("messages", 0), thresholds)
    yield from _subjects(what, state.get("num_subjects", 0), thresholds)
    yield from _peers(what, cluster, thresholds)
    yield from _origins(what, report, thresholds)


def _messages(what: str, count: int, thresholds: Thresholds) -> Iterator[Finding]:
    critical, warn = _number(thresholds, "msgs-critical"), _number(thresholds, "msgs-warn")
    if critical and count <= critical:
        yield _crossed(what, f"{count} messages, at most msgs-critical {critical}")
    elif warn and count <= warn:
        yield _near(what, f"{count} messages, at most msgs-warn {warn}")


def _subjects(what: str, count: int, thresholds: Thresholds) -> Iterator[Finding]:
    """If subjects-warn is below subjects-critical, too many subjects are bad; otherwise too few are."""
    warn, critical = _number(thresholds, "subjects-warn"), _number(thresholds, "subjects-critical")
    if not warn and not critical:
        return
    many_are_bad = warn < critical
    for limit, finding, key in ((critical, _crossed, "subjects-critical"), (warn, _near, "subjects-warn")):
        if limit and (count >= limit if many_are_bad else count <= limit):
            yield finding(what, f"{count} subjects, {key} is {limit}")
            return


def _peers(what: str, cluster: Answer, thresholds: Thresholds) -> Iterator[Finding]:
    replicas = cluster.get("replicas") or []
    expected, count = _number(thresholds, "peer-expect"), len(replicas) + bool(cluster.get("leader"))
    if expected and count != expected:
        yield _crossed(what, f"{count} peers, peer-expect is {expected}")
    limits = {
        ("peer-lag-critical", "lag"): _number(thresholds, "peer-lag-critical"),
        ("peer-seen-critical", "active"): _duration(thresholds, "peer-seen-critical"),
    }
    for (key, figure), limit in limits.items():
        for peer in replicas:
            if limit and peer.get(figure, 0) > limit:
                evidence = f"{figure} of its peer {peer['name']} is {peer[figure]}, above {key} {thresholds[key]}"
                yield _crossed(what, evidence)


def _origins(what: str, report: Answer, thresholds: Thresholds) -> Iterator[Finding]:
    """The streams that it is a mirror of or has as sources."""
    sources = report.get("sources") or []
    origins = [*sources, *([report["mirror"]] if report.get("mirror") else [])]
    least, most = _number(thresholds, "min-sources"), _number(thresholds, "max-sources")
    for key, limit, wrong in (
        ("min-sources", least, len(sources) < least),
        ("max-sources", most, len(sources) > most),
    ):
        if limit and wrong:
            yield _crossed(what, f"{len(sources)} sources, {key} is {limit}")
    limits = {
        ("lag-critical", "lag"): _number(thresholds, "lag-critical"),
        ("seen-critical", "active"): _duration(thresholds, "seen-critical"),
    }
    for (key, figure), limit in limits.items():
        for origin in origins:
            if limit and origin.get(figure, 0) >= limit:
                evidence = (
                    f"{figure} of its origin {origin.get('name')} is {origin[figure]}, {key} is {thresholds[key]}"
                )
                yield _crossed(what, evidence)


def _consumer(what: str, report: Answer, thresholds: Thresholds) -> Iterator[Finding]:
    for key, figure in (
        ("outstanding-ack-critical", "num_ack_pending"),
        ("waiting-critical", "num_waiting"),
        ("unprocessed-critical", "num_pending"),
        ("redelivery-critical", "num_redelivered"),
    ):
        if (limit := _number(thresholds, key)) and report.get(figure, 0) >= limit:
            yield _crossed(what, f"{figure} is {report[figure]}, {key} is {limit}")
    for key, part in (("last-delivery-critical", "delivered"), ("last-ack-critical", "ack_floor")):
        if not (limit := _duration(thresholds, key)):
            continue
        last = instant((report.get(part) or {}).get("last_active"))
        ago_s = None if last is None else (datetime.now(timezone.utc) - last[0]).total_seconds()
        if ago_s is None or ago_s * 10**9 >= limit:
            shown = "never" if ago_s is None else f"{ago_s:.0f} s ago"
            yield _crossed(what, f"{part} {shown}, {key} is {thresholds[key]}")
    pinned = any(group.get("pinned_client_id") for group in report.get("priority_groups") or [])
    if thresholds.get("pinned", "").lower() in ("true", "1", "t") and not pinned:
        yield _crossed(what, "no client is pinned")


def _number(thresholds: Thresholds, key: str) -> int:
    return int(thresholds.get(key, 0))


def _duration(thresholds: Thresholds, key: str) -> int:
    """Nanoseconds; 0 without this threshold."""
    return parse_duration(thresholds[key]) if key in thresholds else 0


def _crossed(what: str, evidence: str) -> Finding:
    return error("OWNER_THRESHOLD", what, evidence, THRESHOLD_REMEDY)


def _near(what: str, evidence: str) -> Finding:
    return warning("OWNER_THRESHOLD", what, evidence, THRESHOLD_REMEDY)
