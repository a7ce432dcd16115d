# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change loses of what a server holds."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import (
    bucket_losses,
    consumer_losses,
    consumer_position,
    lost_by_recreation,
    resumes_at,
    stream_losses,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context, Current

SECOND_NS = 10**9
NOW = "2026-01-01T00:00:10.5Z"
STATE = {"messages": 20, "bytes": 1000, "num_subjects": 4, "first_ts": "2026-01-01T00:00:10Z"}
OLD, NEW = {"discard": "old"}, {"discard": "new"}


@pytest.mark.parametrize(
    ("before", "after", "trims", "fields"),
    [
        (OLD, OLD | {"max_msgs": 5}, False, {"max_msgs", "discard"}),
        (OLD, OLD | {"max_msgs": 20}, False, set()),
        (NEW, NEW | {"max_msgs": 5}, False, set()),
        (NEW, NEW | {"max_msgs": 5}, True, {"max_msgs", "discard"}),
        (NEW, OLD | {"max_bytes": 5}, False, {"max_bytes", "discard"}),
        (NEW | {"max_msgs": 5}, OLD | {"max_msgs": 5}, False, {"max_msgs", "discard"}),
        (NEW | {"max_msgs": 5}, OLD, False, set()),
        ({}, {"max_msgs_per_subject": 17}, False, set()),
        ({}, {"max_msgs_per_subject": 16}, False, {"max_msgs_per_subject"}),
        ({"max_msgs_per_subject": 5}, {"max_msgs_per_subject": -1}, False, set()),
        ({}, {"max_age": SECOND_NS // 10}, False, {"max_age"}),
        ({}, {"max_age": SECOND_NS}, False, {"max_age"}),  # expires before anybody can take it back
        ({}, {"max_age": 60 * SECOND_NS}, False, set()),
        ({"max_age": SECOND_NS}, {"max_age": 2 * SECOND_NS}, False, set()),
        ({"retention": "interest"}, {"retention": "interest"}, False, set()),
        ({}, {"retention": "interest"}, False, {"retention"}),
    ],
)
def test_a_stream_is_judged_by_what_will_hold(before, after, trims, fields):
    found = Current({"name": "S"} | before, STATE, {"ts": NOW})
    losses = list(stream_losses(found, {"name": "S"} | after, Context(trims_discard_new=trims)))
    assert {key for loss in losses for key in loss.keys} == fields


@pytest.mark.parametrize("unknown", [{}, {"first_ts": "never"}])
def test_an_age_that_is_not_known_counts_as_lost(unknown):
    found = Current({"name": "S"}, {"messages": 1} | unknown, {})
    assert list(stream_losses(found, {"name": "S", "max_age": 10**18}, Context()))


def test_counts_decide_where_they_are_known():
    known = {"ts": NOW, "subjects": {"a": 10, "b": 10}}
    assert not list(
        stream_losses(Current({"name": "S"}, STATE, known), {"name": "S", "max_msgs_per_subject": 10}, Context())
    )


def test_a_bucket_that_would_be_full_loses_its_use():
    found = Current({"name": "KV_b", "discard": "new"}, STATE, {})
    assert not list(bucket_losses(found, found.config | {"max_bytes": 1000}, Context()))
    (loss,) = bucket_losses(found, found.config | {"max_bytes": 999}, Context())
    assert loss.sentence.startswith("leave it full")


def used(acknowledged=3, delivered=6, unacknowledged=3, pending=4, **config):
    info = {
        "delivered": {"consumer_seq": delivered, "stream_seq": delivered},
        "ack_floor": {"consumer_seq": acknowledged, "stream_seq": acknowledged},
        "num_ack_pending": unacknowledged,
        "num_pending": pending,
    }
    return Current({"name": "c", "filter_subjects": ["a", "b"]} | config, {}, info)


def inside(retention="limits", *others):
    return Context({"retention": retention}, tuple({"name": f"c{other}", "filter_subject": other} for other in others))


@pytest.mark.parametrize(
    ("after", "context", "sentence"),
    [
        ({"filter_subjects": ["b", "a", "c"]}, inside(), None),
        ({"filter_subjects": [">"]}, inside(), None),
        ({"filter_subjects": ["b"]}, inside(), "skip up to 7 messages of a"),
        ({"filter_subjects": ["b"]}, inside("interest"), "delete up to 7 messages of a"),
        ({"filter_subjects": ["b"]}, inside("workqueue"), "leave up to 7 messages of a"),
        ({"filter_subjects": ["b"]}, inside("workqueue", "a"), None),
        ({"max_deliver": 1}, inside(), "give up 3 messages"),
        ({"max_deliver": 2}, inside(), None),
        ({"inactive_threshold": SECOND_NS}, inside(), "have the server delete it"),
        ({"inactive_threshold": 3600 * SECOND_NS}, inside(), None),
        ({}, Context({"consumer_limits": {"inactive_threshold": SECOND_NS}}), "have the server delete it"),
    ],
)
def test_a_consumer_keeps_what_it_has_not_processed(after, context, sentence):
    found = used()
    losses = [loss.sentence for loss in consumer_losses(found, found.config | after, context)]
    assert [loss.startswith(sentence) for loss in losses] == ([] if sentence is None else [True])


@pytest.mark.parametrize(
    ("found", "context", "sentence"),
    [
        (used(), inside(), "lose its position, sequence 3"),
        (used(0, 0, 0, 10), inside(), None),
        (used(0, 3, 3, 7), inside(), None),  # a new one is delivered the same
        (used(0, 0, 0, 10, deliver_policy="new"), inside(), "skip 10 messages"),
        (used(), inside("interest"), "delete up to 7 messages"),
        (used(), inside("workqueue"), "leave 7 messages that no other consumer takes"),
        (used(), inside("workqueue", "a", "b"), None),
    ],
)
def test_a_position_is_content(found, context, sentence):
    loss = consumer_position(found, context)
    assert bool(loss) is bool(sentence)
    assert (loss or "").startswith(sentence or "")


@pytest.mark.parametrize(
    ("found", "after", "level", "sequence", "loses"),
    [
        (used(), {"max_waiting": 5}, 4, 4, False),
        (used(), {"max_waiting": 5}, 3, None, True),
        (used(unacknowledged=2), {}, 4, 4, True),  # one is acknowledged out of order
        (used(), {"deliver_policy": "last"}, 4, None, True),
        (used(deliver_policy="new"), {}, 4, None, True),
        (used(), {"filter_subjects": ["a"]}, 4, 4, True),
    ],
)
def test_a_position_is_put_back_where_the_server_can(found, after, level, sequence, loses):
    config = found.config | after
    assert resumes_at(found, config, level) == sequence
    assert bool(lost_by_recreation(found, config, inside(), level)) is loses
