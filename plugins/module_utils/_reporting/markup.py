# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""HTML elements in which text from servers is always escaped. PRIVATE to the collection: it can change at any time.

No template engine, because Jinja and markupsafe need not be installed on the host that a module runs on.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable

VOID = frozenset({"meta", "br", "circle", "line", "rect"})


class Html(str):
    """Text that is markup already; only the functions of this file make it."""

    __slots__ = ()


def raw(markup: str) -> Html:
    """Markup of our own that is not escaped, such as a style sheet."""
    return Html(markup)


def element(_name: str, *children: object, **attributes: object) -> Html:
    """One element; `class_` is the attribute class, `_` in a name stands for `-`, and attributes that are None are left out."""
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
