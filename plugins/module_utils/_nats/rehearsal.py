# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Has the server check a configuration that it can't store. PRIVATE to the collection: it can change at any time.

The server checks a whole configuration before it looks whether the request fits. So an update that fits nothing is answered either with
what is wrong with the configuration, in the words of the real request, or with an error that means that it would be accepted.
"""

from __future__ import annotations

import uuid

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step

# A stream's name that differs from the one in the request's subject, so that the server updates neither.
OTHER_STREAM = "_messaging_nats_rehearsal"
# The answers to a request that fits nothing: another stream's name, no such stream, no such consumer.
ACCEPTED = (10056, 10059, 10149)
# The limit of consumers counts the one that does not exist, also where the plan creates none.
UNRELATED = (10026,)
SINGLE_SERVER = 10074


async def refusal(jetstream: JetStream, place: Place, config: Config) -> NatsError | None:
    """The server's refusal of a configuration; None where it would accept it, or where it can't be asked."""
    if not await jetstream.knows_actions():
        return None
    refused = await _answer(jetstream, place, config)
    if refused or place.consumer or config.get("num_replicas", 1) < 2:
        return refused
    # Whether there are several servers is checked first for a consumer, and last for a stream.
    replicas = {"num_replicas": config["num_replicas"], "ack_policy": "explicit"}
    refused = await _answer(jetstream, Place(OTHER_STREAM, OTHER_STREAM), replicas)
    return refused if refused and refused.err_code == SINGLE_SERVER else None


async def _answer(jetstream: JetStream, place: Place, config: Config) -> NatsError | None:
    try:
        await jetstream.surely(*_request(place, config))
    except NatsError as error:
        return None if error.err_code in (None, *ACCEPTED, *UNRELATED) else error
    return None


def _request(place: Place, config: Config) -> tuple[str, Place, Config]:
    if place.consumer is None:
        derives = config.get("subjects") or config.get("mirror") or config.get("sources")
        subjects = {} if derives else {"subjects": [place.stream]}
        return f"STREAM.UPDATE.{place.stream}", place, config | {"name": OTHER_STREAM} | subjects
    name = f"{OTHER_STREAM}_{uuid.uuid4().hex}"
    call, body = Place(place.stream, name).request(Step("update", config | {"name": name, "durable_name": name}))
    return call, place, dict(body or {})
