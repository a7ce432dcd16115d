# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The key-value bucket as a table: a stream seen as clients see it. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import replace

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import (
    NestedError,
    Type,
    boolean,
    byte_size,
    labels,
    limit,
    list_of,
    string,
    switch,
    within,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import bucket_losses, stream_content
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin import ORIGIN, same_source
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import (
    Field,
    Mutability,
    Resource,
    one_way,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import (
    PLACEMENT,
    REPUBLISH,
    STREAM,
    age,
    complete_stream,
    marker,
    mirror_change,
    replicas,
    server_metadata,
    storage,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream_rules import stream_objections
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

STREAM_PREFIX = "KV_"
KEY_SUBJECTS = re.compile(r"\$KV\.[^.]+\.>")
# The characters that a bucket's name must not have, as a pattern and in words.
BUCKET_NAME = (r"[^A-Za-z0-9_-]", "nothing but letters, digits, _ and -")


def _keys(bucket: str) -> str:
    """The subjects of a bucket's keys."""
    return f"$KV.{bucket}.>"


def _show_origin(value: Config) -> Config:
    """The origin as a bucket, without the subject transforms that turn its keys into this bucket's."""
    name = str(value.get("name", "")).removeprefix(STREAM_PREFIX)
    shown = value | {"name": name}
    transforms = value.get("subject_transforms") or []
    if [entry.get("src") for entry in transforms] == [_keys(name)] and KEY_SUBJECTS.fullmatch(
        str(transforms[0].get("dest"))
    ):
        del shown["subject_transforms"]
    result: Config = ORIGIN.show(shown)
    return result


def _parse_origin(value: Config) -> Config:
    found: Config = ORIGIN.parse(value)
    if found.get("name") == STREAM_PREFIX:
        raise NestedError(".name is empty: write a bucket, or leave the option out")
    if "name" in found and not found["name"].startswith(STREAM_PREFIX):
        found["name"] = STREAM_PREFIX + found["name"]
    return found


BUCKET_ORIGIN = replace(ORIGIN, parse=_parse_origin, show=_show_origin)


def new_kv_bucket(bucket: str) -> Config:
    """The stream of a new bucket as NATS clients create it; the server gives it the duplicate window that its own limits allow."""
    return {
        "name": STREAM_PREFIX + bucket,
        "subjects": [_keys(bucket)],
        "max_msgs_per_subject": 1,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
    }


def _key_transform(origin: Config, bucket: str) -> Config:
    """The subject transform that turns another bucket's keys into this bucket's."""
    name = str(origin.get("name", "")).removeprefix(STREAM_PREFIX)
    if origin.get("filter_subject") and "subject_transforms" not in origin:
        raise NatsError(
            f"bucket {bucket}",
            f"sources: with filter_subject the keys of {name} keep their subjects, where no client of this bucket finds them",
            f"Write subject_transforms with src: {origin['filter_subject']} instead, and $KV.{bucket} in dest.",
            code="INVALID_VALUE",
        )
    return {"subject_transforms": [{"src": _keys(name), "dest": _keys(bucket)}]}


def _without_transforms(origin: Config) -> Hashable:
    """What tells a source from others apart from its transforms: one stream may be a source more than once."""
    return same_source({key: value for key, value in origin.items() if key != "subject_transforms"})


def complete_bucket(desired: Config, actual: Config) -> Config:
    """The declared fields and those that follow from them, so that the bucket's clients find its keys."""
    desired = dict(desired)
    after = actual | desired
    bucket = after["name"].removeprefix(STREAM_PREFIX)
    if desired.get("mirror") and not actual.get("mirror"):
        # A mirror has the keys of its origin and no subjects of its own.
        desired |= {"subjects": [], "duplicate_window": 0, "mirror_direct": True}
    if actual.get("mirror") and desired.get("mirror") == {}:
        # The server's default subject for a mirror that becomes an ordinary stream is not one of the bucket's keys.
        desired |= {"subjects": [_keys(bucket)]}
    if sources := desired.get("sources"):
        # A source that takes over subjects as they are was made by others, and stays so.
        as_they_are = {
            _without_transforms(origin)
            for origin in actual.get("sources") or []
            if not origin.get("subject_transforms")
        }
        desired["sources"] = [
            origin
            if "subject_transforms" in origin or _without_transforms(origin) in as_they_are
            else _key_transform(origin, bucket) | origin
            for origin in sources
        ]
    return complete_stream(desired, actual)


compressed: Type = switch("none", "s2")

KV = Resource(
    "bucket",
    fields=(
        Field("description", string),
        Field("history", within(1, 64, absent=1), key="max_msgs_per_subject"),
        Field("ttl", age, key="max_age"),
        Field("limit_marker_ttl", marker, api_level=1, key="subject_delete_marker_ttl"),
        Field("max_value_size", limit(byte_size), key="max_msg_size"),
        Field("max_bytes", limit(byte_size)),
        Field("storage", storage, Mutability.NEVER),
        Field("num_replicas", replicas, alone=True),
        Field("placement", PLACEMENT, Mutability.MOVES, alone=True),
        Field("republish", REPUBLISH),
        Field("mirror", BUCKET_ORIGIN, mirror_change, change_level=2),
        Field("sources", list_of(BUCKET_ORIGIN, "name")),
        Field("compression", compressed),
        Field("metadata", labels, default=server_metadata),
    ),
    # A limit_marker_ttl turns allow_msg_ttl on, which the server never turns off again.
    hidden=(Field("allow_msg_ttl", boolean, one_way, api_level=1),),
    stream_fields=STREAM.fields,
    named="bucket",
    forbidden=BUCKET_NAME,
    prefix=STREAM_PREFIX,
    creates=new_kv_bucket,
    completes=complete_bucket,
    objects=stream_objections,
    loses=bucket_losses,
    holds=stream_content,
)
