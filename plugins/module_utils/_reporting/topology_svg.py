# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The cluster as an SVG picture: servers in a ring, and routes. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import streams
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    by_server,
    meta_leader_with_quorum,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.markup import Html, element

PICTURE_WIDTH, SERVER_RADIUS = 640, 34


def picture(snapshot: Snapshot) -> Html:
    servers, answering, leader = snapshot.expected, answered(snapshot), meta_leader_with_quorum(snapshot)
    height = 160 if len(servers) == 1 else 230 + 24 * len(servers)
    places = dict(zip(servers, _ring(len(servers), height), strict=True))
    fully_routed = _fully_routed(snapshot)
    leaders = Counter((stream.get("cluster") or {}).get("leader") for stream in streams(answering).values())
    lines = [
        element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=None if {one, other} <= fully_routed else "away")
        for (one, (x1, y1)), (other, (x2, y2)) in combinations(places.items(), 2)
    ]
    nodes = [_node(name, place, name in answering, name == leader, leaders[name]) for name, place in places.items()]
    silent = len(servers) - len(answering)
    label = f"{len(servers)} servers, {silent or 'none'} of them silent; meta leader {leader or 'none'}"
    return element("svg", *lines, *nodes, viewBox=f"0 0 {PICTURE_WIDTH} {height}", role="img", aria_label=label)


def _ring(count: int, height: int) -> Iterator[tuple[float, float]]:
    if count == 1:
        yield PICTURE_WIDTH / 2, height / 2 - 10
        return
    for number in range(count):
        angle = 2 * math.pi * number / count - math.pi / 2
        yield (
            round(PICTURE_WIDTH / 2 + 240 * math.cos(angle), 1),
            round(height / 2 + (height / 2 - 62) * math.sin(angle) - 8, 1),
        )


def _fully_routed(snapshot: Snapshot) -> set[str]:
    """The servers with routes to all others that answer. VARZ has only their number, so single routes are not known."""
    answering = answered(snapshot)
    routes = {name: answer["data"].get("remotes", 0) for name, answer in by_server(snapshot, snapshot.varz).items()}
    others = len(answering) - 1
    return {name for name in answering if routes.get(name, others) >= others}


def _node(name: str, place: tuple[float, float], answers: bool, is_meta_leader: bool, led: int) -> Html:
    x, y = place
    state = "meta leader" if is_meta_leader else "answers" if answers else "no answer"
    css_class = "leader" if is_meta_leader else None if answers else "away"
    return element(
        "g",
        element("title", f"{name}: {state}, leads {led} streams"),
        element("circle", cx=x, cy=y, r=SERVER_RADIUS, class_=css_class),
        element("text", f"leads {led}" if answers else "silent", x=x, y=y + 4),
        element("text", name, x=x, y=y + SERVER_RADIUS + 17),
        element("text", state, x=x, y=y + SERVER_RADIUS + 32, class_="small"),
    )
