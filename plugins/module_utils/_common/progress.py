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
# The same where nothing has changed since the last one.
REPEAT_INTERVAL_S = 30.0


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
    """Called at each poll of a wait; shows a new sentence at most every `interval` seconds, and how long the same one lasts."""

    def __init__(self, now: Callable[[], float] = time.monotonic, interval: float = REPORT_INTERVAL_S) -> None:
        self._now, self._shown, self._interval = now, "", interval
        self._begun = self._last_report = now()

    def __call__(self, sentence: str) -> None:
        now, same = self._now(), sentence == self._shown
        if now - self._last_report < (REPEAT_INTERVAL_S if same else self._interval):
            return
        self._last_report, self._shown = now, sentence
        # A sentence begins with its object.
        tell(f"{sentence.partition(':')[0]}: no change for {now - self._begun:.0f} s" if same else sentence)
        if not same:
            self._begun = now
