# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks the variable nats_cluster_accounts. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import looks_hashed
from ansible_collections.messaging.nats.plugins.module_utils._config.conf_keys import (
    other_spellings,
    repeated_keys,
    unwritable,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import (
    ANONYMOUS,
    OWN_KEYS,
    ROUTES_USER,
    declared_logins,
    password_users,
    secret_name,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.permission_presets import (
    PRESET_KEYS,
    preset_problems,
)

# In a password: older libraries for bcrypt refuse a NUL, and half of a surrogate pair can't be encoded.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_LOGIN_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?")


def account_problems(accounts: Mapping[Any, Any]) -> Iterator[str]:
    for account, entry in accounts.items():
        here = f"nats_cluster_accounts.{account}"
        if isinstance(account, bool):
            yield f"{here}: YAML reads names such as NO, yes and off as truth values: write the account's name in quotes"
        elif not _LOGIN_NAME.fullmatch(str(account)):
            yield f"{here}: this name is reserved or can't be a part of a Secret's name: write letters, digits, _ and -, as in ORDERS"
        if not _is_account(entry):
            yield f"{here}: an account is a mapping, its users are a list of mappings: write jetstream, users or password below it"
            continue
        yield from other_spellings(here, entry, ("password", "users"))
        own = {key: value for key, value in entry.items() if key not in OWN_KEYS}
        yield from repeated_keys(here, own, where="accounts.*")
        if account == "SYS" and "jetstream" in entry:
            yield f"{here}: the system account holds no streams: leave jetstream out, or write it for another account"
        yield from unwritable(here, {key: value for key, value in entry.items() if key not in OWN_KEYS})


def _is_account(entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return False
    users = entry.get("users") or []
    return isinstance(users, list) and all(isinstance(user, Mapping) for user in users)


def login_problems(declared: Mapping[str, Any], cluster: str, taken: list[str]) -> Iterator[str]:
    """`taken` are names of further Secrets that the role makes."""
    entries = {"APP": {}, "SYS": {}} | dict(declared)
    accounts = {str(account): entry for account, entry in entries.items() if _is_account(entry)}
    problems = [
        problem
        for account, entry in accounts.items()
        for problem in _logins_of(f"nats_cluster_accounts.{account}", entry)
    ]
    yield from problems or _shared_logins(accounts, cluster, taken)


def _logins_of(here: str, entry: Mapping[str, Any]) -> Iterator[str]:
    yield from _password(here, entry)
    for index, user in enumerate(entry.get("users") or []):
        place = f"{here}.users[{index}]"
        yield from other_spellings(place, user, ("user", "password", "nkey"))
        if any(str(key).lower() == "token" for key in user):
            yield f"{place}: where there are accounts, the server takes no token: write user, and leave password out to have one generated"
        yield from repeated_keys(place, user)
        yield from preset_problems(place, user)
    for index, user in enumerate(password_users(entry)):
        place = f"{here}.users[{index}]"
        if not _LOGIN_NAME.fullmatch(str(user.get("user", ""))):
            yield f"{place}: user is missing or can't be a part of a Secret's name: write letters, digits, _ and -, as in user: reader"
        yield from _password(place, user)
        yield from unwritable(
            place, {key: value for key, value in user.items() if key not in ("password", *PRESET_KEYS)}
        )


def _shared_logins(accounts: Mapping[str, Mapping[str, Any]], cluster: str, taken: list[str]) -> Iterator[str]:
    logins = list(declared_logins(accounts, cluster))
    for name in _repeated([ANONYMOUS["user"], *(login["username"] for login in logins)]):
        yield f"nats_cluster_accounts: the server tells users apart by name alone, and {name} is there twice: write another name"
    for secret in _repeated([secret_name(cluster, ROUTES_USER), *taken, *(login["secret"] for login in logins)]):
        yield f"nats_cluster_accounts: two logins would share the Secret {secret}: write another name for the account or its user"


def _password(here: str, entry: Mapping[str, Any]) -> Iterator[str]:
    password = entry.get("password")
    if password is None:
        return
    if isinstance(password, int | float) or not str(password):
        yield f"{here}.password: this is not a text: write it in quotes, or leave it out to have one generated"
    elif _UNUSABLE.search(str(password)):
        yield f"{here}.password: not every client can send a NUL, and none half of a surrogate pair: write another one, or leave it out to have one generated"
    elif looks_hashed(str(password)):
        yield f"{here}.password: the server takes what begins with $2 for a bcrypt hash: write the plain password, the role hashes it"


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
