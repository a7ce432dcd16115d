# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_object_store against a real server."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.modules import nats_object_store

SECOND = 10**9
B = {"bucket": "b"}


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def bucket(declare):
    def run(**params):
        return declare(nats_object_store, **B | params)

    return run


@pytest.fixture
def config(jetstream):
    return lambda: jetstream("STREAM.INFO.OBJ_b").get("config")


def test_create_modify_delete_in_check_mode_and_for_real_first_and_again(steps, config):
    steps(nats_object_store, "bucket", **B, ttl="1h")
    steps(nats_object_store, "bucket", **B, ttl="2h")
    assert config()["max_age"] == 7200 * SECOND
    steps(nats_object_store, "bucket", **B, state="absent")
    assert config() is None


def test_a_bucket_is_made_as_clients_make_it(bucket, config):
    bucket()
    made = config()
    expected = {"subjects": ["$O.b.C.>", "$O.b.M.>"], "discard": "new", "allow_rollup_hdrs": True, "allow_direct": True}
    assert {key: made[key] for key in expected} == expected


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"ttl": "1m"},
        {"max_bytes": "1MiB", "storage": "memory", "description": "with words"},
        {"compression": True, "metadata": {"a": 1}, "num_replicas": 1},
        {"metadata": {}, "placement": {}, "ttl": "0s", "max_bytes": "0", "compression": False},
    ],
)
def test_every_field_converges_at_once(steps, bucket, written):
    steps(nats_object_store, "bucket", **B, **written)
    assert bucket(**written, exact=True)["changed"] is False


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"ttl": "1m"}),
        ({"ttl": "1m"}, {"ttl": "0s"}),
        ({"ttl": "1m", "compression": True}, {"exact": True}),
        ({"max_bytes": "1MiB"}, {"unset": ["max_bytes"]}),
        ({"metadata": {"a": "1"}}, {"metadata": {}}),
    ],
)
def test_every_change_converges_at_once(steps, bucket, before, after):
    bucket(**before)
    steps(nats_object_store, "bucket", **B, **after)


def test_an_update_keeps_what_it_does_not_name(jetstream, bucket, config):
    foreign = {
        "name": "OBJ_b",
        "subjects": ["$O.b.C.>", "$O.b.M.>"],
        "allow_direct": False,
        "allow_atomic": True,
        "max_msgs": 9,
    }
    jetstream("STREAM.CREATE.OBJ_b", **foreign)
    assert bucket()["changed"] is False
    assert bucket(description="now ours")["changed"] is True
    assert {key: config()[key] for key in foreign} == foreign


def test_a_sealed_bucket_takes_nothing_any_more(bucket, refused, steps, config):
    bucket(ttl="1h")
    assert "sealing it can't be undone. Set allow_irreversible: true" in refused(nats_object_store, **B, state="sealed")
    steps(nats_object_store, "bucket", **B, state="sealed", allow_irreversible=True)
    assert config()["sealed"] is True
    assert bucket()["changed"] is False
    assert bucket(state="sealed", ttl="1h")["changed"] is False


def test_a_missing_bucket_can_not_be_sealed(refused):
    assert "it does not exist, so it can't be sealed" in refused(
        nats_object_store, **B, state="sealed", allow_irreversible=True
    )


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"state": "absent"}, "deleting it would delete 2 messages"),
        ({"storage": "memory", "recreate": "always"}, "recreating it would delete 2 messages"),
    ],
)
def test_a_guard_stands_before_what_deletes_objects(bucket, refused, publish, wanted, sentence):
    bucket()
    publish("$O.b.C.x", "$O.b.M.x")
    assert sentence in refused(nats_object_store, **B, **wanted)
    assert bucket(**wanted, allow_data_loss=True)["changed"] is True


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"bucket": "not ok"}, "a name has nothing but letters, digits, _ and -"),
        ({"ttl": "x"}, "ttl: 'x' is not a duration"),
        ({"max_bytes": "-2"}, "max_bytes: -2 is not a limit"),
        ({"num_replicas": 0}, "num_replicas: 0 is out of range"),
    ],
)
def test_malformed_values_are_refused_by_option_name(refused, written, sentence):
    assert sentence in refused(nats_object_store, **B | written)
