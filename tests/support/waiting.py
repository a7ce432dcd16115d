# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers do in the background, after they have answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NobodyAnswersError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection


def eventually(look: Callable[[], Any], within: float = 30) -> None:
    """Looks again and again until something true is seen; a server that does not answer yet is asked again."""
    deadline = time.monotonic() + within
    while True:
        seen: Any
        try:
            seen = look()
        except OSError as error:
            seen = error
        else:
            if seen:
                return
        assert time.monotonic() < deadline, f"after {within} s, what was seen last is {seen!r}"
        time.sleep(0.02)


def published(connection: Connection, subject: str, payload: bytes, within: float = 30) -> int:
    """The sequence of a message that is published to a stream. Right after its creation, not every server knows who stores it."""
    deadline = time.monotonic() + within
    while True:
        try:
            sequence: int = connection.request(subject, payload)["seq"]
            return sequence
        except NobodyAnswersError:
            assert time.monotonic() < deadline, f"nobody has stored {subject} within {within} s"
            time.sleep(0.02)
