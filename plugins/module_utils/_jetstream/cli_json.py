# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The JSON of the nats CLI as an entry of a declaration, and the other way round. PRIVATE to the collection: it can change at any time.

The CLI prints the server's configurations: `nats stream info --json` with the figures beside it, `nats stream add --config` without.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import GUARDS, RESETS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


def from_cli(resource: Resource, written: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of an entry, where it may be what the CLI prints or what it reads."""
    return _without_past_pause(resource, _without_sealed(_configuration(written)))


def _configuration(written: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration out of what `info --json` prints. Options of the collection may have been added beside it."""
    config = written.get("config")
    if not isinstance(config, Mapping):
        return written
    own = {key: value for key, value in written.items() if key in GUARDS | RESETS}
    if isinstance(written.get("state"), str):
        own["state"] = written["state"]
    if (stream := written.get("stream_name", written.get("stream"))) is not None:
        own["stream"] = stream
    return {**config, **own}


def _without_sealed(written: Mapping[str, Any]) -> Mapping[str, Any]:
    """The CLI says whether a stream is sealed; here that is a state."""
    if not isinstance(written.get("sealed"), bool):
        return written
    state = {"state": "sealed"} if written["sealed"] and "state" not in written else {}
    return {key: value for key, value in written.items() if key != "sealed"} | state


def _without_past_pause(resource: Resource, written: Mapping[str, Any]) -> Mapping[str, Any]:
    """The CLI says until when a consumer is or was paused, or the zero time; here that is a state."""
    until = instant(written.get("pause_until")) if "pause_until" in resource.arguments else None
    if until is None or "state" in written:
        return written
    if until[0] > datetime.now(timezone.utc):
        return {**written, "state": "paused"}
    return {key: value for key, value in written.items() if key != "pause_until"}


def to_cli(resource: Resource, config: Config) -> Config:
    """A configuration as the CLI reads it: the server's names and integers, without what the servers themselves keep in the metadata."""
    told = {"name", "durable_name", "pause_until", "sealed", *resource.guarded}
    written = {key: value for key, value in config.items() if key in told}
    own = resource.by_key["metadata"].type.parse(written.pop("metadata", None) or {})
    return written | ({"metadata": own} if own else {})
