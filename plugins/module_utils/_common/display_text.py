# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Makes text safe to show in a terminal, a page or an archive. Pure. PRIVATE to the collection: it can change at any time.

Names, subjects, log lines and error messages come from other people. A control character in them can move the cursor, rename
the window or hide a line; a bidirectional mark makes one name look like another. Each is replaced by its visible escape, such
as `\\x1b`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

# Control characters (C0 except tab and newline, DEL, C1), line separators, direction marks, invisible format characters,
# annotations, tags, and lone surrogates, which UTF-8 can't encode. Joiners stay, because words and emoji need them.
_UNSAFE_RANGES = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f\ud800-\udfff"
)
_UNSAFE = re.compile(f"[{_UNSAFE_RANGES}]")
_UNSAFE_ON_A_LINE = re.compile(rf"[{_UNSAFE_RANGES}\t\n]")


def displayable(text: str) -> str:
    """The text with each unsafe character replaced by its escape; line breaks and tabs stay."""
    return _UNSAFE.sub(_escape, text)


def displayable_line(text: str) -> str:
    """The same for text that must stay on one line, such as a cell of a table: line breaks and tabs are escaped too."""
    return _UNSAFE_ON_A_LINE.sub(_escape, text)


def displayable_data(data: Any, shown: Callable[[str], str] = displayable) -> Any:
    """The data with all its texts made displayable, keys included."""
    if isinstance(data, str):
        return shown(data)
    if isinstance(data, Mapping):
        return {displayable_data(key, shown): displayable_data(value, shown) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [displayable_data(item, shown) for item in data]
    return data


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in _SHORT:
        return _SHORT[code]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_SHORT = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
