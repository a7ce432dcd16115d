# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Lists and tables in sentences that people read. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable_line


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need to be."""
    every = [tuple(head), *(tuple(displayable_line(str(cell)) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    for row in every:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


MAX_LISTED = 20


def shown(sentences: Iterable[str]) -> str:
    """A list that may be long."""
    told = list(sentences)
    return "; ".join(told[:MAX_LISTED]) + (f"; and {len(told) - MAX_LISTED} more" if len(told) > MAX_LISTED else "")
