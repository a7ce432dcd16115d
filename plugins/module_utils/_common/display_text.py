# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Text that a terminal, a page or an archive can show safely. Pure. PRIVATE to the collection: it can change at any time.

Names, subjects, log lines and error messages come from others. A control character in them can move the cursor, rename the
window or hide a line; a bidirectional one makes a name read as another. Each is replaced by its visible escape, as `\\x1b`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Control characters (C0 but tab and newline, DEL, C1), separators of lines, marks of direction, invisible format
# characters, annotations, tags, and halves of a pair, which no UTF-8 can hold. Joiners stay: words and emoji need them.
_UNSAFE_RANGES = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f\ud800-\udfff"
)
_UNSAFE = re.compile(f"[{_UNSAFE_RANGES}]")
_UNSAFE_ON_A_LINE = re.compile(rf"[{_UNSAFE_RANGES}\t\n]")


def displayable(text: str) -> str:
    """The text with each unsafe character as its escape; lines and tabs stay."""
    return _UNSAFE.sub(_escape, text)


def displayable_line(text: str) -> str:
    """The same for what has to stay on one line, such as a cell of a table."""
    return _UNSAFE_ON_A_LINE.sub(_escape, text)


def displayable_data(data: Any) -> Any:
    """Every text in the data, keys included."""
    if isinstance(data, str):
        return displayable(data)
    if isinstance(data, Mapping):
        return {displayable_data(key): displayable_data(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [displayable_data(item) for item in data]
    return data


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in _SHORT:
        return _SHORT[code]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_SHORT = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
