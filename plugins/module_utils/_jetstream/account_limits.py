# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The limits of an account, and whether a declaration could exceed one. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

# From this API level on the server multiplies every reservation by the replicas. Servers of level 4 and less differ in that among
# one another, so that one replica of each stream is counted there, which none of them counts less.
REPLICAS_LEVEL = 5
MOST_REPLICAS = 5
# The tier of an account that has the same limits for all numbers of replicas.
FLAT = ""
# By storage: the option for the sum of all streams, the option for one stream, and the server's err_code.
BYTES = {
    "file": ("max_storage", "storage_max_stream_bytes", 10047),
    "memory": ("max_memory", "memory_max_stream_bytes", 10028),
}


@dataclass(frozen=True)
class Account:
    """The limits of an account by tier, and its figures, as JetStream's INFO tells them."""

    tiers: Mapping[str, Mapping[str, Any]]
    counts_replicas: bool
    streams: int
    consumers: int
    reserved: Mapping[str, int]

    def tier(self, replicas: int) -> str:
        return FLAT if FLAT in self.tiers else f"R{replicas}"

    def most(self, tier: str, option: str, unlimited_below: int = 1) -> int | None:
        """A limit; None where there is none."""
        number = int(self.tiers.get(tier, {}).get(option, -1))
        return number if number >= unlimited_below else None

    def most_bytes(self, tier: str, storage: str) -> int | None:
        """The limit of all streams together, where 0 means that there is no room at all."""
        return self.most(tier, BYTES[storage][0], unlimited_below=0)

    def reservation(self, config: Mapping[str, Any], as_new: bool = False) -> int:
        """The bytes that a stream counts. A new one without max_bytes needs room for one."""
        size = max(config.get("max_bytes") or -1, 1 if as_new else 0)
        return size * (replicas_of(config) if self.counts_replicas and FLAT in self.tiers else 1)


def account_from(info: Mapping[str, Any]) -> Account | None:
    """The account that JetStream's INFO tells of; None where nothing is limited."""
    tiers = {name: tier.get("limits") or {} for name, tier in (info.get("tiers") or {}).items()}
    account = Account(
        tiers or {FLAT: info.get("limits") or {}},
        int((info.get("api") or {}).get("level") or 0) >= REPLICAS_LEVEL,
        int(info.get("streams") or 0),
        int(info.get("consumers") or 0),
        {"file": int(info.get("reserved_storage") or 0), "memory": int(info.get("reserved_memory") or 0)},
    )
    return account if tiers or _is_limited(account) else None


def _is_limited(account: Account) -> bool:
    options = ("max_streams", "max_consumers", *(of_stream for _all, of_stream, _code in BYTES.values()))
    return (
        bool(account.tiers[FLAT].get("max_bytes_required"))
        or any(account.most(FLAT, option) is not None for option in options)
        or any(account.most_bytes(FLAT, storage) is not None for storage in BYTES)
    )


def replicas_of(config: Mapping[str, Any]) -> int:
    return int(config.get("num_replicas") or 1)


def storage_of(config: Mapping[str, Any]) -> str:
    return str(config.get("storage") or "file")


def in_doubt(account: Account, declared: Iterable[DeclaredResource]) -> bool:
    """Whether the declaration could exceed a limit, whatever the streams are with which it was not compared yet."""
    present = [item for item in declared if item.state != "absent"]
    streams = [item.desired for item in present if not item.place.consumer]
    if not present or FLAT not in account.tiers:
        # Each tier has limits of its own, and an account may lack some tiers.
        return bool(present)
    return (
        _above(account.streams + len(streams), account.most(FLAT, "max_streams"))
        or _above(account.consumers + len(present) - len(streams), account.most(FLAT, "max_consumers"))
        or any(_may_be_too_large(account, config) for config in streams)
        or any(_may_lack_room(account, streams, storage) for storage in BYTES)
    )


def _above(number: int, most: int | None) -> bool:
    return most is not None and number > most


def _may_be_too_large(account: Account, config: Config) -> bool:
    """Whether one stream may exceed a limit by itself, or may lack a max_bytes."""
    size, limits = config.get("max_bytes"), account.tiers[FLAT]
    if limits.get("max_bytes_required") and not (size and size > 0):
        return True
    if _above(config.get("max_consumers", -1), account.most(FLAT, "max_consumers")):
        return True
    largest = (account.most(FLAT, of_stream) for _all, of_stream, _code in BYTES.values())
    return any(most is not None and (size is None or size > most) for most in largest)


def _may_lack_room(account: Account, streams: Iterable[Config], storage: str) -> bool:
    """Every stream counted as a new one, and each stream that exists as if it had the most replicas."""
    added = sum(account.reservation({"num_replicas": MOST_REPLICAS, **config}, as_new=True) for config in streams)
    return _above(account.reserved[storage] * MOST_REPLICAS + added, account.most_bytes(FLAT, storage))
