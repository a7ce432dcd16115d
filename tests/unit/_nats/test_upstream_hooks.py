# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the connection overrides in nats-py is private there: this fails on the day on which it is renamed."""

from __future__ import annotations

import inspect

from nats.aio.client import Client


def test_the_client_takes_over_what_a_server_tells_in_the_method_that_is_overridden():
    hook = Client._process_info
    assert inspect.iscoroutinefunction(hook)
    assert list(inspect.signature(hook).parameters) == ["self", "info", "initial_connection"]


def test_the_client_calls_that_method_for_each_info():
    assert "_process_info(" in inspect.getsource(Client._process_connect_init)
