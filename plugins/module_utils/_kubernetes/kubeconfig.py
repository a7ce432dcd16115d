# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads one context of a kubeconfig and checks it. PRIVATE to the collection: it can change at any time.

The client library loads the kubeconfig, but says little about mistakes and ignores some of them, so that a play would act
anonymously or as another user.
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
    LOADER: Any = None  # PyYAML comes with the client library, whose absence is reported first
else:
    LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Entry = Mapping[str, Any]
LIST_ENTRIES = {"contexts": "context", "clusters": "cluster", "users": "user"}
OTHER_KUBECONFIG = "Set kubeconfig, K8S_AUTH_KUBECONFIG or KUBECONFIG to another one."
# Keys of a user that kubernetes.core's modules ignore, so that they would act as another user.
IMPERSONATION_KEYS = ("as", "as-uid", "as-groups", "as-user-extra")
PROVIDERS = ("gcp", "oidc")
SHOW_IT = "Correct it: kubectl config view shows the same error."


class KubeconfigError(NatsError):
    """A kubeconfig, or one of its contexts, that can't be used."""

    code = "KUBECONFIG_INVALID"


class LoginFailedError(NatsError):
    """An exec plugin or auth-provider that returned no login."""

    code = "KUBERNETES_LOGIN_FAILED"


@dataclass(frozen=True)
class Chosen:
    """One context with its cluster and its user; `where` names the context and its kubeconfig in messages."""

    where: str
    cluster: Entry
    user: Entry
    user_name: str | None


def choose(kubeconfig: str | Mapping[str, Any], context: str | None, impersonated: Mapping[str, Any]) -> Chosen:
    """The requested context, or the current one. Raises where the files or that context can't be used."""
    if isinstance(kubeconfig, str):
        where, content = f"kubeconfig {kubeconfig}", _merged(kubeconfig)
    else:
        where = "kubeconfig (given as a dictionary)"
        content = _checked(kubeconfig, where)
    chosen = _context(content, context, where)
    _check_user(chosen, impersonated)
    return chosen


def _merged(paths: str) -> Mapping[str, Any]:
    """Several files merged as by the client library: of entries with one name the first counts, of current-contexts the last."""
    found = [os.path.expanduser(path) for path in paths.split(os.pathsep) if path]
    existing = [path for path in found if os.path.exists(path)]
    if not existing:
        cause = "there is no such file" if len(found) == 1 else "none of these files exists" if found else "it is empty"
        remedy = f"{OTHER_KUBECONFIG} Without a kubeconfig, set host and api_key."
        raise KubeconfigError(f"kubeconfig {paths}", cause, remedy)
    merged: dict[str, Any] = {kind: [] for kind in LIST_ENTRIES}
    for path in existing:
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
        raise KubeconfigError(what, f"it can't be read: {error.strerror}", OTHER_KUBECONFIG) from error
    except UnicodeDecodeError as error:
        raise KubeconfigError(what, "it is not a text file", OTHER_KUBECONFIG) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise KubeconfigError(what, f"it is not valid YAML{place}", SHOW_IT) from error
    return _checked(content, what)


def _checked(content: Any, what: str) -> Mapping[str, Any]:
    """The content; raises where it does not have the structure of a kubeconfig."""
    if content is None:
        raise KubeconfigError(what, "it is empty", OTHER_KUBECONFIG)
    if not isinstance(content, Mapping):
        raise KubeconfigError(what, "it is not a kubeconfig: it has no clusters, contexts and users", OTHER_KUBECONFIG)
    for kind in LIST_ENTRIES:
        entries = content.get(kind) or []
        if not isinstance(entries, list):
            raise KubeconfigError(what, f"{kind} is not a list", SHOW_IT)
        for number, entry in enumerate(entries, 1):
            if not isinstance(entry, Mapping) or "name" not in entry:
                raise KubeconfigError(what, f"entry {number} of {kind} has no name", "Give it one.")
    return content


