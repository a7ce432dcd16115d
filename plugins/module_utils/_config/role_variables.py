# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks the variables of the role nats_cluster. PRIVATE to the collection: it can change at any time.

Each check takes the role's variables and yields sentences that begin with the variable's name and end in how to write it.
No sentence shows a password.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import looks_hashed, to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity, parse_size
from ansible_collections.messaging.nats.plugins.module_utils._config import reserved_keys
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import (
    ANONYMOUS,
    HAS_BCRYPT,
    OWN_KEYS,
    ROUTES_USER,
    declared_logins,
    password_users,
    secret_name,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import NAMES, main_name
from ansible_collections.messaging.nats.plugins.module_utils._config.variable_types import Options, type_problems

RoleVariables = Mapping[str, Any]
Problems = Iterator[str]

REPLICAS = ("1", "3", "5", "7")
OLDEST_VERSION = (2, 11)
# A StatefulSet's controller adds 11 characters to its name in a label, which may have 63.
LONGEST_NAME = 52
# The similarity from which a name is taken for a mistyped one: natscluster_namespace is, nats_namespace is not.
MISTYPED = 0.93
OUR_LABELS = ("app", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/name")

# The Secret with the contexts of the client beside the cluster.
BOX_CONTEXTS = "{}-box-contexts"

# Variables whose values are checked below, in words that say more than their types.
OWN_SENTENCE = ("nats_cluster_profile", "nats_cluster_replicas")

LOGIN_ALIASES = {"pass": "password", "username": "user"}
# Keys that the role and its profiles write into nats.conf, apart from reserved ones. Another spelling would repeat the key.
ROLE_WRITES: Mapping[str, Any] = {
    "cluster": {"connect_retries": {}},
    "jetstream": {"unique_tag": {}},
    **{key: {} for key in ("lame_duck_duration", "lame_duck_grace_period", "server_metadata", "server_tags")},
    **{key: {} for key in ("max_connections", "max_payload", "write_deadline")},
}

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOGIN_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?")
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
        _replicas,
        _sizes,
        _profile,
        _labels,
        _external_service,
        _config,
        _accounts,
        _users,
        _overrides,
        _extra_objects,
    ):
        problems += check(declared)
    return problems


def target_problems(declared: RoleVariables, known: Collection[str], others: Collection[str] = ()) -> list[str]:
    """Mistyped variables and invalid names, because of which a verb could act on another cluster than intended.

    `others` are the names of variables without the role's prefix.
    """
    return [*unknown_variables(declared, known, others), *_names(declared)]


def _mistyped_prefix(others: Collection[str], known: Collection[str]) -> Problems:
    """Names without the role's prefix that are almost a variable of the role. A name such as my_nats_cluster_name is not."""
    for name in sorted(others):
        contains_known = any(variable in name for variable in known)
        if (
            name.startswith("nats")
            and not contains_known
            and (close := get_close_matches(name, known, n=1, cutoff=MISTYPED))
        ):
            meant = f"this name is almost {close[0]}: write that, or use a name that differs more"
            yield f"{name}: the role has no such variable, and {meant}"


def unknown_variables(given: Collection[str], known: Collection[str], others: Collection[str] = ()) -> list[str]:
    """Sentences about variables that a role does not have: those with its prefix, and `others` that are almost one of its own."""
    return [*_unknown_variables(given, known), *_mistyped_prefix(others, known)]


def _unknown_variables(given: Collection[str], known: Collection[str]) -> Problems:
    """Variables with the role's prefix that it does not have. An ignored variable could have been meant to protect something."""
    prefix = "_".join(min(known).split("_")[:2]) + "_"  # of the role: nats_cluster_, nats_resources_
    words = sorted(name.removeprefix(prefix) for name in known)
    for name in sorted(set(given) - set(known)):
        close = get_close_matches(name.removeprefix(prefix), words, n=1)
        meant = f"write {prefix}{close[0]}, or " if close else ""
        yield f"{name}: this version of the role has no such variable: {meant}use another prefix for a variable of your own"


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


def _labels(declared: RoleVariables) -> Problems:
    for label in OUR_LABELS:
        if label in (declared["nats_cluster_labels"] or {}):
            yield f"nats_cluster_labels: {label} is how the role finds its objects: leave it out"


def _config(declared: RoleVariables) -> Problems:
    config: Mapping[str, Any] = declared["nats_cluster_config"] or {}
    for path, remedy in reserved_keys.reserved_paths(config, reserved_keys.RESERVED_CONFIG_KEYS, ignore_case=True):
        yield f"nats_cluster_config: {path} is set by the role: {remedy}"
    for block in ("cluster", "jetstream"):
        if block in config and not isinstance(config[block], Mapping):
            yield f"nats_cluster_config: {block} must be a mapping: write keys below it"
    if str(declared["nats_cluster_replicas"]) == "1" and "cluster" in config:
        yield "nats_cluster_config: a single server has no cluster: leave cluster out, or write nats_cluster_replicas: 3"
    yield from _repeated_keys("nats_cluster_config", config, ROLE_WRITES)
    yield from _unwritable("nats_cluster_config", config)


def _accounts(declared: RoleVariables) -> Problems:
    for account, entry in (declared["nats_cluster_accounts"] or {}).items():
        here = f"nats_cluster_accounts.{account}"
        if not _LOGIN_NAME.fullmatch(str(account)):
            yield f"{here}: this name is reserved or can't be a part of a Secret's name: write letters, digits, _ and -, as in ORDERS"
        if not _is_account(entry):
            yield f"{here}: an account is a mapping, its users are a list of mappings: write jetstream, users or password below it"
            continue
        yield from _other_spellings(here, entry, ("password", "users"))
        own = {key: value for key, value in entry.items() if key not in OWN_KEYS}
        yield from _repeated_keys(here, own, where="accounts.*")
        if account == "SYS" and "jetstream" in entry:
            yield f"{here}: the system account holds no streams: leave jetstream out, or write it for another account"
        yield from _unwritable(here, {key: value for key, value in entry.items() if key not in OWN_KEYS})


def _is_account(entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return False
    users = entry.get("users") or []
    return isinstance(users, list) and all(isinstance(user, Mapping) for user in users)


def _users(declared: RoleVariables) -> Problems:
    entries = {"APP": {}, "SYS": {}} | (declared["nats_cluster_accounts"] or {})
    accounts = {str(account): entry for account, entry in entries.items() if _is_account(entry)}
    problems = [
        problem
        for account, entry in accounts.items()
        for problem in _logins_of(f"nats_cluster_accounts.{account}", entry)
    ]
    taken = [BOX_CONTEXTS.format(declared["nats_cluster_name"])] if _is_true(declared["nats_cluster_box"]) else []
    yield from problems or _shared_logins(accounts, declared["nats_cluster_name"], taken)


def _logins_of(here: str, entry: Mapping[str, Any]) -> Problems:
    yield from _password(here, entry)
    for index, user in enumerate(entry.get("users") or []):
        place = f"{here}.users[{index}]"
        yield from _other_spellings(place, user, ("user", "password", "nkey"))
        if any(str(key).lower() == "token" for key in user):
            yield f"{place}: where there are accounts, the server takes no token: write user, and leave password out to have one generated"
        yield from _repeated_keys(place, user)
    for index, user in enumerate(password_users(entry)):
        place = f"{here}.users[{index}]"
        if not _LOGIN_NAME.fullmatch(str(user.get("user", ""))):
            yield f"{place}: user is missing or can't be a part of a Secret's name: write letters, digits, _ and -, as in user: reader"
        yield from _password(place, user)
        yield from _unwritable(place, {key: value for key, value in user.items() if key != "password"})


def _shared_logins(accounts: Mapping[str, Mapping[str, Any]], cluster: str, taken: list[str]) -> Problems:
    """`taken` are names of further Secrets that the role makes."""
    logins = list(declared_logins(accounts, cluster))
    for name in _repeated([ANONYMOUS["user"], *(login["username"] for login in logins)]):
        yield f"nats_cluster_accounts: the server tells users apart by name alone, and {name} is there twice: write another name"
    for secret in _repeated([secret_name(cluster, ROUTES_USER), *taken, *(login["secret"] for login in logins)]):
        yield f"nats_cluster_accounts: two logins would share the Secret {secret}: write another name for the account or its user"


def _other_spellings(here: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> Problems:
    """Other names, or other case, of the keys of a login: together with the role's own key, the server would find two logins."""
    for key in map(str, entry):
        name = LOGIN_ALIASES.get(key.lower(), key.lower())
        if name in known and key != name:
            yield f"{here}: {key} is another spelling of {name}, and the server would find both: write {name}"


def _repeated_keys(here: str, data: Any, role_writes: Mapping[str, Any] | None = None, where: str = "") -> Problems:
    """Two spellings of one key, of which the server may use either."""
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from _repeated_keys(f"{here}[{index}]", item, None, where)
    if not isinstance(data, Mapping):
        return
    has_chosen_names = where in NAMES or where.rpartition(".")[2] == "headers"
    first = {name: name for name in role_writes or ()}
    for key, value in data.items():
        name = str(key) if has_chosen_names else _main_name(str(key), where)
        if first.setdefault(name, str(key)) != str(key):
            yield f"{here}: {key} and {first[name]} are one key to the server, which takes either: write {first[name]} alone"
        inner = f"{where}.{'*' if has_chosen_names else name}" if where else name
        yield from _repeated_keys(f"{here}.{key}", value, (role_writes or {}).get(name), inner)


def _main_name(key: str, where: str) -> str:
    return main_name(LOGIN_ALIASES.get(key.lower(), key.lower()), where)


def _password(here: str, entry: Mapping[str, Any]) -> Problems:
    password = entry.get("password")
    if password is None:
        return
    if isinstance(password, int | float) or not str(password):
        yield f"{here}.password: this is not a text: write it in quotes, or leave it out to have one generated"
    elif looks_hashed(str(password)):
        yield f"{here}.password: the server takes what begins with $2 for a bcrypt hash: write the plain password, the role hashes it"


def _external_service(declared: RoleVariables) -> Problems:
    """A dry run does not tell: the Kubernetes API looks at the port only when it allocates it. Its range is up to the Kubernetes cluster."""
    port = (declared["nats_cluster_external_service"] or {}).get("node_port")
    if port is not None and not 0 < int(port) < 1 << 16:
        yield f"nats_cluster_external_service.node_port: {port} is no port: write one of 30000 to 32767, Kubernetes' usual range, or leave it out"


def _overrides(declared: RoleVariables) -> Problems:
    for target, change in (declared["nats_cluster_overrides"] or {}).items():
        here = f"nats_cluster_overrides.{target}"
        kind, slash, name = str(target).partition("/")
        cluster = declared["nats_cluster_name"]
        if kind not in reserved_keys.OVERRIDES:
            yield f"{here}: the role makes no such object: write one of {', '.join(reserved_keys.OVERRIDES)}"
        elif kind == "Deployment" and not _is_true(declared["nats_cluster_box"]):
            yield f"{here}: without nats_cluster_box: true the role makes no Deployment: write that, or leave this out"
        elif slash and name != cluster and not name.startswith(f"{cluster}-"):
            yield f"{here}: the role makes no {kind} of this name: write {kind}, or {kind}/{cluster}"
        elif not isinstance(change, Mapping):
            yield f"{here}: an override is a part of the object: write the keys below it, as in spec"
        else:
            for path, remedy in reserved_keys.reserved_paths(change, reserved_keys.OVERRIDES[kind]):
                yield f"{here}: {path} is set by the role: {remedy}"
            if kind == "StatefulSet":
                yield from _volume_overrides(here, change)


def _volume_overrides(here: str, change: Mapping[str, Any]) -> Problems:
    """Kubernetes would ignore these without a word, or the servers would store in their pods."""
    spec = change.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    if "volumeClaimTemplates" in spec and not spec["volumeClaimTemplates"]:
        yield f"{here}: spec.volumeClaimTemplates hold what the servers store: for servers without volumes, write nats_cluster_max_file_store: 0"
    if any(isinstance(volume, Mapping) and volume.get("name") == "data" for volume in pod.get("volumes") or []):
        yield (
            f"{here}: each server's volume data comes from its claim, and Kubernetes ignores another one of this name. Claims that exist can't be "
            "given: free their volumes (persistentVolumeReclaimPolicy: Retain, no claimRef) and write the class that these name as "
            "nats_cluster_storage_class, or write nats_cluster_max_file_store: 0 for servers without volumes"
        )


def _extra_objects(declared: RoleVariables) -> Problems:
    for index, item in enumerate(declared["nats_cluster_extra_objects"] or []):
        here = f"nats_cluster_extra_objects[{index}]"
        name = (item.get("metadata") or {}).get("name")
        if not (item.get("apiVersion") and item.get("kind") and name):
            yield f"{here}: this is not a complete object: write apiVersion, kind and metadata.name"
        elif item["kind"] in reserved_keys.OVERRIDES and name in _made_names(item["kind"], declared):
            yield f"{here}: the role makes the {item['kind']} {name} itself: write nats_cluster_overrides.{item['kind']}"
        elif any(_are_servers_labels(labels, declared["nats_cluster_name"]) for labels in _pod_labels(item)):
            yield (
                f"{here}: with the labels app and app.kubernetes.io/instance its pods would be taken for servers, by the Service and the "
                "NetworkPolicy: leave one of them out, or write another value"
            )


def _made_names(kind: str, declared: RoleVariables) -> Iterator[str]:
    """The names that objects of this kind have which the role makes."""
    cluster = str(declared["nats_cluster_name"])
    if kind != "Deployment":
        yield from (cluster, f"{cluster}-external")
    if kind in ("Deployment", "NetworkPolicy") and _is_true(declared["nats_cluster_box"]):
        yield f"{cluster}-box"


def _is_true(value: Any) -> bool:
    """What Ansible takes for true, also where a variable of the command line is text."""
    return str(value).lower() in ("true", "yes", "on", "1", "y", "t")


def _pod_labels(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The labels of a Pod, or of the pods that a workload makes, however deep its template is."""
    if item.get("kind") == "Pod":
        yield (item.get("metadata") or {}).get("labels") or {}
    for value in item.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                if "containers" in (part.get("spec") or {}):
                    yield (part.get("metadata") or {}).get("labels") or {}
                yield from _pod_labels({key: inner for key, inner in part.items() if key != "kind"})


def _are_servers_labels(labels: Mapping[str, Any], cluster: str) -> bool:
    return all(labels.get(label) == cluster for label in ("app", "app.kubernetes.io/instance"))


def _unwritable(here: str, data: Mapping[str, Any]) -> Problems:
    """One sentence for each key whose value nats.conf cannot hold."""
    for key, value in data.items():
        try:
            to_nats_conf({key: value})
        except ValueError as error:
            yield f"{here}: {error}"


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
