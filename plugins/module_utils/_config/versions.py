# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""From one version of nats-server to another. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

Version = tuple[int, ...]
# There was no 2.13.
MINORS: tuple[Version, ...] = ((2, 10), (2, 11), (2, 12), (2, 14), (2, 15))
# Since when a server can do what JetStream's API calls this level.
LEVELS: tuple[tuple[Version, int], ...] = (
    ((2, 11, 0), 1),
    ((2, 12, 0), 2),
    ((2, 12, 8), 3),
    ((2, 14, 0), 4),
    ((2, 15, 0), 5),
)
# An older 2.11 cannot read what a 2.12 has written.
READS_2_12: Version = (2, 11, 9)
SUPPORTED = 2


def parsed(version: str) -> Version:
    """`2.12.8` as numbers; what follows a number, as in 2.14.0-preview.1, is left out."""
    numbers = version.removeprefix("v").partition("-")[0].split(".")
    return tuple(int(part) for part in numbers if part.isdigit())


def level(version: str) -> int:
    """The level of JetStream's API."""
    return max((found for since, found in LEVELS if parsed(version) >= since), default=0)


def version_problems(running: Iterable[str], declared: str, needs: Mapping[str, int]) -> list[str]:
    """Why the servers can't become the declared version; `needs` is the API level that each asset asks for."""
    return sorted({problem for version in running for problem in _steps(version, declared)}) + list(
        _unreadable(declared, needs)
    )


def version_remarks(declared: str) -> list[str]:
    newest = MINORS[-SUPPORTED:]
    if parsed(declared)[:2] >= newest[0]:
        return []
    known = " and ".join(_name(minor) for minor in newest)
    return [f"nats-server {declared} gets no fixes any more: {known} do"]


def _steps(running: str, declared: str) -> Iterator[str]:
    here, there = _minor(running), _minor(declared)
    if abs(there - here) > 1:
        step = 1 if there > here else -1
        between = ", then ".join(_name(MINORS[at]) for at in range(here + step, there, step))
        yield f"nats_cluster_version: {running} to {declared} is more than one minor version: deploy {between} first"
    elif there < here and parsed(running)[:2] == (2, 12) and parsed(declared) < READS_2_12:
        yield f"nats_cluster_version: {declared} can't read what {running} has written: write 2.11.9 or newer"


def _unreadable(declared: str, needs: Mapping[str, int]) -> Iterator[str]:
    can = level(declared)
    too_new = [asset for asset, wanted in sorted(needs.items()) if wanted > can]
    if too_new:
        yield (
            f"nats_cluster_version: {declared} can't serve {', '.join(too_new)}, whose settings are newer "
            f"(API level {max(needs.values())}, it has {can}): remove those settings or stay"
        )


def _minor(version: str) -> int:
    """Its place among the minor versions; one that came later is the next one."""
    minor = parsed(version)[:2]
    return sum(known < minor for known in MINORS)


def _name(minor: Version) -> str:
    return ".".join(map(str, minor))
