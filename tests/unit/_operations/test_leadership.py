# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server leads what, and to which servers leaders should go."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import Asset
from ansible_collections.messaging.nats.plugins.module_utils._operations.leadership import Led, handovers, leads
from tests.support.placed import ACCOUNT, answers


def asset(path):
    stream, _slash, consumer = path.partition("/")
    return Asset(ACCOUNT, stream, consumer)


def gone(moves):
    """`{"S": "n2", "meta": "n3"}`: where each leadership goes."""
    return {
        "/".join(filter(None, (move.asset.stream, move.asset.consumer))) if move.asset else "meta": move.goes
        for move in moves
    }


def test_a_server_leads_streams_consumers_and_meta():
    servers = answers("n1 n2 n3", {"S": "n1 n2 n3", "R": "n2", "T": "n2 n1 n3"}, {"S/c": "n2 n1 n3", "T/d": "n1 n2 n3"})
    assert leads(servers, "n1") == Led(True, (asset("S"), asset("T/d")))
    assert leads(servers, "n2") == Led(False, (asset("R"), asset("S/c"), asset("T")))
    assert leads(servers, "n4") == Led(False, ())


@pytest.mark.parametrize(
    ("streams", "consumers", "done", "wanted"),
    [
        ({"S": "n1 n2 n3"}, {}, [], {"S": "n2"}),
        ({"S": "n1 n2 n3"}, {}, ["n3"], {"S": "n3"}),
        ({"S": "n1 ~n2 n3"}, {}, ["n2"], {"S": "n3"}),
        ({"S": "n1 !n2 ~n3"}, {}, [], {}),
        ({"R": "n1"}, {"R/c": "n1"}, [], {}),
        ({"S": "n2 n1 n3"}, {"S/c": "n1 n2 n3"}, [], {"S/c": "n3"}),
        ({"S": "n1 n2 n3", "T": "n1 n2 n3", "U": "n2 n1 n3"}, {}, [], {"S": "n3", "T": "n2"}),
        ({f"S{number}": "n1 n2 n3" for number in range(4)}, {}, ["n2", "n3"], {"S0": "n2", "S1": "n3", "S2": "n2", "S3": "n3"}),
        ({"S": "n1 n9"}, {}, [], {}),
    ],
    ids=[
        "to a replica",
        "to one that is done",
        "done is worth nothing while it is behind",
        "nobody is current",
        "a single replica stays",
        "a consumer goes apart from its stream",
        "to whoever leads least",
        "evenly",
        "to nobody who does not answer",
    ],
)  # fmt: skip
def test_where_leaders_go(streams, consumers, done, wanted):
    assert gone(handovers(answers("n1 n2 n3", streams, consumers, meta="n3 n1 n2"), "n1", done)) == wanted


@pytest.mark.parametrize(
    ("meta", "done", "wanted"),
    [
        ("n1 n2 n3", ["n3"], {"meta": "n3"}),
        ("n1 ~n2 !n3", [], {}),
        ("n2 n1 n3", [], {}),
        (None, [], {}),
    ],
)
def test_where_meta_goes(meta, done, wanted):
    assert gone(handovers(answers("n1 n2 n3", {}, meta=meta), "n1", done)) == wanted


def test_who_does_not_answer_hands_nothing_over():
    assert handovers(answers("n2 n3", {"S": "n1 n2 n3"}, meta="n1 n2 n3"), "n1") == []
