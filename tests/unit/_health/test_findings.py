# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a finding says of itself."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error


@pytest.mark.parametrize(
    ("about", "server"),
    [("server n1", "n1"), ("pod nats-0", "nats-0"), ("server my nats", "my nats"), ("cluster", None), ("account n1", None)],
)  # fmt: skip
def test_a_finding_names_the_server_that_it_is_about(about, server):
    assert error("SERVER_DOWN", about, "no answer", "Look at its log.").server == server


def test_a_result_has_no_position():
    found = error("CONSUMER_STUCK", "consumer c", "it delivers nothing", "Look at its clients.", position="7")
    assert found.result() == {
        "severity": "error",
        "code": "CONSUMER_STUCK",
        "object": "consumer c",
        "evidence": "it delivers nothing",
        "remedy": "Look at its clients.",
    }
