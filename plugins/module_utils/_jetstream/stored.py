# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A configuration as the server answers it once it is stored. Pure: it sends no request.

Check mode shows it, so that its diff is the one of the real run. PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context, Field, Resource
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


def stored_config(resource: Resource, config: Config, context: Context) -> Config:
    """A sent configuration with the server's defaults, without what the server leaves out of its answer."""
    stored = {**resource.constants, **config}
    for entry in _fields(resource):
        value = stored.pop(entry.stored, None) or entry.default_value(stored, context)
        says = bool(value) and value != entry.type.absent
        if says or (entry.echoed and context.level >= entry.api_level):
            stored[entry.stored] = entry.type.stored(entry.type.absent if value is None else value)
    return stored


def limited_defaults(resource: Resource, config: Config) -> Iterator[str]:
    """The fields that get a default which a limit of the server may lower."""
    for entry in _fields(resource):
        if entry.ceiling and not config.get(entry.stored):
            yield entry.stored


def _fields(resource: Resource) -> tuple[Field, ...]:
    return resource.stream_fields or resource.fields
