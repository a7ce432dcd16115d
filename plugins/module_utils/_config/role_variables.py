# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks the variables of the role nats_cluster. PRIVATE to the collection: it can change at any time.

Each check takes the role's variables and yields sentences that begin with the variable's name and end in how to write it.
No sentence shows a password.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity, parse_size
from ansible_collections.messaging.nats.plugins.module_utils._config import reserved_keys
from ansible_collections.messaging.nats.plugins.module_utils._config.account_variables import (
    account_problems,
    login_problems,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import HAS_CRYPTOGRAPHY
from ansible_collections.messaging.nats.plugins.module_utils._config.conf_keys import repeated_keys, unwritable
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import ROUTES_USER
from ansible_collections.messaging.nats.plugins.module_utils._config.encryption import SETTINGS
from ansible_collections.messaging.nats.plugins.module_utils._config.known_vulnerabilities import IDS
from ansible_collections.messaging.nats.plugins.module_utils._config.listeners import port_conflicts
from ansible_collections.messaging.nats.plugins.module_utils._config.login_rotation import HAS_BCRYPT
from ansible_collections.messaging.nats.plugins.module_utils._config.object_variables import (
    external_service_problems,
    extra_object_problems,
    is_true,
    label_problems,
    override_problems,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.unknown_variables import unknown_variables
from ansible_collections.messaging.nats.plugins.module_utils._config.variable_types import Options, type_problems

RoleVariables = Mapping[str, Any]
Problems = Iterator[str]

REPLICAS = ("1", "3", "5", "7")
OLDEST_VERSION = (2, 11)
# A StatefulSet's controller adds 11 characters to its name in a label, which may have 63.
LONGEST_NAME = 52

# The Secret with the contexts of the client beside the cluster.
BOX_CONTEXTS = "{}-box-contexts"
# The Secrets with the authority and the certificates of routes.
ROUTE_SECRETS = ("{}-routes-ca", "{}-routes-tls")
ENCRYPTION_SECRET = "{}-encryption"

# Variables whose values are checked below, in words that say more than their types.
OWN_SENTENCE = ("nats_cluster_profile", "nats_cluster_replicas")

# Keys that the role and its profiles write into nats.conf, apart from reserved ones. Another spelling would repeat the key.
ROLE_WRITES: Mapping[str, Any] = {
    "cluster": {"connect_retries": {}},
    "jetstream": {"unique_tag": {}},
    **{key: {} for key in ("lame_duck_duration", "lame_duck_grace_period", "server_metadata", "server_tags")},
    **{key: {} for key in ("max_connections", "max_payload", "write_deadline")},
}

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SERVER_PREFIX = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)?")
_VERSION = re.compile(r"(\d+)\.(\d+)\.\d+(-[A-Za-z0-9.-]+)?")


def validate_role_variables(declared: RoleVariables, options: Options, others: Collection[str] = ()) -> list[str]:
    """All problems of the role's variables. What they mean is looked at once all of them are of the right type."""
    mistyped = type_problems(declared, {name: spec for name, spec in options.items() if name not in OWN_SENTENCE})
    problems = [*_library(), *target_problems(declared, options, others), *mistyped]
    if mistyped:
        return problems + list(_replicas(declared))
    for check in (
        _version,
        _vulnerabilities,
        _replicas,
        _sizes,
        _profile,
        _route_tls,
        _encryption,
        label_problems,
        external_service_problems,
        _config,
        _accounts,
        _rotate,
        override_problems,
        extra_object_problems,
    ):
        problems += check(declared)
    return problems


def target_problems(declared: RoleVariables, known: Collection[str], others: Collection[str] = ()) -> list[str]:
    """Mistyped variables and invalid names, because of which a verb could act on another cluster than intended.

    `others` are the names of variables without the role's prefix.
    """
    return [*unknown_variables(declared, known, others), *_names(declared)]


def _library() -> Problems:
    if not HAS_BCRYPT:
        yield "nats_cluster_accounts: passwords are hashed with the Python library bcrypt, which Ansible does not find here: pip install bcrypt"


def _names(declared: RoleVariables) -> Problems:
    variables = ("name", "namespace", "server_prefix", "cluster_name")
    name, namespace, prefix, cluster = (str(declared[f"nats_cluster_{variable}"]) for variable in variables)
    if not _DNS_LABEL.fullmatch(name) or not name[0].isalpha() or len(name) > LONGEST_NAME:
        hint = f"write at most {LONGEST_NAME} of a-z, 0-9 and -, beginning with a letter, as in nats"
        yield f"nats_cluster_name: {name!r} cannot name a Service and its pods: {hint}"
    if not _DNS_LABEL.fullmatch(namespace):
        yield f"nats_cluster_namespace: {namespace!r} cannot name a namespace: write at most 63 of a-z, 0-9 and -, as in nats"
    if not _SERVER_PREFIX.fullmatch(prefix):
        hint = "write letters, digits, . _ and -, beginning with a letter, as in west-"
        yield f"nats_cluster_server_prefix: {prefix!r} cannot begin a server's name: {hint}"
    domain = str(declared["nats_cluster_domain"])
    if domain and not all(map(_DNS_LABEL.fullmatch, domain.split("."))):
        hint = "write it without dots at its ends, as in cluster.local, or leave it empty"
        yield f"nats_cluster_domain: {domain!r} is not a DNS domain: {hint}"
    if not cluster or re.search(r"\s", cluster):
        yield f"nats_cluster_cluster_name: {cluster!r} cannot name a cluster: write a name without spaces, as in nats"


def _version(declared: RoleVariables) -> Problems:
    version = str(declared["nats_cluster_version"])
    match = _VERSION.fullmatch(version)
    if match is None:
        yield f"nats_cluster_version: {version!r} is not a version of nats-server: write all three numbers in quotes, as in '2.15.2'"
    elif (int(match[1]), int(match[2])) < OLDEST_VERSION:
        yield f"nats_cluster_version: {version} does not know the health check that the probes ask: write 2.11.0 or newer"


def _vulnerabilities(declared: RoleVariables) -> Problems:
    for name in sorted(set(map(str, declared["nats_cluster_accept_vulnerabilities"] or [])) - IDS):
        yield f"nats_cluster_accept_vulnerabilities: {name} is no advisory that is known here: write numbers such as {max(IDS)}"


def _route_tls(declared: RoleVariables) -> Problems:
    cluster = (declared["nats_cluster_config"] or {}).get("cluster")
    own = isinstance(cluster, Mapping) and any(str(key).lower() == "tls" for key in cluster)
    needed = declared["nats_cluster_state"] == "present" and str(declared["nats_cluster_replicas"]) != "1" and not own
    if not HAS_CRYPTOGRAPHY and needed and str(declared["nats_cluster_route_tls"]) not in ("off", "False"):
        yield (
            "nats_cluster_route_tls: certificates are made with the Python library cryptography, which Ansible does not find here: "
            "pip install cryptography, or write off, which leaves routes in clear"
        )
    if own and str(declared["nats_cluster_route_tls"]) in ("on", "True"):
        yield "nats_cluster_route_tls: on and cluster.tls in nats_cluster_config exclude one another: leave one of them out"


def _encryption(declared: RoleVariables) -> Problems:
    block = (declared["nats_cluster_config"] or {}).get("jetstream")
    known = {alias for aliases in SETTINGS.values() for alias in aliases}
    own = [str(key) for key in block if str(key).lower() in known] if isinstance(block, Mapping) else []
    if declared["nats_cluster_encryption"] and own:
        yield f"nats_cluster_encryption: it and jetstream.{own[0]} in nats_cluster_config exclude one another: leave one of them out"


def _replicas(declared: RoleVariables) -> Problems:
    replicas = declared["nats_cluster_replicas"]
    if str(replicas) not in REPLICAS:
        if str(replicas) in ("2", "4", "6"):
            why = f"servers survive no more failures than {int(replicas) - 1}"
        else:
            why = "is not a number of servers that the role deploys"
        yield f"nats_cluster_replicas: {replicas} {why}: write 1, 3, 5 or 7"


def _sizes(declared: RoleVariables) -> Problems:
    volume, file, memory, limit = (
        _bytes(declared["nats_cluster_storage_size"], parse_quantity),
        _bytes(declared["nats_cluster_max_file_store"], parse_size, or_none=True),
        _bytes(declared["nats_cluster_max_memory_store"], parse_size, or_none=True),
        _bytes(_memory_limit(declared), parse_quantity),
    )
    for variable, size in (
        ("nats_cluster_storage_size", volume),
        ("nats_cluster_max_file_store", file),
        ("nats_cluster_max_memory_store", memory),
        ("nats_cluster_resources.limits.memory", limit),
    ):
        if isinstance(size, str):
            yield f"{variable}: {size}"
    if file == memory == 0:
        what = "with nats_cluster_max_memory_store: 0 JetStream has no store at all, and the role's clusters have JetStream"
        yield f"nats_cluster_max_file_store: {what}: give one of the two a size"
    if file == 0 and (found := declared["nats_cluster_storage_class"]):
        yield f"nats_cluster_storage_class: with nats_cluster_max_file_store: 0 no server has a volume, of class {found} or another: leave it out"
    if isinstance(file, int) and isinstance(volume, int) and file > volume:
        what = f"{declared['nats_cluster_max_file_store']} is more than the volume holds"
        yield f"nats_cluster_max_file_store: {what} (nats_cluster_storage_size {declared['nats_cluster_storage_size']}): write about 0.8 of it"
    if isinstance(memory, int) and isinstance(limit, int) and memory > limit:
        what = f"{declared['nats_cluster_max_memory_store']} is more than the container may use"
        yield f"nats_cluster_max_memory_store: {what} (nats_cluster_resources.limits.memory {_memory_limit(declared)}): write about a quarter of it"


def _memory_limit(declared: RoleVariables) -> Any:
    return ((declared["nats_cluster_resources"] or {}).get("limits") or {}).get("memory")


def _bytes(value: Any, parse: Any, or_none: bool = False) -> int | str | None:
    """The size in bytes, or what is wrong with it. 0 is one only for a store, which `or_none` says."""
    if value is None:
        return None
    try:
        size: int = parse(value)
    except ValueError as error:
        return str(error)
    if size > 0 or (or_none and size == 0):
        return size
    return f"{value} leaves no room: write a positive size{', or 0 for no such store' if or_none else ''}"


def _profile(declared: RoleVariables) -> Problems:
    profile, profiles = declared["nats_cluster_profile"], ("default", "small", "high_throughput", "low_latency")
    if profile not in profiles:
        yield f"nats_cluster_profile: {profile!r} is not a profile: write one of {', '.join(profiles)}"


def _config(declared: RoleVariables) -> Problems:
    config: Mapping[str, Any] = declared["nats_cluster_config"] or {}
    for path, remedy in reserved_keys.reserved_paths(config, reserved_keys.RESERVED_CONFIG_KEYS, ignore_case=True):
        yield f"nats_cluster_config: {path} is set by the role: {remedy}"
    for block in ("cluster", "jetstream"):
        if block in config and not isinstance(config[block], Mapping):
            yield f"nats_cluster_config: {block} must be a mapping: write keys below it"
    if str(declared["nats_cluster_replicas"]) == "1" and "cluster" in config:
        yield "nats_cluster_config: a single server has no cluster: leave cluster out, or write nats_cluster_replicas: 3"
    yield from repeated_keys("nats_cluster_config", config, ROLE_WRITES)
    yield from port_conflicts(config)
    yield from unwritable("nats_cluster_config", config)


def _rotate(declared: RoleVariables) -> Problems:
    known = [
        *sorted({"app", "sys", *(str(name).lower() for name in declared["nats_cluster_accounts"] or {})}),
        ROUTES_USER,
    ]
    for name in declared["nats_cluster_rotate"] or []:
        if name not in known:
            yield f"nats_cluster_rotate: {name} is no account that has logins: write some of {', '.join(known)}"


def _accounts(declared: RoleVariables) -> Problems:
    accounts, cluster = declared["nats_cluster_accounts"] or {}, declared["nats_cluster_name"]
    yield from account_problems(accounts)
    box = [BOX_CONTEXTS] if is_true(declared["nats_cluster_box"]) else []
    key = [ENCRYPTION_SECRET] if declared["nats_cluster_encryption"] else []
    yield from login_problems(accounts, cluster, [name.format(cluster) for name in (*ROUTE_SECRETS, *key, *box)])
