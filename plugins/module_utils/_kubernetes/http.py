# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Requests and websockets to a Kubernetes API, each with its time-outs and tries. PRIVATE to the collection: it can change at any time.

On the client library's connection pool and login, without its generated methods: importing their models takes half a second.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.login import Login

try:
    import certifi
    from kubernetes.client.rest import RESTClientObject
    from urllib3 import PoolManager, Timeout
    from urllib3._collections import HTTPHeaderDict  # version 1 has it only there
    from urllib3.exceptions import (
        ConnectTimeoutError,
        HTTPError,
        NewConnectionError,
        ProxyError,
        SSLError,
    )
    from urllib3.util import parse_url
    from websocket import WebSocket, WebSocketBadStatusException, WebSocketException
except ImportError:
    HAS_HTTP = False
else:
    HAS_HTTP = True

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
UNAVAILABLE = (500, 502, 503, 504)
# Seconds before the next try; after the last one, what was told is the answer.
RETRIES_TOO_MANY_S = (1.0, 2.0, 4.0, 8.0)
RETRIES_UNAVAILABLE_S = (0.5, 1.0, 2.0)
RETRIES_UNCONNECTED_S = (0.5, 1.0)
RETRIES_BROKEN_OFF_S = (0.0,)
MAX_RETRY_AFTER_S = 10.0
# The subresources that the API server hands on to a kubelet: where that is away, it stays away for longer than a few seconds.
BY_KUBELET = ("/log", "/exec", "/portforward")

REMEDY_BY_STATUS = {
    401: "Log in to the Kubernetes cluster again.",
    403: "Ask for the right, or use a kubeconfig that has it.",
    409: "Another tool owns these fields: remove the object there, or choose another name.",
}


def pause(tries: int, status: int, body: bytes, retry_after: str | None, repeatable: bool) -> float | None:
    """Seconds until a request that was answered so is sent again, after so many tries; None where the answer stands."""
    pauses: tuple[float, ...] = ()
    if status == TOO_MANY and not _is_disruption(body):
        pauses = RETRIES_TOO_MANY_S
    elif status in UNAVAILABLE and repeatable:
        pauses = RETRIES_UNAVAILABLE_S
    if tries > len(pauses):
        return None
    asked = float(retry_after) if retry_after and retry_after.isdecimal() else pauses[tries - 1]
    return min(asked, MAX_RETRY_AFTER_S)


def pause_unanswered(tries: int, error: Exception, repeatable: bool) -> float | None:
    """The same where no answer came: what never was sent can be sent again, whatever it is."""
    pauses: tuple[float, ...] = ()
    if isinstance(error, (ConnectTimeoutError, NewConnectionError)):
        pauses = RETRIES_UNCONNECTED_S
    elif repeatable and not isinstance(error, (ProxyError, SSLError)):
        pauses = RETRIES_BROKEN_OFF_S
    return pauses[tries - 1] if tries <= len(pauses) else None


def is_repeatable(method: str, path: str, content_type: str, query: Mapping[str, Any]) -> bool:
    """Whether it does the same when it is done twice."""
    if path.endswith(BY_KUBELET):
        return False
    return method == "GET" or (method == "PATCH" and content_type == APPLY_PATCH) or query.get("dryRun") == "All"


def _is_disruption(body: bytes) -> bool:
    """Whether a disruption budget says that it is too early, which is an answer to an eviction and no overload."""
    with suppress(ValueError, AttributeError, TypeError):
        causes = (json.loads(body).get("details") or {}).get("causes") or []
        return any(cause.get("reason") == "DisruptionBudget" for cause in causes)
    return False


