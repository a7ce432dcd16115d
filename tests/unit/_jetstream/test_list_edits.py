# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single subjects and sources that are added to the lists of a stream and taken from them."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.decide import decide
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import ResourceFacts
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import PARKED

FAR = {"name": "A", "external": {"api": "$JS.far.API", "deliver": ""}}
LATEST = 5


def planned(config, **options):
    item = declared_resource(STREAM, {"name": "S", **options}, {})
    found = None if config is None else Current({"name": "S", **config})
    return decide(item, ResourceFacts(None if found is None else {"config": found.config}, found, level=LATEST))


def written(config, key, **options):
    """The list as it is sent; None where nothing is."""
    plan = planned(config, **options)
    assert plan.refusals == ()
    return plan.steps[-1].config.get(key, []) if plan.steps else None


@pytest.mark.parametrize(
    ("before", "add", "remove", "after"),
    [
        (["a"], ["b"], [], ["a", "b"]),
        (["a"], ["a"], [], None),
        (["a"], ["b", "b"], [], ["a", "b"]),
        (["a", "b"], [], ["b"], ["a"]),
        (["a"], [], ["x"], None),
        (["a", "b"], ["c"], ["b"], ["a", "c"]),
        (["a"], ["b"], ["a"], ["b"]),
        # What the stream has already under a wider subject is no change, and the wider one stays.
        (["a.>"], ["a.b"], [], None),
        (["a.>"], ["a.b"], ["a.>"], ["a.b"]),
        (["a.b"], ["a.>"], ["a.b"], ["a.>"]),
        (["a.>"], [], ["a.b"], None),
        # A stream in the middle of an exchange has a subject for a moment.
        ([f"{PARKED}S"], ["b"], ["a"], ["b"]),
    ],
)
def test_subjects_are_added_to_those_that_are_there_and_taken_from_them(before, add, remove, after):
    edits = {"add": {"subjects": add}, "remove": {"subjects": remove}}
    assert written({"subjects": before}, "subjects", **edits) == after
    if after:
        assert written({"subjects": after}, "subjects", **edits) is None


@pytest.mark.parametrize(
    ("before", "add", "remove", "after"),
    [
        ([{"name": "A"}], [{"name": "B"}], [], [{"name": "A"}, {"name": "B"}]),
        ([{"name": "A"}], [{"name": "A"}], [], None),
        # The same stream in another domain, or with another filter, is another source.
        ([{"name": "A"}], [{"name": "A", "domain": "far"}], [], [{"name": "A"}, {"name": "A", "external": {"api": "$JS.far.API"}}]),
        ([FAR], [{"name": "A", "domain": "far"}], [], None),
        ([FAR], [{"name": "A"}], [{"name": "A", "domain": "far"}], [{"name": "A"}]),
        ([FAR, {"name": "A"}], [], [{"name": "A", "external": {"api": "$JS.far.API"}}], [{"name": "A"}]),
        ([FAR, {"name": "B"}], [], [{"name": "A"}], None),
        (
            [{"name": "A", "filter_subject": "x"}],
            [{"name": "A", "filter_subject": "y"}],
            [],
            [{"name": "A", "filter_subject": "x"}, {"name": "A", "filter_subject": "y"}],
        ),
        ([{"name": "A", "filter_subject": "x"}, {"name": "B"}], [], [{"name": "A"}], None),
        # Other keys of the same source are changed, and those that are not written stay.
        ([FAR, {"name": "B"}], [{"name": "A", "domain": "far", "opt_start_seq": 5}], [], [FAR | {"opt_start_seq": 5}, {"name": "B"}]),
    ],
)  # fmt: skip
def test_a_source_is_found_by_its_stream_its_place_and_its_filter(before, add, remove, after):
    edits = {"add": {"sources": add}, "remove": {"sources": remove}}
    config = {"subjects": ["s"], "sources": before}
    found = written(config, "sources", **edits)
    assert (found and [without_empty(entry) for entry in found]) == (
        after and [without_empty(entry) for entry in after]
    )
    if after:
        assert written({"subjects": ["s"], "sources": after}, "sources", **edits) is None


def without_empty(entry):
    external = {key: value for key, value in entry.get("external", {}).items() if value}
    return entry | ({"external": external} if external else {})


