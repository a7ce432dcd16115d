# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Findings that only a comparison with an earlier result shows. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding, error, warning

Figures = Mapping[str, Any]
FIGURES = {"streams", "servers"}


def earlier_figures(previous: Figures) -> Figures:
    """The figures in the option previous, which may be a whole result; raises where it holds none, since nothing would be compared."""
    found: Figures = previous.get("figures", previous)
    if found and not (isinstance(found, Mapping) and {*found} <= FIGURES and all(map(_are_entries, found.values()))):
        cause = "this is neither a result of nats_health nor the figures of one"
        remedy = 'Write the registered result, or its figures: previous: "{{ earlier.figures }}".'
        raise NatsError("option previous", cause, remedy, code="INVALID_VALUE")
    return found


def _are_entries(part: object) -> bool:
    return isinstance(part, Mapping) and all(isinstance(entry, Mapping) for entry in part.values())


def history_findings(before: Figures, now: Figures) -> Iterator[Finding]:
    """`before` and `now` are the `figures` of two results."""
    yield from _streams_that_went_back(before.get("streams") or {}, now.get("streams") or {})
    yield from _new_slow_consumers(before.get("servers") or {}, now.get("servers") or {})


def _streams_that_went_back(before: Figures, now: Figures) -> Iterator[Finding]:
    for key, stream in now.items():
        earlier = before.get(key)
        # A stream that was deleted and created again starts from the beginning.
        if earlier and earlier.get("created") == stream.get("created") and stream["last_seq"] < earlier["last_seq"]:
            account, name = key.split("/", 1)
            evidence = f"last_seq is {stream['last_seq']}, and was {earlier['last_seq']} before"
            remedy = "Its only copy was lost, or it is in memory: restore it, and give it three replicas on disk."
            yield error("STREAM_WENT_BACK", f"stream {name} of account {account}", evidence, remedy)


def _new_slow_consumers(before: Figures, now: Figures) -> Iterator[Finding]:
    for name, server in now.items():
        earlier = before.get(name) or {}
        # A server that was restarted counts from zero again.
        same_process = earlier.get("start") == server.get("start")
        count = server["slow_consumers"] - earlier.get("slow_consumers", 0)
        if same_process and count > 0:
            evidence = f"{count} slow consumers since the earlier result"
            remedy = "Look for clients that read too slowly; they were disconnected and lost messages of core NATS."
            yield warning("SLOW_CONSUMER", f"server {name}", evidence, remedy)
