# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a running server takes over from a changed nats.conf. PRIVATE to the collection: it can change at any time.

One key that it does not take over has it refuse the whole file, and some it takes over and does not carry out. So what is
not known to work needs a restart; tests/integration/test_reload.py asks real servers about each line of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import Version, parsed

Path = tuple[str, ...]
EVER: Version = (2, 11)


@dataclass(frozen=True)
class Change:
    """One key that differs; None where one side lacks it."""

    path: Path
    before: Any
    after: Any

    def __str__(self) -> str:
        return ".".join(self.path)


def always(_change: Change) -> bool:
    return True


def grows(change: Change) -> bool:
    """Grown so and taken back in the file, every later reload is refused until a restart."""
    both = all(_is_number(value) and value > 0 for value in (change.before, change.after))
    return both and bool(change.after > change.before)


def comes_or_held_no_streams(change: Change) -> bool:
    """The whole account: the streams of one that goes stay, and can't be reached when it comes back."""
    whole = len(change.path) == 2
    return whole and (
        change.before is None or not (_is_block(change.before) and _enabled(change.before.get("jetstream")))
    )


def servers_come_or_go(change: Change) -> bool:
    """Where each has another address, all routes are closed on all servers at once, and for seconds nothing can be created."""
    before, after = (
        {str(route).rpartition("//")[2].rpartition("@")[2] for route in found or []}
        for found in (change.before, change.after)
    )
    return before <= after or after <= before


def stays_enabled(change: Change) -> bool:
    """A limit, or the whole block as long as JetStream is enabled before and after."""
    return len(change.path) > 3 or (_enabled(change.before) and _enabled(change.after))


@dataclass(frozen=True)
class Hot:
    """A change of the key, or of what is below it, that a reload carries out on servers of this version and later."""

    since: Version = EVER
    only: Callable[[Change], bool] = always
    says: str = ""


TLS_BLOCKS = ("tls", "cluster.tls", "gateway.tls", "leafnodes.tls", "mqtt.tls", "websocket.tls")
TLS_FILE_KEYS = ("cert_file", "key_file", "ca_file")

# `*` stands for any name. The longest key that fits decides; what fits none needs a restart.
HOT: Mapping[str, Hot] = {
    "accounts.*": Hot(
        only=comes_or_held_no_streams, says="a new one; taking one away that has JetStream needs a restart"
    ),
    "accounts.*.default_permissions": Hot(),
    "accounts.*.exports": Hot(),
    "accounts.*.imports": Hot(),
    "accounts.*.jetstream": Hot(
        only=stays_enabled, says="more and less of each limit; turning it on or off needs a restart"
    ),
    "accounts.*.limits": Hot(says="connections that are too many or too large are closed"),
    "accounts.*.mappings": Hot(),
    "accounts.*.users": Hot(says="whoever has another password or account now is disconnected"),
    "client_advertise": Hot(),
    "cluster.authorization": Hot(
        says="on all servers at once: one that has it alone has no routes until the others have it"
    ),
    "cluster.routes": Hot(
        only=servers_come_or_go,
        says="more and fewer of them, and another password in each; other addresses need a restart",
    ),
    "connect_error_reports": Hot(),
    "debug": Hot(),
    "jetstream.limits": Hot((2, 15, 1)),
    "jetstream.max_file_store": Hot((2, 12, 7), grows, "more of it; less, or none, needs a restart"),
    "jetstream.max_memory_store": Hot((2, 12, 7), grows, "more of it; less, or none, needs a restart"),
    "jetstream.meta_compact": Hot(),
    "jetstream.meta_compact_size": Hot(),
    "jetstream.meta_compact_sync": Hot((2, 12, 5)),
    "logtime": Hot(),
    "logtime_utc": Hot(),
    "mappings": Hot(),
    "max_connections": Hot(says="those that are too many are closed, whichever they are"),
    "max_control_line": Hot(),
    "max_payload": Hot(),
    "max_traced_msg_len": Hot(),
    "no_fast_producer_stall": Hot(),
    "ping_interval": Hot(),
    "ping_max": Hot(),
    "reconnect_error_reports": Hot(),
    "server_metadata": Hot((2, 12)),
    "server_tags": Hot(),
    **{
        f"{where}.{file}": Hot(says="for new handshakes; a renewed file too")
        for where in TLS_BLOCKS
        for file in TLS_FILE_KEYS
    },
    "trace": Hot(),
    "trace_verbose": Hot(),
    "write_deadline": Hot(),
}
# Below what is hot, or taken over without an error: a reload of these does not do what it seems to.
NOT_CARRIED_OUT: Mapping[str, str] = {
    "accounts.*.jetstream.cluster_traffic": "the streams' traffic stays in the old account",
    "cluster.accounts": "closes routes on all servers at once",
    "cluster.compression": "closes every route on all servers at once",
    "cluster.name": "the meta group keeps the old name; never change it",
    "cluster.pool_size": "closes every route on all servers at once; VARZ shows the old size",
    "cluster.tls": "routes that are there stay as they are",
    "jetstream": "joins the meta group, and in a super-cluster no stream can be placed there",
    "jetstream.cipher": "what is stored stays as it is",
    "proxies": "the server crashes",
    "tls": "connections in clear text stay",
    "tls.verify": "connections without a certificate stay",
}
# A roll alone cuts the first pod off from the others: first a reload on all servers, then the roll.
RELOAD_FIRST = ("cluster.tls",)
# The server's other names for a key.
ALIASES: Mapping[str, str] = {
    "leaf": "leafnodes",
    "log_size_limit": "logfile_size_limit",
    "maps": "mappings",
    "max_conn": "max_connections",
    "max_subs": "max_subscriptions",
    "pidfile": "pid_file",
    "system": "system_account",
    "ws": "websocket",
    "jetstream.max_file": "jetstream.max_file_store",
    "jetstream.max_mem": "jetstream.max_memory_store",
    "jetstream.max_mem_store": "jetstream.max_memory_store",
    "jetstream.store": "jetstream.store_dir",
    "jetstream.storedir": "jetstream.store_dir",
    "jetstream.sync": "jetstream.sync_interval",
    "accounts.*.maps": "accounts.*.mappings",
    "accounts.*.trace_dest": "accounts.*.msg_trace",
    "cluster.cluster_advertise": "cluster.advertise",
}
# The server's limits, and all names that an account's part of them has.
ACCOUNT_LIMITS: Mapping[str, tuple[str, ...]] = {
    "max_file_store": ("max_store", "max_file", "max_disk", "store", "disk"),
    "max_memory_store": ("max_memory", "max_mem", "mem", "memory"),
}
# Blocks whose keys are names that somebody chose, so that a capital letter makes a difference.
NAMES = ("accounts", "mappings", "accounts.*.mappings", "server_metadata")


