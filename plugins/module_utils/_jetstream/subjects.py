# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Subjects and filters: which overlap, and which stream has them. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def overlap(one: str, other: str) -> bool:
    """Whether one message's subject can match both."""
    left, right = one.split("."), other.split(".")
    for mine, theirs in zip(left, right, strict=False):
        if ">" in (mine, theirs):
            return True
        if "*" not in (mine, theirs) and mine != theirs:
            return False
    return len(left) == len(right)


def any_overlap(ones: Iterable[str], others: Iterable[str]) -> bool:
    """Whether a subject of one group overlaps one of the other group."""
    others = list(others)
    return any(overlap(one, other) for one in ones for other in others)


def covers(wide: str, narrow: str) -> bool:
    """Whether every subject that `narrow` matches is matched by `wide` too."""
    left, right = wide.split("."), narrow.split(".")
    for mine, theirs in zip(left, right, strict=False):
        if mine == ">":
            return True
        if theirs == ">" or (mine != "*" and mine != theirs):
            return False
    return len(left) == len(right)


def covered(narrow: str, by: Iterable[str]) -> bool:
    """Whether one of these filters matches everything that `narrow` matches."""
    return any(covers(wide, narrow) for wide in by)


class SubjectIndex:
    """Which streams have which subjects, as a tree of tokens: a thousand streams are searched as fast as one."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def add(self, subject: str, owner: str) -> None:
        node = self._root
        for token in subject.split("."):
            node = node.setdefault(token, {})
        node.setdefault("", set()).add(owner)

    def owners(self, subject: str) -> set[str]:
        """The streams with a subject that overlaps this one."""
        return set(self._search(self._root, subject.split(".")))

    def _search(self, node: dict[str, Any], tokens: list[str]) -> Iterator[str]:
        if not tokens:
            yield from node.get("", ())
            return
        yield from node.get(">", {}).get("", ())
        token, rest = tokens[0], tokens[1:]
        if token == ">":
            yield from _below(node)
        elif token == "*":
            for key, child in node.items():
                if key not in ("", ">"):
                    yield from self._search(child, rest)
        else:
            for key in (token, "*"):
                if key in node:
                    yield from self._search(node[key], rest)


def _below(node: dict[str, Any]) -> Iterator[str]:
    for key, child in node.items():
        if key:
            yield from child.get("", ())
            yield from _below(child)
