# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a module does, while it does it. PRIVATE to the collection: it can change at any time.

Heard where it runs in Ansible's own process; a process of its own has nobody to tell before it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS

Listener = Callable[[str], None]
# Seconds between two sentences about one wait.
REPORT_INTERVAL_S = 5.0


def nobody(_sentence: str) -> None:
    """Where nobody listens."""


_listener: Listener = nobody


def tell(sentence: str) -> None:
    _listener(displayable(KNOWN_SECRETS.masked(sentence)))


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


class Waiting:
    """Tells what is waited for, when it has lasted and then now and again; called as often as one looks."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._told = now, now()

    def __call__(self, sentence: str) -> None:
        now = self._now()
        if now - self._told >= REPORT_INTERVAL_S:
            self._told = now
            tell(sentence)
