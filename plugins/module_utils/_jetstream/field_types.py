# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Types of fields: what people write and what the server stores. PRIVATE to the collection: it can change at any time.

A `Type` converts one to the other and back. `parse` raises ValueError with a sentence that ends in how to write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible.module_utils.common.validation import (
    check_type_bool,
    check_type_dict,
    check_type_int,
    check_type_list,
    check_type_str,
)

from ansible_collections.messaging.nats.plugins.module_utils._common.units import (
    parse_duration,
    parse_instant,
    parse_integer,
    parse_size,
    show_duration,
    show_size,
    stored_instant,
)


@dataclass(frozen=True)
class Type:
    """How a value is declared to Ansible, parsed for the server and shown to a person."""

    spec: dict[str, Any]
    parse: Callable[[Any], Any]
    show: Callable[[Any], Any] = lambda value: value
    # The value that the server uses where nothing is written.
    absent: Any = None
    # The API level that a server needs for this value.
    level: Callable[[Any], int] = lambda _value: 0
    # The value without what says nothing. Two values are equal where this is equal.
    plain: Callable[[Any], Any] = lambda value: value
    # The value as the server answers it.
    stored: Callable[[Any], Any] = lambda value: value


def parse_percentage(value: str) -> str:
    """The server stores a sampling rate as text, with or without a percent sign."""
    text = value.strip().removesuffix("%")
    if not re.fullmatch(r"\d+", text) or int(text) > 100:
        raise ValueError(f"{value!r} is not a percentage: write 0 to 100")
    return text


def parse_subject(value: str) -> str:
    """A subject or a pattern of subjects; empty for none."""
    tokens = value.split(".")
    if value and (re.search(r"\s", value) or "" in tokens or ">" in tokens[:-1]):
        raise ValueError(
            f"{value!r} is not a subject: write tokens with a dot between, as in orders.*.new; > stands at the end only"
        )
    return value


def parse_labels(value: Mapping[Any, Any]) -> dict[str, str]:
    for key, text in value.items():
        if text is None or isinstance(text, (dict, list)):
            raise ValueError(f"{key}: {text!r} is not text: write a text")
    # The servers write their own keys themselves; whoever pastes what a server returned does not mean to change them.
    return {str(key): str(text) for key, text in value.items() if not str(key).startswith("_nats.")}


# ansible-core's ArgumentSpecValidator would check the same. It takes 0.2 s of CPU for 1,000 streams where this takes 0.01 s, as long as
# the rest of a run that changes nothing, and its sentences don't say in which entry of a list an option is and how to write it.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "bool": check_type_bool,
    "dict": check_type_dict,
    "int": check_type_int,
    "list": check_type_list,
    "str": check_type_str,
}
TYPE_NAMES = {"bool": "yes or no", "dict": "a dictionary", "int": "a whole number", "list": "a list", "str": "a text"}


