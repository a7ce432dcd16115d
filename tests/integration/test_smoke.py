# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_smoke tries out what works, and says what does not."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.modules import nats_jetstream_info, nats_smoke

CORE = ["publish and subscribe", "request and reply", "queue group"]
JETSTREAM = ["stream", "publish once", "consume and acknowledge", "redelivery and deduplication", "deletion"]


def test_everything_works_on_three_servers_and_nothing_is_left(run_module, account):
    result = run_module(nats_smoke, **account)
    assert [check["name"] for check in result["checks"]] == CORE + JETSTREAM
    assert all(check["ok"] for check in result["checks"])
    assert "3 replicas" in result["checks"][3]["evidence"]
    assert run_module(nats_jetstream_info, **account)["streams"] == []


def test_check_mode_creates_no_stream(run_module, account):
    assert [check["name"] for check in run_module(nats_smoke, **account, check=True)["checks"]] == CORE


def test_a_stream_that_can_not_be_created_fails_the_smoke_test(run_module, alone):
    result = run_module(nats_smoke, **alone, num_replicas=3)
    assert result["failed"] is True
    assert (result["code"], result["remedy"]) == ("SMOKE_TEST_FAILED", "Look at the cluster with nats_health.")
    assert "stream: " in result["cause"]
    assert [check["ok"] for check in result["checks"]] == [True, True, True, False]
