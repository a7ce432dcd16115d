# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What servers run with until they restart. Pure: it does no I/O. PRIVATE to the collection: it can change at any time.

If the declared configuration needs restarts, the servers would learn its logins, and whether their routes are encrypted, one after
another, and would refuse one another meanwhile. So all of them first reload their present configuration with these two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.secret_name import (
    short_hash,
    stored_configurations,
)


def interim_configurations(found: Mapping[str, Any], conf: str, declared_secret: str) -> dict[str, str]:
    """The present configurations with the declared logins and the declared TLS of routes, by the name of the Secret.

    A Secret is left out where it has both already, or where the servers reload the declared configuration.
    """
    present = stored_configurations(found) if found.get("running") else {}
    return {
        name: new
        for name, text in present.items()
        if name != declared_secret and (new := with_shared_settings(text, conf)) is not None
    }


def with_shared_settings(running: str, declared: str) -> str | None:
    """The running configuration with what all servers need at once; None where it has that already, or can't be parsed."""
    try:
        before, after = read_nats_conf(running), read_nats_conf(declared)
    except ValueError:
        return None
    changed = _with_route_tls(before | _accounts(before, after) | _routes(before, after), after)
    if changed == before:
        return None
    if "revision" in (changed.get("server_metadata") or {}):
        metadata = changed["server_metadata"] | {"revision": ""}
        revision = short_hash(to_nats_conf(changed | {"server_metadata": metadata}))
        changed["server_metadata"] = metadata | {"revision": revision}
    return to_nats_conf(changed)


def _accounts(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    declared, present = after.get("accounts") or {}, before.get("accounts") or {}
    accounts = {
        name: account | {"users": _users(account.get("users") or [], declared[name].get("users") or [])}
        if name in declared
        else account
        for name, account in present.items()
    }
    return {"accounts": accounts} if accounts else {}


def _users(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The present users with their declared passwords, and the new users."""
    passwords = {user["user"]: user["password"] for user in after if "password" in user}
    known = {user.get("user") for user in before}
    kept = [user | {"password": passwords[user["user"]]} if user.get("user") in passwords else user for user in before]
    return kept + [user for user in after if "password" in user and user["user"] not in known]


def _routes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The `cluster` block with the declared login of the routes, in its authorization and in each address."""
    cluster, declared = before.get("cluster") or {}, after.get("cluster") or {}
    login, addresses = declared.get("authorization"), declared.get("routes") or []
    if not login or not addresses or not cluster.get("authorization") or login == cluster["authorization"]:
        return {}
    # The declared addresses contain the login in percent-encoded form.
    url_with_login = str(addresses[0]).rpartition("@")[0]
    routes = [f"{url_with_login}@{str(route).rpartition('@')[2]}" for route in cluster.get("routes") or []]
    return {"cluster": cluster | {"authorization": login, "routes": routes}}


def _with_route_tls(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Routes are encrypted as declared: a server can't connect to one where it is otherwise."""
    if not isinstance(before.get("cluster"), Mapping) or not isinstance(after.get("cluster"), Mapping):
        return dict(before)
    cluster = {key: value for key, value in before["cluster"].items() if key != "tls"}
    declared = {"tls": after["cluster"]["tls"]} if "tls" in after["cluster"] else {}
    return {**before, "cluster": cluster | declared}