def checked(spec: dict[str, Any], value: Any) -> Any:
    """The value as Ansible converts an option of this spec. The entries of the lists of nats_jetstream have no spec of their own."""
    kind = spec["type"]
    try:
        value = CHECKS[kind](value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{value!r} is not {TYPE_NAMES[kind]}") from error
    if "choices" in spec and value not in spec["choices"]:
        raise ValueError(f"{value!r} is not known: write {' or '.join(spec['choices'])}")
    if kind == "list" and "elements" in spec:
        return [checked(spec | {"type": spec["elements"]}, entry) for entry in value]
    if kind == "dict" and "options" in spec:
        return options(spec["options"], value)
    return value


def options(specs: dict[str, dict[str, Any]], values: dict[str, Any]) -> dict[str, Any]:
    """The values of options, each checked by its spec. An option without a spec is refused."""
    if unknown := sorted(map(str, values.keys() - specs.keys())):
        raise ValueError(f"{', '.join(unknown)} is not known: write {', '.join(sorted(specs))}")
    found = {}
    for name, value in values.items():
        if value is not None:
            try:
                found[name] = checked(specs[name], value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
    return found


duration = Type({"type": "str"}, parse_duration, show_duration, absent=0)
integer = Type({"type": "int"}, parse_integer, absent=0)
boolean = Type({"type": "bool"}, bool, absent=False)
string = Type({"type": "str"}, str, absent="")
subject = Type({"type": "str"}, parse_subject, absent="")
subjects = Type(
    {"type": "list", "elements": "str"}, lambda value: [parse_subject(str(entry)) for entry in value], absent=[]
)
strings = Type({"type": "list", "elements": "str"}, list, absent=[])
time = Type({"type": "str"}, parse_instant, absent="", stored=stored_instant)
percentage = Type(
    {"type": "str"},
    parse_percentage,
    show=lambda value: value.removesuffix("%"),
    absent="",
    plain=lambda value: value.removesuffix("%"),
)
durations = Type(
    {"type": "list", "elements": "str"},
    lambda value: [parse_duration(entry) for entry in value],
    lambda value: [show_duration(entry) for entry in value],
    absent=[],
)
labels = Type({"type": "dict"}, parse_labels, absent={})


def at_least(minimum: int, of: Type, unset: int = 0) -> Type:
    """A value that is `unset` or at least `minimum`."""

    def parse(value: Any) -> Any:
        number = of.parse(value)
        if number != unset and number < minimum:
            raise ValueError(f"{value} is too small: write {of.show(minimum)} or more, or {of.show(unset)} for none")
        return number

    return Type(of.spec, parse, of.show, absent=unset)


def limit(of: Type) -> Type:
    """A number where -1 means unlimited. The server stores 0 as -1 too."""

    def parse(value: Any) -> int:
        number: int = of.parse(value)
        if number < -1:
            raise ValueError(f"{value} is not a limit: write a positive number, or -1 for unlimited")
        return number or -1

    return Type(of.spec, parse, of.show, absent=-1)


byte_size = Type({"type": "str"}, parse_size, show_size, absent=0)


def within(minimum: int, maximum: int, absent: int) -> Type:
    """A whole number of a range."""

    def parse(value: int) -> int:
        if not minimum <= value <= maximum:
            raise ValueError(f"{value} is out of range: write {minimum} to {maximum}")
        return value

    return Type({"type": "int"}, parse, absent=absent)


def not_negative(of: Type) -> Type:
    """A value of at least 0."""

    def parse(value: Any) -> Any:
        number = of.parse(value)
        if number < 0:
            raise ValueError(f"{value} is negative: write 0 or more")
        return number

    return replace(of, parse=parse)


def choice(*choices: str, since: Mapping[str, int] | None = None) -> Type:
    """One of these words, the first of which is the server's default. `since` has the API levels of those that not every server knows."""
    return Type(
        {"type": "str", "choices": list(choices)},
        str,
        absent=choices[0],
        level=lambda value: (since or {}).get(value, 0),
    )


def switch(off: str, on: str) -> Type:
    """A bool that the server stores as one of two words."""
    return Type({"type": "bool"}, lambda value: on if value else off, lambda value: value == on, absent=off)


def record(*fields: tuple[str, Type], since: Mapping[str, int] | None = None, echoed: Collection[str] = ()) -> Type:
    """A nested table. Keys that are not written stay as the server has them, and `{}` removes the table.

    The server's answer has the `echoed` keys also where they say nothing.
    """
    types = dict(fields)

    def parse(value: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for key, item in value.items():
            if item is not None:
                try:
                    found[key] = types[key].parse(item)
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from error
        return found

    def show(value: dict[str, Any]) -> dict[str, Any]:
        return {key: types[key].show(item) if key in types else item for key, item in value.items()}

    def level(value: dict[str, Any]) -> int:
        return highest(max((since or {}).get(key, 0), types[key].level(item)) for key, item in value.items())

    def stored(value: dict[str, Any]) -> dict[str, Any]:
        kept = {key: types[key].stored(item) if key in types else item for key, item in bare(value).items()}
        return kept | {key: types[key].absent for key in echoed if kept and key not in kept}

    return Type(
        {"type": "dict", "options": {key: kind.spec for key, kind in fields}}, parse, show, {}, level, bare, stored
    )


def bare(value: Any) -> Any:
    """A nested table without empty values, which the server drops too."""
    if isinstance(value, dict):
        return {key: inner for key, item in value.items() if (inner := bare(item)) not in ("", 0, [], {}, None)}
    return [bare(entry) for entry in value] if isinstance(value, list) else value


class NestedError(ValueError):
    """An error inside of an option. Its sentence begins with the path from there, as in `.name` or `[0].name`."""


def with_names(of: Type, *keys: str) -> Type:
    """A record whose names must not be empty where they are written. A template that yields nothing is a mistake."""

    def parse(value: Any) -> Any:
        for key in keys:
            inner: Any = value
            for part in key.split("."):
                inner = inner.get(part) if isinstance(inner, dict) else None
            if isinstance(inner, str) and not inner.strip():
                raise NestedError(f".{key} is empty: write a name, or leave the option out")
        return of.parse(value)

    return replace(of, parse=parse)


def list_of(item: Type, *needed: str) -> Type:
    """A list of records in their written order. Each must have the needed keys."""

    def parse(value: list[Any]) -> list[Any]:
        found = []
        for number, entry in enumerate(value):
            if missing := [key for key in needed if entry.get(key) is None]:
                raise NestedError(f"[{number}].{missing[0]} is missing: write it, or leave the entry out")
            try:
                found.append(item.parse(entry))
            except NestedError as error:
                raise NestedError(f"[{number}]{error}") from error
        return found

    return Type(
        {"type": "list", "elements": "dict", "options": item.spec["options"]},
        parse,
        lambda value: [item.show(entry) for entry in value],
        absent=[],
        level=lambda value: highest(item.level(entry) for entry in value),
        plain=bare,
        stored=lambda value: [item.stored(entry) for entry in value],
    )


def highest(levels: Iterable[int]) -> int:
    return max(levels, default=0)
