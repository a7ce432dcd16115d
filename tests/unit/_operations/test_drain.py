# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode says about a drain, and why a drain is refused."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._operations.drain import DrainOptions, DrainWork
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import Task
from tests.support.read_cluster import ReadContacts, ReadPods

WHOLE = {"S": "nats-0 nats-1 nats-2"}
SINGLE = WHOLE | {"R": "nats-1"}


def drained(streams, single_replica="confirm", node="worker", name="nats-1"):
    work = DrainWork(ReadPods(), ReadContacts(streams), Task(name, 1), DrainOptions(node, single_replica))
    work.run(check=True)
    return work.report


def test_a_server_whose_streams_have_replicas_may_leave_its_node():
    report = drained(WHOLE)
    assert (report.changed, report.notes) == (True, ["nats-1 will come back on another node: its volume can follow it"])


def test_a_server_on_another_node_stays():
    assert drained(WHOLE, node="other").changed is False


def test_a_stream_that_only_this_server_has_is_confirmed_first():
    with pytest.raises(NatsError, match="it alone has stream R of account A") as failure:
        drained(SINGLE)
    assert failure.value.code == "SINGLE_REPLICA"


@pytest.mark.parametrize(
    ("single_replica", "noted"), [("accept", ["away until nats-1 is back: stream R of account A"]), ("move", [])]
)
def test_a_stream_with_one_replica_is_away_or_moved_before(single_replica, noted):
    assert drained(SINGLE, single_replica).notes[:-1] == noted


def test_a_server_is_not_drained_while_another_replica_is_behind(monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.messaging.nats.plugins.module_utils._operations.node_maintenance.DOUBT_S", 0
    )
    with pytest.raises(NatsError, match="the others can't do without it now") as failure:
        drained({"S": "nats-0 nats-1 ~nats-2"})
    assert failure.value.code == "QUORUM_AT_RISK"


def test_a_pod_that_the_cluster_does_not_have_is_unknown():
    with pytest.raises(NatsError, match="Write one of nats-0, nats-1, nats-2") as failure:
        drained(WHOLE, name="nats-7")
    assert failure.value.code == "NOT_FOUND"
