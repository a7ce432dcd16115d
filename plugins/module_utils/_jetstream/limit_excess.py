# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which limits of an account a declaration would exceed. Pure: it sends no request.

The rules are those of the server, which looks at one step after the other. PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._common.units import show_size
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.account_limits import (
    BYTES,
    FLAT,
    Account,
    replicas_of,
    storage_of,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step

# The server's err_codes.
MOST_STREAMS, MOST_CONSUMERS, TOO_LARGE, NO_MAX_BYTES, NO_TIER = 10027, 10026, 10122, 10113, 10120


class Excess(NamedTuple):
    """A limit that would be exceeded: the server's err_code, and the sentences for a person."""

    err_code: int
    cause: str
    remedy: str


class Existing(NamedTuple):
    """The streams of the account, and how many consumers each has."""

    streams: Mapping[str, Config]
    consumers: Mapping[str, int]


class PlannedSteps(NamedTuple):
    """What a declaration does to one stream or consumer."""

    place: Place
    steps: tuple[Step, ...]


def growth(account: Account, before: Config | None, after: Config | None) -> int:
    """How many bytes more or less a stream reserves: those that reserve less are written first."""
    return (account.reservation(after) if after else 0) - (account.reservation(before) if before else 0)


def excesses(account: Account, existing: Existing, planned: Sequence[PlannedSteps]) -> list[Excess]:
    """Every limit that the steps would exceed, each once. The steps are in the order in which they are carried out."""
    usage = _Usage(account, existing)
    found = [excess for entry in planned for step in entry.steps for excess in usage.carry_out(entry.place, step)]
    told = {(excess.key, excess.of): excess for excess in found}
    return [excess.told(usage) for excess in told.values()]


class _Exceeded(NamedTuple):
    """A limit that one step exceeds, of a tier or of one stream; its figures are told when all steps are known."""

    key: str
    of: str
    err_code: int
    detail: str = ""

    def told(self, usage: _Usage) -> Excess:
        return Excess(self.err_code, *TOLD[self.key](usage, self))


class _Usage:
    """The account while one step after the other is carried out."""

    def __init__(self, account: Account, existing: Existing) -> None:
        self.account, self.existing = account, existing
        self.streams = dict(existing.streams)
        self.consumers = Counter(existing.consumers)
        # New consumers of each stream by tier: of the others only their number is known.
        self.new_consumers: Counter[tuple[str, str]] = Counter()
        self.counts: Counter[str] = Counter()
        self.reserved: Counter[tuple[str, str]] = Counter()
        for config in self.streams.values():
            self._count(config, 1)
        self.counts_before, self.reserved_before = Counter(self.counts), Counter(self.reserved)
        self.demanded: Counter[tuple[str, str]] = Counter()

    def tier(self, config: Mapping[str, Any]) -> str:
        return self.account.tier(replicas_of(config))

    def _count(self, config: Config, sign: int) -> None:
        tier = self.tier(config)
        self.counts[tier] += sign
        self.reserved[tier, storage_of(config)] += sign * self.account.reservation(config)

    def carry_out(self, place: Place, step: Step) -> Iterator[_Exceeded]:
        if step.action not in ("create", "update", "delete"):
            return
        if place.consumer:
            yield from self._consumer(place.stream, step)
            return
        before = self.streams.pop(place.stream, None)
        if before is not None:
            self._count(before, -1)
        if step.action == "delete":
            self.consumers[place.stream] = 0
            return
        config = dict(step.config)
        yield from self._stream(place.stream, config, before)
        self.streams[place.stream] = config
        self._count(config, 1)

    def _stream(self, name: str, config: Config, before: Config | None) -> Iterator[_Exceeded]:
        """What the server refuses of a stream that is written; the stream itself is not counted among the others."""
        tier = self.tier(config)
        shrinks = before is not None and replicas_of(config) < replicas_of(before)
        if tier not in self.account.tiers and not shrinks:
            yield _Exceeded("tier", tier, NO_TIER)
            return
        yield from self._by_itself(name, tier, config)
        # The server looks at a stream that gets more replicas as at a new one.
        as_new = before is None or replicas_of(config) > replicas_of(before)
        most = self.account.most(tier, "max_streams")
        if as_new and most is not None and self.counts[tier] >= most:
            yield _Exceeded("max_streams", tier, MOST_STREAMS)
        storage = storage_of(config)
        room, needed = self.account.most_bytes(tier, storage), self.account.reservation(config, as_new)
        self.demanded[tier, storage] += needed - self.account.reservation(config)
        if room is not None and self.reserved[tier, storage] + needed > room:
            yield _Exceeded(BYTES[storage][0], tier, BYTES[storage][2], storage)

    def _by_itself(self, name: str, tier: str, config: Config) -> Iterator[_Exceeded]:
        size, (_all, of_stream, _code) = config.get("max_bytes") or -1, BYTES[storage_of(config)]
        if size <= 0 and self.account.tiers.get(tier, {}).get("max_bytes_required"):
            yield _Exceeded("max_bytes_required", name, NO_MAX_BYTES)
        most = self.account.most(tier, of_stream)
        if most is not None and size > most:
            yield _Exceeded(
                of_stream,
                name,
                TOO_LARGE,
                f"max_bytes: {_bytes(size)} is more than {of_stream} of {_owner(tier)}, {_bytes(most)}",
            )
        consumers, most = config.get("max_consumers") or -1, self.account.most(tier, "max_consumers")
        if most is not None and consumers > most:
            yield _Exceeded(
                "stream_max_consumers",
                name,
                MOST_CONSUMERS,
                f"max_consumers: {consumers} is more than that of {_owner(tier)}, {most}",
            )

    def _consumer(self, stream: str, step: Step) -> Iterator[_Exceeded]:
        if step.action == "delete":
            self.consumers[stream] -= 1
        if step.action != "create":
            return
        replicas = step.config.get("num_replicas") or replicas_of(self.streams.get(stream, {}))
        tier = self.account.tier(replicas)
        others = self.consumers[stream] if tier == FLAT else self.new_consumers[stream, tier]
        most = self.account.most(tier, "max_consumers")
        if most is not None and others >= most:
            yield _Exceeded("max_consumers", stream, MOST_CONSUMERS, tier)
        self.consumers[stream] += 1
        self.new_consumers[stream, tier] += 1


def _owner(tier: str) -> str:
    return f"tier {tier} of the account" if tier else "the account"


def _bytes(count: int) -> str:
    shown = show_size(count)
    return shown if isinstance(shown, str) else f"{shown} byte{'s' if shown != 1 else ''}"


def _told_tier(_usage: _Usage, exceeded: _Exceeded) -> tuple[str, str]:
    replicas = exceeded.of.removeprefix("R")
    return (
        f"the account has no limits for streams with num_replicas: {replicas}, so that it may have none",
        "Choose another num_replicas, or give the account this tier.",
    )


def _told_streams(usage: _Usage, exceeded: _Exceeded) -> tuple[str, str]:
    used, after = usage.counts_before[exceeded.of], usage.counts[exceeded.of]
    return (
        f"max_streams of {_owner(exceeded.of)} is {usage.account.most(exceeded.of, 'max_streams')}: "
        f"it has {used}, and {max(after - used, 0)} more would be added",
        "Delete streams, or raise max_streams of the account.",
    )


def _told_bytes(usage: _Usage, exceeded: _Exceeded) -> tuple[str, str]:
    place = (exceeded.of, exceeded.detail)
    used, added = (
        usage.reserved_before[place],
        usage.reserved[place] + usage.demanded[place] - usage.reserved_before[place],
    )
    return (
        f"{exceeded.key} of {_owner(exceeded.of)} is {_bytes(usage.account.most_bytes(*place) or 0)}: its streams reserve {_bytes(used)} "
        f"by max_bytes and num_replicas, and {_bytes(max(added, 0))} more would be added",
        f"Lower max_bytes, delete streams, or raise {exceeded.key} of the account.",
    )


def _told_required(_usage: _Usage, exceeded: _Exceeded) -> tuple[str, str]:
    return f"stream {exceeded.of}: the account requires max_bytes on every stream", "Write max_bytes for it."


def _told_stream(_usage: _Usage, exceeded: _Exceeded) -> tuple[str, str]:
    return f"stream {exceeded.of}: {exceeded.detail}", "Lower it, or raise that of the account."


def _told_consumers(usage: _Usage, exceeded: _Exceeded) -> tuple[str, str]:
    used, tier = usage.existing.consumers.get(exceeded.of, 0), exceeded.detail
    return (
        f"max_consumers of {_owner(tier)} is {usage.account.most(tier, 'max_consumers')} for each stream: "
        f"stream {exceeded.of} has {used}, and {max(usage.consumers[exceeded.of] - used, 0)} more would be added",
        "Delete consumers, or raise max_consumers of the account.",
    )


TOLD = {
    "tier": _told_tier,
    "max_streams": _told_streams,
    "max_storage": _told_bytes,
    "max_memory": _told_bytes,
    "max_bytes_required": _told_required,
    "storage_max_stream_bytes": _told_stream,
    "memory_max_stream_bytes": _told_stream,
    "stream_max_consumers": _told_stream,
    "max_consumers": _told_consumers,
}
