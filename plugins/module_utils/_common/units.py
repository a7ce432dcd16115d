# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Parses durations, sizes, instants and Kubernetes quantities as people write them. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

QUANTITY_UNITS = {"": 1}
for _power, _unit in enumerate("kMGTPE", start=1):
    QUANTITY_UNITS[_unit] = 1000**_power
    QUANTITY_UNITS[f"{_unit.upper()}i"] = 1024**_power
# A decimal exponent or a unit follows the number: 5e9 is 5 * 10^9, and 5E is 5 * 10^18.
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(?:[eE]([+-]?\d{1,2})|([A-Za-z]*))")


def parse_quantity(value: str | int) -> int:
    """Bytes from `5Gi`, `1.5Gi`, `500M`, `5e9` or an integer."""
    text = str(value).strip()
    match = _QUANTITY.fullmatch(text)
    if match is None or (match[3] or "") not in QUANTITY_UNITS:
        raise ValueError(
            f"{text!r} is not a Kubernetes quantity: write 5Gi (5 * 2^30), 512Mi, 5G (5 * 10^9), or an integer of bytes"
        )
    scale = Decimal(10) ** int(match[2]) if match[2] else QUANTITY_UNITS[match[3]]
    return int(Decimal(match[1]) * scale)


NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3_600 * 10**9,
    "d": 86_400 * 10**9,
    "w": 7 * 86_400 * 10**9,
}

# Units of sizes as nats-server reads them: K is 1000, KB and KiB are 1024.
BYTES = {
    unit + suffix: (1000 if suffix == "" else 1024) ** power
    for power, unit in enumerate("kmgtp", start=1)
    for suffix in ("", "b", "i", "ib")
}

INT64 = 2**63 - 1
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")
_SIZE = re.compile(r"(-?\d+)\s*([a-z]*)", re.IGNORECASE)


def parse_duration(value: str | int) -> int:
    """Nanoseconds from `24h`, `1h30m`, `500ms`, or an integer of nanoseconds."""
    text = str(value).strip()
    if re.fullmatch(r"\d+", text):
        return _in_range(int(text), text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration: write 24h, 1h30m, 500ms or an integer of nanoseconds")
    nanoseconds = sum((Decimal(number) * NANOSECONDS[unit] for number, unit in parts), Decimal(0))
    if nanoseconds != int(nanoseconds):
        raise ValueError(f"{text!r} is finer than a nanosecond: write whole nanoseconds")
    return _in_range(int(nanoseconds), text)


def show_duration(nanoseconds: int) -> str:
    """`90000000000` as `1m30s`. Hours are the largest unit, as in Go."""
    if nanoseconds == 0:
        return "0s"
    text, rest = "", nanoseconds
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count, rest = divmod(rest, NANOSECONDS[unit])
        text += f"{count}{unit}" if count else ""
    return text


def parse_size(value: str | int) -> int:
    """Bytes from `10M` (10^7), `10MB` = `10MiB` (10 * 2^20), or an integer."""
    text = str(value).strip()
    match = _SIZE.fullmatch(text)
    unit = match[2].lower() if match else None
    if match is None or (unit and unit not in BYTES):
        raise ValueError(f"{text!r} is not a size: write 10M (10^7), 10MB or 10MiB (10 * 2^20), or an integer of bytes")
    return _in_range(int(match[1]) * (BYTES[unit] if unit else 1), text)


def show_size(size: int) -> str | int:
    """`10485760` as `10MiB`; the number itself where no unit divides it."""
    for unit in ("tib", "gib", "mib", "kib"):
        if size > 0 and size % BYTES[unit] == 0:
            return f"{size // BYTES[unit]}{unit[0].upper()}iB"
    return size


def parse_integer(value: int) -> int:
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a number: write a whole number")
    return _in_range(value, str(value))


def _in_range(number: int, text: str) -> int:
    if not -INT64 - 1 <= number <= INT64:
        raise ValueError(f"{text} does not fit into 64 bits: write a smaller number")
    return number


def parse_instant(value: str) -> str:
    """A time with its zone in the format of RFC 3339, which the server uses. YAML's own times have a space in place of the T."""
    if instant(value) is None:
        raise ValueError(f"{value!r} is not a time: write 2030-01-31T12:00:00Z")
    return value.upper().replace(" ", "T")


def stored_instant(value: str) -> str:
    """A time as the server writes it: its own zone stays, UTC is Z, and the fraction has no zeros at its end."""
    match = _INSTANT.fullmatch(value)
    if match is None:
        return value
    fraction = (match[2] or "").rstrip("0")
    zone = "Z" if match[3] in ("+00:00", "-00:00") else match[3]
    return f"{match[1]}{'.' if fraction else ''}{fraction}{zone}"


def instant(value: Any) -> tuple[datetime, int] | None:
    """The moment in UTC to the second, and its nanoseconds, so that two spellings of one moment compare equal; None if it is not a time."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(match[1].upper().replace(" ", "T") + match[3].upper().replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc), int((match[2] or "").ljust(9, "0"))
    except (ValueError, OverflowError):
        return None


def utc(moment: datetime, nanoseconds: int) -> str:
    """The moment in the format of the server."""
    fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def show_bytes(count: int) -> str:
    """Bytes as a person reads them."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
