# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change for many: what an entry means, and what it leaves out."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import declared_resources
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.matching import (
    Candidate,
    Match,
    choose,
    leave_out,
    matching_entries,
    owners_meant,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place


def entry(kind="stream", pattern="*", defaults=None, **options):
    (found,) = matching_entries([{"kind": kind, "pattern": pattern, "set": options}], defaults or {})
    return found


def candidate(name, consumer=None, owner="", **config):
    metadata = {"metadata": {"messaging.nats/owner": owner}} if owner else {}
    return Candidate(Place(name, consumer), consumer or name, {"name": name, **metadata, **config})


@pytest.mark.parametrize(
    ("options", "owner", "expected"),
    [
        ({}, "", {""}),
        ({}, "shop", {"shop"}),
        ({"owner": "shop"}, "shop", {"shop", ""}),
        ({"owner": ""}, "", {""}),
    ],
)
def test_only_an_owner_in_the_entry_takes_over_what_has_none(options, owner, expected):
    assert owners_meant(options, owner) == expected


DECLARED = declared_resources(
    {
        "streams": [
            {"name": "NAMED"},
            {"name": "GONE", "state": "absent"},
            {"name": "SEEN", "state": "absent", "manage": "observe"},
        ],
        "consumers": [{"stream": "S", "name": "named"}],
    },
    {},
)


@pytest.mark.parametrize(
    ("kind", "found", "defaults", "why"),
    [
        ("stream", candidate("S"), {}, ""),
        ("stream", candidate("NAMED"), {}, "it is declared by its name in this task"),
        ("stream", candidate("GONE"), {}, "it is declared by its name in this task"),
        ("stream", candidate("S"), {"owner": "shop"}, "it has no owner"),
        ("stream", candidate("S", owner="billing"), {}, "it belongs to billing"),
        (
            "stream",
            Candidate(Place("S"), "S", None),
            {"owner": "shop"},
            "",
        ),  # reading it again tells why it can't be read
        ("stream", Candidate(Place("S"), "S", {}, "a problem"), {}, "a problem"),
        ("consumer", candidate("S", "c"), {}, ""),
        ("consumer", candidate("S", "named"), {}, "it is declared by its name in this task"),
        ("consumer", candidate("GONE", "c"), {}, "its stream is deleted by this task"),
        ("consumer", candidate("SEEN", "c"), {}, ""),
    ],
)
def test_what_is_left_out(kind, found, defaults, why):
    match = Match(entry(kind, description="x", defaults=defaults), [found])
    leave_out(match, DECLARED, defaults)
    assert [one.why for one in match.left_out] == ([why] if why else [])
    assert match.found == ([] if why else [found])


@pytest.mark.parametrize(
    ("found", "left_out", "summary"),
    [
        ([], [], "no stream matches A_*"),
        (["A"], [], "1 stream matches A_*"),
        (["A", "B"], [], "2 streams match A_*"),
        (["A"], ["B"], "2 streams match A_*, 1 left out"),
        ([], ["B"], "1 stream matches A_*, 1 left out"),
    ],
)
def test_what_was_found_in_a_sentence(found, left_out, summary):
    match = Match(entry(pattern="A_*", max_msgs=5), [candidate(name) for name in [*found, *left_out]])
    leave_out(match, declared_resources({"streams": [{"name": name} for name in left_out]}, {}), {})
    assert match.result()["summary"] == summary


def chosen(*entries):
    found: dict = {}
    for one in entries:
        choose(found, one, candidate("KV_b"))
    assert len(found) == 1
    return next(iter(found.values()))[2]


def test_the_options_of_two_entries_come_together():
    assert chosen(entry(max_msgs=5), entry(description="x")) == {"max_msgs": 5, "description": "x"}
    assert chosen(entry(max_msgs=5), entry(max_msgs=5)) == {"max_msgs": 5}


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (entry(max_msgs=5), entry(max_msgs=6), "set max_msgs differently"),
        (entry(max_msgs=5, owner="a"), entry(max_msgs=5, owner="b"), "set owner differently"),
        (entry(description="x"), entry("kv", description="x"), r"matches stream \* and kv \*"),
    ],
)
def test_two_entries_that_contradict_each_other(one, other, sentence):
    with pytest.raises(NatsError, match=sentence) as raised:
        chosen(one, other)
    assert raised.value.code == "INVALID_VALUE"


def test_every_problem_is_told_at_once():
    entries = [{"kind": "stream", "pattern": "*", "set": {}}, {"kind": "kv", "pattern": "*", "set": {"max_msgs": 5}}]
    with pytest.raises(NatsError) as raised:
        matching_entries(entries, {})
    assert "matching, entry 1: stream *: set is empty" in str(raised.value)
    assert "matching, entry 2: bucket: max_msgs is not known" in str(raised.value)
