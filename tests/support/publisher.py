# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that publishes while something is done to the servers."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any

import nats
import nats.errors
import nats.js.errors

from tests.support.servers import Cluster, secret


class Publisher(threading.Thread):
    """Publishes to each subject, a message after the other, with an id; what fails is sent again, as clients do."""

    def __init__(self, cluster: Cluster, subjects: list[str], user: str = "t0", pause: float = 0.02) -> None:
        super().__init__()
        self.acked = dict.fromkeys(subjects, 0)
        self.retried = 0
        self._urls, self._user, self._pause = [server.url for server in cluster.servers], user, pause
        self._over = threading.Event()

    def __enter__(self) -> Publisher:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        asyncio.run(self._publish())

    async def _publish(self) -> None:
        login = {"user": self._user, "password": secret(self._user)}
        client = await nats.connect(
            self._urls, **login, error_cb=_quiet, max_reconnect_attempts=-1, reconnect_time_wait=0.1
        )
        try:
            await asyncio.gather(*(self._subject(client.jetstream(timeout=2), subject) for subject in self.acked))
        finally:
            await client.close()

    async def _subject(self, jetstream: Any, subject: str) -> None:
        # What got no answer may be stored: it is sent until it has one, so that all that is stored is counted.
        unanswered = False
        while unanswered or not self._over.is_set():
            number = self.acked[subject] + 1
            try:
                await jetstream.publish(subject, b"x" * 200, headers={"Nats-Msg-Id": f"{subject}-{number}"})
            except (nats.errors.Error, nats.js.errors.Error, asyncio.TimeoutError):
                self.retried, unanswered = self.retried + 1, True
            else:
                self.acked[subject], unanswered = number, False
            await asyncio.sleep(self._pause)


async def _quiet(_error: Exception) -> None:
    """A test that breaks connections is not told of it."""
