# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode says about a replacement, and why a replacement is refused."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._operations import node_maintenance
from ansible_collections.messaging.nats.plugins.module_utils._operations.pod_binding import REPLACING
from ansible_collections.messaging.nats.plugins.module_utils._operations.replace import ReplaceOptions, ReplaceWork
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import Task
from tests.support.read_cluster import ReadContacts, ReadPods

WHOLE = {"S": "nats-0 nats-1 nats-2"}


def replaced(streams, annotations=None, allow_data_loss=False):
    pods, options = ReadPods(annotations=annotations), ReplaceOptions(allow_data_loss, node_lost=False)
    work = ReplaceWork(pods, ReadContacts(streams), Task("nats-1", 1), options)
    work.run(check=True)
    return work.report


def test_a_server_whose_streams_have_replicas_gets_a_new_volume():
    (note,) = replaced(WHOLE).notes
    assert note.startswith("nats-1 gets a new volume")
    assert note.endswith("deletes data-nats-1 (volume) and the pod")


def test_a_stream_with_one_replica_is_moved_off_first():
    report = replaced(WHOLE | {"R": "nats-1"})
    assert report.notes[0] == "moves to other servers first: stream R of account A"
    assert report.lost == []


def test_what_no_other_server_has_is_not_given_up_unasked(monkeypatch):
    monkeypatch.setattr(node_maintenance, "DOUBT_S", 0)
    streams = WHOLE | {"R": "nats-1"}
    monkeypatch.setattr(node_maintenance, "can_give_away", lambda *_: False)
    monkeypatch.setattr(
        "ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate.can_give_away",
        lambda *_: False,
    )
    with pytest.raises(NatsError, match="its store has what no other server has: stream R of account A") as failure:
        replaced(streams)
    assert failure.value.code == "WOULD_LOSE_DATA"
    report = replaced(streams, allow_data_loss=True)
    assert len(report.notes) == 1
    assert report.lost == ["stream R of account A, which only nats-1 has"]


def test_only_one_server_is_replaced_at_a_time():
    with pytest.raises(NatsError, match="nats-0 is being replaced") as failure:
        replaced(WHOLE, {REPLACING: "nats-0 claim"})
    assert failure.value.code == "REPLACEMENT_UNDER_WAY"


def test_a_replacement_that_was_killed_goes_on():
    assert replaced(WHOLE, {REPLACING: "nats-1 earlier"}).notes[0] == (
        "nats-1 had given up its volume before, and this run went on from there"
    )


def test_a_server_without_a_volume_gets_a_new_pod(monkeypatch):
    monkeypatch.setattr(ReadPods, "has_volumes", False)
    assert replaced(WHOLE).notes == ["nats-1 gets a new store, and the others give it its copies; deletes the pod"]
    # The store of another pod was given up, so this one has the new one.
    assert replaced(WHOLE, {REPLACING: "nats-1 earlier"}).notes[0] == (
        "nats-1 had given up its store before, and this run went on from there"
    )
