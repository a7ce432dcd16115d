# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""In which order the consumers of a work queue change their filters. Pure: it sends no request.

PRIVATE to the collection: it can change at any time. No two consumers may share a subject at any moment, so a consumer that gives up
a subject is written before the one that takes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import any_overlap


class FilterChange(NamedTuple):
    """The filters of a consumer before its plan, none where it is created, and after it."""

    consumer: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def filter_order(changes: Sequence[FilterChange]) -> list[str]:
    """The consumers, each after those that give up what it takes. Those of a cycle, which have no such order, are left out."""
    giving = [change for change in changes if change.before]
    waits = {change.consumer: set(_waits_for(change, giving)) for change in changes}
    order: dict[str, None] = {}
    while ready := [name for name, others in waits.items() if name not in order and others <= order.keys()]:
        order |= dict.fromkeys(ready)
    return list(order)


def _waits_for(change: FilterChange, giving: Collection[FilterChange]) -> Iterator[str]:
    for other in giving:
        if other.consumer != change.consumer and any_overlap(change.after, other.before):
            yield other.consumer
