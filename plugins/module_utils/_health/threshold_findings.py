# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Thresholds that owners wrote on their streams and consumers. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time. The keys and their meaning are those of the nats CLI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant, parse_duration
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding, error, warning

Answer = Mapping[str, Any]
METADATA_PREFIX = "io.nats.monitor."
THRESHOLD_REMEDY = "Its owner set this threshold in the metadata of the resource."


def owner_findings(servers: Mapping[str, Answer]) -> Iterator[Finding]:
    for (account, name), stream in sorted(streams(servers).items()):
        yield from _judged(f"stream {name} of account {account}", stream, _stream)
    for (account, stream_name, name), consumer in sorted(consumers(servers).items()):
        yield from _judged(f"consumer {name} of stream {stream_name} of account {account}", consumer, _consumer)


def _judged(
    what: str, told: Answer, judge: Callable[[str, Answer, dict[str, str]], Iterator[Finding]]
) -> Iterator[Finding]:
    metadata = (told.get("config") or {}).get("metadata") or {}
    limits = {
        key.removeprefix(METADATA_PREFIX): text for key, text in metadata.items() if key.startswith(METADATA_PREFIX)
    }
    if not limits or limits.get("enabled", "true").lower() in ("false", "f", "0"):
        return
    try:
        yield from judge(what, told, limits)
    except ValueError as problem:
        yield warning(
            "OWNER_THRESHOLD_UNREADABLE",
            what,
            f"a threshold in {METADATA_PREFIX}* can't be read: {problem}",
            "Write a number or a duration.",
        )


def _stream(what: str, told: Answer, limits: dict[str, str]) -> Iterator[Finding]:
    state, cluster = told.get("state") or {}, told.get("cluster") or {}
    peers = cluster.get("replicas") or []
    if (least := _number(limits, "msgs-critical")) and state.get("messages", 0) <= least:
        yield _crossed(what, f"{state.get('messages', 0)} messages, at most msgs-critical {least}")
    elif (least := _number(limits, "msgs-warn")) and state.get("messages", 0) <= least:
        yield _near(what, f"{state.get('messages', 0)} messages, at most msgs-warn {least}")
    yield from _subjects(what, state.get("num_subjects", 0), limits)
    if (wanted := _number(limits, "peer-expect")) and (there := len(peers) + bool(cluster.get("leader"))) != wanted:
        yield _crossed(what, f"{there} peers, peer-expect is {wanted}")
    for key, figure in (("peer-lag-critical", "lag"), ("peer-seen-critical", "active")):
        most = _number(limits, key) if figure == "lag" else _duration(limits, key)
        for peer in peers:
            if most and peer.get(figure, 0) > most:
                yield _crossed(
                    what, f"{figure} of its peer {peer['name']} is {peer[figure]}, above {key} {limits[key]}"
                )
    yield from _origins(what, told, limits)


def _subjects(what: str, count: int, limits: dict[str, str]) -> Iterator[Finding]:
    """Warn below critical means that too many are bad, the other way round too few."""
    warn, critical = _number(limits, "subjects-warn"), _number(limits, "subjects-critical")
    if not warn and not critical:
        return
    many = warn < critical
    for limit, told, key in ((critical, _crossed, "subjects-critical"), (warn, _near, "subjects-warn")):
        if (many and limit and count >= limit) or (not many and limit and count <= limit):
            yield told(what, f"{count} subjects, {key} is {limit}")
            return


def _origins(what: str, told: Answer, limits: dict[str, str]) -> Iterator[Finding]:
    origins = [*(told.get("sources") or []), *([told["mirror"]] if told.get("mirror") else [])]
    count = len(told.get("sources") or [])
    least, most = _number(limits, "min-sources"), _number(limits, "max-sources")
    for key, limit, wrong in (("min-sources", least, count < least), ("max-sources", most, count > most)):
        if limit and wrong:
            yield _crossed(what, f"{count} sources, {key} is {limit}")
    for key, figure in (("lag-critical", "lag"), ("seen-critical", "active")):
        most = _number(limits, key) if figure == "lag" else _duration(limits, key)
        for origin in origins:
            if most and origin.get(figure, 0) >= most:
                yield _crossed(
                    what, f"{figure} of its origin {origin.get('name')} is {origin[figure]}, {key} is {limits[key]}"
                )


def _consumer(what: str, told: Answer, limits: dict[str, str]) -> Iterator[Finding]:
    for key, figure in (
        ("outstanding-ack-critical", "num_ack_pending"),
        ("waiting-critical", "num_waiting"),
        ("unprocessed-critical", "num_pending"),
        ("redelivery-critical", "num_redelivered"),
    ):
        if (most := _number(limits, key)) and told.get(figure, 0) >= most:
            yield _crossed(what, f"{figure} is {told[figure]}, {key} is {most}")
    for key, part in (("last-delivery-critical", "delivered"), ("last-ack-critical", "ack_floor")):
        if not (most := _duration(limits, key)):
            continue
        last = instant((told.get(part) or {}).get("last_active"))
        ago = None if last is None else (datetime.now(timezone.utc) - last[0]).total_seconds()
        if ago is None or ago * 10**9 >= most:
            yield _crossed(what, f"{part} {'never' if ago is None else f'{ago:.0f} s ago'}, {key} is {limits[key]}")
    if limits.get("pinned", "").lower() in ("true", "1", "t") and not any(
        group.get("pinned_client_id") for group in told.get("priority_groups") or []
    ):
        yield _crossed(what, "no client is pinned")


def _number(limits: dict[str, str], key: str) -> int:
    return int(limits.get(key, 0))


def _duration(limits: dict[str, str], key: str) -> int:
    return parse_duration(limits[key]) if key in limits else 0


def _crossed(what: str, evidence: str) -> Finding:
    return error("OWNER_THRESHOLD", what, evidence, THRESHOLD_REMEDY)


def _near(what: str, evidence: str) -> Finding:
    return warning("OWNER_THRESHOLD", what, evidence, THRESHOLD_REMEDY)
