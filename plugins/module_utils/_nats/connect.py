# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Opens connections to NATS from the options of a task. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, NotAskedError, Unasked
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import checker_secret, secret_name
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import CLIENT_PORT, ready, runs
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.port_forward import Tunnel
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import ASK, required
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import Access, UserLogin
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options

if TYPE_CHECKING:
    from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
    from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
# The environment variables of a login, for a task without any login option.
LOGIN_VARIABLES = {"user": "NATS_USER", "password": "NATS_PASSWORD", "token": "NATS_TOKEN", "creds": "NATS_CREDS"}
# Seconds to connect through the API server and the kubelet, which takes longer than a direct connection.
CONNECT_TIMEOUT_S = 10


@contextmanager
def connected(access: Access, account: str) -> Iterator[Connection]:
    """A connection as a task's options say. `account` is the default for a connection through Kubernetes."""
    if target := access.kubernetes:
        # Imported here, because importing the client library takes longer than a request to NATS.
        from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import (
            Kubernetes,
        )
        from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import (
            all_missing_named,
        )

        kubernetes, account = Kubernetes(target.api), target.account or account
        needs = partial(required, ASK, target.namespace, secret_name(target.cluster, account))
        with (
            all_missing_named(kubernetes, needs, "resources"),
            through(kubernetes, target.namespace, target.cluster, account, access.timeout) as connection,
        ):
            yield connection
        return
    servers = access.servers or [server for server in os.environ.get("NATS_URL", "").split(",") if server]
    if not servers:
        raise NatsError(
            "connection",
            "neither the option servers, nor kubernetes, nor NATS_URL says where NATS is",
            "Set one of them.",
            code="INVALID_OPTIONS",
        )
    login = access.login.given() or {
        name: os.environ[variable] for name, variable in LOGIN_VARIABLES.items() if os.environ.get(variable)
    }
    options = Options(servers, **login, tls=access.tls, inbox_prefix=access.inbox_prefix, timeout=access.timeout)
    with Connection(options) as connection:
        yield connection


def logins(access: Access, declared: Mapping[str, UserLogin], opened: ExitStack) -> Callable[[str], Connection | None]:
    """A function that returns a connection as the user of an account, or None where there are no credentials for it.

    The credentials are those that the task declares for the account, or, through Kubernetes, those in the account's Secret. Each
    connection is opened once, when it is first needed.
    """

    @cache
    def connection_of(account: str) -> Connection | None:
        login, target = declared.get(account, UserLogin()), access.kubernetes
        if login.given():
            return opened.enter_context(connected(replace(access, login=login, kubernetes=None), ""))
        if not target:
            return None
        from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes

        kubernetes, namespace = Kubernetes(target.api), target.namespace
        name = secret_name(target.cluster, account)
        if kubernetes.find(f"/api/v1/namespaces/{namespace}/secrets/{name}", f"Secret {name}") is None:
            return None
        return opened.enter_context(through(kubernetes, namespace, target.cluster, account, access.timeout))

    return connection_of


@contextmanager
def through(
    kubernetes: Kubernetes,
    namespace: str,
    cluster: str,
    account: str,
    timeout: float,
    pods: list[Object] | None = None,
    secret: str = "",
) -> Iterator[Connection]:
    """A connection as the user of an account, through the Kubernetes API to the first pod (of `pods`) that accepts it.

    `secret` is the Secret with the login, where it is not that of the account's own user.
    """
    login = _login(kubernetes, namespace, secret or secret_name(cluster, account))
    running = [pod for pod in pods or kubernetes.pods(namespace, cluster) if runs(pod)]
    if not running:
        raise NotAskedError(
            Unasked.NO_ANSWER,
            f"cluster {cluster} in namespace {namespace}",
            "none of its pods is running",
            "Find out why with kubectl get pods.",
        )
    with ExitStack() as opened:
        tunnels = {}
        for pod in sorted(running, key=lambda pod: not ready(pod)):
            name = pod["metadata"]["name"]
            tunnel = opened.enter_context(closing(Tunnel(partial(kubernetes.forward, namespace, name, CLIENT_PORT))))
            tunnels[f"nats://127.0.0.1:{tunnel.port}"] = (name, tunnel)

        def explain(server: str, sentence: str) -> str:
            name, tunnel = tunnels[server]
            return f"pod {name}: {tunnel.error or sentence}"

        options = replace(login, servers=tuple(tunnels), timeout=timeout, connect_timeout=CONNECT_TIMEOUT_S)
        yield opened.enter_context(Connection(options, explain))


@contextmanager
def looking(kubernetes: Kubernetes, namespace: str, cluster: str, timeout: float) -> Iterator[Connection]:
    """A connection as the user of the system account who can't change anything; as its own user in clusters that don't have the former."""
    with ExitStack() as opened:
        try:
            access = through(kubernetes, namespace, cluster, "SYS", timeout, secret=checker_secret(cluster))
            connection = opened.enter_context(access)
            connection.server()
        except NotAskedError as error:
            # Kubernetes forbids to read a Secret by its name also where it does not exist.
            if error.reason not in (Unasked.NO_LOGIN, Unasked.REFUSED, Unasked.FORBIDDEN):
                raise
            connection = opened.enter_context(through(kubernetes, namespace, cluster, "SYS", timeout))
        yield connection


def _login(kubernetes: Kubernetes, namespace: str, name: str) -> Options:
    """The login in a Secret, without an address yet; raises with the reason where there is none."""
    what = f"Secret {name} in namespace {namespace}"
    try:
        found = kubernetes.find(f"/api/v1/namespaces/{namespace}/secrets/{name}", what)
    except NatsError as error:
        forbidden = error.err_code == HTTPStatus.FORBIDDEN
        reason, code = (Unasked.FORBIDDEN, None) if forbidden else (Unasked.NO_ANSWER, error.code)
        raise NotAskedError(reason, error.what, error.cause, error.remedy, error.err_code, code=code) from error
    remedy = "Deploy the cluster first, or check its namespace, its name and the account."
    if found is None:
        raise NotAskedError(Unasked.NO_LOGIN, what, "it does not exist", remedy)
    data = found.get("data") or {}
    if not data.get("username") or not data.get("password"):
        deploy = "Deploy the cluster again, which creates the login again."
        raise NotAskedError(Unasked.NO_LOGIN, what, "it holds no username and password", deploy)
    try:
        user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
        prefix = base64.b64decode(data.get("inbox_prefix") or "").decode()
    except ValueError as error:
        raise NotAskedError(Unasked.NO_LOGIN, what, "its username or password is not valid UTF-8", remedy) from error
    # A user with a role gets answers under a prefix of its own.
    return Options((), user=user, password=password, inbox_prefix=prefix or "_INBOX")
