# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a kubeconfig says about one context, and what is wrong with it. PRIVATE to the collection: it can change at any time.

The client library loads it. Of a mistake it tells little and some it ignores, which makes an anonymous login, or another one than is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError

try:
    import yaml
except ImportError:
    LOADER: Any = None  # it comes with the client library, which is asked for first
else:
    LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Entry = Mapping[str, Any]
LIST_ENTRIES = {"contexts": "context", "clusters": "cluster", "users": "user"}
OTHER_KUBECONFIG = "Set kubeconfig, K8S_AUTH_KUBECONFIG or KUBECONFIG to another one."
# What kubernetes.core's modules do not read, so that they would act as somebody else.
IMPERSONATION_KEYS = ("as", "as-uid", "as-groups", "as-user-extra")
PROVIDERS = ("gcp", "oidc")


@dataclass(frozen=True)
class Chosen:
    """One context with its cluster and its user; `where` names them in a message."""

    where: str
    cluster: Entry
    user: Entry
    user_name: str | None


def choose(kubeconfig: str | Mapping[str, Any], context: str | None, impersonated: Mapping[str, Any]) -> Chosen:
    """The context that is asked for, or the current one; raises for what is wrong with the files or with that context."""
    if isinstance(kubeconfig, str):
        where, read = f"kubeconfig {kubeconfig}", _merged(kubeconfig)
    else:
        where, read = "kubeconfig (given as a dictionary)", _checked(kubeconfig, "kubeconfig (given as a dictionary)")
    chosen = _context(read, context, where)
    _check_user(chosen, impersonated)
    return chosen


def _merged(paths: str) -> Mapping[str, Any]:
    """As the client library reads several files: of entries with one name the first counts, of current contexts the last."""
    found = [os.path.expanduser(path) for path in paths.split(os.pathsep) if path]
    there = [path for path in found if os.path.exists(path)]
    if not there:
        cause = "there is no such file" if len(found) == 1 else "none of these files exists" if found else "it is empty"
        remedy = f"{OTHER_KUBECONFIG} Without a kubeconfig, set host and api_key."
        raise NatsError(f"kubeconfig {paths}", cause, remedy)
    merged: dict[str, Any] = {kind: [] for kind in LIST_ENTRIES}
    for path in there:
        content = _read(path)
        for kind in LIST_ENTRIES:
            known = {entry["name"] for entry in merged[kind]}
            merged[kind] += [entry for entry in content.get(kind) or [] if entry["name"] not in known]
        if "current-context" in content:
            merged["current-context"] = content["current-context"]
    return merged


def _read(path: str) -> Mapping[str, Any]:
    what = f"kubeconfig {path}"
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.load(file, LOADER)
    except OSError as error:
        raise NatsError(what, f"it can't be read: {error.strerror}", OTHER_KUBECONFIG) from error
    except UnicodeDecodeError as error:
        raise NatsError(what, "it is no text", OTHER_KUBECONFIG) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise NatsError(
            what, f"it is not valid YAML{place}", "Correct it: kubectl config view shows the same."
        ) from error
    return _checked(content, what)


def _checked(content: Any, what: str) -> Mapping[str, Any]:
    """The content, where it has the shape of a kubeconfig."""
    if content is None:
        raise NatsError(what, "it is empty", OTHER_KUBECONFIG)
    if not isinstance(content, Mapping):
        raise NatsError(what, "it is not a kubeconfig: it has no clusters, contexts and users", OTHER_KUBECONFIG)
    for kind in LIST_ENTRIES:
        entries = content.get(kind) or []
        if not isinstance(entries, list):
            raise NatsError(what, f"{kind} is not a list", "Correct it: kubectl config view shows the same.")
        for number, entry in enumerate(entries, 1):
            if not isinstance(entry, Mapping) or "name" not in entry:
                raise NatsError(what, f"entry {number} of {kind} has no name", "Give it one.")
    return content


