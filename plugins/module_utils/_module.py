# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What every module of this collection shares: connection options, errors, diff. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from ansible_collections.messaging.nats.plugins.module_utils._connection import HAS_NATS
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import HAS_KUBERNETES

M = TypeVar("M", bound="CollectionModule")
KUBERNETES: dict[str, Any] = {
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
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
# NATS_URL is read where the connection is made: as a fallback here it would exclude an explicit `kubernetes`.
CONNECTION: dict[str, Any] = {
    "servers": {"type": "list", "elements": "str"},
    "user": {"type": "str", "fallback": (env_fallback, ["NATS_USER"])},
    "password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["NATS_PASSWORD"])},
    "token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["NATS_TOKEN"])},
    "creds": {"type": "str", "no_log": True, "fallback": (env_fallback, ["NATS_CREDS"])},
    "nkey_seed": {"type": "str", "no_log": True},
    "tls": {"type": "dict", "options": TLS},
    "domain": {"type": "str"},
    "api_prefix": {"type": "str"},
    "inbox_prefix": {"type": "str", "default": "_INBOX"},
    "timeout": {"type": "float", "default": 5},
    "kubernetes": {"type": "dict", "options": KUBERNETES},
}


class CollectionModule(AnsibleModule):
    """Turns a NatsError into a failed task that says what, why and what to do: `with CollectionModule(…) as module:`."""

    def __init__(self, argument_spec: Mapping[str, Any], needs: Mapping[str, bool], **arguments: Any) -> None:
        super().__init__(argument_spec=dict(argument_spec), supports_check_mode=True, **arguments)
        for library, there in needs.items():
            if not there:
                self.fail_json(msg=missing_required_lib(library))

    def __enter__(self: M) -> M:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, NatsError):
            self.fail_json(**error.result())

    def diff(self, before: Any, after: Any, header: str) -> dict[str, Any]:
        """What Ansible shows with --diff."""
        return (
            {"diff": {"before": before, "after": after, "before_header": header, "after_header": header}}
            if self._diff
            else {}
        )


class NatsModule(CollectionModule):
    """A module with the collection's connection options."""

    def __init__(self, argument_spec: Mapping[str, Any], **arguments: Any) -> None:
        super().__init__(
            CONNECTION | dict(argument_spec),
            {"nats-py": HAS_NATS, "kubernetes": HAS_KUBERNETES},
            mutually_exclusive=[("servers", "kubernetes"), ("domain", "api_prefix")],
            required_together=[("user", "password")],
            **arguments,
        )

    @property
    def api_prefix(self) -> str:
        if self.params["domain"]:
            return f"$JS.{self.params['domain']}.API"
        return str(self.params["api_prefix"] or "$JS.API").rstrip(".")
