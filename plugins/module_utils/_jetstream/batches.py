# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Cuts a large declaration into parts. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def batch_resources(lists: Mapping[str, Sequence[Any]], most: int) -> list[dict[str, Any]]:
    """One part with all lists where they have at most `most` entries; otherwise one list after the other, in parts.

    `others` of the first part are the entries of all the other parts, and None in these.
    """
    if most < 1:
        raise ValueError(f"a part can't have {most} entries: write a number of at least 1")
    total = sum(len(entries) for entries in lists.values())
    if total <= most:
        counts = ", ".join(f"{len(entries)} {name}" for name, entries in lists.items() if entries)
        own = {name: list(entries) for name, entries in lists.items()}
        return [{**own, "others": {}, "label": counts or "nothing"}]
    parts = [
        {other: [] for other in lists}
        | {name: list(entries[start : start + most])}
        | {"others": None, "label": f"{name} {start + 1} to {min(start + most, len(entries))} of {len(entries)}"}
        for name, entries in lists.items()
        for start in range(0, len(entries), most)
    ]
    first = parts[0]
    first["others"] = {name: list(entries[len(first[name]) :]) for name, entries in lists.items()}
    return parts
