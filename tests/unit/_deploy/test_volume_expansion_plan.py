# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far volumes have grown."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.volume_expansion_plan import how_far


def claim(*conditions, resize=None, name="data-nats-0"):
    told = [{"type": kind, "status": "True", "message": message} for kind, message in conditions]
    status = {"conditions": told} | ({"allocatedResourceStatuses": {"storage": resize}} if resize else {})
    return {"metadata": {"name": name}, "spec": {"storageClassName": "fast"}, "status": status}


@pytest.mark.parametrize(
    ("found", "state", "remedy", "hopeless"),
    [
        (claim(), "the driver of class fast has not begun", "Check that the driver has a resizer", False),
        (claim(("Resizing", "")), "its driver is growing it", "Run the play again", False),
        (
            claim(("FileSystemResizePending", "Waiting for user to (re-)start a pod")),
            "its file system has not grown yet",
            "kubectl delete pod nats-0",
            False,
        ),
        # It may get over this by itself, as when the storage behind it is away for a moment.
        (claim(("ControllerResizeError", "timed out")), "its driver failed: timed out", "Make room", False),
        (
            claim(("ControllerResizeError", "pool full"), resize="ControllerResizeInfeasible"),
            "ControllerResizeInfeasible: pool full",
            "declare a smaller nats_cluster_storage_size",
            True,
        ),
    ],
)
def test_a_claim_that_does_not_grow_has_a_reason_and_a_remedy(found, state, remedy, hopeless):
    progress = how_far(found)
    assert (progress.state, progress.hopeless) == (state, hopeless)
    assert remedy in progress.remedy
