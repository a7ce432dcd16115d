# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers and routes the picture of a cluster shows as a problem."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._reporting.topology_svg import picture
from tests.support.pages import cluster

WELL = cluster(3, 3)


def with_routes(*counts):
    varz = (
        {**answer, "data": answer["data"] | {"remotes": count}} for answer, count in zip(WELL.varz, counts, strict=True)
    )
    return replace(WELL, varz=tuple(varz))


@pytest.mark.parametrize(
    ("snapshot", "lines", "circles"),
    [
        (WELL, 0, 0),
        (with_routes(2, 1, 2), 2, 0),
        (with_routes(1, 1, 2), 3, 0),
        (replace(WELL, answers=WELL.answers[:2]), 2, 1),
        # A server that reports no VARZ is not accused of missing routes.
        (replace(WELL, varz=()), 0, 0),
    ],
)
def test_missing_routes_and_silent_servers_are_marked(snapshot, lines, circles):
    svg = picture(snapshot)
    assert (svg.count("<line"), svg.count("<circle")) == (3, 3)
    marked = [part for part in svg.split("<") if 'class="away"' in part]
    assert sum(part.startswith("line") for part in marked) == lines
    assert sum(part.startswith("circle") for part in marked) == circles


def test_the_picture_is_described_in_words():
    assert 'aria-label="3 servers, none of them silent; meta leader nats-0"' in picture(WELL)
    assert 'aria-label="1 servers, 1 of them silent; meta leader none"' in picture(Snapshot(("nats-0",)))
