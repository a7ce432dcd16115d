# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The base class of modules that connect to NATS, with their connection options. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import Access, KubernetesTarget
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import HAS_NATS, secret_of
from ansible_collections.messaging.nats.plugins.module_utils._nats.user_credentials import is_surely_a_path

KUBERNETES: dict[str, Any] = {
    **KUBECONFIG,
    "namespace": {"type": "str", "default": "nats"},
    "cluster": {"type": "str", "default": "nats"},
    "account": {"type": "str"},
}
TLS: dict[str, Any] = {
    "ca": {"type": "path"},
    "cert": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "server_name": {"type": "str"},
    "handshake_first": {"type": "bool", "default": False},
}
# Environment variables are read when the connection is opened. As fallbacks of these options, NATS_URL would exclude the option
# `kubernetes`, and a login from the environment would be mixed with the task's own login.
CONNECTION: dict[str, Any] = {
    "servers": {"type": "list", "elements": "str"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "creds": {"type": "str", "no_log": True},
    "nkey_seed": {"type": "str", "no_log": True},
    "jwt": {"type": "str", "no_log": True},
    "tls": {"type": "dict", "options": TLS},
    "domain": {"type": "str"},
    "api_prefix": {"type": "str"},
    "inbox_prefix": {"type": "str", "default": "_INBOX"},
    "timeout": {"type": "float", "default": 5},
    "kubernetes": {"type": "dict", "options": KUBERNETES},
}


class NatsModule(CollectionModule):
    """A module with the collection's connection options."""

    def __init__(self, argument_spec: Mapping[str, Any], **arguments: Any) -> None:
        super().__init__(
            CONNECTION | dict(argument_spec),
            {"nats-py": HAS_NATS},
            mutually_exclusive=[("servers", "kubernetes"), ("domain", "api_prefix")],
            required_together=[("user", "password")],
            required_by={"jwt": "nkey_seed"},
            **arguments,
        )
        # A path is no secret, and an error that hides it helps nobody.
        if self.params["creds"] and is_surely_a_path(self.params["creds"]):
            self.no_log_values.discard(self.params["creds"])
        # Ansible masks the options that are marked as secret, but not a password in a URL.
        self.no_log_values |= {secret for server in self.params["servers"] or () if (secret := secret_of(server))}

    @property
    def access(self) -> Access:
        """How to reach NATS."""
        return Access.from_options(self.params)

    def needed_target(self, why: str) -> KubernetesTarget:
        """The option `kubernetes`; a sentence says why it is needed."""
        if target := self.access.kubernetes:
            return target
        raise NatsError(
            "option kubernetes", f"it is needed: {why}", "Set kubernetes.namespace.", code="INVALID_OPTIONS"
        )

    @property
    def api_prefix(self) -> str:
        """The prefix of the JetStream API's subjects."""
        if self.params["domain"]:
            return f"$JS.{self.params['domain']}.API"
        return str(self.params["api_prefix"] or "$JS.API").rstrip(".")
