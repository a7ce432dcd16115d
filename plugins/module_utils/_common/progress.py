# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Progress messages of a module while it runs. PRIVATE to the collection: it can change at any time.

They are shown where the module runs in Ansible's own process. A module in a separate process can show nothing before it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS

Listener = Callable[[str], None]
# Seconds between two messages about one wait.
REPORT_INTERVAL_S = 5.0


def discard(_sentence: str) -> None:
    """The listener where the module runs in a separate process."""


_listener: Listener = discard


def tell(sentence: str) -> None:
    """Shows a progress message, without secrets and control characters."""
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
    """Called at each poll of a wait; shows its sentence once every REPORT_INTERVAL_S seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._last_report = now, now()

    def __call__(self, sentence: str) -> None:
        now = self._now()
        if now - self._last_report >= REPORT_INTERVAL_S:
            self._last_report = now
            tell(sentence)
