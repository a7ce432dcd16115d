# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""All kinds of resources, under the names that lists of them have. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.key_value import KV
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.object_store import OBJECT_STORE
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

KINDS: dict[str, Resource] = {"streams": STREAM, "kv": KV, "object_stores": OBJECT_STORE, "consumers": CONSUMER}


# Fields that are no options of a bucket, and that differ with the client that created it.
CLIENT_DEPENDENT = {"allow_msg_ttl", "duplicate_window", "mirror_direct"}


def kind_of(config: Config) -> str:
    """The list that a stream belongs to. A bucket is a stream that looks as clients create it."""
    for kind in ("kv", "object_stores"):
        prefix = KINDS[kind].prefix
        bucket = config["name"].removeprefix(prefix)
        if config["name"].startswith(prefix) and _is_bucket(KINDS[kind], bucket, config):
            return kind
    return "streams"


def _is_bucket(resource: Resource, bucket: str, config: Config) -> bool:
    created = resource.creates(bucket)
    shown = resource.by_key.keys() | created.keys() | CLIENT_DEPENDENT
    hidden = [entry for entry in STREAM.fields if entry.stored not in shown]
    if re.search(resource.forbidden[0], bucket) or any(entry.value(config) != entry.type.absent for entry in hidden):
        return False
    try:
        resource.parse(resource.show(config), bucket)
    except NatsError:
        return False
    return config.get("subjects") == (None if config.get("mirror") else created["subjects"])
