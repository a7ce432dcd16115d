# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The stream as a table: every field of the server's StreamConfig. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.messaging.nats.plugins.module_utils._resource import Change, Field, Loses, Resource, State
from ansible_collections.messaging.nats.plugins.module_utils._types import (
    Type,
    at_least,
    boolean,
    choice,
    duration,
    integer,
    labels,
    limit,
    list_of,
    record,
    show_duration,
    size,
    string,
    strings,
    within,
)

MILLISECOND = 10**6
SECOND = 10**9


def fewer(figure: str, unit: str) -> Loses:
    """A limit below what is stored deletes the rest at once."""

    def loses(_before: int, after: int, state: State) -> str | None:
        stored = state.get(figure, 0)
        return f"delete {stored - after} of {stored} {unit}" if 0 <= after < stored else None

    return loses


def per_subject(before: int, after: int, state: State) -> str | None:
    spread = state.get("messages", 0) > state.get("num_subjects", 0)
    if spread and after > 0 and (before < 0 or after < before):
        return f"delete all but the last {after} messages of each of {state['num_subjects']} subjects"
    return None


def younger(_before: int, after: int, state: State) -> str | None:
    if not after or not state.get("messages"):
        return None
    first = datetime.fromisoformat(state["first_ts"][:19]).replace(tzinfo=timezone.utc)
    age = int((datetime.now(timezone.utc) - first).total_seconds()) * SECOND
    return f"delete messages up to {show_duration(age)} old" if age > after else None


def interest(_before: str, after: str, state: State) -> str | None:
    stored = state.get("messages", 0)
    if after == "interest" and stored and not state.get("consumer_count"):
        return f"delete all {stored} messages, because no consumer is interested"
    return None


TRANSFORM = record(("src", string), ("dest", string))
ORIGIN = record(
    ("name", string),
    ("opt_start_seq", integer),
    ("opt_start_time", string),
    ("filter_subject", string),
    ("subject_transforms", list_of(TRANSFORM)),
    ("external", record(("api", string), ("deliver", string))),
)
age: Type = at_least(100 * MILLISECOND, duration)

STREAM = Resource(
    "stream",
    Field("description", string),
    Field("subjects", strings),
    Field("retention", choice("limits", "interest", "workqueue"), loses=interest),
    Field("max_consumers", limit(integer)),
    Field("max_msgs", limit(integer), loses=fewer("messages", "messages")),
    Field("max_bytes", limit(size), loses=fewer("bytes", "bytes")),
    Field("max_msgs_per_subject", limit(integer), loses=per_subject),
    Field("max_msg_size", limit(size)),
    Field("max_age", age, loses=younger),
    Field("duplicate_window", age),
    Field("discard", choice("old", "new")),
    Field("discard_new_per_subject", boolean),
    Field("storage", choice("file", "memory"), Change.NEVER),
    Field("num_replicas", within(1, 5, absent=1), alone=True),
    Field("placement", record(("cluster", string), ("tags", strings)), Change.MOVES, alone=True),
    Field("no_ack", boolean),
    Field("mirror", ORIGIN, Change.NEVER),
    Field("sources", list_of(ORIGIN)),
    Field("compression", choice("none", "s2")),
    Field("first_seq", integer, Change.NEVER),
    Field("subject_transform", TRANSFORM),
    Field("republish", record(("src", string), ("dest", string), ("headers_only", boolean))),
    Field("allow_direct", boolean),
    Field("mirror_direct", boolean),
    Field("deny_delete", boolean, Change.ONE_WAY),
    Field("deny_purge", boolean, Change.ONE_WAY),
    Field("allow_rollup_hdrs", boolean),
    Field("consumer_limits", record(("inactive_threshold", duration), ("max_ack_pending", integer))),
    Field("allow_msg_ttl", boolean, Change.ONE_WAY, api_level=1),
    Field("subject_delete_marker_ttl", at_least(SECOND, duration), api_level=1),
    Field("allow_msg_counter", boolean, Change.NEVER, api_level=2),
    Field("allow_atomic", boolean, api_level=2),
    Field("allow_msg_schedules", boolean, Change.ONE_WAY, api_level=2),
    Field("persist_mode", choice("default", "async"), Change.NEVER, api_level=2),
    Field("allow_batched", boolean, api_level=4),
    Field("metadata", labels),
)
