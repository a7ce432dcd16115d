# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A probe that runs inside a pod, and what it reports: disk, open files, names, routes. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log

SECTION_HEADING = re.compile(r"^== (\w+) ?(\S*)$", re.MULTILINE)
OPEN_FILES = re.compile(r"Max open files\s+(\d+)")
# One shell for all questions; the peers are asked at the same time, each for six seconds at most. A server greets on its port for routes,
# but not where routes are encrypted: then only how the connection ended tells that there was one.
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
    hello=$(timeout 3 nc -w 2 "$peer.$service" 6222 </dev/null 2>/dev/null; echo "ended $?")
    printf '== peer %s\n%s\n%s\n' "$peer" "$found" "$hello"
  ) 2>/dev/null &
done
wait
"""


@dataclass(frozen=True)
class Peer:
    """A server as a pod reaches it."""

    address: str = ""
    # Whether its port for routes takes a connection.
    reached: bool = False
    # The names of server and cluster, which it tells there where routes are in clear.
    name: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class Inside:
    """What a pod sees from inside."""

    # Where the volume under the store is mounted, its size and how much of it is used.
    mounted_on: str = ""
    kilobytes: int = 0
    percent_used: int = 0
    writable: bool = True
    file_limit: int = 0
    open_files: int = 0
    # Why the server would refuse the configuration file that is in the pod now.
    refusal: str = ""
    peers: Mapping[str, Peer] = field(default_factory=dict)


def command(store: str, service: str, peers: Sequence[str]) -> list[str]:
    """The command to execute in a pod; `service` is the Service that gives the pods their names, with its namespace."""
    return ["sh", "-c", SCRIPT, "look", store, service, *peers]


def read(output: str) -> Inside:
    """Reads the output of the command."""
    parts = SECTION_HEADING.split(output)
    sections, peers = {}, {}
    for kind, name, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if kind == "peer":
            peers[name] = _peer(text.removeprefix("\n").rstrip("\n").split("\n"))
        else:
            sections[kind] = text.strip()
    volume = sections.get("volume", "").split()
    limit = OPEN_FILES.search(sections.get("files", ""))
    configuration = sections.get("configuration", "")
    return Inside(
        volume[5] if len(volume) > 5 else "",
        int(volume[1]) if len(volume) > 5 else 0,
        int(volume[4].rstrip("%")) if len(volume) > 5 else 0,
        sections.get("writable") == "yes",
        int(limit[1]) if limit else 0,
        int(sections["open"]) if sections.get("open", "").isdigit() else 0,
        "" if "is valid" in configuration else masked_log(configuration.removeprefix("nats-server: ")),
        peers,
    )


def _peer(lines: list[str]) -> Peer:
    address, *answers = (line.strip() for line in lines)
    # nc gives up with 1 where nobody takes the connection; one that is still open after three seconds was taken.
    reached = any(line in ("ended 0", "ended 143") or line.startswith("INFO ") for line in answers)
    hello = next((line for line in answers if line.startswith("INFO ")), "")
    try:
        info = json.loads(hello.removeprefix("INFO "))
    except ValueError:
        return Peer(address, reached)
    return Peer(address, reached, str(info.get("server_name", "")), str(info.get("cluster", "")))
