# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The logins of a cluster: declared, stored in Secrets, or generated. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.login_rotation import (
    LOGIN_KEYS,
    DeclaredLogin,
    base_name,
    generated_password,
    names_and_hashes,
    rotated_login,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.permission_presets import (
    inbox_prefix,
    with_permissions,
)

ROUTES_USER = "routes"
# The user of clients that send no login. The server compares the password in nats.conf with itself, so it can't be a hash.
ANONYMOUS = {"user": "anonymous", "password": "anonymous"}
# Keys of an account's entry that the role evaluates. All other keys are written to nats.conf unchanged.
OWN_KEYS = ("password", "users")

# The user of the system account as whom this collection looks at a cluster. Nobody else can have a name with a dot.
CHECKER: Mapping[str, Any] = {"user": "sys.checker", "role": "checker"}


def secret_name(cluster: str, *parts: str) -> str:
    """The name of the Secret with a login: `nats-orders-reader` for the user reader of the account ORDERS."""
    return "-".join((cluster, *parts)).lower().replace("_", "-")


def checker_secret(cluster: str) -> str:
    """The Secret with the login of the user that only looks."""
    return f"{cluster}-sys-checker"


def declared_logins(accounts: Mapping[str, Mapping[str, Any]], cluster: str) -> Iterator[DeclaredLogin]:
    """The logins of each account: its own user, who has the account's name, then its further users with a password."""
    for account, declared in accounts.items():
        own = {"username": account.lower(), "secret": secret_name(cluster, account), "own": True}
        yield {**own, "account": account, "password": declared.get("password")}
        for user in password_users(declared):
            further = {"username": user["user"], "secret": secret_name(cluster, account, user["user"])}
            yield {**further, "account": account, "password": user.get("password"), "inbox_prefix": inbox_prefix(user)}
        if account == "SYS":
            checker = {"username": CHECKER["user"], "secret": checker_secret(cluster)}
            yield {**checker, "account": account, "password": None, "inbox_prefix": inbox_prefix(CHECKER)}


def password_users(account: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The users of an account who log in with a password. A user with an nkey keeps the seed, so nothing is generated."""
    return [user for user in account.get("users") or [] if "nkey" not in user]


def account_credentials(
    accounts: Mapping[str, Mapping[str, Any]],
    existing: list[Mapping[str, Any]],
    cluster: str,
    rotated: Collection[str] = (),
    stage: str = "keep",
) -> dict[str, Any]:
    """The logins of all accounts and of the routes. A declared password comes first, then the Secret's, then a generated one.

    `rotated` are accounts, and the routes, in lower case: their logins enter this stage of a rotation.
    """
    stored = {str(secret["metadata"]["name"]): _decoded(secret) for secret in existing}
    logins = []
    for login in declared_logins(accounts, cluster):
        chosen = login["account"].lower() in rotated
        found = rotated_login(login, stored.get(login["secret"], {}), stage if chosen else "keep")
        logins.append(found | {"rotated": chosen})
    routes = secret_name(cluster, ROUTES_USER)
    kept = stored.get(routes, {}).get("password") if not (stage == "switch" and ROUTES_USER in rotated) else ""
    return {
        "accounts": logins,
        "routes": {"username": ROUTES_USER, "secret": routes, "password": kept or generated_password()},
    }


def account_config(
    accounts: Mapping[str, Mapping[str, Any]], logins: list[DeclaredLogin], anonymous: bool = False
) -> dict[str, Any]:
    """The accounts of nats.conf, with their users and hashed passwords."""
    of_secret = {(login["account"], base_name(login["username"])): login for login in logins}
    blocks = {}
    for account, declared in accounts.items():
        users = _with_hashes({"user": account.lower()}, of_secret[account, account.lower()])
        for user in declared.get("users") or []:
            login = with_permissions(user)
            users += [login] if "nkey" in user else _with_hashes(login, of_secret[account, user["user"]])
        if account == "SYS":
            users += _with_hashes(with_permissions(CHECKER), of_secret[account, CHECKER["user"]])
        if anonymous and account == "APP":
            users.append(ANONYMOUS)
        blocks[account] = {key: value for key, value in declared.items() if key not in OWN_KEYS} | {"users": users}
    return blocks


def _with_hashes(user: Mapping[str, Any], login: DeclaredLogin) -> list[dict[str, Any]]:
    """The user under each name that may log in: during a rotation there are two, with the same rights."""
    return [{**user, "user": name, "password": hashed} for name, hashed in names_and_hashes(login)]


def _decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    """What a Secret holds of a login, without values that can't be passwords, which somebody may have written by hand."""
    data = secret.get("data") or {}
    raw = {key: b64decode(data[key]) for key in LOGIN_KEYS if key in data}
    texts = {key: value.decode(errors="ignore") for key, value in raw.items()}
    return {key: text for key, text in texts.items() if text.encode() == raw[key] and "\0" not in text}
