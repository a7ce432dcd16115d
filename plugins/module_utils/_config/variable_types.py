# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks the types of a role's variables against its documentation. Pure. PRIVATE to the collection: it can change at any time.

Ansible's own check of a role's arguments shows the documentation of all variables where one is wrong, so the role checks them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS

# The documentation of variables by name, as in meta/argument_specs.yml.
Options = Mapping[str, Mapping[str, Any]]
# What a value is not, and how to write one.
WORDS = {
    "bool": ("neither true nor false", "write true or false"),
    "int": ("not a whole number", "write one, as in 3"),
    "float": ("not a number", "write one, as in 1.5"),
    "dict": ("not a mapping", "write its keys below it"),
    "list": ("not a list", "write its items below it, each after a dash"),
    "str": ("not a text", "write it in quotes"),
    "path": ("not a path", "write it in quotes"),
}
SCALARS = ("bool", "int", "float", "str", "path")


def type_problems(values: Mapping[str, Any], options: Options) -> list[str]:
    """Sentences about values that are not of the type of their option, are no choice of it, or are for an option that does not exist."""
    return [problem for name in options if name in values for problem in _problems(name, values[name], options[name])]


def _problems(here: str, value: Any, option: Mapping[str, Any]) -> Iterator[str]:
    kind = option.get("type", "str")
    if value is None or kind not in WORDS:
        return
    try:
        converted = _converted(kind, value)
    except (TypeError, ValueError):
        not_this, hint = WORDS[kind]
        yield f"{here}: {_shown(value, option)} is {not_this}: {hint if kind == 'list' else _choices(option) or hint}"
        return
    if kind == "list":
        yield from _items(here, converted, option)
    elif kind == "dict" and option.get("options"):
        yield from _keys(here, converted, option["options"])
    elif option.get("choices") and converted not in option["choices"] and not _is_switch(value, option["choices"]):
        yield f"{here}: {_shown(value, option)} is not possible: {_choices(option)}"


def _is_switch(value: Any, choices: Sequence[str]) -> bool:
    """Whether it is the boolean as which YAML reads a choice that is written without quotes."""
    return isinstance(value, bool) and ("on" if value else "off") in choices


def _converted(kind: str, value: Any) -> Any:
    """The value as Ansible converts it. The role uses lists and mappings as they are written, so no text stands for one."""
    if (kind == "dict" and not isinstance(value, Mapping)) or (kind == "list" and not isinstance(value, list)):
        raise TypeError(kind)
    convert: Callable[[Any], Any] = DEFAULT_TYPE_VALIDATORS[kind]
    return convert(value)


def _items(here: str, items: Sequence[Any], option: Mapping[str, Any]) -> Iterator[str]:
    of_item = {**option, "type": option.get("elements", "raw")}
    for index, item in enumerate(items):
        yield from _problems(f"{here}[{index}]", item, of_item)


def _keys(here: str, values: Mapping[str, Any], options: Options) -> Iterator[str]:
    for name in values:
        if name not in options:
            yield f"{here}.{name}: there is no such key: write {_either(sorted(options))}"
    yield from type_problems(
        {f"{here}.{name}": value for name, value in values.items()},
        {f"{here}.{name}": option for name, option in options.items()},
    )


def _shown(value: Any, option: Mapping[str, Any]) -> str:
    """The value, unless a secret may be in it."""
    if option.get("no_log") or option.get("type", "str") not in SCALARS or isinstance(value, (Mapping, list)):
        return "this"
    return str(value) or "an empty text"


def _choices(option: Mapping[str, Any]) -> str:
    return f"write {_either(option['choices'])}" if option.get("choices") else ""


def _either(words: Sequence[Any]) -> str:
    shown = [str(word) if word != "" else "nothing" for word in words]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
