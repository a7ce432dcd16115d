# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Puts new logins into the configurations that servers run with. Pure: it does no I/O. PRIVATE to the collection: it can change at any time.

If the declared configuration needs restarts, the servers would learn its logins one after another. So all of them first reload
their present configuration with the new logins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.secret_name import short_hash
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import configuration


def configurations_with_logins(found: Mapping[str, Any], conf: str, declared_secret: str) -> dict[str, str]:
    """The present configurations with the declared logins, by the name of the Secret.

    A Secret is left out where its logins are the declared ones already, or where the servers reload the declared configuration.
    """
    changed: dict[str, str] = {}
    for secret in found.get("secrets") or [] if found.get("running") else []:
        name = secret["metadata"]["name"]
        text = configuration({"kind": "Secret"} | secret)
        if text is not None and name != declared_secret and (new := with_logins(text, conf)) is not None:
            changed[name] = new
    return changed


def with_logins(running: str, declared: str) -> str | None:
    """The running configuration with the declared passwords; None where it has them already, or can't be parsed."""
    try:
        before, after = read_nats_conf(running), read_nats_conf(declared)
    except ValueError:
        return None
    changed = before | _accounts(before, after) | _routes(before, after)
    if changed == before:
        return None
    if "revision" in (changed.get("server_metadata") or {}):
        metadata = changed["server_metadata"] | {"revision": ""}
        revision = short_hash(to_nats_conf(changed | {"server_metadata": metadata}))
        changed["server_metadata"] = metadata | {"revision": revision}
    return to_nats_conf(changed)


def _accounts(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    declared = after.get("accounts") or {}
    return {
        "accounts": {
            name: account | {"users": _users(account.get("users") or [], declared[name].get("users") or [])}
            if name in declared
            else account
            for name, account in (before.get("accounts") or {}).items()
        }
    }


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
