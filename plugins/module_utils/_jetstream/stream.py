# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The stream as a table: every field of the server's StreamConfig. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._common.units import show_duration
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
    list_by_name,
    list_of,
    not_negative,
    record,
    string,
    strings,
    time,
    within,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import kept, stream_losses
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import (
    Context,
    Field,
    Mutability,
    Resource,
    one_way,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

MILLISECOND = 10**6
SECOND = 10**9
DEFAULT_DUPLICATE_WINDOW_NS = 120 * SECOND


def retained(before: str, after: str) -> Mutability:
    return Mutability.NEVER if "workqueue" in (before, after) else Mutability.FREELY


def promoted(_before: Config, after: Config) -> Mutability:
    """Without its mirror it is a stream of its own, for good."""
    return Mutability.NEVER if after else Mutability.IRREVERSIBLY


def own_subject(config: Config, _around: Context) -> list[str]:
    return [] if config.get("mirror") or config.get("sources") else [config["name"]]


def window(config: Config, _around: Context) -> int:
    """How long message ids are remembered where nobody says it."""
    if config.get("mirror") or config.get("sources"):
        return 0
    return min(DEFAULT_DUPLICATE_WINDOW_NS, config.get("max_age") or DEFAULT_DUPLICATE_WINDOW_NS)


def servers_own(config: Config, _around: Context) -> dict[str, str]:
    return {key: text for key, text in (config.get("metadata") or {}).items() if key.startswith("_nats.")}


# What the server makes of a stream that is sealed.
SEALED: Config = {
    "sealed": True,
    "discard": "new",
    "max_age": 0,
    "deny_delete": True,
    "deny_purge": True,
    "allow_rollup_hdrs": False,
}


def complete(desired: Config, actual: Config) -> Config:
    """What the server derives from other fields, so that it is neither refused nor never reached."""
    after = actual | desired
    desired = dict(desired)
    if desired.get("mirror") and actual and not actual.get("mirror"):
        desired = {"subjects": [], "sources": [], "duplicate_window": 0} | desired
    age = desired.get("max_age")
    if age and "duplicate_window" not in desired and actual.get("duplicate_window", 0) > age:
        desired["duplicate_window"] = age
    if after.get("subject_delete_marker_ttl"):
        desired["allow_msg_ttl"] = True
    if after.get("subject_delete_marker_ttl") or after.get("allow_msg_schedules"):
        desired["allow_rollup_hdrs"] = True
    # The server copies it from an origin that it can see; one that is made along with it may not be there yet.
    if actual and after.get("mirror") and not after["mirror"].get("external"):
        desired.pop("mirror_direct", None)
    return desired


def objections(after: Config, _around: Context) -> Iterator[str]:
    subjects = after.get("subjects") or []
    if twice := sorted({subject for subject in subjects if subjects.count(subject) > 1}):
        yield f"subjects: {', '.join(twice)} is listed twice. List each subject once"
    if after.get("max_age") and after.get("duplicate_window", 0) > after["max_age"]:
        yield (
            f"duplicate_window: {show_duration(after['duplicate_window'])} is longer than max_age, "
            f"{show_duration(after['max_age'])}. Lower it or leave it out"
        )
    for key in ("subjects", "sources"):
        if after.get("mirror") and after.get(key):
            yield f"{key}: a mirror has none of its own. Leave them out"
    if after.get("mirror") and not after["mirror"].get("name"):
        yield "mirror.name is missing. Write the stream to mirror, or mirror: {} to have none"
    if after.get("discard_new_per_subject") and (
        after.get("discard") != "new" or after.get("max_msgs_per_subject", -1) < 1
    ):
        yield "discard_new_per_subject: it needs discard: new and max_msgs_per_subject. Set them too"


TRANSFORM = record(("src", string), ("dest", string))
# An empty name would be dropped on the way: a mirror without one is an ordinary stream.
ORIGIN = list_by_name(
    record(
        ("name", string),
        ("opt_start_seq", not_negative(integer)),
        ("opt_start_time", time),
        ("filter_subject", string),
        ("subject_transforms", list_of(TRANSFORM)),
        ("external", record(("api", string), ("deliver", string))),
        ("consumer", record(("name", string), ("deliver_subject", string))),
        since={"consumer": 4},
    ),
    "name",
    "external.api",
    "consumer.name",
)
PLACEMENT = record(("cluster", string), ("tags", strings))
REPUBLISH = record(("src", string), ("dest", string), ("headers_only", boolean))
age: Type = at_least(100 * MILLISECOND, duration)
marker: Type = at_least(SECOND, duration)
replicas: Type = within(1, 5, absent=1)
storage: Type = choice("file", "memory")


STREAM = Resource(
    "stream",
    fields=(
        Field("description", string),
        Field("subjects", strings, default=own_subject),
        Field("retention", choice("limits", "interest", "workqueue"), retained),
        Field("max_consumers", limit(integer)),
        Field("max_msgs", limit(integer)),
        Field("max_bytes", limit(byte_size)),
        Field("max_msgs_per_subject", limit(integer)),
        Field("max_msg_size", limit(byte_size)),
        Field("max_age", age),
        Field("duplicate_window", age, default=window),
        Field("discard", choice("old", "new")),
        Field("discard_new_per_subject", boolean),
        Field("storage", storage, Mutability.NEVER),
        Field("num_replicas", replicas, alone=True),
        Field("placement", PLACEMENT, Mutability.MOVES, alone=True),
        Field("no_ack", boolean),
        Field("mirror", ORIGIN, promoted),
        Field("sources", list_of(ORIGIN, "name")),
        Field("compression", choice("none", "s2")),
        Field("first_seq", not_negative(integer), Mutability.NEVER),
        Field("subject_transform", TRANSFORM),
        Field("republish", REPUBLISH),
        Field("allow_direct", boolean),
        Field("mirror_direct", boolean),
        Field("deny_delete", boolean, one_way),
        Field("deny_purge", boolean, one_way),
        Field("allow_rollup_hdrs", boolean),
        Field("consumer_limits", record(("inactive_threshold", duration), ("max_ack_pending", at_least(-1, integer)))),
        Field("allow_msg_ttl", boolean, one_way, api_level=1),
        Field("subject_delete_marker_ttl", marker, api_level=1),
        Field("allow_msg_counter", boolean, Mutability.NEVER, api_level=2),
        Field("allow_atomic", boolean, api_level=2),
        Field("allow_msg_schedules", boolean, one_way, api_level=2),
        Field("persist_mode", choice("default", "async"), Mutability.NEVER, api_level=2),
        Field("allow_batched", boolean, api_level=4),
        Field("metadata", labels, default=servers_own),
    ),
    creates=lambda name: {"name": name},
    completes=complete,
    objects=objections,
    loses=stream_losses,
    holds=kept,
    states=("present", "absent", "purged", "sealed"),
    arguments={
        "purge": {
            "type": "dict",
            "options": {"filter": {"type": "str"}, "seq": {"type": "int"}, "keep": {"type": "int"}},
            "mutually_exclusive": [("seq", "keep")],
        }
    },
)