class Api:
    """One Kubernetes API, as one user."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._configuration = login.configuration
        # Both before the first request: a kubeconfig's token sets the configuration anew each time that it is read.
        self._pool, self._tls = RESTClientObject(login.configuration).pool_manager, tls(login.configuration)
        self._check()

    @property
    def host(self) -> str:
        return str(self._configuration.host).rstrip("/")

    def request(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, Any],
        body: Any = None,
        content_type: str = JSON,
        before: Callable[[], None] | None = None,
    ) -> bytes:
        """The body of the answer. `before` is called before each try and may raise."""
        repeatable = is_repeatable(method, path, content_type, query)
        sent: dict[str, Any] = {
            "body": None if body is None else json.dumps(body).encode(),
            "retries": False,
            "timeout": Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        }
        tries = 0
        while True:
            tries += 1
            if before:
                before()
            headers = self._headers({"Accept": f"{JSON}, */*", "Content-Type": content_type})
            try:
                # Of the methods of a pool, this one leaves a repeated header as it is in every version.
                answer = self._pool.request_encode_url(method, self._url(path, query), headers=headers, **sent)
            except (HTTPError, OSError) as error:
                wait = pause_unanswered(tries, error, repeatable)
                if wait is None:
                    raise self._unanswered(what, error) from error
            else:
                status, found = answer.status, bytes(answer.data)
                if status < HTTPStatus.MULTIPLE_CHOICES:
                    return found
                wait = pause(tries, status, found, answer.headers.get("Retry-After"), repeatable)
                if wait is None:
                    raise self._refused(what, status, found)
            time.sleep(wait)

    def websocket(self, path: str, what: str, query: list[tuple[str, str]]) -> Any:
        """A websocket that is open, without a time-out from now on."""
        tries = 0
        while True:
            tries += 1
            headers = self._headers({"Sec-WebSocket-Protocol": "v4.channel.k8s.io"})
            url = self._url(path, query).replace("http", "ws", 1)
            link: Any = WebSocket(sslopt=self._tls, skip_utf8_validation=True)
            try:
                link.connect(
                    url,
                    header=[f"{name}: {value}" for name, value in headers.items()],
                    timeout=CONNECT_TIMEOUT_S,
                    suppress_origin=True,
                    redirect_limit=0,
                    **self._through_proxy(),
                )
            except WebSocketBadStatusException as error:
                body = getattr(error, "resp_body", None) or b""
                told = getattr(error, "resp_headers", None) or {}
                wait = pause(tries, error.status_code, body, told.get("retry-after"), repeatable=False)
                if wait is None:
                    raise self._refused(what, error.status_code, body) from error
                time.sleep(wait)
            except (WebSocketException, OSError) as error:
                raise self._unanswered(what, error) from error
            else:
                link.settimeout(None)
                return link

    def _check(self) -> None:
        """Raises where an option has no effect in the client library, and so in kubernetes.core's modules: which cluster was meant?"""
        sent = self._headers().get("authorization")
        given, source = self._login.given, self._login.source
        if given.get("host") and self.host != given["host"]:
            cause = f"it has no effect beside {source}, whose token is only sent to its own server {self.host}"
            raise NatsError(f"host {given['host']}", cause, "Set api_key, too, or leave host (K8S_AUTH_HOST) out.")
        if given.get("api_key") and sent != f"Bearer {given['api_key']}":
            cause = f"it has no effect beside {source}, which has a token of its own"
            raise NatsError("api_key", cause, "Set host, too, or leave api_key (K8S_AUTH_API_KEY) out.")

    def _headers(self, more: Mapping[str, str] | None = None) -> Any:
        headers = HTTPHeaderDict({"User-Agent": "messaging.nats", **(more or {})})
        for setting in self._configuration.auth_settings().values():
            headers[setting["key"]] = setting["value"]
        for name, value in self._login.impersonation:
            headers.add(name, value)
        return headers

    def _url(self, path: str, query: Any) -> str:
        pairs = query.items() if isinstance(query, Mapping) else query
        written = urlencode([(key, str(value).lower() if isinstance(value, bool) else value) for key, value in pairs])
        return f"{self.host}{path}{'?' + written if written else ''}"

    def _through_proxy(self) -> dict[str, Any]:
        """The proxy of the other requests, or none: of its own this library would look into the environment."""
        if self._pool.__class__ is PoolManager:
            return {"http_proxy_host": "none", "http_proxy_port": 1, "http_no_proxy": ["*"]}
        proxy = parse_url(self._configuration.proxy)
        login = getattr(self._pool, "proxy_headers", None) or {}
        sent = next((value for name, value in login.items() if name.lower() == "proxy-authorization"), "")
        found: dict[str, Any] = {
            "http_proxy_host": proxy.host,
            "http_proxy_port": proxy.port or 80,
            "http_no_proxy": [""],
        }
        if proxy.scheme and proxy.scheme.startswith("socks"):
            found |= {"proxy_type": proxy.scheme, "http_proxy_timeout": CONNECT_TIMEOUT_S}
        if proxy.auth:
            user, _colon, password = proxy.auth.partition(":")
            found["http_proxy_auth"] = (user, password)
        if sent.startswith("Basic "):
            user, _colon, password = base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")
            found["http_proxy_auth"] = (user, password)
        return found

    def _refused(self, what: str, status: int, body: bytes) -> NatsError:
        if status == HTTPStatus.UNAUTHORIZED:
            cause = f"{self.host} does not accept the login of {self._login.source}: it has expired, or is another cluster's"
            return NatsError(what, cause, REMEDY_BY_STATUS[status], status)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            cause = f"{self.host} sends us elsewhere (status {status})"
            return NatsError(what, cause, "Is it the Kubernetes API? Check host, or the kubeconfig's server.", status)
        reason = reason_of(status, body)
        remedy = REMEDY_BY_STATUS.get(status, "")
        if status == HTTPStatus.FORBIDDEN and '"system:anonymous"' in reason:
            remedy = f"{self._login.source[0].upper()}{self._login.source[1:]} holds no login: add one, or set api_key."
        return NatsError(what, reason, remedy, status)

    def _unanswered(self, what: str, error: Exception) -> NatsError:
        told = plain(error)
        if "certificate" in told.lower():
            cause = f"the certificate of {self.host} is not trusted: {told}"
            return NatsError(what, cause, "Set ca_cert, or the kubeconfig's certificate-authority.")
        proxy = None if self._pool.__class__ is PoolManager else parse_url(self._configuration.proxy)
        reach = f" through proxy {proxy.scheme}://{proxy.netloc}" if proxy else ""
        cause = f"{self.host} does not answer{reach}: {told}"
        return NatsError(what, cause, "Check that the Kubernetes API can be reached from here.")


