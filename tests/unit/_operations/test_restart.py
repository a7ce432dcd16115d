# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order servers restart, and which of them check mode says would."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart import (
    LoneRestartWork,
    RestartOptions,
    RestartWork,
    mark_restart,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import Task
from tests.support.read_cluster import NAMES, ReadContacts, ReadPods


def restarted(name, newest=(), earlier=(), **options):
    work = RestartWork(ReadPods(newest), ReadContacts({}), Task(name, 1, earlier), RestartOptions(**options))
    work.run(check=True)
    return work.report.changed


@pytest.mark.parametrize(
    ("name", "newest", "options", "changed"),
    [
        ("nats-2", (), {}, True),
        ("nats-2", ("nats-2",), {}, False),
        ("nats-2", NAMES, {"outdated": True}, True),
        ("nats-1", ("nats-2",), {}, True),
    ],
)
def test_a_server_of_an_older_revision_restarts(name, newest, options, changed):
    assert restarted(name, newest, **options) is changed


def test_the_servers_above_restart_first():
    with pytest.raises(NatsError, match="nats-2 is not of the newest revision") as failure:
        restarted("nats-1")
    assert failure.value.code == "WRONG_ORDER"


def test_in_check_mode_those_before_it_count_as_restarted():
    assert restarted("nats-1", earlier=["nats-2"]) is True


def test_a_server_above_the_last_one_is_unknown():
    with pytest.raises(NatsError) as failure:
        restarted("nats-3")
    assert (failure.value.code, failure.value.remedy) == ("NOT_FOUND", "The last one is nats-2.")


@pytest.mark.parametrize(
    ("names", "moment", "marked"), [(["nats-2"], "now", True), (["nats-0"], None, False), ([], "now", False)]
)
def test_a_restart_is_asked_for_with_a_moment(names, moment, marked):
    assert mark_restart(ReadPods(), names, moment, check=True) is marked


def test_a_restart_of_all_begins_with_the_last_server():
    with pytest.raises(NatsError, match="nats-2 restarts first") as failure:
        mark_restart(ReadPods(), ["nats-1", "nats-0"], "now", check=True)
    assert failure.value.code == "WRONG_ORDER"


def restarted_alone(name, moment=None, streams=(), started="2026-01-01T12:00:00Z", **options):
    pods = ReadPods()
    pod = pods.find(name) or {}
    pod["status"]["containerStatuses"] = [{"name": "nats", "state": {"running": {"startedAt": started}}}]
    contacts = ReadContacts(dict(streams), configs={"M": {"storage": "memory"}}, messages={"M": 7})
    work = LoneRestartWork(pods, contacts, Task(name, 1), RestartOptions(**options), moment)
    work.run(check=True)
    return work.report


@pytest.mark.parametrize(
    ("moment", "changed"),
    [
        (None, True),
        ("2026-01-01T12:00:01Z", True),
        ("2026-01-01T13:00:01+01:00", True),
        ("2026-01-01T12:00:00Z", True),
        ("2026-01-01T11:59:59Z", False),
    ],
)
def test_a_server_restarts_alone_unless_its_process_has_started_since(moment, changed):
    # It need not be the last one.
    assert restarted_alone("nats-1", moment).changed is changed


def test_the_moment_of_a_lone_restart_is_a_time():
    with pytest.raises(NatsError, match="'once more' is not a time") as failure:
        restarted_alone("nats-1", "once more")
    assert failure.value.code == "INVALID_VALUE"


IN_MEMORY = {"M": "nats-1"}
LOST = "7 messages of stream M of account A, in the memory of nats-1 alone"


@pytest.mark.parametrize(
    ("streams", "policy", "notes", "lost"),
    [
        (IN_MEMORY, "accept", [], [LOST]),
        (IN_MEMORY, "move", ["moves to other servers first: stream M of account A"], []),
        ({"M": "nats-2"}, "confirm", [], []),
        ({"M": "nats-1 nats-2 nats-0"}, "confirm", [], []),
        ({"F": "nats-1"}, "confirm", [], []),
    ],
)
def test_check_mode_says_what_a_lone_restart_moves_and_loses(streams, policy, notes, lost):
    report = restarted_alone("nats-1", streams=streams, single_replica=policy)
    assert (report.changed, report.notes, report.lost) == (
        True,
        ["the other servers can do without it now", *notes],
        lost,
    )


def test_what_only_its_memory_has_is_not_lost_unasked():
    with pytest.raises(NatsError, match=f"a restart would lose {LOST}") as failure:
        restarted_alone("nats-1", streams=IN_MEMORY, single_replica="confirm")
    assert failure.value.code == "SINGLE_REPLICA"


def test_check_mode_refuses_a_lone_restart_that_the_others_can_not_do_without():
    with pytest.raises(NatsError, match="stream S of account A would have 1 of the 2 replicas it needs") as failure:
        restarted_alone("nats-1", streams={"S": "nats-1 nats-2 ~nats-0"})
    assert failure.value.code == "QUORUM_AT_RISK"


def test_check_mode_says_that_a_server_would_restart_by_force():
    report = restarted_alone("nats-1", streams={"S": "nats-1 nats-2 ~nats-0"}, force=True)
    assert report.notes == ["by force, although stream S of account A would have 1 of the 2 replicas it needs"]
    assert report.lost == ["what is lost with nats-1 is not known, because it restarts by force"]
