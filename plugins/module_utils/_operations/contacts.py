# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The connections that a change of servers needs, each made when it is first used. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Protocol

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NotAskedError,
    Unasked,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Steady
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import KubernetesTarget
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import through
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

# Reads snapshots of the cluster, with what each of these accounts is told of its streams.
Observer = Callable[[Iterable[str]], ThroughKubernetes]


def observer(target: KubernetesTarget, timeout: float, opened: ExitStack) -> Observer:
    """Snapshots of the cluster that the option `kubernetes` names."""

    def observing(accounts: Iterable[str]) -> ThroughKubernetes:
        return ThroughKubernetes(target, timeout, opened, accounts=tuple(accounts), look_inside=False, only_looks=False)

    return observing


class Restarted(Protocol):
    """A server that answers again after its restart."""

    def wait_until_ready(self) -> None:
        """Waits until Kubernetes reports its pod ready, too."""


class Contacts:
    """The connections to a cluster's servers, kept from one server to the next."""

    def __init__(self, pods: Pods, observe: Observer, timeout: float, opened: ExitStack) -> None:
        self._pods, self._observe, self._timeout, self._opened = pods, observe, timeout, opened
        self.source = observe(())
        self.steady = Steady(self.source.take)
        self._accounts: dict[str, Connection | None] = {}
        self._not_ready: Restarted | None = None

    def with_accounts(self, accounts: Iterable[str]) -> ThroughKubernetes:
        """Snapshots that also have what these accounts are told of their streams."""
        return self._observe(accounts)

    def system(self) -> Connection | None:
        """The connection of the snapshots, as the system account's own user."""
        return _unless_login_is_missing(self.source.connection)

    def account(self, account: str) -> Connection | None:
        """A connection as an account's own user."""
        if account not in self._accounts:
            pods = self._pods
            access = through(pods.kubernetes, pods.namespace, pods.cluster, account, self._timeout)
            self._accounts[account] = _unless_login_is_missing(lambda: self._opened.enter_context(access))
        return self._accounts[account]

    def answers_again(self, server: Restarted) -> None:
        """A server answers a second or two before its kubelet reports it ready: the next one can be prepared meanwhile."""
        self._not_ready = server

    def wait_until_last_is_ready(self) -> bool:
        """Waits until Kubernetes reports the server ready that restarted last; False where none was waited for."""
        server, self._not_ready = self._not_ready, None
        if server:
            server.wait_until_ready()
        return server is not None


def _unless_login_is_missing(connect: Callable[[], Connection]) -> Connection | None:
    """None where no Secret has the login."""
    try:
        return connect()
    except NotAskedError as error:
        if error.reason is not Unasked.NO_LOGIN:
            raise
        return None