def plain(error: Exception) -> str:
    """What a library says of a connection, without its own names for things."""
    said = str(error.original_error if isinstance(error, ProxyError) else error)
    return re.sub(r".*\[SSL(: \w+)?\] |^(\w+\([^)]*\)|<[^>]*>): | \(_ssl\.c:\d+\)", "", said) or type(error).__name__


def tls(configuration: Any) -> dict[str, Any]:
    """The client library's configuration of TLS for a websocket."""
    found: dict[str, Any] = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if configuration.verify_ssl:
        found = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": configuration.ssl_ca_cert or certifi.where()}
        if configuration.assert_hostname is not None:
            found["check_hostname"] = configuration.assert_hostname
    more = {
        "certfile": configuration.cert_file,
        "keyfile": configuration.key_file,
        "server_hostname": getattr(configuration, "tls_server_name", None),
    }
    return found | {key: value for key, value in more.items() if value}


def reason_of(status: int, body: bytes) -> str:
    """The API server's own sentence, and what it adds, as which disruption budget stands against an eviction."""
    try:
        told = json.loads(body)
        causes = [str(cause["message"]) for cause in (told.get("details") or {}).get("causes") or ()]
        return ". ".join([told["message"].rstrip("."), *(cause for cause in causes if cause not in told["message"])])
    except (AttributeError, TypeError, ValueError, KeyError):
        said = " ".join(body.decode(errors="replace").split())[:200]
        phrase = HTTPStatus(status).phrase if status in {known.value for known in HTTPStatus} else ""
        return f"status {status} {phrase}".rstrip() + (f": {said}" if said and "<" not in said else "")
