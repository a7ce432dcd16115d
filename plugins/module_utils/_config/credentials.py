# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Who may log in to a cluster, and with what. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

try:
    import bcrypt
except ImportError:  # reported by declaration_problems, before anything needs it
    HAS_BCRYPT = False
else:
    HAS_BCRYPT = True

# bcrypt is paid at every connect. 256 random bits gain nothing from a high cost, what a person thought of does.
GENERATED_COST = 4
OWN_COST = 10

ROUTES_USER = "routes"
# Whoever gives no password. The server compares this user's password with itself, which no bcrypt hash survives.
ANONYMOUS = {"user": "anonymous", "password": "anonymous"}
# What the role makes out of an account's entry; all other keys stand in nats.conf as they are written.
OWN_KEYS = ("password", "users")

DeclaredLogin = dict[str, Any]


def secret_name(cluster: str, *parts: str) -> str:
    """`nats-orders-reader` holds the login of the user reader of the account ORDERS."""
    return "-".join((cluster, *parts)).lower().replace("_", "-")


def declared_logins(accounts: Mapping[str, Mapping[str, Any]], cluster: str) -> Iterator[DeclaredLogin]:
    """Each account's own user, named like it, then its further users with a password."""
    for account, declared in accounts.items():
        own = {"username": account.lower(), "secret": secret_name(cluster, account)}
        yield {**own, "account": account, "password": declared.get("password")}
        for user in password_users(declared):
            further = {"username": user["user"], "secret": secret_name(cluster, account, user["user"])}
            yield {**further, "account": account, "password": user.get("password")}


def password_users(account: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Whoever logs in with an nkey keeps the seed, so nothing is generated for them."""
    return [user for user in account.get("users") or [] if "nkey" not in user]


def account_credentials(
    accounts: Mapping[str, Mapping[str, Any]], existing: list[Mapping[str, Any]], cluster: str
) -> dict[str, Any]:
    """The logins of all accounts and of the routes: kept where a Secret has them, else as declared, else generated."""
    stored = {str(secret["metadata"]["name"]): _decoded(secret) for secret in existing}
    logins = [_complete(login, stored.get(login["secret"], {})) for login in declared_logins(accounts, cluster)]
    routes = secret_name(cluster, ROUTES_USER)
    password = stored.get(routes, {}).get("password") or _generated()
    return {"accounts": logins, "routes": {"username": ROUTES_USER, "secret": routes, "password": password}}


def account_blocks(
    accounts: Mapping[str, Mapping[str, Any]], logins: list[DeclaredLogin], anonymous: bool = False
) -> dict[str, Any]:
    """The accounts of nats.conf: what is declared, and who may log in."""
    hashes = {(login["account"], login["username"]): login["bcrypt"] for login in logins}
    blocks = {}
    for account, declared in accounts.items():
        name = account.lower()
        users = [{"user": name, "password": hashes[account, name]}]
        for user in declared.get("users") or []:
            users.append(user if "nkey" in user else {**user, "password": hashes[account, user["user"]]})
        if anonymous and account == "APP":
            users.append(ANONYMOUS)
        blocks[account] = {key: value for key, value in declared.items() if key not in OWN_KEYS} | {"users": users}
    return blocks


def _complete(login: DeclaredLogin, stored: Mapping[str, str]) -> DeclaredLogin:
    own = None if login["password"] is None else str(login["password"])
    password = own or stored.get("password") or _generated()
    hashed = stored.get("bcrypt", "")
    if not _matches(password, hashed):
        hashed = bcrypt.hashpw(_significant(password), bcrypt.gensalt(OWN_COST if own else GENERATED_COST)).decode()
    return {**login, "password": password, "bcrypt": hashed}


def _matches(password: str, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(_significant(password), hashed.encode())
    except ValueError:  # none, or none that bcrypt can read
        return False


def _significant(password: str) -> bytes:
    """The server's bcrypt looks at no more than this."""
    return password.encode()[:72]


def _generated() -> str:
    return secrets.token_urlsafe(32)


def _decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    """What a Secret holds; not what no server takes for a password, which somebody may have written there by hand."""
    data = secret.get("data") or {}
    found = {key: b64decode(data[key]).decode(errors="ignore") for key in ("password", "bcrypt") if key in data}
    texts = {key: b64decode(data[key]) for key in found}
    return {key: text for key, text in found.items() if text.encode() == texts[key] and "\0" not in text}
