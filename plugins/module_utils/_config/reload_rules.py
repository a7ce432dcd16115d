# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which changes of nats.conf a running server can reload. PRIVATE to the collection: it can change at any time.

The server refuses the whole file because of one key that it can't reload, and accepts changes of some keys without carrying them
out. So a change that is not known to work needs a restart. tests/integration/test_reload.py asks real servers about each line of
the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import Version, parsed

Path = tuple[str, ...]
# The oldest supported version.
EVER: Version = (2, 11)


@dataclass(frozen=True)
class Change:
    """One key that differs. A side that lacks the key is None."""

    path: Path
    before: Any
    after: Any

    def __str__(self) -> str:
        return ".".join(self.path)


def always(_change: Change) -> bool:
    """A reload carries out any change of the key."""
    return True


def grows(change: Change) -> bool:
    """A limit can only be raised, also from 0, which is no store. If it is lowered again later, the server refuses every reload until a restart."""
    both = all(_is_number(value) and value >= 0 for value in (change.before, change.after))
    return both and bool(change.after > change.before)


def is_added_or_had_no_streams(change: Change) -> bool:
    """An account can be added. It can be removed only without JetStream: its streams would stay, unreachable even if it returned."""
    is_whole_account = len(change.path) == 2
    return is_whole_account and (
        change.before is None or not (_is_block(change.before) and _enabled(change.before.get("jetstream")))
    )


def routes_are_added_or_removed(change: Change) -> bool:
    """Routes can be added or removed. With other addresses, all servers close all routes, and for seconds nothing can be created."""
    before, after = (
        {str(route).rpartition("//")[2].rpartition("@")[2] for route in routes or []}
        for routes in (change.before, change.after)
    )
    return before <= after or after <= before


def stays_enabled(change: Change) -> bool:
    """A limit can change, or the whole block, as long as JetStream is enabled before and after."""
    return len(change.path) > 3 or (_enabled(change.before) and _enabled(change.after))


@dataclass(frozen=True)
class Hot:
    """A key whose changes, and those below it, a reload carries out on servers of this version and later, if `only` is true."""

    since: Version = EVER
    only: Callable[[Change], bool] = always
    note: str = ""


TLS_BLOCKS = ("tls", "cluster.tls", "gateway.tls", "leafnodes.tls", "mqtt.tls", "websocket.tls")
TLS_FILE_KEYS = ("cert_file", "key_file", "ca_file")

# `*` stands for any name. The longest matching key decides; a change that matches none needs a restart.
HOT: Mapping[str, Hot] = {
    "accounts.*": Hot(
        only=is_added_or_had_no_streams, note="adding one; removing one that has JetStream needs a restart"
    ),
    "accounts.*.default_permissions": Hot(),
    "accounts.*.exports": Hot(),
    "accounts.*.imports": Hot(),
    "accounts.*.jetstream": Hot(
        only=stays_enabled, note="raising and lowering its limits; turning JetStream on or off needs a restart"
    ),
    "accounts.*.limits": Hot(note="connections above a limit are closed"),
    "accounts.*.mappings": Hot(),
    "accounts.*.users": Hot(note="users whose password or account changes are disconnected"),
    "client_advertise": Hot(),
    "cluster.authorization": Hot(
        note="reload all servers at once: a server that alone has a new login has no routes until the others have it"
    ),
    "cluster.routes": Hot(
        only=routes_are_added_or_removed,
        note="adding and removing routes, and changing the password in all of them; other addresses need a restart",
    ),
    "connect_error_reports": Hot(),
    "debug": Hot(),
    "jetstream.limits": Hot((2, 15, 1)),
    "jetstream.max_file_store": Hot((2, 12, 7), grows, "raising it; lowering or removing it needs a restart"),
    "jetstream.max_memory_store": Hot((2, 12, 7), grows, "raising it; lowering or removing it needs a restart"),
    "jetstream.meta_compact": Hot(),
    "jetstream.meta_compact_size": Hot(),
    "jetstream.meta_compact_sync": Hot((2, 12, 5)),
    "logtime": Hot(),
    "logtime_utc": Hot(),
    "mappings": Hot(),
    "max_connections": Hot(note="connections above the limit are closed, in no particular order"),
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
        f"{where}.{file}": Hot(note="for new handshakes; also a file that was renewed in place")
        for where in TLS_BLOCKS
        for file in TLS_FILE_KEYS
    },
    "trace": Hot(),
    "trace_verbose": Hot(),
    "write_deadline": Hot(),
}
# Keys below reloadable ones, and keys whose reload succeeds without doing what it seems to: their changes need a restart.
NOT_CARRIED_OUT: Mapping[str, str] = {
    "accounts.*.jetstream.cluster_traffic": "the streams' traffic stays in the old account",
    "cluster.accounts": "closes routes on all servers at once",
    "cluster.compression": "closes every route on all servers at once",
    "cluster.name": "the meta group keeps the old name; never change it",
    "cluster.pool_size": "closes every route on all servers at once; VARZ shows the old size",
    "cluster.tls": "existing routes stay as they are",
    "jetstream": "the server joins the meta group, but in a super-cluster no stream can be placed on it",
    "jetstream.cipher": "stored data stays as it is",
    "proxies": "the server crashes",
    "tls": "connections without TLS stay open",
    "tls.verify": "connections without a certificate stay open",
}
# Keys whose change must be reloaded on all servers before the pods restart: the first restarted pod would have no routes.
RELOAD_FIRST = ("cluster.tls",)
# Other names of a key in the server, and its main name.
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
# The server's limits, and all names of the limits of an account that count against them.
ACCOUNT_LIMITS: Mapping[str, tuple[str, ...]] = {
    "max_file_store": ("max_store", "max_file", "max_disk", "store", "disk"),
    "max_memory_store": ("max_memory", "max_mem", "mem", "memory"),
}
# Blocks whose keys are names that a person chose, so upper and lower case make a difference.
NAMES = ("accounts", "mappings", "accounts.*.mappings", "server_metadata")


