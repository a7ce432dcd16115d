# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Configures the client library: which Kubernetes API, and as which user. PRIVATE to the collection: it can change at any time.

It takes the same steps as kubernetes.core, with the client library's own functions, so that both reach the same server as the
same user, even where options, environment and kubeconfig contradict each other.
"""

from __future__ import annotations

import binascii
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.kubeconfig import (
    Chosen,
    KubeconfigError,
    LoginFailedError,
    choose,
    login_failed,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG, resolve

try:
    import urllib3
    from kubernetes import config
    from kubernetes.client import Configuration
except ImportError:
    HAS_CLIENT = False
else:
    HAS_CLIENT = True

# Options and the client library's attributes, in kubernetes.core's order: the library derives the proxy from the host.
ATTRIBUTES = {
    "host": "host",
    "api_key": "api_key",
    "username": "username",
    "password": "password",
    "validate_certs": "verify_ssl",
    "ca_cert": "ssl_ca_cert",
    "client_cert": "cert_file",
    "client_key": "key_file",
    "proxy": "proxy",
    "no_proxy": "no_proxy",
    "proxy_headers": "proxy_headers",
}
FILE_OPTIONS = ("ca_cert", "client_cert", "client_key")
IMPERSONATION_HEADERS = {"impersonate_user": "Impersonate-User", "impersonate_groups": "Impersonate-Group"}
# With host and all options of one of these, no kubeconfig is read.
COMPLETE_LOGINS = (("username", "password"), ("api_key",), ("client_cert", "client_key"))
DEFAULT_KUBECONFIG = "~/.kube/config"


@dataclass(frozen=True)
class Login:
    """A configured login. `given` are the options that are set, `impersonation` the headers, and `source` says where the login comes from."""

    given: Mapping[str, Any]
    configuration: Any
    impersonation: tuple[tuple[str, str], ...]
    source: str


def log_in(options: Mapping[str, Any], environ: Mapping[str, str]) -> Login:
    """The login from the options, and from environment variables for options that are not set."""
    given = resolve(options, environ)
    if given.get("host"):
        given["host"] = given["host"].rstrip("/")
    if given.get("impersonate_groups") and not given.get("impersonate_user"):
        cause = "impersonate_user is missing, to whom the groups belong"
        raise NatsError("impersonate_groups", cause, "Set impersonate_user.", code="INVALID_OPTIONS")
    configuration, source = _base(given, environ)
    for name, attribute in ATTRIBUTES.items():
        if name in given:
            setattr(configuration, attribute, _as_configured(name, given[name]))
    _check(configuration, given)
    configuration.retries = False
    if not configuration.verify_ssl:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return Login(given, configuration, impersonation(given), source)


def impersonation(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The headers that impersonate a user: one for the user, and one for each group."""
    values = {name: given.get(name) or [] for name in IMPERSONATION_HEADERS}
    return tuple(
        (IMPERSONATION_HEADERS[name], value)
        for name, found in values.items()
        for value in (found if isinstance(found, list) else [found])
    )


def _base(given: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Any, str]:
    """The configuration to apply the options to, and its source: the options alone, a pod's service account, or a kubeconfig."""
    configuration = Configuration()
    if given.get("host") and any(all(given.get(name) for name in login) for login in COMPLETE_LOGINS):
        if not any(all(given.get(name) for name in login) for login in COMPLETE_LOGINS[1:]):
            raise NatsError(
                "username and password",
                f"the client library sends them only from a kubeconfig, so {given['host']} would see an anonymous user",
                "Set api_key, or client_cert and client_key.",
                code="INVALID_OPTIONS",
            )
        return configuration, "the options host and " + ("api_key" if given.get("api_key") else "client_cert")
    service_account_error = None
    if not given.get("kubeconfig") and not given.get("context"):
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException as error:
            service_account_error = str(error) if environ.get("KUBERNETES_SERVICE_HOST") else None
        else:
            return configuration, "this pod's service account"
    try:
        return configuration, _from_kubeconfig(configuration, given, environ)
    except NatsError as error:
        if service_account_error is None:
            raise
        cause = (
            f"{error.cause.rstrip('.')}; and although KUBERNETES_SERVICE_HOST is set, this pod's service account can't be used: "
            f"{service_account_error}"
        )
        remedy = "Let the pod have its service account's token (automountServiceAccountToken), or set kubeconfig, or host and api_key."
        raise NatsError(error.what, cause, remedy, code=error.code) from error


