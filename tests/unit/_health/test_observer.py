# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long servers are waited for, and what is told where none could be asked."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import AnswerTime
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import route_error
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import NotAsked, Pod, Snapshot

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


def unasked(reason, down=None):
    why = NotAsked("it is so", "Change it.", reason)
    pods = None if down is None else {name: Pod(name, "Running", down=name in down) for name in NAMES}
    found = Snapshot(NAMES, unreachable=why.cause, unreachable_for=why, pods=pods)
    return [(finding.code, finding.object) for finding in evaluate(found)]


NOT_ASKED = ("SYSTEM_ACCOUNT_NOT_ASKED", "system account")


@pytest.mark.parametrize("reason", [reason for reason in Unasked if reason is not Unasked.NO_ANSWER])
def test_a_login_that_fails_is_one_finding_and_says_nothing_of_the_servers(reason):
    assert unasked(reason) == [NOT_ASKED]
    assert unasked(reason, down=()) == [NOT_ASKED]
    assert unasked(reason, down=("n2",)) == [NOT_ASKED, ("SERVER_DOWN", "pod n2")]


def test_where_no_server_is_there_each_is_told():
    servers = [("SERVER_DOWN", f"server {name}") for name in NAMES]
    assert unasked(Unasked.NO_ANSWER) == servers
    assert unasked(Unasked.NO_ANSWER, down=NAMES) == [("SERVER_DOWN", f"pod {name}") for name in NAMES]
    # The way to pods that Kubernetes finds ready is at fault.
    assert unasked(Unasked.NO_ANSWER, down=()) == [NOT_ASKED]


ERROR = "[7] 12:00 [ERR] Error trying to connect to route (attempt 1): lookup for host n2: no such host\n"
CREATED = "[7] 12:01 [INF] 10.0.0.2:6222 - rid:7 - Route connection created\n"


@pytest.mark.parametrize(
    ("log", "found"),
    [("", False), (ERROR, True), (ERROR + CREATED, False), (CREATED + ERROR, True), (ERROR + CREATED + ERROR, True)],
)
def test_a_name_that_was_found_later_is_no_error(log, found):
    assert bool(route_error(log)) is found
