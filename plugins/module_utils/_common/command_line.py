# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Commands that a person can copy to act on the same cluster again. Pure. PRIVATE to the collection: it can change at any time.

Without the namespace, the context or the inventory of the play that printed it, such a command could act on another cluster.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

# The variables that select a cluster, with the role's default of each.
TARGET = {
    "nats_cluster_name": "nats",
    "nats_cluster_namespace": "nats",
    "nats_cluster_kubeconfig": "",
    "nats_cluster_context": "",
}
# The options that lead to the API server. Keys, tokens and passwords are left out: whoever runs the command supplies them.
SHOWN_API_OPTIONS = (
    "kubeconfig",
    "context",
    "host",
    "ca_cert",
    "client_cert",
    "validate_certs",
    "proxy",
    "no_proxy",
    "impersonate_user",
    "impersonate_groups",
)
# The environment variables that kubernetes.core and this collection's modules read. kubectl reads only KUBECONFIG.
ENVIRONMENT = (
    "KUBECONFIG",
    "K8S_AUTH_KUBECONFIG",
    "K8S_AUTH_CONTEXT",
    "K8S_AUTH_HOST",
    "K8S_AUTH_SSL_CA_CERT",
    "K8S_AUTH_VERIFY_SSL",
    "K8S_AUTH_IMPERSONATE_USER",
    "K8S_AUTH_IMPERSONATE_GROUPS",
)
# kubectl's option, this collection's option, and the environment variable without K8S_AUTH_. A command that impersonates
# nobody could have more rights than the play had.
KUBECTL = (
    ("kubeconfig", "kubeconfig", "KUBECONFIG"),
    ("context", "context", "CONTEXT"),
    ("server", "host", "HOST"),
    ("certificate-authority", "ca_cert", "SSL_CA_CERT"),
    ("as", "impersonate_user", "IMPERSONATE_USER"),
)
IMPLICIT_INVENTORIES = ("/etc/ansible/hosts", "localhost,")
_PLAIN = re.compile(r"[A-Za-z0-9._/:@+-]+")


def module_target(
    api: Mapping[str, Any], namespace: str, cluster: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    """The `target` of a module, of its option `kubernetes`, without logins. What inventory the play had is not known to it."""
    given = {name: api[name] for name in SHOWN_API_OPTIONS if api.get(name) is not None}
    simple = {name: given.pop(name) for name in ("kubeconfig", "context") if isinstance(given.get(name), str)}
    variables = {"nats_cluster_name": cluster, "nats_cluster_namespace": namespace, "nats_cluster_kubernetes": given}
    return {
        "variables": variables | {f"nats_cluster_{name}": value for name, value in simple.items()},
        "environment": {name: environment[name] for name in ENVIRONMENT if name in environment},
    }


def playbook_command(target: Mapping[str, Any], verb: str, variables: Mapping[str, Any] | None = None) -> str:
    """`ansible-playbook messaging.nats.<verb>` for the cluster that `target` describes.

    `target` has `variables` (those of TARGET, and nats_cluster_kubernetes), `environment`, the sources of the `inventory`,
    and `host`: the name of the host that stands for the cluster in the inventory, or nothing.
    """
    words = [*_environment_assignments(target), "ansible-playbook"]
    for source in target.get("inventory") or ():
        if source not in IMPLICIT_INVENTORIES:
            words += ["-i", shlex.quote(str(source))]
    words.append(f"messaging.nats.{verb}")
    if target.get("host"):
        words += ["--limit", shlex.quote(str(target["host"]))]
    return " ".join(
        words
        + [_extra_variable(name, value) for name, value in (_target_variables(target) | dict(variables or {})).items()]
    )


def kubectl_command(target: Mapping[str, Any]) -> str:
    """`kubectl` with the options that select the cluster's API server and namespace."""
    given = target["variables"]
    connection, environment = given.get("nats_cluster_kubernetes") or {}, target.get("environment") or {}
    words = ["kubectl"]
    for option, name, variable in KUBECTL:
        value = connection.get(name) or given.get(f"nats_cluster_{name}") or environment.get(f"K8S_AUTH_{variable}")
        if value and not isinstance(value, Mapping):
            words += [f"--{option}", shlex.quote(str(value))]
    groups = connection.get("impersonate_groups") or environment.get("K8S_AUTH_IMPERSONATE_GROUPS") or []
    for group in groups.split(",") if isinstance(groups, str) else groups:
        words += ["--as-group", shlex.quote(str(group))]
    if environment.get("KUBECONFIG"):
        words.insert(0, f"KUBECONFIG={shlex.quote(str(environment['KUBECONFIG']))}")
    return " ".join([*words, "-n", shlex.quote(str(given["nats_cluster_namespace"]))])


def _environment_assignments(target: Mapping[str, Any]) -> list[str]:
    given = target.get("environment") or {}
    return [f"{name}={shlex.quote(str(given[name]))}" for name in ENVIRONMENT if given.get(name)]


def _target_variables(target: Mapping[str, Any]) -> dict[str, Any]:
    given = target["variables"]
    found = {name: given[name] for name, default in TARGET.items() if given.get(name, default) != default}
    connection = given.get("nats_cluster_kubernetes") or {}
    if shown := {
        name: connection[name] for name in SHOWN_API_OPTIONS if name in connection and not _is_secret(connection[name])
    }:
        found["nats_cluster_kubernetes"] = shown
    return found


def _is_secret(value: Any) -> bool:
    """Whether the value is the content of a kubeconfig, or a URL with a login in it."""
    return isinstance(value, Mapping) or (isinstance(value, str) and "@" in value.partition("://")[2])


def _extra_variable(name: str, value: Any) -> str:
    """Ansible splits `name=value` at spaces and always reads it as text, so all but plain words are written as JSON."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return f"-e {name}={value}"
    return f"-e {shlex.quote(json.dumps({name: value}))}"
