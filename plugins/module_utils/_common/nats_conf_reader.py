# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Parses the subset of nats.conf that `to_nats_conf` writes. PRIVATE to the collection: it can change at any time.

The server's language has more: comments, includes, `=` or a space instead of a colon, semicolons, tabs and carriage returns, unquoted
words and addresses, single quotes around a value, other words for true and false, sizes with a unit, dates, texts in parentheses, three
more escapes, braces around the whole file, a key that comes twice (the last one counts), and the value of another key by its name.
All of that is refused, because decisions rest on what is parsed here. So is what the server reads as something else than it looks like:
an integer with a bracket directly behind it, a second comma, and a NUL. An error shows the number of the line and nothing of its text,
which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(
    r"""
    (?P<space>[ ])
    | (?P<text>"(?:[^"\\\0]|\\["\\])*")
    | (?P<quoted>'[^'\n\0]*')
    | (?P<mark>[{}\[\]:,\n])
    | (?![0-9]+\])(?P<number>-?[0-9]+(?:\.[0-9]+)?)(?=[ ,\]}\n]|\Z)
    | (?P<reference>\$[A-Za-z_][A-Za-z0-9_]*)(?=[\s,\]}]|$)
    | (?P<word>[A-Za-z_][A-Za-z0-9_-]*)(?=[\s:,\]}]|$)
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r'\\(["\\])')
_WORDS = {"true": True, "false": False}
Token = tuple[str, str, int]


def read_nats_conf(text: str) -> dict[str, Any]:
    """The data of a configuration. Raises ValueError where it uses syntax that `to_nats_conf` does not write."""
    reader = _Reader(list(_tokens(text)))
    found = reader.block("")
    if shadowed := reader.references & reader.keys:
        raise ValueError(f"nats.conf: ${min(shadowed)} could mean a key of the file or an environment variable")
    return found


def _tokens(text: str) -> Iterator[Token]:
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"nats.conf: line {line} has syntax that this collection does not write or read")
        if match.lastgroup and match.lastgroup != "space":
            yield match.lastgroup, match[0], line
        line += match[0].count("\n")
        position = match.end()


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = [*tokens, ("end", "", tokens[-1][2] if tokens else 1)]
        self._position = 0
        self.keys: set[str] = set()
        self.references: set[str] = set()

    def block(self, end: str) -> dict[str, Any]:
        """The pairs up to the closing mark, or to the end of the text where `end` is empty."""
        found: dict[str, Any] = {}
        while not self._ends(end):
            key = self._key()
            if key in found:
                raise self._refusal("repeats a key")
            found[key] = self._value_of_key()
        return found

    def _list(self) -> list[Any]:
        found: list[Any] = []
        while not self._ends("]"):
            found.append(self._value())
            self._separated("]")
        return found

    def _ends(self, end: str) -> bool:
        """Whether the block or list ends here; if so, the position moves behind it."""
        self._skip_lines()
        over = self._at(end) if end else self._tokens[self._position][0] == "end"
        self._position += 1 if over and end else 0
        return over

    def _key(self) -> str:
        kind, text = self._take("word", "text", "quoted")
        # The server reads no escapes in a quoted key, and an unquoted `include` reads another file.
        key = text if kind == "word" else text[1:-1]
        if (kind == "text" and "\\" in key) or (kind == "word" and key.lower() == "include"):
            raise self._refusal("has a key that this collection does not read")
        self.keys.add(key)
        return key

    def _value_of_key(self) -> Any:
        if self._at(":"):
            self._position += 1
        elif not self._at("{"):
            raise self._refusal("lacks a colon")
        value = self._value()
        self._separated("}")
        return value

    def _value(self) -> Any:
        kind, text = self._take("mark", "text", "number", "reference", "word")
        if text == "{":
            return self.block("}")
        if text == "[":
            return self._list()
        if kind == "text":
            return _ESCAPE.sub(r"\1", text[1:-1])
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "reference":
            self.references.add(text[1:])
            return {"$env": text[1:]}
        if text not in _WORDS:
            raise self._refusal("has a value that this collection does not read")
        return _WORDS[text]

    def _separated(self, end: str) -> None:
        """Moves behind the separator. Raises unless there is one, or the end of the block or list."""
        if not self._at(",", "\n", end) and self._tokens[self._position][0] != "end":
            raise self._refusal("has no separator between two values")
        # The server takes a second comma for the beginning of a key.
        if self._at(","):
            self._position += 1

    def _skip_lines(self) -> None:
        while self._at("\n"):
            self._position += 1

    def _at(self, *marks: str) -> bool:
        kind, text, _line = self._tokens[self._position]
        return kind == "mark" and text in marks

    def _take(self, *kinds: str) -> tuple[str, str]:
        kind, text, _line = self._tokens[self._position]
        if kind not in kinds:
            raise self._refusal("lacks a key or a value")
        self._position += 1
        return kind, text

    def _refusal(self, what: str) -> ValueError:
        line = self._tokens[min(self._position, len(self._tokens) - 1)][2]
        return ValueError(f"nats.conf: line {line} {what}")
