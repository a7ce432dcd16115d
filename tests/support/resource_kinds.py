# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that declare one resource, for tests of what all of them do."""

from __future__ import annotations

from typing import Any

from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_kv, nats_object_store, nats_stream

# Each kind: its module, the key of its result, what names it, two changes, and its stream and consumer on the server.
RESOURCE_KINDS: dict[str, tuple[Any, ...]] = {
    "stream": (nats_stream, "stream", {"name": "S"}, {"max_msgs": 5}, {"max_msgs": 6}, ("S", None)),
    "consumer": (
        nats_consumer,
        "consumer",
        {"stream": "PARENT", "name": "c"},
        {"max_deliver": 5},
        {"max_deliver": 6},
        ("PARENT", "c"),
    ),
    "kv": (nats_kv, "bucket", {"bucket": "b"}, {"history": 5}, {"history": 6}, ("KV_b", None)),
    "object_store": (nats_object_store, "bucket", {"bucket": "b"}, {"ttl": "1h"}, {"ttl": "2h"}, ("OBJ_b", None)),
}
