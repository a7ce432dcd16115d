# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a task's options say about how to reach NATS. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._nats.tls import TlsOptions


@dataclass(frozen=True, kw_only=True)
class UserLogin:
    """The credentials of one user; empty where a task names none."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    creds: str | None = field(default=None, repr=False)
    nkey_seed: str | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> UserLogin:
        """The login options among these options; an empty one is not set."""
        return cls(**{name: options.get(name) or None for name in LOGIN_OPTIONS})

    def given(self) -> dict[str, Any]:
        """The options that are set."""
        return {name: value for name, value in asdict(self).items() if value}


LOGIN_OPTIONS = tuple(option.name for option in fields(UserLogin))


@dataclass(frozen=True)
class KubernetesTarget:
    """The option `kubernetes`: a cluster of NATS, and how to reach the Kubernetes API that it is found with."""

    # The options of the Kubernetes API, by kubernetes.core's names.
    api: Mapping[str, Any] = field(repr=False)
    namespace: str
    cluster: str
    # The account whose login is used; None is the one that fits the module.
    account: str | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> KubernetesTarget:
        return cls(options, options["namespace"], options["cluster"], options.get("account"))


@dataclass(frozen=True)
class Access:
    """The connection options of a module: the servers' addresses and a login, or a cluster in Kubernetes."""

    kubernetes: KubernetesTarget | None = None
    servers: tuple[str, ...] = ()
    login: UserLogin = UserLogin()
    tls: TlsOptions | None = None
    inbox_prefix: str = "_INBOX"
    # Seconds for one request.
    timeout: float = 5

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Access:
        return cls(
            KubernetesTarget.from_options(options["kubernetes"]) if options["kubernetes"] else None,
            tuple(options["servers"] or ()),
            UserLogin.from_options(options),
            TlsOptions(**options["tls"]) if options["tls"] is not None else None,
            options["inbox_prefix"],
            options["timeout"],
        )
