# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Sizes as Kubernetes writes them. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from decimal import Decimal

UNITS = {"": 1}
for _power, _unit in enumerate("kMGTPE", start=1):
    UNITS[_unit] = 1000**_power
    UNITS[f"{_unit.upper()}i"] = 1024**_power

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")


def parse_quantity(value: str | int) -> int:
    """Bytes from `5Gi`, `1.5Gi`, `500M` or an integer."""
    text = str(value).strip()
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in UNITS:
        raise ValueError(
            f"{text!r} is no Kubernetes quantity: write 5Gi (5 * 2^30), 512Mi, 5G (5 * 10^9), or an integer of bytes"
        )
    return int(Decimal(match[1]) * UNITS[match[2]])
