# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of any size as snapshots, for the report's page, without a server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import KubernetesView, Snapshot

Answer = dict[str, Any]


def cluster(servers: int, count: int, name: str = "S{}", server: str = "nats-{}") -> Snapshot:
    """A healthy cluster: each stream has three replicas, led by one server after the other."""
    names = tuple(server.format(number) for number in range(servers))
    held: dict[str, list[Answer]] = {member: [] for member in names}
    for number in range(count):
        leader = names[number % servers]
        peers = [{"name": names[(number + step) % servers], "current": True, "lag": 0} for step in (1, 2)]
        found: Answer = {
            "name": name.format(number),
            "state": {"messages": number, "bytes": number * 1000, "consumer_count": 1},
        }
        consumer = {"name": "c", "num_pending": number, "cluster": {"leader": leader}}
        found |= {"config": {"num_replicas": 3}, "cluster": {"leader": leader, "replicas": peers}}
        held[leader].append(found | {"consumer_detail": [consumer]})
    answers = tuple(_jsz(member, names[0], held[member]) for member in names)
    figures = tuple(_varz(member, servers - 1) for member in names)
    view = KubernetesView(volumes=dict.fromkeys(names, 5 * 2**30))
    return Snapshot(names, "nats", answers, figures, kubernetes=view)


def _jsz(server: str, leader: str, streams: list[Answer]) -> Answer:
    data = {
        "config": {"max_storage": 4 * 2**30, "max_memory": 2**28},
        "storage": 2**30,
        "memory": 2**20,
        "meta_cluster": {"leader": leader},
        "account_details": [{"name": "APP", "stream_detail": streams}],
    }
    return {"server": {"name": server, "cluster": "nats", "ver": "2.15.1"}, "data": data}


def _varz(server: str, remotes: int) -> Answer:
    data = {
        "cores": 2,
        "cpu": 20,
        "mem": 2**25,
        "gomemlimit": 2**29,
        "connections": 3,
        "remotes": remotes,
        "uptime": "1d",
    }
    return {"server": {"name": server, "cluster": "nats"}, "data": data}


def troubled(servers: int, count: int, **names: str) -> Snapshot:
    """The same with one server silent, a replica behind, another away, a full store and a server that works hard."""
    found = cluster(servers, count, **names)
    silent = found.expected[2]
    first = found.answers[0]["data"]
    first["storage"] = 7 * 2**29
    first["memory"] = 2**28
    one, other = (stream["cluster"]["replicas"] for stream in first["account_details"][0]["stream_detail"][:2])
    one[0] |= {"current": False, "lag": 1234}
    other[1] |= {"offline": True}
    found.varz[0]["data"]["cpu"] = 190
    return replace(found, answers=tuple(answer for answer in found.answers if answer["server"]["name"] != silent))
