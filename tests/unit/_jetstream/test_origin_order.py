# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which streams take from which: the order in which they are written, and circles."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin_order import cycle, turns


def takes(*names, subjects=("s",), **more):
    return {"subjects": [*subjects], "sources": [{"name": name, **more} for name in names]}


COPY_OF_A = {"mirror": {"name": "A"}}


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ({"A": {}, "B": {}}, [["A", "B"]]),
        ({"B": COPY_OF_A, "A": {}}, [["A"], ["B"]]),
        ({"C": takes("B"), "B": COPY_OF_A, "A": {}}, [["A"], ["B"], ["C"]]),
        ({"B": takes("ELSEWHERE"), "A": {}}, [["B", "A"]]),
        ({"B": takes("A", external={"api": "$JS.far.API"}), "A": {}}, [["B", "A"]]),
        ({"A": takes("B"), "B": takes("A")}, [["A"], ["B"]]),
        ({"A": takes("A")}, [["A"]]),
    ],
)
def test_a_stream_comes_after_its_origins(configs, expected):
    assert turns(configs) == expected


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ({"A": {}, "B": COPY_OF_A}, None),
        ({"A": takes("B"), "B": {}}, None),
        ({"A": takes("A")}, "A"),
        ({"A": takes("B"), "B": COPY_OF_A}, "B"),
        ({"A": takes("B"), "B": takes("C"), "C": takes("A")}, "C"),
        # With filters, subjects that never come back are no circle.
        ({"A": takes("B"), "B": takes("A", subjects=["b.>"], filter_subject="a.x")}, None),
        ({"A": takes("B"), "B": takes("A", subjects=["b.>"], filter_subject="b.x")}, "B"),
        ({"A": takes("GONE")}, None),
    ],
)
def test_streams_that_take_from_one_another_are_a_circle(configs, expected):
    assert cycle("A", configs) == expected
