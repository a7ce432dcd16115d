# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the nats CLI prints and reads is an entry, and the other way round."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.cli_json import from_cli, to_cli
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.key_value import KV
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM

FUTURE, PAST, NEVER = "2135-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z"
FIGURES = {"created": PAST, "state": {"messages": 0}, "cluster": {"leader": "x"}, "mirror": {"lag": 0}, "ts": PAST}


@pytest.mark.parametrize(
    ("resource", "written", "options"),
    [
        (STREAM, {"name": "S", "max_age": "1h"}, {"name": "S", "max_age": "1h"}),
        (STREAM, {"name": "S", "sealed": False}, {"name": "S"}),
        (STREAM, {"name": "S", "sealed": True}, {"name": "S", "state": "sealed"}),
        (STREAM, {"name": "S", "sealed": True, "state": "absent"}, {"name": "S", "state": "absent"}),
        (STREAM, {"config": {"name": "S", "sealed": False}, **FIGURES}, {"name": "S"}),
        (
            STREAM,
            {"config": {"name": "S"}, **FIGURES, "state": "absent", "allow_data_loss": True},
            {"name": "S", "state": "absent", "allow_data_loss": True},
        ),
        (
            CONSUMER,
            {"stream_name": "S", "name": "c", "config": {"durable_name": "c", "name": "c"}, "delivered": {}, "paused": True},
            {"stream": "S", "durable_name": "c", "name": "c"},
        ),
        (
            CONSUMER,
            {"stream": "S", "name": "c", "pause_until": FUTURE},
            {"stream": "S", "name": "c", "state": "paused", "pause_until": FUTURE},
        ),
        (CONSUMER, {"stream": "S", "name": "c", "pause_until": PAST}, {"stream": "S", "name": "c"}),
        (CONSUMER, {"stream": "S", "name": "c", "pause_until": NEVER}, {"stream": "S", "name": "c"}),
        # What is no time is left to the check of the option.
        (CONSUMER, {"name": "c", "pause_until": "soon"}, {"name": "c", "pause_until": "soon"}),
        (KV, {"bucket": "b", "ttl": "1h"}, {"bucket": "b", "ttl": "1h"}),
    ],
)  # fmt: skip
def test_an_entry_may_be_what_the_cli_prints_or_reads(resource, written, options):
    assert from_cli(resource, written) == options


def test_an_entry_for_the_cli_has_the_servers_values_and_not_its_own_metadata():
    config = {"name": "S", "max_age": 10**9, "max_bytes": -1, "sealed": False, "metadata": {"_nats.ver": "2.15.1"}}
    assert to_cli(STREAM, config | {"unknown": 1}) == {"name": "S", "max_age": 10**9, "max_bytes": -1, "sealed": False}
    assert to_cli(STREAM, {"name": "S", "metadata": {"_nats.ver": "2", "a": "1"}})["metadata"] == {"a": "1"}


def test_an_entry_for_the_cli_is_an_entry():
    config = {"name": "c", "durable_name": "c", "ack_wait": 30 * 10**9, "pause_until": FUTURE}
    assert from_cli(CONSUMER, to_cli(CONSUMER, config)) == config | {"state": "paused"}
