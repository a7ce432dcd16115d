# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real nats CLI: that of NATS_CLI, or the one that tests/kind builds of Go modules and keeps in the user's cache."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

CLUSTER = Path(__file__).resolve().parents[1] / "kind" / "cluster"


@cache
def nats_cli() -> str:
    if path := os.environ.get("NATS_CLI"):
        return path
    return subprocess.run([CLUSTER, "nats-cli"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
