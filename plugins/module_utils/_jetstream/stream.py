# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The stream as a table: every field of the server's StreamConfig. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import (
    Type,
    at_least,
    boolean,
    byte_size,
    choice,
    duration,
    integer,
    labels,
    limit,
    list_of,
    not_negative,
    record,
    string,
    strings,
    subject,
    subjects,
    within,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import stream_content, stream_losses
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin import ORIGIN, TRANSFORM
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.ownership import label, owner_of
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import (
    Ceiling,
    Context,
    Field,
    Mutability,
    Resource,
    one_way,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream_rules import stream_objections
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

MILLISECOND = 10**6
SECOND = 10**9
DEFAULT_DUPLICATE_WINDOW_NS = 120 * SECOND
# The API level from which on a stream with sources has no duplicate window of its own.
LEVEL_WITHOUT_SOURCES_WINDOW = 4
INVALID_STREAM = 10052


def retention_change(before: str, after: str) -> Mutability:
    """The server changes the retention of a stream, but not to or from a work queue."""
    return Mutability.NEVER if "workqueue" in (before, after) else Mutability.FREELY


def mirror_change(_before: Config, after: Config) -> Mutability:
    """A mirror can become an ordinary stream, and never a mirror again."""
    return Mutability.NEVER if after else Mutability.IRREVERSIBLY


def default_subjects(config: Config, _context: Context) -> list[str]:
    """A stream without subjects stores those of its name; a mirror and a stream with sources have none."""
    return [] if config.get("mirror") or config.get("sources") else [config["name"]]


def default_window(config: Config, context: Context) -> int:
    """How long the server remembers message ids where duplicate_window is not written. Up to 2.12 it does with sources too."""
    if config.get("mirror") or (config.get("sources") and context.level >= LEVEL_WITHOUT_SOURCES_WINDOW):
        return 0
    most = context.ceilings.get("duplicate_window", DEFAULT_DUPLICATE_WINDOW_NS)
    return min(most, config.get("max_age") or most)


def server_metadata(config: Config, _context: Context) -> dict[str, str]:
    """The metadata of the server itself and the label of the owner, which stay when all other metadata is removed."""
    own = {key: text for key, text in (config.get("metadata") or {}).items() if key.startswith("_nats.")}
    return own | label(owner_of(config))


# The fields that the server sets when it seals a stream.
SEALED: Config = {
    "sealed": True,
    "discard": "new",
    "max_age": 0,
    "deny_delete": True,
    "deny_purge": True,
    "allow_rollup_hdrs": False,
}


def complete_stream(desired: Config, actual: Config) -> Config:
    """The declared fields and those that the server derives from them.

    Without them the server would refuse the change, or the next run would find the same difference again.
    """
    after = actual | desired
    desired = dict(desired)
    if desired.get("mirror") and actual and not actual.get("mirror"):
        desired = {"subjects": [], "sources": [], "duplicate_window": 0} | desired
    age = desired.get("max_age")
    if age and "duplicate_window" not in desired and actual.get("duplicate_window", 0) > age:
        desired["duplicate_window"] = age
    republish = after.get("republish")
    if republish:
        desired["republish"] = _stored_republish(republish, (after.get("subject_transform") or {}).get("dest"))
    if after.get("subject_delete_marker_ttl"):
        desired["allow_msg_ttl"] = True
    if after.get("subject_delete_marker_ttl") or after.get("allow_msg_schedules"):
        desired["allow_rollup_hdrs"] = True
    # The server copies mirror_direct from the origin once it can see it, which may be after this change.
    if actual and after.get("mirror") and not after["mirror"].get("external"):
        desired.pop("mirror_direct", None)
    return desired


def _stored_republish(republish: Config, transformed: str | None) -> Config:
    """`republish` as the server stores it: an empty source is every subject.

    A stream with a transform that republishes everything as it is republishes the transformed subjects.
    """
    source = republish.get("src") or ">"
    if transformed and source == republish.get("dest") == ">":
        return republish | {"src": transformed, "dest": transformed}
    return republish | {"src": source}


PLACEMENT = record(("cluster", string), ("tags", strings))
REPUBLISH = record(("src", subject), ("dest", string), ("headers_only", boolean), echoed=("dest",))
age: Type = at_least(100 * MILLISECOND, duration)
marker: Type = at_least(SECOND, duration)
replicas: Type = within(1, 5, absent=1)
storage: Type = choice("file", "memory")


STREAM = Resource(
    "stream",
    fields=(
        Field("description", string),
        Field("subjects", subjects, default=default_subjects),
        Field("retention", choice("limits", "interest", "workqueue"), retention_change, echoed=True),
        Field("max_consumers", limit(integer), change_level=2, echoed=True),
        Field("max_msgs", limit(integer), echoed=True),
        Field("max_bytes", limit(byte_size), echoed=True),
        Field("max_msgs_per_subject", limit(integer), echoed=True),
        Field("max_msg_size", limit(byte_size), echoed=True),
        Field("max_age", age, echoed=True),
        Field(
            "duplicate_window",
            age,
            default=default_window,
            ceiling=Ceiling(INVALID_STREAM, 100 * MILLISECOND, DEFAULT_DUPLICATE_WINDOW_NS),
        ),
        Field("discard", choice("old", "new"), echoed=True),
        Field("discard_new_per_subject", boolean),
        Field("storage", storage, Mutability.NEVER, echoed=True),
        Field("num_replicas", replicas, alone=True, echoed=True),
        Field("placement", PLACEMENT, Mutability.MOVES, alone=True),
        Field("no_ack", boolean),
        Field("mirror", ORIGIN, mirror_change, change_level=2),
        Field("sources", list_of(ORIGIN, "name")),
        Field("compression", choice("none", "s2"), echoed=True),
        Field("first_seq", not_negative(integer), Mutability.NEVER),
        Field("subject_transform", TRANSFORM),
        Field("republish", REPUBLISH),
        Field("allow_direct", boolean, echoed=True),
        Field("mirror_direct", boolean, echoed=True),
        Field("deny_delete", boolean, one_way, echoed=True),
        Field("deny_purge", boolean, one_way, echoed=True),
        Field("allow_rollup_hdrs", boolean, echoed=True),
        Field(
            "consumer_limits",
            record(("inactive_threshold", duration), ("max_ack_pending", at_least(-1, integer))),
            echoed=True,
        ),
        Field("allow_msg_ttl", boolean, one_way, api_level=1, echoed=True),
        Field("subject_delete_marker_ttl", marker, api_level=1),
        Field("allow_msg_counter", boolean, Mutability.NEVER, api_level=2),
        Field("allow_atomic", boolean, api_level=2),
        Field("allow_msg_schedules", boolean, one_way, api_level=2),
        Field("persist_mode", choice("default", "async"), Mutability.NEVER, api_level=2),
        Field("allow_batched", boolean, api_level=4),
        Field("metadata", labels, default=server_metadata),
    ),
    creates=lambda name: {"name": name},
    completes=complete_stream,
    objects=stream_objections,
    loses=stream_losses,
    holds=stream_content,
    constants={"sealed": False},
    states=("present", "absent", "purged", "sealed"),
    editable=("subjects", "sources"),
    arguments={
        "purge": {
            "type": "dict",
            "options": {"filter": {"type": "str"}, "seq": {"type": "int"}, "keep": {"type": "int"}},
            "mutually_exclusive": [("seq", "keep")],
        }
    },
)
