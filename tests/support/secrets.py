# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets with characters that have a meaning elsewhere, for tests of what is masked."""

from __future__ import annotations

import base64

AWKWARD = [
    'p%2Fa/b+c"d$e',
    "pa#ss@w/rd",
    "with space",
    "gehé¡m-ß\u4e2d",
    "it's 'quoted'",
    "back\\slash",
    "line\nbreak",
    "$2y-like",
]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
