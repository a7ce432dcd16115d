# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The object store as a table: a stream seen as clients see it. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import (
    byte_size,
    labels,
    limit,
    string,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.key_value import BUCKET_NAME, compressed
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import bucket_losses, stream_content
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Field, Mutability, Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import (
    PLACEMENT,
    STREAM,
    age,
    complete_stream,
    replicas,
    server_metadata,
    storage,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

STREAM_PREFIX = "OBJ_"


def new_object_store(bucket: str) -> Config:
    """The stream of a new bucket as NATS clients create it."""
    return {
        "name": STREAM_PREFIX + bucket,
        "subjects": [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
    }


OBJECT_STORE = Resource(
    "object store",
    fields=(
        Field("description", string),
        Field("ttl", age, key="max_age"),
        Field("max_bytes", limit(byte_size)),
        Field("storage", storage, Mutability.NEVER),
        Field("num_replicas", replicas, alone=True),
        Field("placement", PLACEMENT, Mutability.MOVES, alone=True),
        Field("compression", compressed),
        Field("metadata", labels, default=server_metadata),
    ),
    stream_fields=STREAM.fields,
    named="bucket",
    forbidden=BUCKET_NAME,
    prefix=STREAM_PREFIX,
    creates=new_object_store,
    completes=complete_stream,
    loses=bucket_losses,
    holds=stream_content,
    states=("present", "absent", "sealed"),
)
