# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names as somebody would choose them to break out of a page, a line or a template, and what of a page must not depend on them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

# The number of names for each page; a campaign has 20000 for all of them.
EXAMPLES = max(5, int(os.environ.get("HOSTILE_EXAMPLES", "0")) // 100)
GENERATED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
BREAKOUTS = (
    *("<script>alert(1)</script>", '"><img src=x onerror=y>', "' onclick='z", "</td></tr></table>", "<!--", "-->", "]]>", "&lt;b&gt;"),
    *("</style><style>*{}", "</title>", "\n  error server x: forged. Nothing.", "\nHEALTH  Nothing is wrong.", "\r", "\x1b[2J", "\x1b]0;t\x07"),
    *("\x7f", "\x9b1m", "\u202e", "\u2066", "\u2028", "\ufeff", "\U000e0041", "\ud800", "\x00", "{{ 7 * 7 }}", "{% raw %}", "{#", "%s %d", "\\x1b"),
    *("/../../x", "..", "a/b", "a\\b", ": ", "- ", "#", '"', "'", ", ", "; "),
)  # fmt: skip
HOSTILE = st.lists(st.sampled_from(BREAKOUTS) | st.text(min_size=1, max_size=3), min_size=1, max_size=3).map("".join)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def invisible(text: str) -> list[str]:
    """The characters that a terminal obeys or that nobody sees, but for line breaks and tabs."""
    return _INVISIBLE.findall(text)


def renamed(data: Any, names: Mapping[str, str]) -> Any:
    """The data with other names, wherever one is a whole text or a key, or a word behind a space."""
    if isinstance(data, str):
        return _renamed_text(data, names)
    if isinstance(data, Mapping):
        return {renamed(key, names): renamed(value, names) for key, value in data.items()}
    if is_dataclass(data) and not isinstance(data, type):
        return replace(data, **{field.name: renamed(getattr(data, field.name), names) for field in fields(data)})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(renamed(item, names) for item in data))
    return type(data)(renamed(item, names) for item in data) if isinstance(data, list | tuple) else data


def _renamed_text(text: str, names: Mapping[str, str]) -> str:
    before, space, last = text.rpartition(" ")
    return names.get(text) or (f"{before} {names[last]}" if space and last in names else text)


class Skeleton(HTMLParser):
    """The elements of a page, with the names of their attributes, and the values of those that are not text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[Any] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [(name, value if name in ("class", "style", "content", "href") else "") for name, value in attrs]
        self.parts.append((tag, *kept))

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.parts.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.parts.append(("declaration", decl))

    def unknown_decl(self, data: str) -> None:
        self.parts.append(("declaration", data))
