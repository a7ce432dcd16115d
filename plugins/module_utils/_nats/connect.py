# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Opens connections to NATS from the options of a task. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, NotAskedError, Unasked
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import secret_name
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import CLIENT_PORT, ready, runs
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.port_forward import Tunnel
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._nats.tls import TlsOptions

if TYPE_CHECKING:
    from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
    from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
# The environment variables of a login, for a task without any login option.
LOGIN_VARIABLES = {"user": "NATS_USER", "password": "NATS_PASSWORD", "token": "NATS_TOKEN", "creds": "NATS_CREDS"}
LOGIN_OPTIONS = ("user", "password", "token", "creds", "nkey_seed", "jwt")
# Seconds to connect through the API server and the kubelet, which takes longer than a direct connection.
CONNECT_TIMEOUT_S = 10


@contextmanager
def connected(params: Mapping[str, Any], account: str) -> Iterator[Connection]:
    """A connection by the options of a task. `account` is the default for a connection through Kubernetes."""
    if params.get("kubernetes"):
        target = params["kubernetes"]
        # Imported here, because importing the client library takes longer than a request to NATS.
        from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import (
            Kubernetes,
        )

        kubernetes = Kubernetes(target)
        with through(
            kubernetes, target["namespace"], target["cluster"], target["account"] or account, params["timeout"]
        ) as connection:
            yield connection
        return
    servers = params["servers"] or [server for server in os.environ.get("NATS_URL", "").split(",") if server]
    if not servers:
        raise NatsError(
            "connection",
            "neither the option servers, nor kubernetes, nor NATS_URL says where NATS is",
            "Set one of them.",
            code="INVALID_OPTIONS",
        )
    login = {name: params[name] for name in LOGIN_OPTIONS if params[name]}
    login = login or {
        name: os.environ[variable] for name, variable in LOGIN_VARIABLES.items() if os.environ.get(variable)
    }
    tls = TlsOptions(**params["tls"]) if params["tls"] is not None else None
    options = Options(servers, **login, tls=tls, inbox_prefix=params["inbox_prefix"], timeout=params["timeout"])
    with Connection(options) as connection:
        yield connection


def logins(params: Mapping[str, Any], opened: ExitStack) -> Callable[[str], Connection | None]:
    """A function that returns a connection as the user of an account, or None where there are no credentials for it.

    The credentials are those of the option `accounts`, or, with `kubernetes`, those in the account's Secret. Each connection is
    opened once, when it is first needed.
    """
    declared = {login["account"]: login for login in params["accounts"] if any(login.get(key) for key in LOGIN_OPTIONS)}

    @cache
    def connection_of(account: str) -> Connection | None:
        if account in declared:
            options = {**params, **{key: declared[account].get(key) for key in LOGIN_OPTIONS}, "kubernetes": None}
            return opened.enter_context(connected(options, ""))
        if not params.get("kubernetes"):
            return None
        from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes

        target = params["kubernetes"]
        kubernetes, namespace = Kubernetes(target), target["namespace"]
        name = secret_name(target["cluster"], account)
        if kubernetes.find(f"/api/v1/namespaces/{namespace}/secrets/{name}", f"Secret {name}") is None:
            return None
        return opened.enter_context(through(kubernetes, namespace, target["cluster"], account, params["timeout"]))

    return connection_of


@contextmanager
def through(
    kubernetes: Kubernetes,
    namespace: str,
    cluster: str,
    account: str,
    timeout: float,
    pods: list[Object] | None = None,
) -> Iterator[Connection]:
    """A connection as the user of an account, through the Kubernetes API to the first pod (of `pods`) that accepts it."""
    user, password = _login(kubernetes, namespace, secret_name(cluster, account))
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

        options = Options(
            tuple(tunnels), user=user, password=password, timeout=timeout, connect_timeout=CONNECT_TIMEOUT_S
        )
        yield opened.enter_context(Connection(options, explain))


def _login(kubernetes: Kubernetes, namespace: str, name: str) -> tuple[str, str]:
    """User and password from an account's Secret; raises with the reason where there are none."""
    what = f"Secret {name} in namespace {namespace}"
    try:
        found = kubernetes.find(f"/api/v1/namespaces/{namespace}/secrets/{name}", what)
    except NatsError as error:
        forbidden = error.err_code == HTTPStatus.FORBIDDEN
        reason, code = (Unasked.FORBIDDEN, None) if forbidden else (Unasked.NO_ANSWER, error.code)
        raise NotAskedError(reason, error.what, error.cause, error.remedy, error.err_code, code=code) from error
    remedy = "Check the options kubernetes.namespace, kubernetes.cluster and kubernetes.account, or deploy the cluster first."
    if found is None:
        raise NotAskedError(Unasked.NO_LOGIN, what, "it does not exist", remedy)
    data = found.get("data") or {}
    if not data.get("username") or not data.get("password"):
        deploy = "Deploy the cluster again, which creates the login again."
        raise NotAskedError(Unasked.NO_LOGIN, what, "it holds no username and password", deploy)
    try:
        user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
    except ValueError as error:
        raise NotAskedError(Unasked.NO_LOGIN, what, "its username or password is not valid UTF-8", remedy) from error
    return user, password
