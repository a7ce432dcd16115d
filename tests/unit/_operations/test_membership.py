# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the members of the meta group are not complete."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import peer_id
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import membership_problems
from tests.support.placed import answers


@pytest.mark.parametrize(
    ("answering", "meta", "names", "sentences"),
    [
        ("n1 n2 n3", "n1 n2 n3", "n1 n2 n3", []),
        ("n1 n2", "n1 n2 !n3", "n1 n2 n3", ["server n3 does not answer", "server n3 is offline in meta"]),
        ("n1 n2 n3", "n1 n2 ~n3", "n1 n2 n3", ["server n3 is not current in meta"]),
        ("n1 n2 n3", "n1 n2 n3 n4", "n1 n2 n3", ["server n4 is still a member of meta"]),
        ("n1 n2 n3", None, "n1 n2 n3", ["meta has no leader"]),
        ("n2 n3", "n1 n2 n3", "n2 n3", ["meta is led by n1, which does not answer"]),
        ("n1", None, "n1", []),
        (
            "n1 n2 n3",
            "n1 n2",
            "n1 n2 n3",
            [
                "server n3 answers, but is no member of meta: one that was removed less than five minutes ago is shut "
                "out until then, and joins by itself"
            ],
        ),
    ],
)
def test_why_the_members_are_not_complete(answering, meta, names, sentences):
    assert membership_problems(answers(answering, {}, meta=meta), names.split()) == sentences


def test_a_peer_whose_name_is_forgotten_is_known_by_its_id():
    servers = answers("n1 n2 n3", {}, meta="n1 n2 n3")
    servers["n1"]["data"]["meta_cluster"]["replicas"][1]["name"] = "Server name unknown at this time (peerID: BXScrY9i)"
    assert peer_id("n3") == "BXScrY9i"
    assert membership_problems(servers, ["n1", "n2", "n3"]) == []
