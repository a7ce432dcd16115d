# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mirror's origin and a source: a domain stands for the prefix of its API."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.key_value import KV
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin import ORIGIN, same_source
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    Policy,
    ResourceFacts,
    Wanted,
    plan_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM

FAR = {"name": "A", "external": {"api": "$JS.far.API"}}


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ({"name": "A", "domain": "far"}, FAR),
        ({"name": "A", "external": {"api": "$JS.far.API"}}, FAR),
        ({"name": "A", "domain": None}, {"name": "A"}),
        ({"name": "A", "domain": "far", "external": None}, FAR),
    ],
)
def test_a_domain_is_stored_as_the_prefix_of_its_api(written, stored):
    assert ORIGIN.parse(written) == stored
    assert ORIGIN.parse(ORIGIN.show(stored)) == stored


@pytest.mark.parametrize(
    ("option", "entry", "words"),
    [
        (
            "mirror",
            {"name": "A", "domain": "far", "external": {"api": "x"}},
            "mirror.domain and external exclude one another",
        ),
        ("mirror", {"name": "A", "domain": "far", "external": {}}, "mirror.domain and external exclude one another"),
        ("mirror", {"name": "A", "domain": ""}, "mirror.domain is empty"),
        ("mirror", {"name": "A", "domain": "a.b"}, "mirror.domain: 'a.b' is not a domain"),
        ("sources", [{"name": "A"}, {"name": "B", "domain": "*"}], "sources[1].domain: '*' is not a domain"),
    ],
)
@pytest.mark.parametrize("resource", [STREAM, KV])
def test_what_is_no_domain_is_refused_with_its_place(resource, option, entry, words):
    with pytest.raises(NatsError) as raised:
        resource.parse({option: entry}, "X")
    assert words in str(raised.value)
    assert raised.value.code == "INVALID_VALUE"


def test_a_bucket_mirrors_a_bucket_of_another_domain():
    assert KV.parse({"mirror": {"name": "b", "domain": "far"}}, "X")["mirror"] == {
        "name": "KV_b",
        "external": {"api": "$JS.far.API"},
    }


@pytest.mark.parametrize(
    ("stored", "changes"),
    [
        ({"api": "$JS.far.API", "deliver": ""}, False),
        ({"api": "$JS.far.API", "deliver": "mine"}, False),
        ({"api": "$JS.other.API", "deliver": ""}, True),
    ],
)
def test_a_domain_is_compared_with_what_the_server_stores(stored, changes):
    found = Current({"name": "S", "mirror": {"name": "A", "external": stored}})
    desired = STREAM.parse({"mirror": {"name": "A", "domain": "far"}}, "S")
    plan = plan_resource(Wanted(STREAM, "S", desired, Policy()), ResourceFacts(None, found, level=5))
    assert bool(plan.steps) is changes


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"name": "A"}, {"name": "A", "opt_start_seq": 5}, True),
        (FAR, {"name": "A", "external": {"api": "$JS.far.API", "deliver": "x"}}, True),
        (FAR, {"name": "A"}, False),
        ({"name": "A", "filter_subject": "a"}, {"name": "A", "filter_subject": "b"}, False),
        ({"name": "A", "subject_transforms": [{"src": "a", "dest": ""}]}, {"name": "A", "subject_transforms": [{"src": "a"}]}, True),
        ({"name": "A", "subject_transforms": [{"src": "a", "dest": "x"}]}, {"name": "A"}, False),
    ],
)  # fmt: skip
def test_a_source_is_its_stream_its_place_and_its_filters(one, other, same):
    assert (same_source(one) == same_source(other)) is same