def test_exact_resets_the_other_fields_and_keeps_the_list():
    config = {"subjects": ["a"], "sources": [{"name": "A"}], "description": "x"}
    plan = planned(config, add={"subjects": ["b"]}, exact=True)
    assert plan.changes == {
        "subjects": (["a"], ["a", "b"]),
        "sources": ([{"name": "A"}], []),
        "description": ("x", ""),
    }
    assert (
        planned({"subjects": ["a", "b"], "duplicate_window": 120 * 10**9}, add={"subjects": ["b"]}, exact=True).steps
        == ()
    )


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ({"add": {"subjects": ["a"]}}, {"name": "S", "subjects": ["a"]}),
        ({"add": {"sources": [{"name": "A", "domain": "far"}]}}, {"name": "S", "sources": [{"name": "A", "external": {"api": "$JS.far.API"}}]}),
        ({"add": {"subjects": ["a"]}, "remove": {"subjects": ["b"]}}, {"name": "S", "subjects": ["a"]}),
        ({"max_msgs": 5, "remove": {"subjects": ["b"]}}, {"name": "S", "max_msgs": 5}),
        ({"remove": {"subjects": ["b"]}}, None),
        ({"add": {"subjects": []}}, {"name": "S"}),
    ],
)  # fmt: skip
def test_a_stream_that_does_not_exist_is_created_with_what_is_added(options, config):
    plan = planned(None, **options)
    assert plan.refusals == ()
    assert (plan.steps[0].config if plan.steps else None) == config


@pytest.mark.parametrize(
    ("config", "options", "words"),
    [
        ({"subjects": ["a"]}, {"remove": {"subjects": ["a"]}}, "nothing would be left to store"),
        ({"sources": [{"name": "A"}]}, {"remove": {"sources": [{"name": "A"}]}}, "nothing would be left to store"),
        ({"subjects": ["a.b", "c"]}, {"add": {"subjects": ["a.>"]}}, "subjects: a.b and a.> overlap"),
        ({"subjects": ["a.*.c"]}, {"add": {"subjects": ["a.b.*"]}}, "subjects: a.b.* and a.*.c overlap"),
        ({"mirror": {"name": "A"}}, {"add": {"subjects": ["a"]}}, "a mirror has no subjects of its own"),
    ],
)  # fmt: skip
def test_what_the_server_would_refuse_or_derive_is_refused(config, options, words):
    (refusal, *others) = planned(config, **options).refusals
    assert words in refusal.cause
    assert (refusal.code, bool(refusal.remedy), others) == ("INVALID_VALUE", True, [])


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({"subjects": ["a"], "sources": [{"name": "A"}]}, {"remove": {"subjects": ["a"]}}),
        ({"subjects": ["a"]}, {"remove": {"subjects": ["a"]}, "sources": [{"name": "A"}]}),
        ({"subjects": ["a"]}, {"remove": {"subjects": ["a"]}, "add": {"sources": [{"name": "A"}]}}),
    ],
)
def test_the_last_subject_may_go_where_sources_stay(config, options):
    assert written(config, "subjects", **options) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"add": {"subjects": ["a"]}, "subjects": ["b"]}, "add.subjects and subjects exclude one another"),
        ({"remove": {"sources": [{"name": "A"}]}, "sources": []}, "remove.sources and sources exclude one another"),
        ({"add": {"subjects": ["a"]}, "unset": ["subjects"]}, "add.subjects and subjects exclude one another"),
        ({"add": {"subjects": ["a"]}, "remove": {"subjects": ["a"]}}, "add.subjects and remove.subjects both have a"),
        ({"add": {"sources": [{"name": "A", "domain": "d"}]}, "remove": {"sources": [{"name": "A", "external": {"api": "$JS.d.API"}}]}}, "both have A"),
        ({"add": {"subjects": ["a b"]}}, "add.subjects: 'a b' is not a subject"),
        ({"add": {"subjects": [""]}}, "add.subjects has an empty entry"),
        ({"remove": {"sources": [{"filter_subject": "a"}]}}, "remove.sources[0].name is missing"),
        ({"add": {"sources": [{"name": "A", "domain": ""}]}}, "add.sources[0].domain is empty"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_in_words(options, words):
    with pytest.raises(NatsError) as raised:
        declared_resource(STREAM, {"name": "S", **options}, {})
    assert words in str(raised.value)
    assert raised.value.code == "INVALID_VALUE"


def test_a_list_of_its_own_may_stand_beside_an_edit_of_the_other():
    assert written({"subjects": ["a"]}, "sources", subjects=["b"], add={"sources": [{"name": "A"}]}) == [{"name": "A"}]