def needs_restart(before: str, after: str, version: str) -> list[str]:
    """The keys whose change the server takes over only when it starts; none where a reload does.

    `before` is what the servers run with, which is not always what the file says: a reload may have been refused.
    """
    try:
        old, new = (canonical(read_nats_conf(text)) for text in (before, after))
    except ValueError as error:
        return [] if before == after else [str(error)]
    overcommitted = _overcommitted(new)
    return [
        str(change)
        for change in configuration_changes(old, new)
        if not _hot(change, parsed(version)) or (overcommitted and change.path[0] in ("accounts", "jetstream"))
    ]


def reload_first(keys: list[str]) -> list[str]:
    """Those of the keys that need a restart which a roll, pod by pod, can't bring in by itself."""
    return [key for key in keys if any(_fits(tuple(key.split(".")), found) for found in RELOAD_FIRST)]


def configuration_changes(before: Mapping[str, Any], after: Mapping[str, Any], path: Path = ()) -> Iterator[Change]:
    """Each key that differs; a whole block where one side lacks it."""
    for key in [*before, *(key for key in after if key not in before)]:
        here, was, becomes = (*path, key), before.get(key), after.get(key)
        if _is_block(was) and _is_block(becomes):
            yield from configuration_changes(was, becomes, here)
        elif was != becomes or type(was) is not type(becomes):
            yield Change(here, was, becomes)


def _enabled(jetstream: Any) -> bool:
    return _is_block(jetstream) or jetstream is True or str(jetstream).lower() in ("enabled", "enable")


def _overcommitted(new: Mapping[str, Any]) -> bool:
    """One server alone gives its accounts no more than it has: it logs an error, leaves their limits, and would not start."""
    server = new.get("jetstream")
    if "cluster" in new or not _is_block(server):
        return False
    blocks = [account.get("jetstream") for account in (new.get("accounts") or {}).values() if _is_block(account)]
    return any(
        _is_number(server.get(store))
        and sum(_number(block, names) for block in blocks if _is_block(block)) > server[store]
        for store, names in ACCOUNT_LIMITS.items()
    )


def _is_number(value: Any) -> TypeGuard[int]:
    """To Python, true and false are numbers too."""
    return isinstance(value, int) and not isinstance(value, bool)


def _number(block: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return max(0, *(value for name in names if _is_number(value := block.get(name))), 0)


def _hot(change: Change, version: Version) -> bool:
    fitting = [key for key in (*HOT, *NOT_CARRIED_OUT) if _fits(change.path, key)]
    closest = max(fitting, key=lambda key: key.count("."), default="")
    return closest in HOT and version >= HOT[closest].since and HOT[closest].only(change)


def _fits(path: Path, key: str) -> bool:
    """Whether a key of the tables is this one, or above it."""
    parts = key.split(".")
    return len(parts) <= len(path) and all(part in ("*", own) for part, own in zip(parts, path, strict=False))


def canonical(data: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """The same configuration with the server's first name for each key, in small letters where they make no difference."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = key if where in NAMES else _first_name(key.lower(), where)
        if name in found:
            raise ValueError(f"nats.conf: {name} is there under two names")
        inner = "*" if where in NAMES else name
        found[name] = canonical(value, f"{where}.{inner}" if where else inner) if _is_block(value) else value
    return found


def _first_name(key: str, where: str) -> str:
    full = f"{where}.{key}" if where else key
    return ALIASES.get(full, full).rpartition(".")[2]


def _is_block(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and set(value) != {"$env"}
