# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""All kinds of resources, under the names that lists of them have. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._kv import KV
from ansible_collections.messaging.nats.plugins.module_utils._object_store import OBJECT_STORE
from ansible_collections.messaging.nats.plugins.module_utils._resource import Config, Resource
from ansible_collections.messaging.nats.plugins.module_utils._stream import STREAM

KINDS: dict[str, Resource] = {"streams": STREAM, "kv": KV, "object_stores": OBJECT_STORE, "consumers": CONSUMER}


def kind_of(config: Config) -> str:
    """Under which name a stream is listed: a bucket is a stream that looks as clients make it."""
    for kind in ("kv", "object_stores"):
        prefix = KINDS[kind].prefix
        bucket = config["name"].removeprefix(prefix)
        own = config.get("mirror") or config.get("subjects") == KINDS[kind].creates(bucket)["subjects"]
        if config["name"].startswith(prefix) and own:
            return kind
    return "streams"
