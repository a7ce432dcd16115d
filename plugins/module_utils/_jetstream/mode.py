# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How a declaration is carried out. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    check: bool
    # Seconds for what goes on after the server's answer, such as a stream that gets replicas.
    timeout: float
    # Whether check mode takes a missing stream for one that another task would have created by now, and says so.
    streams_elsewhere: bool = False
    # Whether the server is asked what it would refuse.
    rehearses: bool = True
