# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The options for the connection to a Kubernetes API, and their environment variables. PRIVATE to the collection: it can change at any time.

Names, environment variables and precedence are those of kubernetes.core, so that a play reaches the same API server with both
collections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROXY_HEADERS: dict[str, Any] = {
    "proxy_basic_auth": {"type": "str", "no_log": True},
    "basic_auth": {"type": "str", "no_log": True},
    "user_agent": {"type": "str"},
}
# A kubeconfig is usually a path, which messages should show. `kubeconfig_secrets` finds the secrets of one that is given as a dict.
KUBECONFIG: dict[str, Any] = {
    "kubeconfig": {"type": "raw", "no_log": False},
    "context": {"type": "str"},
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
    "client_cert": {"type": "path", "aliases": ["cert_file"]},
    "client_key": {"type": "path", "no_log": False, "aliases": ["key_file"]},
    "proxy": {"type": "str"},
    "no_proxy": {"type": "str"},
    "proxy_headers": {"type": "dict", "options": PROXY_HEADERS},
    "persist_config": {"type": "bool"},
    "impersonate_user": {"type": "str"},
    "impersonate_groups": {"type": "list", "elements": "str"},
}
FALSE = ("0", "false", "no")


def resolve(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The options that are set, and those that an environment variable sets."""
    found = {name: _value(name, spec, options, environ) for name, spec in KUBECONFIG.items()}
    return {name: value for name, value in found.items() if value is not None}


def _value(name: str, spec: Mapping[str, Any], options: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    for written in (name, *spec.get("aliases", ())):
        if options.get(written) is not None:
            return options[written]
    if name == "proxy_headers":
        return {key: value for key in PROXY_HEADERS if (value := environ.get(f"K8S_AUTH_PROXY_HEADERS_{key.upper()}"))}
    value = None
    for variable in (f"K8S_AUTH_{written.upper()}" for written in (name, *spec.get("aliases", ()))):
        value = value or environ.get(variable)
    if value is not None and spec["type"] == "bool":
        return value.lower() not in FALSE
    if value is not None and spec["type"] == "list":
        return [entry for entry in value.split(",") if entry]
    return value
