# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What only a comparison with an earlier result shows. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding, error, warning

Figures = Mapping[str, Any]


def history_findings(before: Figures, now: Figures) -> Iterator[Finding]:
    """`before` and `now` are the `figures` of two results."""
    earlier = before.get("streams") or {}
    for key, stream in (now.get("streams") or {}).items():
        old = earlier.get(key)
        # A stream that was made anew may begin again.
        if old and old.get("created") == stream.get("created") and stream["last_seq"] < old["last_seq"]:
            account, name = key.split("/", 1)
            evidence = f"last_seq is {stream['last_seq']}, and was {old['last_seq']} before"
            remedy = "Its only copy was lost, or it is in memory: restore it, and give it three replicas on disk."
            yield error("STREAM_WENT_BACK", f"stream {name} of account {account}", evidence, remedy)
    for name, server in (now.get("servers") or {}).items():
        old = (before.get("servers") or {}).get(name) or {}
        if old.get("start") == server.get("start") and server["slow_consumers"] > old.get("slow_consumers", 0):
            evidence = (
                f"{server['slow_consumers'] - old.get('slow_consumers', 0)} slow consumers since the earlier result"
            )
            remedy = "Look for clients that read too slowly; they were disconnected and lost messages of core NATS."
            yield warning("SLOW_CONSUMER", f"server {name}", evidence, remedy)