def _from_kubeconfig(configuration: Any, given: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Loads a kubeconfig into the configuration, and returns the name of its context for messages."""
    # The client library reads KUBECONFIG when it is imported, which may be before a task sets it.
    kubeconfig = given.get("kubeconfig") or environ.get("KUBECONFIG", DEFAULT_KUBECONFIG)
    if not isinstance(kubeconfig, (str, dict)):
        raise KubeconfigError("kubeconfig", "it is neither a path nor a dictionary", "Write one of them.")
    context = given.get("context")
    chosen = choose(kubeconfig, context, given)
    more = {"context": context, "persist_config": given.get("persist_config"), "client_configuration": configuration}
    with _logged_errors() as logged:
        try:
            if context is None and isinstance(kubeconfig, str) and os.pathsep in kubeconfig:
                # With several files, versions of the client library differ in which current-context they use.
                current = config.list_kube_config_contexts(config_file=kubeconfig)[1]
                chosen = choose(kubeconfig, current["name"], given)
            if isinstance(kubeconfig, str):
                config.load_kube_config(config_file=kubeconfig, **more)
            else:
                config.load_kube_config_from_dict(config_dict=kubeconfig, **more)
        except NatsError:
            raise
        # An exec plugin or auth-provider can be any program or library, and fail with any exception.
        except Exception as error:
            raise _load_error(chosen, error) from error
    if (chosen.user.get("exec") or chosen.user.get("auth-provider")) and not _has_login(configuration):
        raise LoginFailedError(f"{chosen.where}, user {chosen.user_name}", *login_failed(chosen.user, logged))
    return chosen.where


def _load_error(chosen: Chosen, error: Exception) -> NatsError:
    what = f"{chosen.where}, user {chosen.user_name}"
    if chosen.user.get("auth-provider"):
        return LoginFailedError(what, *login_failed(chosen.user, [_first_line(error)]))
    if isinstance(error, binascii.Error):
        cause = f"one of its values ending in -data is not base64: {error}"
        return KubeconfigError(what, cause, "Correct the kubeconfig.")
    cause = _first_line(error) or type(error).__name__
    return KubeconfigError(what, cause, "Correct the kubeconfig, or name another context.")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _has_login(configuration: Any) -> bool:
    return bool(configuration.api_key or configuration.cert_file)


@contextmanager
def _logged_errors() -> Iterator[list[str]]:
    """The errors that are logged meanwhile: the client library only logs why an exec plugin failed, and goes on anonymously."""
    logged: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logged.append(re.sub(r"^exec: ", "", record.getMessage()))

    listener = Listener(logging.ERROR)
    logging.getLogger().addHandler(listener)
    try:
        yield logged
    finally:
        logging.getLogger().removeHandler(listener)


def _as_configured(name: str, value: Any) -> Any:
    """The value of an option in the form in which the client library's attribute takes it."""
    if name == "api_key":
        return {"authorization": f"Bearer {value}"}
    if name == "proxy_headers":
        return urllib3.util.make_headers(**value)
    return value


def _check(configuration: Any, given: Mapping[str, Any]) -> None:
    """Raises for an invalid address and for missing files, since the error of a request would not name them."""
    host = configuration.host
    if not re.match(r"https?://[^/]", host or ""):
        origin = "K8S_AUTH_HOST or host" if "host" in given else "the kubeconfig's server"
        cause = f"{host!r} is not a URL of a Kubernetes API"
        raise NatsError(origin, cause, "Write it as https://<name>:<port>.", code="INVALID_VALUE")
    for name in FILE_OPTIONS:
        path = getattr(configuration, ATTRIBUTES[name])
        if path and not os.access(path, os.R_OK):
            cause = "it can't be read" if os.path.exists(path) else "there is no such file"
            variable = f"K8S_AUTH_{(KUBECONFIG[name]['aliases'][0]).upper()}"
            raise NatsError(f"{name} {path}", cause, f"Correct {name}, or {variable}.", code="FILE_NOT_READABLE")
