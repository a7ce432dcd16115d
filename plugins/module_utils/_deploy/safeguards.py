# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Refuses changes by which a running cluster would lose something. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import cipher
from ansible_collections.messaging.nats.plugins.module_utils._config.encryption import REMEDY, encryption_problems
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import canonical_config
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import needs_restart, reload_first
from ansible_collections.messaging.nats.plugins.module_utils._config.route_tls import pods_without_files
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import level, version_problems
from ansible_collections.messaging.nats.plugins.module_utils._deploy.declared_objects import config_values
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import DeclaredCluster, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.knowledge import Knowledge, knowledge
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import FieldChange

SERVER_NAME_VARIABLE = "SERVER_NAME"
SERVER_NAME_PATH = f".env[{SERVER_NAME_VARIABLE}].value"
LEVEL_METADATA = "_nats.req.level"
MAX_NAMES = 10


def what_is_refused(
    running: Running, wanted: DeclaredCluster, declared: str | None, template: list[FieldChange], rolling: bool
) -> list[str]:
    """The reasons that the declaration and the answers of the servers give."""
    conf, was, known = config_values(declared), config_values(running.configuration), knowledge(running)
    return [
        *_names(conf, was, template),
        *_routes(running, declared, wanted),
        *encryption_problems(conf, was, template),
        *_recorded_encryption(conf, was, running),
        *_size(running, wanted, known),
        *_accounts(conf, was, known),
        *_limits(conf, known),
        *_no_memory_store(conf, known),
        *_version(known, wanted),
        *(_single_replicas(running, wanted, known) if rolling else ()),
    ]


def what_is_not_known(running: Running, wanted: DeclaredCluster, declared: str | None, rolling: bool) -> list[str]:
    """What this change might lose, where only a server that did not answer could tell.

    A change that takes nothing away needs no answer, so that a cluster that is down can be repaired.
    """
    conf, was, known = config_values(declared), config_values(running.configuration), knowledge(running)
    if not known.unseen:
        return []
    remedy = "Bring them back, or leave this change out until they answer"
    return [
        f"{change}, and these servers could not be asked: {known.unseen_and_why()}. {remedy}"
        for change in (
            *_unknown_accounts(conf, was, running),
            *_unknown_limits(conf, was),
            *_unknown_replicas(running, wanted),
            *_unknown_version(known, wanted),
        )
    ] + [
        f"nats_cluster_single_replica: a restart empties streams with one replica in memory, and these servers could not be asked for any: "
        f"{', '.join(sorted(known.may_serve))} ({reason}). "
        "Bring them to answer, deploy first what needs no restart, or write nats_cluster_single_replica: accept"
        for reason in sorted({known.unseen[server] for server in known.may_serve})[:1]
        if rolling and wanted.single_replica != "accept"
    ]


def _unknown_accounts(conf: Mapping[str, Any], was: Mapping[str, Any], running: Running) -> Iterator[str]:
    if "accounts" not in conf:
        return
    declared = {*map(str, conf["accounts"])}
    if "accounts" in was:
        without = set(_jetstream_accounts(was)) - set(_jetstream_accounts(conf))
        lost = ({*map(str, was["accounts"])} - declared) | without
    else:
        lost = set(running.record.accounts) - declared if running.record else _without_login(running, declared)
    if lost:
        yield f"nats_cluster_accounts: {', '.join(sorted(lost))} would lose what it holds"


def _without_login(running: Running, declared: set[str]) -> set[str]:
    """Accounts that there is a login for, and that are not declared. The name of a login is that of its account in lower case."""
    return set(running.accounts_with_logins) - {account.lower() for account in declared}


def _jetstream_accounts(conf: Mapping[str, Any]) -> Iterator[str]:
    for name, account in (conf.get("accounts") or {}).items():
        found = account.get("jetstream") if isinstance(account, Mapping) else None
        if isinstance(found, Mapping) or found is True or str(found).lower() in ("enabled", "enable"):
            yield str(name)


def _unknown_limits(conf: Mapping[str, Any], was: Mapping[str, Any]) -> Iterator[str]:
    before, after = was.get("jetstream") or {}, conf.get("jetstream") or {}
    for variable in ("max_file_store", "max_memory_store"):
        old, new = before.get(variable), after.get(variable)
        if isinstance(old, int) and isinstance(new, int) and new < old:
            yield f"nats_cluster_{variable}: {old >> 20} MiB becomes {new >> 20} MiB, less than a server may hold"


def _unknown_replicas(running: Running, wanted: DeclaredCluster) -> Iterator[str]:
    if wanted.replicas < running.replicas:
        yield f"nats_cluster_replicas: {running.replicas} servers become {wanted.replicas}, fewer than a stream may have replicas"


def _unknown_version(known: Knowledge, wanted: DeclaredCluster) -> Iterator[str]:
    # To go back to the version of the majority repairs a server that was given another one and does not come up.
    before = known.versions if known.has_quorum and not known.may_serve else known.versions | known.unseen_versions
    newer = sorted(found for found in before if level(found) > level(wanted.version))
    if newer:
        yield f"nats_cluster_version: {wanted.version} can't read every setting that {newer[-1]} may have stored"


def _routes(running: Running, declared: str | None, wanted: DeclaredCluster) -> Iterator[str]:
    """Servers take over TLS of routes only together, so each has to have the files before the first one reloads."""
    if not declared or not running.configuration or running.replicas == 1:
        return
    keys = reload_first(needs_restart(running.configuration, declared, wanted.version))
    lacking = pods_without_files(canonical_config(declared), running.pods)
    if keys and lacking:
        yield (
            f"nats_cluster_config: {', '.join(keys)} names files that {', '.join(lacking)} can't have before a restart, and all servers have to "
            "load it at once: mount the new files beside the old ones by a deploy of their own first, and then name them"
        )


