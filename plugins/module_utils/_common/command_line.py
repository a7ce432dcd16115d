# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Commands for a person to copy, complete enough to reach the same cluster again. Pure. PRIVATE to the collection: it can change at any time.

A command without the namespace, the context or the inventory of the play that printed it would act on another cluster.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

# What decides which cluster is meant, with the role's default of each.
TARGET = {
    "nats_cluster_name": "nats",
    "nats_cluster_namespace": "nats",
    "nats_cluster_kubeconfig": "",
    "nats_cluster_context": "",
}
# How the API server is reached. Keys, tokens and passwords are left out: who runs the command has to give them again.
CONNECTION = (
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
# What kubernetes.core and our modules take from the environment of the play, and kubectl does not.
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
# Its option, our option, and the environment variable after K8S_AUTH_. Without the person to act as, a command may do more than was meant.
KUBECTL = (
    ("kubeconfig", "kubeconfig", "KUBECONFIG"),
    ("context", "context", "CONTEXT"),
    ("server", "host", "HOST"),
    ("certificate-authority", "ca_cert", "SSL_CA_CERT"),
    ("as", "impersonate_user", "IMPERSONATE_USER"),
)
NO_INVENTORY = ("/etc/ansible/hosts", "localhost,")
_PLAIN = re.compile(r"[A-Za-z0-9._/:@+-]+")


def playbook_command(target: Mapping[str, Any], verb: str, variables: Mapping[str, Any] | None = None) -> str:
    """`ansible-playbook messaging.nats.<verb>` for the cluster that `target` describes.

    `target` has `variables` (those of TARGET, and nats_cluster_kubernetes), `environment`, the sources of the `inventory`,
    and the `host` of the inventory's group that stands for the cluster, or none.
    """
    words = [*_environment(target), "ansible-playbook"]
    for source in target.get("inventory") or ():
        if source not in NO_INVENTORY:
            words += ["-i", shlex.quote(str(source))]
    words.append(f"messaging.nats.{verb}")
    if target.get("host"):
        words += ["--limit", shlex.quote(str(target["host"]))]
    return " ".join(words + [_extra(name, value) for name, value in (_reach(target) | dict(variables or {})).items()])


def kubectl_command(target: Mapping[str, Any]) -> str:
    """`kubectl` with the options that lead to the namespace of the cluster."""
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


def _environment(target: Mapping[str, Any]) -> list[str]:
    given = target.get("environment") or {}
    return [f"{name}={shlex.quote(str(given[name]))}" for name in ENVIRONMENT if given.get(name)]


def _reach(target: Mapping[str, Any]) -> dict[str, Any]:
    given = target["variables"]
    found = {name: given[name] for name, default in TARGET.items() if given.get(name, default) != default}
    connection = given.get("nats_cluster_kubernetes") or {}
    if shown := {
        name: connection[name] for name in CONNECTION if name in connection and not _is_secret(connection[name])
    }:
        found["nats_cluster_kubernetes"] = shown
    return found


def _is_secret(value: Any) -> bool:
    """A kubeconfig's content, and a URL with a login."""
    return isinstance(value, Mapping) or (isinstance(value, str) and "@" in value.partition("://")[2])


def _extra(name: str, value: Any) -> str:
    """`name=value` is split at spaces by Ansible and is always text, so everything else is written as JSON."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return f"-e {name}={value}"
    return f"-e {shlex.quote(json.dumps({name: value}))}"
