# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Lists and tables in sentences that people read. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable_line


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table whose columns are as wide as their longest cell.

    A row that has fewer cells than the head ends in a remark, which may be wider than its column.
    """
    lines = [tuple(head), *(tuple(displayable_line(str(cell)) for cell in row) for row in rows)]
    cells = [row if len(row) == len(head) else row[:-1] for row in lines]
    widths = [max(len(row[column]) for row in cells if column < len(row)) for column in range(len(head))]
    for row in lines:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths[: len(row)], strict=True)).rstrip()


MAX_SENTENCES = 20


def shown(sentences: Iterable[str]) -> str:
    """The sentences joined by semicolons; after MAX_SENTENCES only the number of the others."""
    listed = list(sentences)
    return "; ".join(listed[:MAX_SENTENCES]) + (
        f"; and {len(listed) - MAX_SENTENCES} more" if len(listed) > MAX_SENTENCES else ""
    )


def option(name: str) -> str:
    """An option of a module that somebody may set through the role, as a remedy names it."""
    return f"{name} (of the role: nats_cluster_{name})"
