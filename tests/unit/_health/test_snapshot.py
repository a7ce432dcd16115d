# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a snapshot says of its servers."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    KubernetesView,
    NotAsked,
    Pod,
    Snapshot,
    as_if_down,
    is_down,
    meta_leader_with_quorum,
    unseen,
)
from tests.support.placed import answers

NAMES = ("n1", "n2", "n3")


def snapshot(answering, meta="n1 n2 n3", **more):
    servers = answers("n1 n2 n3", {}, meta=meta)
    return Snapshot(NAMES, answers=tuple(servers[name] for name in answering.split()), **more)


@pytest.mark.parametrize(("answering", "leader"), [("n1 n2 n3", "n1"), ("n1 n3", "n1"), ("n2 n3", None), ("n1", None)])
def test_the_meta_leader_is_the_one_that_says_so_itself_with_a_quorum(answering, leader):
    assert meta_leader_with_quorum(snapshot(answering)) == leader


def test_servers_that_nothing_is_known_of_have_a_sentence_each_or_one_together():
    assert unseen(snapshot("n1 n2")) == ["server n3 does not answer"]
    assert unseen(snapshot("n1 n2"), besides="n3") == []
    refused = snapshot("", system_not_asked=NotAsked("Authorization Violation.", reason=Unasked.REFUSED))
    assert unseen(refused) == ["the servers could not be asked: Authorization Violation"]


@pytest.mark.parametrize(
    ("view", "down"),
    [
        (None, False),
        (KubernetesView(), True),
        (KubernetesView({"n3": Pod("n3", "Running", down=True)}), True),
        (KubernetesView({"n3": Pod("n3", "Running", down=None)}), False),
        (KubernetesView({"n3": Pod("n3", "Running", down=False)}), False),
    ],
)
def test_only_kubernetes_says_that_a_server_is_down(view, down):
    assert is_down(snapshot("n1 n2", kubernetes=view), "n3") is down


def test_nothing_is_expected_of_a_server_that_counts_as_down():
    found = as_if_down(snapshot("n1 n2 n3"), "n3")
    assert [is_down(found, name) for name in NAMES] == [False, False, True]
    assert [answer["server"]["name"] for answer in found.answers] == ["n1", "n2"]