def _context(kubeconfig: Mapping[str, Any], requested: str | None, where: str) -> Chosen:
    names = [str(entry["name"]) for entry in kubeconfig.get("contexts") or []]
    existing = f"It has {', '.join(names)}" if names else "It has no context at all"
    name = kubeconfig.get("current-context") if requested is None else requested
    if not name:
        raise KubeconfigError(
            where, "it has no current-context, and the option context is not set", f"Set context. {existing}."
        )
    where = f"context {name} of {where}"
    if name not in names:
        origin = "" if requested else ", which is its current-context"
        raise KubeconfigError(
            where, f"there is no such context{origin}", f"Set context, or K8S_AUTH_CONTEXT. {existing}."
        )
    context = _entry(kubeconfig, "contexts", name, where)
    cluster_name, user_name = context.get("cluster"), context.get("user")
    if not cluster_name:
        raise KubeconfigError(where, "it names no cluster", "Add it: kubectl config set-context --cluster.")
    cluster = _entry(kubeconfig, "clusters", cluster_name, where)
    if not cluster.get("server"):
        raise KubeconfigError(where, f"its cluster {cluster_name} has no server", "Add the URL of the Kubernetes API.")
    user = _entry(kubeconfig, "users", user_name, where) if user_name else {}
    return Chosen(where, cluster, user, user_name)


def _entry(kubeconfig: Mapping[str, Any], kind: str, name: str, where: str) -> Entry:
    """The content of one entry of `contexts`, `clusters` or `users`."""
    singular = LIST_ENTRIES[kind]
    for entry in kubeconfig.get(kind) or []:
        if entry["name"] == name:
            found = entry.get(singular)
            if not isinstance(found, Mapping):
                raise KubeconfigError(where, f"entry {name} of {kind} has no {singular}", "Correct the kubeconfig.")
            return found
    raise KubeconfigError(where, f"its {singular} {name} is not among the {kind}", "Add it, or name another one.")


def _check_user(chosen: Chosen, impersonated: Mapping[str, Any]) -> None:
    """Raises where the client library would log in as another user than the kubeconfig says, or as nobody."""
    title = f"{chosen.where}, user {chosen.user_name}"
    written = [key for key in IMPERSONATION_KEYS if chosen.user.get(key)]
    missing = not impersonated.get("impersonate_user") or (
        "as-groups" in written and not impersonated.get("impersonate_groups")
    )
    if written and missing:
        person = f"{written[0]}: {chosen.user[written[0]]}"
        raise KubeconfigError(
            title,
            f"it says {person}, which kubernetes.core ignores, so a play would act with the rights of {chosen.user_name} itself",
            "Set impersonate_user, and impersonate_groups where it has groups; or remove it from the kubeconfig.",
        )
    provider = chosen.user.get("auth-provider")
    name = provider.get("name") if isinstance(provider, Mapping) else None
    others = ("token", "tokenFile", "exec", "password", "client-certificate", "client-certificate-data")
    if provider and name not in PROVIDERS and not any(chosen.user.get(key) for key in others):
        raise LoginFailedError(title, *login_failed(chosen.user, []))


def login_failed(user: Entry, messages: list[str]) -> tuple[str, str]:
    """Cause and remedy where a user's exec plugin or auth-provider returned no login; `messages` are what it logged."""
    said = " ".join(" ".join(messages).split())[-500:]
    if user.get("exec"):
        command = user["exec"].get("command") if isinstance(user["exec"], Mapping) else None
        hint = user["exec"].get("installHint") if isinstance(user["exec"], Mapping) else None
        if "No such file" in said:
            remedy = " ".join(str(hint).split()) if hint else "Install it here, or set api_key."
            return f"its exec plugin {command} is not installed", remedy
        cause = f"its exec plugin {command} returned no login{': ' + said if said else ''}"
        return cause, "Run it by hand, or set api_key."
    provider = user.get("auth-provider")
    name = provider.get("name") if isinstance(provider, Mapping) else provider
    cause = f"its auth-provider {name} returned no login{': ' + said if said else ''}"
    return cause, "Kubernetes has removed auth-providers: use an exec plugin, or set api_key."
