# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long servers are waited for, and what happens to questions when one of them fails."""

from __future__ import annotations

import asyncio

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import (
    AnswerTime,
    surveys,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options

NAMES = ("n1", "n2", "n3")


def told(names=NAMES, streams=0):
    return {"JSZ": tuple({"server": {"name": name}, "data": {"streams": streams}} for name in names)}


def test_who_was_late_gets_twice_as_long_and_nobody_waits_longer_than_the_timeout():
    time, seconds = AnswerTime(5), []
    for _look in range(4):
        seconds.append(time.seconds)
        time.learn(told(("n1", "n2")), NAMES)
    assert seconds == [1, 2, 4, 5]
    time.learn(told(), NAMES)
    assert time.seconds == 1
    # A server that is known to be down is not waited for.
    time.learn(told(("n1", "n2")), ("n1", "n2"))
    assert time.seconds == 1


def test_many_streams_take_longer_to_tell():
    time = AnswerTime(1)
    time.learn(told(streams=4000), NAMES)
    assert time.seconds == 7


class Questioned(Connection):
    """A connection on which one question fails at once and others are never answered."""

    def __init__(self):
        super().__init__(Options(()))
        self.cancelled = []

    async def client(self):
        return None

    async def survey(self, subject, _options, _expected, _timeout):
        if subject == "refused":
            raise NatsError("request to refused", "denied", "Allow it.")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.append(subject)
            raise


def test_no_question_outlives_one_that_failed():
    connection = Questioned()
    with connection, pytest.raises(NatsError, match="denied"):
        surveys(connection, [("slow", {}), ("refused", {})], NAMES, 1)
    assert connection.cancelled == ["slow"]