def needs_restart(before: str, after: str, version: str) -> list[str]:
    """The keys whose change needs a restart; empty where a reload carries out all changes.

    `before` is the configuration that the servers run with. The file may differ from it, if its reload was refused.
    """
    try:
        old, new = (canonical(read_nats_conf(text)) for text in (before, after))
    except ValueError as error:
        return [] if before == after else [str(error)]
    overcommitted = _overcommitted(new)
    return [
        str(change)
        for change in configuration_changes(old, new)
        if not _is_reloadable(change, parsed(version))
        or (overcommitted and change.path[0] in ("accounts", "jetstream"))
    ]


def reload_first(keys: list[str]) -> list[str]:
    """Those of the keys that all servers must reload before the pods restart one by one."""
    return [key for key in keys if any(_matches(tuple(key.split(".")), pattern) for pattern in RELOAD_FIRST)]


def configuration_changes(before: Mapping[str, Any], after: Mapping[str, Any], path: Path = ()) -> Iterator[Change]:
    """The keys that differ. A block that one side lacks is one change."""
    for key in [*before, *(key for key in after if key not in before)]:
        here, was, becomes = (*path, key), before.get(key), after.get(key)
        if _is_block(was) and _is_block(becomes):
            yield from configuration_changes(was, becomes, here)
        elif was != becomes or type(was) is not type(becomes):
            yield Change(here, was, becomes)


def _enabled(jetstream: Any) -> bool:
    return _is_block(jetstream) or jetstream is True or str(jetstream).lower() in ("enabled", "enable")


def _overcommitted(new: Mapping[str, Any]) -> bool:
    """Whether the accounts' limits exceed those of a single server: it would log an error, ignore them, and not start again."""
    server = new.get("jetstream")
    if "cluster" in new or not _is_block(server):
        return False
    blocks = [account.get("jetstream") for account in (new.get("accounts") or {}).values() if _is_block(account)]
    return any(
        _is_number(server.get(store))
        and sum(_limit(block, names) for block in blocks if _is_block(block)) > server[store]
        for store, names in ACCOUNT_LIMITS.items()
    )


def _is_number(value: Any) -> TypeGuard[int]:
    """Whether it is an integer, but not a boolean, which is an integer in Python."""
    return isinstance(value, int) and not isinstance(value, bool)


def _limit(block: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return max(0, *(value for name in names if _is_number(value := block.get(name))), 0)


def _is_reloadable(change: Change, version: Version) -> bool:
    matching = [key for key in (*HOT, *NOT_CARRIED_OUT) if _matches(change.path, key)]
    closest = max(matching, key=lambda key: key.count("."), default="")
    return closest in HOT and version >= HOT[closest].since and HOT[closest].only(change)


def _matches(path: Path, key: str) -> bool:
    """Whether a key of the tables is this key or one above it."""
    parts = key.split(".")
    return len(parts) <= len(path) and all(part in ("*", own) for part, own in zip(parts, path, strict=False))


def canonical(data: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """The configuration with the server's main name for each key, in lower case where case makes no difference."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = key if where in NAMES else main_name(key.lower(), where)
        if name in found:
            raise ValueError(f"nats.conf: {name} is set under two names")
        inner = "*" if where in NAMES else name
        found[name] = canonical(value, f"{where}.{inner}" if where else inner) if _is_block(value) else value
    return found


def main_name(key: str, where: str) -> str:
    """The server's main name for a key of the block at this path."""
    full = f"{where}.{key}" if where else key
    return ALIASES.get(full, full).rpartition(".")[2]


def _is_block(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and set(value) != {"$env"}
