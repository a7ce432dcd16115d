# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Replaces a login while its clients stay connected. PRIVATE to the collection: it can change at any time.

The server knows one password of a user, so a login gets a second user with the same rights: `app`, then `app.2`. The Secret holds
both until no client uses the old one, so that a rotation that was killed goes on where it was.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

try:
    import bcrypt
except ImportError:  # validate_role_variables reports it before it is needed
    HAS_BCRYPT = False
else:
    HAS_BCRYPT = True

# The server computes bcrypt at every login. A generated password of 256 random bits needs no high cost, a person's password does.
GENERATED_COST = 4
OWN_COST = 10

# A dot is in no declared name.
GENERATION = re.compile(r"\.(\d+)$")
# What a Secret holds of a login: the one that clients use, the next one until servers know it, and the last one until nobody uses it.
LOGIN_KEYS = (
    *("username", "password", "bcrypt"),
    *("next_username", "next_password", "next_bcrypt"),
    *("previous_username", "previous_bcrypt"),
)

DeclaredLogin = dict[str, Any]


def rotated_login(login: DeclaredLogin, stored: Mapping[str, str], stage: str) -> DeclaredLogin:
    """The login as the Secret has it, completed and moved to a stage of its rotation. A declared password is never rotated.

    `add`: servers get the next login. `switch`: clients get it. `drop`: servers lose the last one. `keep` leaves a rotation where it is.
    """
    if login["password"] is not None:
        return {**login, **_with_hash(login["username"], str(login["password"]), stored.get("bcrypt", ""), OWN_COST)}
    current = _current(login["username"], stored)
    following, previous = _next(login["username"], stored), _previous(login["username"], stored)
    if stage == "add" and not following and not previous:
        following = _generated(_following_name(current["username"]))
    if stage == "switch" and following:
        previous = {"username": current["username"], "bcrypt": current["bcrypt"]}
        current, following = following, {}
    if stage == "drop":
        previous = {}
    return {**login, **current, "next": following, "previous": previous}


def names_and_hashes(login: DeclaredLogin) -> Iterator[tuple[str, str]]:
    """The names that may log in, the oldest first, with the hashes of their passwords."""
    users = [login.get("previous") or {}, login, login.get("next") or {}]
    yield from ((user["username"], user["bcrypt"]) for user in users if user)


def base_name(username: str) -> str:
    """The declared name of a user whose login may have been rotated."""
    return GENERATION.sub("", username)


def generated_password() -> str:
    return secrets.token_urlsafe(32)


def _following_name(username: str) -> str:
    found = GENERATION.search(username)
    return f"{base_name(username)}.{int(found[1]) + 1 if found else 2}"


def _current(declared: str, stored: Mapping[str, str]) -> dict[str, str]:
    username = stored.get("username", "")
    name = username if base_name(username) == declared else declared
    return _with_hash(name, stored.get("password") or generated_password(), stored.get("bcrypt", ""), GENERATED_COST)


def _next(declared: str, stored: Mapping[str, str]) -> dict[str, str]:
    username, password, hashed = (stored.get(f"next_{key}", "") for key in ("username", "password", "bcrypt"))
    is_whole = base_name(username) == declared and password and matches(password, hashed)
    return {"username": username, "password": password, "bcrypt": hashed} if is_whole else {}


def _previous(declared: str, stored: Mapping[str, str]) -> dict[str, str]:
    username, hashed = stored.get("previous_username", ""), stored.get("previous_bcrypt", "")
    is_whole = base_name(username) == declared and username != stored.get("username") and hashed
    return {"username": username, "bcrypt": hashed} if is_whole else {}


def _generated(username: str) -> dict[str, str]:
    return _with_hash(username, generated_password(), "", GENERATED_COST)


def _with_hash(username: str, password: str, hashed: str, cost: int) -> dict[str, str]:
    """A login with a hash that is kept as long as it fits the password."""
    if not matches(password, hashed):
        hashed = bcrypt.hashpw(_significant(password), bcrypt.gensalt(cost)).decode()
    return {"username": username, "password": password, "bcrypt": hashed}


def matches(password: str, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(_significant(password), hashed.encode())
    except ValueError:  # there is no hash, or it is not one of bcrypt
        return False


def _significant(password: str) -> bytes:
    """The bytes of a password that bcrypt uses."""
    return password.encode()[:72]
