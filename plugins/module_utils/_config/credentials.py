# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The logins of a cluster: declared, stored in Secrets, or generated. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.permission_presets import (
    inbox_prefix,
    with_permissions,
)

try:
    import bcrypt
except ImportError:  # validate_role_variables reports it before it is needed
    HAS_BCRYPT = False
else:
    HAS_BCRYPT = True

# The server computes bcrypt at every login. A generated password of 256 random bits needs no high cost, a person's password does.
GENERATED_COST = 4
OWN_COST = 10

ROUTES_USER = "routes"
# The user of clients that send no login. The server compares the password in nats.conf with itself, so it can't be a hash.
ANONYMOUS = {"user": "anonymous", "password": "anonymous"}
# Keys of an account's entry that the role evaluates. All other keys are written to nats.conf unchanged.
OWN_KEYS = ("password", "users")

DeclaredLogin = dict[str, Any]


def secret_name(cluster: str, *parts: str) -> str:
    """The name of the Secret with a login: `nats-orders-reader` for the user reader of the account ORDERS."""
    return "-".join((cluster, *parts)).lower().replace("_", "-")


def declared_logins(accounts: Mapping[str, Mapping[str, Any]], cluster: str) -> Iterator[DeclaredLogin]:
    """The logins of each account: its own user, who has the account's name, then its further users with a password."""
    for account, declared in accounts.items():
        own = {"username": account.lower(), "secret": secret_name(cluster, account)}
        yield {**own, "account": account, "password": declared.get("password")}
        for user in password_users(declared):
            further = {"username": user["user"], "secret": secret_name(cluster, account, user["user"])}
            yield {**further, "account": account, "password": user.get("password"), "inbox_prefix": inbox_prefix(user)}


def password_users(account: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The users of an account who log in with a password. A user with an nkey keeps the seed, so nothing is generated."""
    return [user for user in account.get("users") or [] if "nkey" not in user]


def account_credentials(
    accounts: Mapping[str, Mapping[str, Any]], existing: list[Mapping[str, Any]], cluster: str
) -> dict[str, Any]:
    """The logins of all accounts and of the routes. A declared password comes first, then the Secret's, then a generated one."""
    stored = {str(secret["metadata"]["name"]): _decoded(secret) for secret in existing}
    logins = [_complete(login, stored.get(login["secret"], {})) for login in declared_logins(accounts, cluster)]
    routes = secret_name(cluster, ROUTES_USER)
    password = stored.get(routes, {}).get("password") or _generated()
    return {"accounts": logins, "routes": {"username": ROUTES_USER, "secret": routes, "password": password}}


def account_config(
    accounts: Mapping[str, Mapping[str, Any]], logins: list[DeclaredLogin], anonymous: bool = False
) -> dict[str, Any]:
    """The accounts of nats.conf, with their users and hashed passwords."""
    hashes = {(login["account"], login["username"]): login["bcrypt"] for login in logins}
    blocks = {}
    for account, declared in accounts.items():
        name = account.lower()
        users = [{"user": name, "password": hashes[account, name]}]
        for user in declared.get("users") or []:
            login = with_permissions(user)
            users.append(login if "nkey" in user else {**login, "password": hashes[account, user["user"]]})
        if anonymous and account == "APP":
            users.append(ANONYMOUS)
        blocks[account] = {key: value for key, value in declared.items() if key not in OWN_KEYS} | {"users": users}
    return blocks


def _complete(login: DeclaredLogin, stored: Mapping[str, str]) -> DeclaredLogin:
    """The login with its password, and a hash that is kept as long as it fits the password."""
    own = None if login["password"] is None else str(login["password"])
    password = own or stored.get("password") or _generated()
    hashed = stored.get("bcrypt", "")
    if not _matches(password, hashed):
        hashed = bcrypt.hashpw(_significant(password), bcrypt.gensalt(OWN_COST if own else GENERATED_COST)).decode()
    return {**login, "password": password, "bcrypt": hashed}


def _matches(password: str, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(_significant(password), hashed.encode())
    except ValueError:  # there is no hash, or it is not one of bcrypt
        return False


def _significant(password: str) -> bytes:
    """The bytes of a password that bcrypt uses."""
    return password.encode()[:72]


def _generated() -> str:
    return secrets.token_urlsafe(32)


def _decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    """Password and hash in a Secret, without values that can't be passwords, which somebody may have written by hand."""
    data = secret.get("data") or {}
    raw = {key: b64decode(data[key]) for key in ("password", "bcrypt") if key in data}
    texts = {key: value.decode(errors="ignore") for key, value in raw.items()}
    return {key: text for key, text in texts.items() if text.encode() == raw[key] and "\0" not in text}
