# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers join and leave, and what to do about one that can't join."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._operations.scaling import (
    JoinWork,
    LeaveWork,
    join_remedy,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import Task
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Stuck
from tests.support.read_cluster import ReadContacts, ReadPods

# The schedulers' words of two versions of Kubernetes.
NEWER = (
    "  event: FailedScheduling: 0/6 nodes are available: 1 node(s) didn't match pod anti-affinity rules, "
    "1 node(s) had untolerated taint(s), 4 node(s) didn't match PersistentVolume's node affinity."
)
OLDER = "  event: FailedScheduling: 0/3 nodes are available: 3 node(s) had volume node affinity conflict."
ROOM = "  event: FailedScheduling: 0/3 nodes are available: 3 Insufficient cpu."


@pytest.mark.parametrize(
    ("evidence", "remedy"),
    [
        (NEWER, "PersistentVolumeClaim data-nats-3 is bound to nodes"),
        (OLDER, "delete it, and run it again"),
        (ROOM, "Correct it and run it again."),
        ("", "Correct it and run it again."),
    ],
)
def test_the_remedy_names_a_volume_that_is_bound_to_another_node(evidence, remedy):
    assert remedy in join_remedy("nats-3", Stuck("it is not ready after 300 s", evidence, own_fault=False))


@pytest.mark.parametrize(("name", "joins"), [("nats-2", False), ("nats-4", True)])
def test_a_server_joins_that_does_not_exist_yet(name, joins):
    work = JoinWork(ReadPods(), ReadContacts({}), Task(name, 1))
    work.run(check=True)
    assert work.report.changed is joins


def leaving(name, earlier=()):
    work = LeaveWork(ReadPods(), ReadContacts({}), Task(name, 1, earlier), staying=None, delete_volume=False)
    work.run(check=True)
    return work.report.changed


def test_the_last_server_leaves_first():
    assert leaving("nats-2") is True
    assert leaving("nats-3") is False
    assert leaving("nats-1", earlier=["nats-2"]) is True
    with pytest.raises(NatsError, match="nats-2 goes first") as failure:
        leaving("nats-1")
    assert failure.value.code == "WRONG_ORDER"
