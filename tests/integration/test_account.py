# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_account_info."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import nats_account_info


@pytest.fixture
def account(alone):
    return alone


@pytest.mark.parametrize("check", [False, True])
def test_an_account_says_who_it_is_and_what_it_uses(declare, jetstream, publish, account, check):
    jetstream("STREAM.CREATE.S", name="S", max_bytes=1000)
    publish("S")
    found = declare(nats_account_info, check=check)
    assert found["changed"] is False
    assert (found["account"], found["user"]) == (account["user"].upper(), account["user"])
    assert (found["server"]["name"], found["server"]["version"], found["server"]["level"]) == ("s1", "2.15.2", 5)
    assert found["jetstream"] is True
    assert found["usage"]["streams"] == 1
    assert found["usage"]["storage"] > 0
    assert found["limits"]["max_streams"] == -1
    assert found["api"]["total"] > 0


def test_an_account_without_jetstream_is_no_error(run_module, single):
    found = run_module(nats_account_info, servers=[single[0].url], user="sys-user", password="sys-user-S3cret")
    assert found.get("failed") is not True, found
    assert found["jetstream"] is False
    assert "limits" not in found