def _context(read: Mapping[str, Any], wanted: str | None, where: str) -> Chosen:
    names = [str(entry["name"]) for entry in read.get("contexts") or []]
    there = f"It has {', '.join(names)}" if names else "It has no context at all"
    name = read.get("current-context") if wanted is None else wanted
    if not name:
        raise NatsError(where, "it has no current-context, and none is asked for", f"Set context. {there}.")
    where = f"context {name} of {where}"
    if name not in names:
        asked = "" if wanted else ", which is its current-context"
        raise NatsError(where, f"there is no such context{asked}", f"Set context, or K8S_AUTH_CONTEXT. {there}.")
    context = _entry(read, "contexts", name, where)
    cluster_name, user_name = context.get("cluster"), context.get("user")
    if not cluster_name:
        raise NatsError(where, "it names no cluster", "Add it: kubectl config set-context --cluster.")
    cluster = _entry(read, "clusters", cluster_name, where)
    if not cluster.get("server"):
        raise NatsError(where, f"its cluster {cluster_name} has no server", "Add the URL of the Kubernetes API.")
    user = _entry(read, "users", user_name, where) if user_name else {}
    return Chosen(where, cluster, user, user_name)


def _entry(read: Mapping[str, Any], kind: str, name: str, where: str) -> Entry:
    singular = LIST_ENTRIES[kind]
    for entry in read.get(kind) or []:
        if entry["name"] == name:
            found = entry.get(singular)
            if not isinstance(found, Mapping):
                raise NatsError(where, f"entry {name} of {kind} has no {singular}", "Correct the kubeconfig.")
            return found
    raise NatsError(where, f"its {singular} {name} is not among the {kind}", "Add it, or name another one.")


def _check_user(chosen: Chosen, impersonated: Mapping[str, Any]) -> None:
    """Raises for a user whom the client library takes for somebody else."""
    who = f"{chosen.where}, user {chosen.user_name}"
    written = [key for key in IMPERSONATION_KEYS if chosen.user.get(key)]
    unsaid = not impersonated.get("impersonate_user") or (
        "as-groups" in written and not impersonated.get("impersonate_groups")
    )
    if written and unsaid:
        person = f"{written[0]}: {chosen.user[written[0]]}"
        raise NatsError(
            who,
            f"it says {person}, which kubernetes.core does not read, so that a play would act with the rights of {chosen.user_name} itself",
            "Set impersonate_user, and impersonate_groups where it has groups; or take it out of the kubeconfig.",
        )
    provider = chosen.user.get("auth-provider")
    name = provider.get("name") if isinstance(provider, Mapping) else None
    others = ("token", "tokenFile", "exec", "password", "client-certificate", "client-certificate-data")
    if provider and name not in PROVIDERS and not any(chosen.user.get(key) for key in others):
        raise NatsError(who, *login_failed(chosen.user, []))


def login_failed(user: Entry, told: list[str]) -> tuple[str, str]:
    """Cause and remedy where a user's exec plugin or auth-provider gave no login; `told` is what it said."""
    said = " ".join(" ".join(told).split())[-500:]
    if user.get("exec"):
        command = user["exec"].get("command") if isinstance(user["exec"], Mapping) else None
        hint = user["exec"].get("installHint") if isinstance(user["exec"], Mapping) else None
        if "No such file" in said:
            remedy = " ".join(str(hint).split()) if hint else "Install it here, or set api_key."
            return f"its exec plugin {command} is not installed", remedy
        cause = f"its exec plugin {command} gave no login{': ' + said if said else ''}"
        return cause, "Run it by hand, or set api_key."
    provider = user.get("auth-provider")
    name = provider.get("name") if isinstance(provider, Mapping) else provider
    cause = f"its auth-provider {name} gave no login{': ' + said if said else ''}"
    return cause, "Kubernetes gave auth-providers up: use an exec plugin, or set api_key."
