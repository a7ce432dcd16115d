# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The order in which planned resources are written; those that have none are refused. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.filter_order import FilterChange, filter_order
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin_order import turns
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planned import PlannedResource


def origin_turns(resources: Sequence[PlannedResource]) -> list[list[PlannedResource]]:
    """A stream comes in a turn after those of its origins that are written too: a mirror takes over what its origin allows."""
    by_key = {resource.key: resource for resource in resources}
    order = turns({key: resource.config_after for key, resource in by_key.items()})
    return [[by_key[key] for key in turn] for turn in order]


def queue_order(resources: Sequence[PlannedResource], is_queue: Callable[[str], bool]) -> list[PlannedResource]:
    """A consumer of a work queue comes after the one that gives up its subjects. Consumers that wait for one another are refused."""
    queues: dict[str, list[tuple[PlannedResource, FilterChange]]] = {}
    ordered = []
    for resource in resources:
        stream = resource.item.place.stream
        if is_queue(stream) and (change := resource.filter_change()):
            queues.setdefault(stream, []).append((resource, change))
        else:
            ordered.append(resource)
    for queue in queues.values():
        by_name = {resource.item.name: resource for resource, _change in queue}
        order = filter_order([change for _resource, change in queue])
        ordered += [by_name[name] for name in order]
        for name in by_name.keys() - {*order}:
            by_name[name].outcome.error = NatsError(
                by_name[name].item.title,
                "it takes filters of a consumer of this work queue that in turn takes some of its own",
                "Exchange them in two runs, with other filters in between.",
                code="SUBJECTS_TAKEN",
            )
    return ordered