def _names(conf: Mapping[str, Any], was: Mapping[str, Any], template: list[FieldChange]) -> Iterator[str]:
    before, after = ((found.get("cluster") or {}).get("name") for found in (was, conf))
    if before and after and before != after:
        yield f"nats_cluster_cluster_name: {before} can't become {after}: servers of another name are another cluster. Put it back"
    for path, old, new in template:
        if path.endswith(SERVER_NAME_PATH):
            yield f"nats_cluster_server_prefix: the servers' names can't change from {old} to {new}: their data belongs to these names. Put it back"


def _recorded_encryption(conf: Mapping[str, Any], was: Mapping[str, Any], running: Running) -> Iterator[str]:
    """Compares with the note of the last deploy where the configuration that runs can't be read."""
    if conf and not was and running.record and cipher(conf) != running.record.cipher:
        yield f"nats_cluster_config: jetstream.cipher was {running.record.cipher or 'none'}, and is {cipher(conf) or 'none'}: {REMEDY}"


def _size(running: Running, wanted: DeclaredCluster, known: Knowledge) -> Iterator[str]:
    before = running.replicas or (running.record.replicas if running.record else 0)
    if before and before != wanted.replicas and 1 in (before, wanted.replicas):
        yield (
            f"nats_cluster_replicas: {before} can't become {wanted.replicas} in place: a single server and a cluster keep "
            "their data in different ways. Deploy a second cluster, and move the streams by backup and restore, or as mirrors"
        )
    wide = [
        f"{name} of account {account} ({stream['config']['num_replicas']})"
        for (account, name), stream in sorted(streams(known.answers).items())
        if (stream.get("config") or {}).get("num_replicas", 1) > wanted.replicas
    ]
    if wide and wanted.replicas < running.replicas:
        yield f"nats_cluster_replicas: {wanted.replicas} servers are fewer than the replicas of {_listed(wide)}: lower num_replicas of these streams first"


def _accounts(conf: Mapping[str, Any], was: Mapping[str, Any], known: Knowledge) -> Iterator[str]:
    if "accounts" not in conf:
        return
    held: dict[str, list[str]] = {}
    for account, name in sorted(streams(known.answers)):
        held.setdefault(account, []).append(name)
    without = set(_jetstream_accounts(was)) - set(_jetstream_accounts(conf))
    for account, names in held.items():
        if account not in conf["accounts"]:
            yield f"nats_cluster_accounts: {account} is not declared any more and holds {_listed(names)}: keep it, or delete its streams first"
        elif account in without:
            yield f"nats_cluster_accounts: {account} has no jetstream any more and holds {_listed(names)}: keep it, or delete its streams first"


def _limits(conf: Mapping[str, Any], known: Knowledge) -> Iterator[str]:
    jetstream = conf.get("jetstream") or {}
    for server, answer in sorted(known.answers.items()):
        for variable, figure in (("max_file_store", "storage"), ("max_memory_store", "memory")):
            limit, used = jetstream.get(variable), answer["data"].get(figure, 0)
            if isinstance(limit, int) and used > limit:
                yield f"nats_cluster_{variable}: server {server} holds {used >> 20} MiB, more than {limit >> 20} MiB: its streams would stop. Write more"


def _no_memory_store(conf: Mapping[str, Any], known: Knowledge) -> Iterator[str]:
    """Streams in memory, also empty ones, where no server may keep any. A cluster can't lose its file store in place."""
    in_memory = [
        f"{name} of account {account}"
        for (account, name), stream in sorted(streams(known.answers).items())
        if (stream.get("config") or {}).get("storage") == "memory"
    ]
    if (conf.get("jetstream") or {}).get("max_memory_store") == 0 and in_memory:
        yield f"nats_cluster_max_memory_store: 0 leaves {_listed(in_memory)} no store: delete them first, or write a size"


def _version(known: Knowledge, wanted: DeclaredCluster) -> list[str]:
    needs: dict[str, int] = {}
    for (account, name), stream in streams(known.answers).items():
        _need(needs, f"stream {name} of account {account}", stream)
    for (account, of, name), consumer in consumers(known.answers).items():
        _need(needs, f"consumer {name} of stream {of} of account {account}", consumer)
    return version_problems(known.versions | known.unseen_versions, wanted.version, needs)


def _need(needs: dict[str, int], what: str, asset: Mapping[str, Any]) -> None:
    level = ((asset.get("config") or {}).get("metadata") or {}).get(LEVEL_METADATA, "0")
    if str(level).isdigit():
        needs[what] = int(level)


def _single_replicas(running: Running, wanted: DeclaredCluster, known: Knowledge) -> Iterator[str]:
    """Streams with one replica: a restart empties those in memory, and those on disk are away meanwhile."""
    several = running.replicas > 1
    if wanted.single_replica == "accept" or (wanted.single_replica == "move" and len(known.answers) > 1):
        return
    single = {
        f"{name} of account {account}": (stream.get("config") or {}).get("storage")
        for (account, name), stream in sorted(streams(known.answers).items())
        if (stream.get("config") or {}).get("num_replicas", 1) == 1
    }
    remedies = "give them three replicas, or write nats_cluster_single_replica: move or accept"
    confirm = remedies if several else "write nats_cluster_single_replica: accept if they may go"
    if lost := [name for name, storage in single.items() if storage == "memory"]:
        yield f"nats_cluster_single_replica: a restart empties {_listed(lost)}, in the memory of one server: {confirm}"
    away = [name for name, storage in single.items() if storage != "memory"]
    if away and several and known.versions | known.unseen_versions != {wanted.version}:
        yield f"nats_cluster_single_replica: {_listed(away)} have one replica, and are away while its server is upgraded: {confirm}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
