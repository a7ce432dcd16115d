# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Writes data as nats.conf. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_size

# Keys whose value must be a number of bytes: the server refuses "10MB" in quotes.
SIZE_KEYS = frozenset(
    {
        "disk_max_stream_bytes",
        "log_size_limit",
        "logfile_size_limit",
        "max_buffered_size",
        "max_control_line",
        "max_disk",
        "max_file",
        "max_file_store",
        "max_mem",
        "max_mem_store",
        "max_memory",
        "max_memory_store",
        "max_outstanding_catchup",
        "max_pay",
        "max_payload",
        "max_pending",
        "max_store",
        "mem_max_stream_bytes",
        "memory_max_stream_bytes",
        "meta_compact_size",
        "store_max_stream_bytes",
    }
)
# A list on a longer line is written with one item per line.
MAX_LINE_WIDTH = 80
PASSWORD_KEYS = frozenset({"pass", "password", "token"})

_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BCRYPT_HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
# The server takes NUL for the end of the file and goes on without the rest of it. Half a surrogate pair is no text at all.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**63 - 1


def to_nats_conf(data: Mapping[str, Any]) -> str:
    """The text of nats.conf. Raises ValueError naming the key whose value cannot be written."""
    text = "".join(f"{line}\n" for line in _block(data, ""))
    if shadowed := set(_references(data)) & set(_keys(data)):
        raise ValueError(
            f"{min(shadowed)}: the server would read this key where $env means the environment variable of that name: rename one of them"
        )
    return text


def looks_hashed(password: object) -> bool:
    """Whether the server takes this password for a bcrypt hash: it does so for all that begin with $2."""
    return isinstance(password, str) and password.startswith("$2")


def is_bcrypt_hash(password: str) -> bool:
    return _BCRYPT_HASH.fullmatch(password) is not None


def _block(data: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, value in _pairs(data, path):
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and not _is_reference(value):
            yield f"{_key(key, here)} {{"
            yield from _indented(_block(value, here))
            yield "}"
        else:
            line = f"{_key(key, here)}: {_inline(value, here, key)}"
            if _is_list(value) and len(line) > MAX_LINE_WIDTH:
                yield f"{_key(key, here)}: ["
                yield from _indented(_inline(item, f"{here}[{index}]", key) for index, item in enumerate(value))
                yield "]"
            else:
                yield line


def _pairs(data: Mapping[Any, Any], path: str) -> Iterator[tuple[str, Any]]:
    """The keys as text, with their values. A null removes a key."""
    seen = set()
    for key, value in data.items():
        if value is None:
            continue
        if isinstance(key, bool):
            raise ValueError(
                f"{path or 'nats.conf'}: {key} is a key that YAML read as a truth value: write it in quotes"
            )
        if str(key) in seen:
            raise ValueError(f"{path or 'nats.conf'}: the key {key} is there as a number and as a text: write it once")
        seen.add(str(key))
        yield str(key), value


def _inline(value: Any, path: str, key: str = "") -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return _environment(value, path) if _is_reference(value) else _record(value, path)
    if _is_list(value):
        items = ", ".join(_inline(item, f"{path}[{index}]", key) for index, item in enumerate(value))
        # The server reads `1]` as a word that ends with the bracket.
        return f"[{items} ]" if items[-1:].isdigit() else f"[{items}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer(value, path)
    if isinstance(value, float):
        return _float(value, path)
    if isinstance(value, str):
        return _text(value, path, key.lower())
    raise ValueError(
        f"{path}: a value of type {type(value).__name__} can't be written in nats.conf: write a text in quotes, a number, true or false, a list or a mapping"
    )


def _record(value: Mapping[str, Any], path: str) -> str:
    items = [f"{_key(key, path)}: {_inline(item, f'{path}.{key}', key)}" for key, item in _pairs(value, path)]
    return "{ " + ", ".join(items) + " }" if items else "{}"


def _text(value: str, path: str, key: str) -> str:
    if key in SIZE_KEYS:
        try:
            return str(parse_size(value))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    if key in PASSWORD_KEYS and looks_hashed(value) and not is_bcrypt_hash(value):
        raise ValueError(
            f"{path}: the server would take a password that begins with $2 for a bcrypt hash: write another one"
        )
    if _UNWRITABLE.search(value):
        raise ValueError(f"{path}: nats.conf cannot hold a text with a NUL or half of a surrogate pair: leave it out")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _integer(value: int, path: str) -> str:
    if not _SMALLEST_INTEGER <= value <= _LARGEST_INTEGER:
        raise ValueError(f"{path}: the server reads integers of 64 bits: write one from -2^63 to 2^63 - 1")
    return str(value)


def _float(value: float, path: str) -> str:
    """A number without an exponent, which would make it a word for the server."""
    if not math.isfinite(value):
        raise ValueError(f"{path}: nats.conf has no number {value}: write a finite one")
    text = format(Decimal(repr(float(value))), "f")
    return text if "." in text else f"{text}.0"


def _key(text: str, path: str) -> str:
    """A key, quoted where it has to be. The server reads no escapes in it, so the quotes are those that it does not contain."""
    if _BARE_KEY.fullmatch(text) and text.lower() != "include":
        return text
    quote = "'" if '"' in text else '"'
    if not text or quote in text or "\n" in text or _UNWRITABLE.search(text):
        raise ValueError(
            f"{path}: nats.conf cannot hold the key {text!r}: write one without quotes, line breaks and NUL"
        )
    return f"{quote}{text}{quote}"


def _is_reference(value: Mapping[str, Any]) -> bool:
    return set(value) == {"$env"}


def _environment(value: Mapping[str, Any], path: str) -> str:
    name = str(value["$env"])
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise ValueError(
            f"{path}: the value of $env is not the name of an environment variable: write letters, digits and underscores"
        )
    return f"${name}"


def _references(value: Any) -> Iterator[str]:
    """The names of the environment variables that are referred to."""
    if isinstance(value, Mapping) and _is_reference(value):
        yield str(value["$env"])
    elif isinstance(value, Mapping) or _is_list(value):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _references(item)


def _keys(value: Any) -> Iterator[str]:
    """The keys that are written, at any depth."""
    if isinstance(value, Mapping):
        yield from (str(key) for key, item in value.items() if item is not None)
    if isinstance(value, Mapping) or _is_list(value):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _keys(item)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
