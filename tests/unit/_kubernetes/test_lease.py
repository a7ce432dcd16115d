# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets the Lease of a cluster, who keeps it, and who loses it."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import lease as lease_module
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import (
    LEASE_DURATION_S,
    MAX_CONFLICTS,
    MAX_WAIT_S,
    RENEW_INTERVAL_S,
    TRUSTED_S,
    Lease,
)
from tests.support.stored_objects import StoredObjects

COLLECTION = "/apis/coordination.k8s.io/v1/namespaces/nats/leases"
PATH = f"{COLLECTION}/nats-messaging-nats"
MINE, OTHER, GONE = "me@here play 01", "you@there play 02", "me@here play 03"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.tick = lambda: None

    def monotonic(self):
        return self.now

    time = monotonic

    def sleep(self, seconds):
        self.now += seconds
        self.tick()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(lease_module, "time", clock)
    monkeypatch.setattr(lease_module, "is_gone", lambda identity: identity == GONE)
    return clock


@pytest.fixture
def store():
    return StoredObjects()


@pytest.fixture
def lease(clock, store):
    return Lease(store, "nats", "nats", MINE)


def held_by(store, holder, renewed="1", duration=LEASE_DURATION_S):
    spec = {"holderIdentity": holder, "leaseDurationSeconds": duration, "renewTime": renewed}
    acquired = {"acquireTime": "2026-11-27T08:00:00Z"}
    store.put(PATH, {"kind": "Lease", "metadata": {"name": "nats-messaging-nats"}, "spec": spec | acquired})


def holder(store):
    return store.objects[PATH]["spec"]["holderIdentity"]


@pytest.mark.parametrize("before", [None, "", MINE, GONE])
def test_a_free_lease_is_taken_at_once(lease, store, clock, before):
    if before is not None:
        held_by(store, before)
    lease.acquire()
    assert holder(store) == MINE
    assert clock.now == 1000


def test_a_lease_that_is_renewed_is_not_taken(lease, store, clock):
    held_by(store, OTHER)
    clock.tick = lambda: held_by(store, OTHER, renewed=str(clock.now))
    with pytest.raises(
        NatsError, match=r"another play works on it: you@there, play 02, since 2026-11-27 08:00:00"
    ) as error:
        lease.acquire()
    assert error.value.code == "LEASE_HELD"
    assert holder(store) == OTHER


def test_a_lease_that_is_not_renewed_is_taken_after_its_whole_duration(lease, store, clock):
    held_by(store, OTHER)
    lease.acquire()
    assert holder(store) == MINE
    assert clock.now - 1000 >= LEASE_DURATION_S


def test_a_lease_with_a_long_duration_is_not_waited_for(lease, store, clock):
    held_by(store, OTHER, duration=MAX_WAIT_S + 1)
    with pytest.raises(NatsError) as error:
        lease.acquire()
    assert (error.value.code, clock.now) == ("LEASE_HELD", 1000)


def test_of_two_plays_that_take_a_free_lease_one_gets_it(lease, store, clock):
    held_by(store, "")

    def another_is_quicker(_path):
        store.before_write = lambda _path: None
        held_by(store, OTHER)
        clock.tick = lambda: held_by(store, OTHER, renewed=str(clock.now))

    store.before_write = another_is_quicker
    with pytest.raises(NatsError) as error:
        lease.acquire()
    assert (error.value.code, holder(store)) == ("LEASE_HELD", OTHER)


def test_reading_who_holds_it_changes_nothing(lease, store):
    assert lease.held_by_another() is None
    held_by(store, OTHER)
    assert "another play works on it: you@there" in lease.held_by_another()
    assert store.writes == []


def test_it_is_renewed_after_an_interval_and_read_once_a_second(lease, store, clock):
    lease.acquire()
    lease.renew()
    writes, reads = len(store.writes), store.reads
    lease.renew()
    assert store.reads == reads
    clock.now += TRUSTED_S + 0.1
    lease.renew()
    assert (store.reads, len(store.writes)) == (reads + 1, writes)
    clock.now += RENEW_INTERVAL_S
    lease.renew()
    assert len(store.writes) == writes + 1


@pytest.mark.parametrize(("now_held_by", "code"), [(OTHER, "LEASE_HELD"), (None, "LEASE_LOST")])
def test_a_lease_that_another_play_took_is_not_renewed(lease, store, now_held_by, code):
    lease.acquire()
    store.objects.clear()
    if now_held_by:
        held_by(store, now_held_by)
    with pytest.raises(NatsError) as error:
        lease.renew()
    assert error.value.code == code


def test_a_renewal_that_meets_another_write_each_time_fails(lease, store):
    lease.acquire()
    store.before_write = lambda _path: held_by(store, MINE)
    with pytest.raises(NatsError, match=f"each of {MAX_CONFLICTS} tries") as error:
        lease.renew()
    assert error.value.code == "KUBERNETES_CONFLICT"


def test_a_module_of_a_play_that_has_ended_changes_nothing_more(clock, store):
    with pytest.raises(NatsError) as error:
        Lease(store, "nats", "nats", GONE).renew()
    assert error.value.code == "PLAY_ENDED"


def test_only_the_own_lease_is_released(lease, store):
    assert lease.release() is False
    held_by(store, OTHER)
    assert lease.release() is False
    assert holder(store) == OTHER
    held_by(store, MINE)
    assert lease.release() is True
    assert store.objects == {}


def test_a_lease_that_another_play_takes_during_the_release_stays(lease, store):
    held_by(store, MINE)
    store.before_write = lambda _path: held_by(store, OTHER)
    assert lease.release() is False
    assert holder(store) == OTHER
