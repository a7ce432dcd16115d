# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""HTML as text in which nothing from outside is markup. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable

VOID = frozenset({"meta", "br", "circle", "line", "rect"})


class Html(str):
    """Text that is markup already: only `element` and `raw` make it."""

    __slots__ = ()


def raw(markup: str) -> Html:
    """Markup that is ours, such as a style sheet."""
    return Html(markup)


def element(_name: str, *children: object, **attributes: object) -> Html:
    """One element; `class_` is the attribute class, `_` in names stands for `-`, and what is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(displayable(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if _name in VOID:
        return Html(f"<{_name}{written}>" if _name in ("meta", "br") else f"<{_name}{written}/>")
    return Html(f"<{_name}{written}>{joined(children)}</{_name}>")


def joined(children: Iterable[object]) -> Html:
    return Html(
        "".join(child if isinstance(child, Html) else html.escape(displayable(str(child))) for child in children)
    )
