# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""One request of a plan to the JetStream API. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Config = dict[str, Any]


@dataclass(frozen=True)
class Step:
    # create, update, delete, or the action of a state, such as purge.
    action: str
    config: Config = field(default_factory=dict)
    # Whether the next step waits until all replicas are current.
    moves: bool = False
