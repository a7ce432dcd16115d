# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a running cluster must not become. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health import Snapshot, answered
from ansible_collections.messaging.nats.plugins.module_utils._health_assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._objects import Change
from ansible_collections.messaging.nats.plugins.module_utils._preconditions import Running
from ansible_collections.messaging.nats.plugins.module_utils._reload import needs_restart, reload_first
from ansible_collections.messaging.nats.plugins.module_utils._upgrade import version_problems

SERVER_NAME = ".env[SERVER_NAME].value"
LEVEL = "_nats.req.level"
SHOWN = 10


@dataclass(frozen=True)
class Wanted:
    """What is declared and stands in no object."""

    replicas: int
    version: str
    # What happens to streams with one replica when servers restart: confirm (ask first), accept, move.
    single_replica: str = "confirm"


def broken_promises(
    running: Running, wanted: Wanted, declared: str | None, template: list[Change], rolling: bool
) -> list[str]:
    """Each a sentence that begins with the variable and ends in what to do."""
    conf, was = _read(declared), _read(running.configuration)
    return [
        *_names(conf, was, template),
        *_routes(running, declared, wanted),
        *_size(running, wanted),
        *_accounts(conf, running.snapshot),
        *_limits(conf, running.snapshot),
        *_version(running.snapshot, wanted),
        *(_single_replicas(running.snapshot, wanted) if rolling else ()),
    ]


def _read(configuration: str | None) -> Mapping[str, Any]:
    """What somebody else wrote may say anything."""
    try:
        return read_nats_conf(configuration) if configuration else {}
    except ValueError:
        return {}


def _routes(running: Running, declared: str | None, wanted: Wanted) -> Iterator[str]:
    if declared and running.configuration and running.replicas > 1:
        for key in reload_first(needs_restart(running.configuration, declared, wanted.version)):
            yield (
                f"nats_cluster_config: {key} can't be turned on or off one server after another, the first one would be cut off: "
                "put it back, or deploy a second cluster with it and move the streams"
            )


def _names(conf: Mapping[str, Any], was: Mapping[str, Any], template: list[Change]) -> Iterator[str]:
    before, after = ((found.get("cluster") or {}).get("name") for found in (was, conf))
    if before and after and before != after:
        yield f"nats_cluster_cluster_name: {before} can't become {after}: servers of another name are another cluster. Put it back"
    for path, old, new in template:
        if path.endswith(SERVER_NAME):
            yield f"nats_cluster_server_prefix: the servers' names can't change from {old} to {new}: their data is known by them. Put it back"


def _size(running: Running, wanted: Wanted) -> Iterator[str]:
    if running.replicas != wanted.replicas and 1 in (running.replicas, wanted.replicas):
        yield (
            f"nats_cluster_replicas: {running.replicas} can't become {wanted.replicas} in place: a single server and a cluster keep "
            "their data in different ways. Deploy a second cluster, and move the streams by backup and restore, or as mirrors"
        )
    wide = [
        f"{name} of account {account} ({stream['config']['num_replicas']})"
        for (account, name), stream in sorted(streams(answered(running.snapshot)).items())
        if (stream.get("config") or {}).get("num_replicas", 1) > wanted.replicas
    ]
    if wide and wanted.replicas < running.replicas:
        yield f"nats_cluster_replicas: {wanted.replicas} servers are fewer than the replicas of {_some(wide)}: lower num_replicas of these streams first"


def _accounts(conf: Mapping[str, Any], snapshot: Snapshot) -> Iterator[str]:
    declared = conf.get("accounts")
    held: dict[str, list[str]] = {}
    for account, name in sorted(streams(answered(snapshot))):
        held.setdefault(account, []).append(name)
    for account, names in held.items():
        if declared is not None and account not in declared:
            yield f"nats_cluster_accounts: {account} is not declared any more and holds {_some(names)}: keep it, or delete its streams first"


def _limits(conf: Mapping[str, Any], snapshot: Snapshot) -> Iterator[str]:
    jetstream = conf.get("jetstream") or {}
    for server, answer in sorted(answered(snapshot).items()):
        for variable, figure in (("max_file_store", "storage"), ("max_memory_store", "memory")):
            limit, used = jetstream.get(variable), answer["data"].get(figure, 0)
            if isinstance(limit, int) and used > limit:
                yield f"nats_cluster_{variable}: server {server} holds {used >> 20} MiB, more than {limit >> 20} MiB: its streams would stop. Write more"


def _version(snapshot: Snapshot, wanted: Wanted) -> list[str]:
    there = answered(snapshot)
    needs: dict[str, int] = {}
    for (account, name), stream in streams(there).items():
        _need(needs, f"stream {name} of account {account}", stream)
    for (account, of, name), consumer in consumers(there).items():
        _need(needs, f"consumer {name} of stream {of} of account {account}", consumer)
    return version_problems({answer["server"]["ver"] for answer in there.values()}, wanted.version, needs)


def _need(needs: dict[str, int], what: str, asset: Mapping[str, Any]) -> None:
    level = ((asset.get("config") or {}).get("metadata") or {}).get(LEVEL, "0")
    if str(level).isdigit():
        needs[what] = int(level)


def _single_replicas(snapshot: Snapshot, wanted: Wanted) -> Iterator[str]:
    """What a restart takes away: for good where it is in memory, for a moment where it is on disk."""
    there = answered(snapshot)
    if wanted.single_replica == "accept" or (wanted.single_replica == "move" and len(there) > 1):
        return
    single = {
        f"{name} of account {account}": (stream.get("config") or {}).get("storage")
        for (account, name), stream in sorted(streams(there).items())
        if (stream.get("config") or {}).get("num_replicas", 1) == 1
    }
    remedies = "give them three replicas, or write nats_cluster_single_replica: move or accept"
    confirm = remedies if len(there) > 1 else "write nats_cluster_single_replica: accept if they may go"
    if lost := [name for name, storage in single.items() if storage == "memory"]:
        yield f"nats_cluster_single_replica: a restart empties {_some(lost)}, in the memory of one server: {confirm}"
    versions = {answer["server"]["ver"] for answer in there.values()}
    away = [name for name, storage in single.items() if storage != "memory"]
    if away and len(there) > 1 and versions != {wanted.version}:
        yield f"nats_cluster_single_replica: {_some(away)} have one replica, and are away while its server is upgraded: {confirm}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
