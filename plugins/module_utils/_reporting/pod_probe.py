# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What only a look from inside a pod tells. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SECTION_HEADING = re.compile(r"^== (\w+) ?(\S*)$", re.MULTILINE)
OPEN_FILES = re.compile(r"Max open files\s+(\d+)")
# One shell for all questions; the peers are asked at the same time, each for five seconds at most.
SCRIPT = r"""
store=$1 service=$2; shift 2
domain=$(sed -n 's/^search.* svc\.\([^ ]*\).*/\1/p' /etc/resolv.conf)
echo "== volume"; df -Pk "$store" | tail -n 1
echo "== writable"; [ -w "$store" ] && echo yes
echo "== files"; grep 'Max open files' /proc/1/limits
echo "== open"; ls /proc/1/fd | wc -l
echo "== configuration"; nats-server -t -c /etc/nats/nats.conf 2>&1 | tail -n 1
for peer; do
  (
    found=$(timeout 3 nslookup "$peer.$service.${domain:-cluster.local}" 2>&1 | sed -n '1,/^$/d; s/^Address[^:]*: *//p' | head -n 1)
    hello=$(timeout 2 nc "$peer.$service" 6222 </dev/null 2>/dev/null | head -n 1)
    printf '== peer %s\n%s\n%s\n' "$peer" "$found" "$hello"
  ) 2>/dev/null &
done
wait
"""


@dataclass(frozen=True)
class Peer:
    """Another server, as a pod reaches it."""

    address: str = ""
    # What the port for routes answers; empty where nothing does.
    name: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class Inside:
    """What a pod sees."""

    # Where the volume under the store is mounted, its size and how much of it is used.
    mounted_on: str = ""
    kilobytes: int = 0
    percent_used: int = 0
    writable: bool = True
    file_limit: int = 0
    open_files: int = 0
    # Why the server would not take the configuration file that lies there now.
    refusal: str = ""
    peers: Mapping[str, Peer] = field(default_factory=dict)


def command(store: str, service: str, peers: Sequence[str]) -> list[str]:
    """What to execute in a pod; `service` is the one that names the pods, with its namespace."""
    return ["sh", "-c", SCRIPT, "look", store, service, *peers]


def read(output: str) -> Inside:
    """What the command printed."""
    parts = SECTION_HEADING.split(output)
    said, peers = {}, {}
    for kind, name, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if kind == "peer":
            peers[name] = _peer(text.strip("\n").split("\n"))
        else:
            said[kind] = text.strip()
    volume = said.get("volume", "").split()
    limit = OPEN_FILES.search(said.get("files", ""))
    configuration = said.get("configuration", "")
    return Inside(
        volume[5] if len(volume) > 5 else "",
        int(volume[1]) if len(volume) > 5 else 0,
        int(volume[4].rstrip("%")) if len(volume) > 5 else 0,
        said.get("writable") == "yes",
        int(limit[1]) if limit else 0,
        int(said["open"]) if said.get("open", "").isdigit() else 0,
        "" if "is valid" in configuration else configuration.removeprefix("nats-server: "),
        peers,
    )


def _peer(lines: list[str]) -> Peer:
    address, hello = (*lines, "", "")[:2]
    try:
        told = json.loads(hello.removeprefix("INFO "))
    except ValueError:
        return Peer(address.strip())
    return Peer(address.strip(), str(told.get("server_name", "")), str(told.get("cluster", "")))
