# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the refusal of a configuration may show, and what a monitoring port says."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._operations.reload import (
    REFUSAL,
    _without_values,
    monitored,
    refuse_late,
)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "config reload not supported for JetStreamKey: old=, new=S3cret",
            "config reload not supported for JetStreamKey",
        ),
        (
            'config reload not supported for LeafNode: field "Password": old=a\nb, new=S3cret',
            "config reload not supported for LeafNode",
        ),
        ("config reload not supported for jetstream storage directory",) * 2,
    ],
)
def test_a_refusal_shows_no_values(said, shown):
    assert _without_values(said) == shown


def test_only_a_refusal_in_the_log_is_one():
    refusal = "Failed to reload server configuration: config reload not supported for MaxSubs: old=0, new=5"
    log = "\n".join(
        [
            "[1] 2026/11/28 02:55:20 [ERR] Error trying to connect to route (attempt 2): lookup nats-1.nats.molecule-reload.svc: no such host",
            f"[1] 2026/11/28 02:55:21 [ERR] {refusal}",
            "[1] 2026/11/28 02:55:22 [INF] Reloaded server configuration",
        ]
    )
    assert REFUSAL.findall(log) == [refusal]


def test_the_monitoring_port_says_what_the_server_runs_with():
    assert monitored(200, '{"server_name": "n"}') == {"server_name": "n"}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, "Client sent an HTTP request to an HTTPS server.", "it speaks https"),
        (404, "", "it answers with status 404"),
        (200, "<html>", "its answer is not JSON"),
    ],
)
def test_a_monitoring_port_that_does_not_say_it_is_named_with_the_reason(status, body, said):
    with pytest.raises(ValueError, match=said):
        monitored(status, body)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"a": "x", "b": "y"}, "not all servers have it in time: a: x; b: y; none is done"),
        ({"a": "x", "b": ""}, "not all servers have it in time: a: x; b is done"),
        ({"a": "x", "b": "", "c": ""}, "not all servers have it in time: a: x; b, c are done"),
    ],
)
def test_a_reload_that_takes_too_long_says_what_each_server_lacks(missing, said):
    with pytest.raises(NatsError) as refused:
        refuse_late(missing)
    assert (refused.value.code, refused.value.cause) == ("TIMED_OUT", said)


def test_a_reload_for_which_no_server_lacks_anything_is_in_time():
    refuse_late({"a": "", "b": ""})
