# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers would say of themselves, from a short description of where everything is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import peer_id

Answer = dict[str, Any]
ACCOUNT, STORE = "A", 1000
# A peer's mark: it is behind, or it is away.
BEHIND, AWAY = "~", "!"


def answers(
    names: str,
    streams: Mapping[str, str],
    consumers: Mapping[str, str] | None = None,
    *,
    meta: str | None = "",
    stores: Mapping[str, int] | None = None,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    desired: Sequence[str] = (),
    messages: Mapping[str, int] | None = None,
) -> dict[str, Answer]:
    """`{"S": "n1 n2 ~n3"}` is a stream led by n1, whose replica on n3 is behind; consumers are `{"S/c": "n2"}`.

    `meta` has its leader first, too, and is made of all names unless said; None is no leader.
    """
    everyone = names.split()
    peers = None if meta is None else (meta or names).split()
    found = {name: _server(name, peers) for name in everyone}
    for stream, placed in streams.items():
        leader, *others = placed.split()
        config = {"num_replicas": len(others) + 1, **(configs or {}).get(stream, {})}
        told: Answer = {
            "name": stream,
            "config": config,
            "state": {"bytes": (stores or {}).get(stream, 0), "messages": (messages or {}).get(stream, 0)},
            "cluster": _group(leader, others, stream in desired),
        }
        for name in [leader, *map(bare, others)]:
            if name in found:
                own = [entry for key, entry in _consumers(consumers or {}, configs or {}, stream) if name in key]
                found[name]["data"]["account_details"][0]["stream_detail"].append({**told, "consumer_detail": own})
    return found


def _server(name: str, peers: list[str] | None) -> Answer:
    meta: Answer = {}
    if peers:
        replicas = _peers(peers[1:]) if name == peers[0] else None
        meta = {"meta_cluster": {"leader": peers[0], "replicas": replicas, "cluster_size": len(peers)}}
    details = [{"name": ACCOUNT, "stream_detail": []}]
    return {
        "server": {"name": name, "id": name.upper(), "ver": "2.15.1", "cluster": "C"},
        "data": {"config": {"max_storage": STORE, "max_memory": STORE}, "account_details": details, **meta},
    }


def _consumers(
    consumers: Mapping[str, str], configs: Mapping[str, Mapping[str, Any]], stream: str
) -> Iterator[tuple[list[str], Answer]]:
    for path, placed in consumers.items():
        of, _slash, name = path.partition("/")
        leader, *others = placed.split()
        if of == stream:
            config = {"durable_name": name, "num_replicas": len(others) + 1} | dict(configs.get(path, {}))
            yield (
                [leader, *map(bare, others)],
                {"name": name, "config": config, "cluster": _group(leader, others, False)},
            )


def _group(leader: str, others: list[str], desired: bool) -> Answer:
    more: Answer = {"desired": {"replicas": []}} if desired else {}
    return {"leader": None if leader == "-" else leader, "replicas": _peers(others), **more}


def _peers(marked: list[str]) -> list[Answer]:
    return [
        {"name": bare(name), "peer": peer_id(bare(name)), "current": not name.startswith(BEHIND)}
        | ({"offline": True} if name.startswith(AWAY) else {})
        | ({"lag": 7} if name.startswith(BEHIND) else {})
        for name in marked
    ]


def bare(name: str) -> str:
    return name.lstrip(BEHIND + AWAY)
