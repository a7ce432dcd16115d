# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The type of a server's answer. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The JSON of what a server of NATS answers. Nobody changes it.
Answer = Mapping[str, Any]
