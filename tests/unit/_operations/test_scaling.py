# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a server that can't join."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._operations.scaling import join_remedy
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Stuck

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
def test_a_volume_that_is_elsewhere_is_named(evidence, remedy):
    assert remedy in join_remedy("nats-3", Stuck("it is not ready after 300 s", evidence, own_fault=False))
