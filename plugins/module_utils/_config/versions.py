# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks a change of the version of nats-server. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

Version = tuple[int, ...]
# The minor versions in order. There was no 2.13.
MINORS: tuple[Version, ...] = ((2, 10), (2, 11), (2, 12), (2, 14), (2, 15))
# The first version of nats-server with each level of JetStream's API.
LEVELS: tuple[tuple[Version, int], ...] = (
    ((2, 11, 0), 1),
    ((2, 12, 0), 2),
    ((2, 12, 8), 3),
    ((2, 14, 0), 4),
    ((2, 15, 0), 5),
)
# The first version of 2.11 that can read the store of 2.12.
READS_2_12: Version = (2, 11, 9)
# How many minor versions, counted from the newest, get fixes.
SUPPORTED = 2


def parsed(version: str) -> Version:
    """`2.12.8` as numbers, without a suffix such as -preview.1."""
    numbers = version.removeprefix("v").partition("-")[0].split(".")
    return tuple(int(part) for part in numbers if part.isdigit())


def level(version: str) -> int:
    """The level of JetStream's API in this version."""
    return max((found for since, found in LEVELS if parsed(version) >= since), default=0)


def first_with(api_level: int) -> str:
    """The first version with this level, as people write it."""
    numbers = next(since for since, found in LEVELS if found == api_level)
    return ".".join(map(str, numbers if numbers[-1] else numbers[:-1]))


def version_problems(running: Iterable[str], declared: str, needs: Mapping[str, int]) -> list[str]:
    """Why the servers can't change to the declared version. `needs` is the API level that each stream or consumer requires."""
    return sorted({problem for version in running for problem in _steps(version, declared)}) + list(
        _unreadable(declared, needs)
    )


def version_remarks(declared: str) -> list[str]:
    """Sentences about a version that is allowed, but not recommended."""
    newest = MINORS[-SUPPORTED:]
    if parsed(declared)[:2] >= newest[0]:
        return []
    known = " and ".join(_name(minor) for minor in newest)
    return [f"nats-server {declared} no longer gets fixes: {known} do"]


def _steps(running: str, declared: str) -> Iterator[str]:
    before, after = _minor_index(running), _minor_index(declared)
    if abs(after - before) > 1:
        step = 1 if after > before else -1
        between = ", then ".join(_name(MINORS[index]) for index in range(before + step, after, step))
        yield f"nats_cluster_version: {running} to {declared} is more than one minor version: deploy {between} first"
    elif after < before and parsed(running)[:2] == (2, 12) and parsed(declared) < READS_2_12:
        yield f"nats_cluster_version: {declared} can't read the store that {running} has written: write 2.11.9 or newer"


def _unreadable(declared: str, needs: Mapping[str, int]) -> Iterator[str]:
    provided = level(declared)
    too_new = [asset for asset, needed in sorted(needs.items()) if needed > provided]
    if too_new:
        yield (
            f"nats_cluster_version: {declared} can't serve {', '.join(too_new)}, whose settings are newer "
            f"(API level {max(needs.values())}, it has {provided}): remove those settings or stay"
        )


def _minor_index(version: str) -> int:
    """The index of its minor version in MINORS; a newer one than all of them has the next index."""
    minor = parsed(version)[:2]
    return sum(known < minor for known in MINORS)


def _name(minor: Version) -> str:
    return ".".join(map(str, minor))
