# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of findings share: findings as severity and code, instants, and a stream with a consumer as servers report them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding

MIB = 2**20


def codes(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    found = list(findings)
    assert all(finding.object and finding.evidence and finding.remedy for finding in found)
    return [(finding.severity, finding.code) for finding in found]


def after(**delta: float) -> str:
    """The instant that is so far from now."""
    return (datetime.now(timezone.utc) + timedelta(**delta)).isoformat().replace("+00:00", "Z")


def asset(leader: str = "nats-0", **changed: Any) -> dict[str, Any]:
    replicas = [
        {"name": name, "current": True, "active": 10**8} for name in ("nats-0", "nats-1", "nats-2") if name != leader
    ]
    return {"cluster": {"leader": leader, "replicas": replicas}} | changed


def held(stream: dict[str, Any] | None = None, consumer: dict[str, Any] | None = None) -> dict[str, Any]:
    """What three servers report that have one stream with one consumer."""
    made = (
        {"name": "EVENTS", "config": {"num_replicas": 3}, "state": {"messages": 5, "last_seq": 5}}
        | asset()
        | (stream or {})
    )
    if consumer is not None:
        made["consumer_detail"] = [{"name": "worker", "config": {"durable_name": "worker"}} | asset() | consumer]
    details = [{"name": "APP", "stream_detail": [made]}]
    return {
        name: {"server": {"name": name}, "data": {"account_details": details}}
        for name in ("nats-0", "nats-1", "nats-2")
    }
