# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a snapshot takes from the logs of pods."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import route_error

NO_DNS = (
    '[7] 12:00 [ERR] Error trying to connect to route (attempt 1): lookup for host "n2": '
    "lookup n2 on 10.96.0.10:53: read udp 10.244.1.2:1->10.96.0.10:53: i/o timeout\n"
)
REFUSED = "[7] 12:00 [ERR] Error trying to connect to route (attempt 1): dial tcp 10.0.0.1:6222: connect: connection refused\n"
ERROR = "[7] 12:00 [ERR] Error trying to connect to route (attempt 1): lookup for host n2: no such host\n"
CREATED = "[7] 12:01 [INF] 10.0.0.2:6222 - rid:7 - Route connection created\n"


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", False),
        (ERROR, True),
        (ERROR + CREATED, False),
        (CREATED + ERROR, True),
        (ERROR + CREATED + ERROR, True),
        (NO_DNS, True),
        (REFUSED, False),
    ],
)
def test_a_name_that_was_found_later_is_no_error(log, found):
    assert bool(route_error(log)) is found
