# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The connections that a change of servers needs, each made when it is first used. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Protocol

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NotAskedError,
    Unasked,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Steady
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import through
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods


class Restarted(Protocol):
    """A server that is back by its own word."""

    def prove(self) -> None:
        """Waits until Kubernetes finds it ready, too."""


class Contacts:
    """The connections to a cluster's servers, kept from one server to the next."""

    def __init__(self, pods: Pods, params: Mapping[str, Any], opened: ExitStack) -> None:
        self._pods, self._timeout, self.opened = pods, params["timeout"], opened
        self.source = ThroughKubernetes(params["kubernetes"], params["timeout"], opened, look_inside=False)
        self.steady = Steady(self.source.take)
        self._accounts: dict[str, Connection | None] = {}
        self._unproven: Restarted | None = None

    def system(self) -> Connection | None:
        """That of the snapshots, as the system account's own user."""
        return _where_there_is_a_login(self.source.connection)

    def account(self, account: str) -> Connection | None:
        """A connection as an account's own user."""
        if account not in self._accounts:
            pods = self._pods
            access = through(pods.kubernetes, pods.namespace, pods.cluster, account, self._timeout)
            self._accounts[account] = _where_there_is_a_login(lambda: self.opened.enter_context(access))
        return self._accounts[account]

    def is_back(self, work: Restarted) -> None:
        """By its own word, which comes a second or two before that of its kubelet: the next one can be prepared meanwhile."""
        self._unproven = work

    def prove(self) -> bool:
        """Waits for Kubernetes' word on the one that came back last; whether there was one to wait for."""
        work, self._unproven = self._unproven, None
        if work:
            work.prove()
        return work is not None


def _where_there_is_a_login(connect: Callable[[], Connection]) -> Connection | None:
    """None where no Secret has it."""
    try:
        return connect()
    except NotAskedError as error:
        if error.reason is not Unasked.NO_LOGIN:
            raise
        return None
