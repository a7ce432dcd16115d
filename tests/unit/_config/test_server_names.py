# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DNS names of servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.server_names import route_certificate_names


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        (
            "cluster.local",
            {
                "q-0": ["q-0.q.n.svc.cluster.local", "q-0.q.n.svc", "q-0.q.n", "q-0.q"],
                "q-1": ["q-1.q.n.svc.cluster.local", "q-1.q.n.svc", "q-1.q.n", "q-1.q", "q-0.q.n.svc.cluster.local"],
            },
        ),
        (
            "",
            {
                "q-0": ["q-0.q.n.svc", "q-0.q.n", "q-0.q"],
                "q-1": ["q-1.q.n.svc", "q-1.q.n", "q-1.q", "q-0.q.n.svc"],
            },
        ),
    ],
)
def test_each_server_also_has_the_name_that_others_expect_of_an_address(domain, names):
    assert route_certificate_names(["q-0", "q-1"], "q", "n", domain) == names
