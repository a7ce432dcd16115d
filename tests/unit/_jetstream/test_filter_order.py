# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.filter_order import FilterChange, filter_order


def changes(*written):
    """Each as in `name: before -> after`."""
    for text in written:
        name, _colon, rest = text.partition(": ")
        before, after = (tuple(part.split()) for part in rest.split("->"))
        yield FilterChange(name, before, after)


@pytest.mark.parametrize(
    ("written", "order"),
    [
        ([], []),
        (["a: x -> y", "b: z -> w"], ["a", "b"]),
        (["a: x -> x y", "b: y -> z"], ["b", "a"]),
        (["a: x -> y", "b: y -> z", "c: z -> w"], ["c", "b", "a"]),
        (["a: -> x", "b: x y -> y"], ["b", "a"]),
        (["a: x.1 -> y.*", "b: y.1 -> z"], ["b", "a"]),
        # An exchange has no order; what does not depend on it has one.
        (["a: x -> y", "b: y -> x", "c: z -> w"], ["c"]),
    ],
)
def test_a_consumer_comes_after_those_that_give_up_what_it_takes(written, order):
    assert filter_order(list(changes(*written))) == order
