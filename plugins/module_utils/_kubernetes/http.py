# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Requests and websockets to a Kubernetes API, with timeouts and retries. PRIVATE to the collection: it can change at any time.

It uses the connection pool and login of the client library, but not its generated methods: importing their models takes half a second.
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
    from urllib3._collections import HTTPHeaderDict  # urllib3 1.x has it only here
    from urllib3.exceptions import (
        ConnectTimeoutError,
        HTTPError,
        NewConnectionError,
        ProxyError,
        SSLError,
    )
    from urllib3.util import parse_url
    from websocket import (
        WebSocket,
        WebSocketBadStatusException,
        WebSocketConnectionClosedException,
        WebSocketException,
    )
except ImportError:
    HAS_HTTP = False
    WebSocket = object  # type: ignore[misc, assignment]
else:
    HAS_HTTP = True

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
UNAVAILABLE = (500, 502, 503, 504)
# Seconds before each retry. After the last one, the error is raised.
RETRIES_TOO_MANY_S = (1.0, 2.0, 4.0, 8.0)
RETRIES_UNAVAILABLE_S = (0.5, 1.0, 2.0)
RETRIES_UNCONNECTED_S = (0.5, 1.0)
RETRIES_BROKEN_OFF_S = (0.0,)
MAX_RETRY_AFTER_S = 10.0
# Subresources that the API server forwards to a kubelet: a kubelet that is down stays down for longer than the retries last.
BY_KUBELET = ("/log", "/exec", "/portforward")

REMEDY_BY_STATUS = {
    401: "Log in to the Kubernetes cluster again.",
    403: "Ask for the right, or use a kubeconfig that has it.",
    400: "Correct the object as it is declared.",
    422: "Correct the object as it is declared.",
    409: "Another tool owns these fields: remove the object there, or choose another name.",
}


# The API server answers 403 not only where a right is missing; its sentence is the only mark of the other causes.
FORBIDDEN_REMEDIES = (
    (
        re.compile("exceeded quota"),
        "Raise the ResourceQuota of the namespace, or ask for less (nats_cluster_resources, nats_cluster_storage_size).",
    ),
    (re.compile("because it is being terminated"), "Wait until the namespace is gone, or choose another one."),
    (
        re.compile("violates PodSecurity"),
        "Leave out what the namespace's Pod Security level forbids, or choose a namespace with another level.",
    ),
    (
        re.compile(r"(minimum|maximum) \S+ usage per|limit to request ratio"),
        "Ask for what the LimitRange of the namespace allows (nats_cluster_resources).",
    ),
)
CODE_BY_STATUS = {
    400: "KUBERNETES_INVALID",
    401: "KUBERNETES_UNAUTHORIZED",
    403: "KUBERNETES_FORBIDDEN",
    404: "NOT_FOUND",
    409: "KUBERNETES_CONFLICT",
    422: "KUBERNETES_INVALID",
}


def pause(tries: int, status: int, body: bytes, retry_after: str | None, repeatable: bool) -> float | None:
    """Seconds until a request with this answer is sent again, after so many tries; None where it is not sent again."""
    pauses: tuple[float, ...] = ()
    if status == TOO_MANY and not _is_disruption(body):
        pauses = RETRIES_TOO_MANY_S
    elif status in UNAVAILABLE and repeatable:
        pauses = RETRIES_UNAVAILABLE_S
    if tries > len(pauses):
        return None
    seconds = float(retry_after) if retry_after and retry_after.isdecimal() else pauses[tries - 1]
    return min(seconds, MAX_RETRY_AFTER_S)


def pause_unanswered(tries: int, error: Exception, repeatable: bool) -> float | None:
    """The same where no answer came. A request that was never sent is sent again, even if it is not repeatable."""
    pauses: tuple[float, ...] = ()
    if isinstance(error, (ConnectTimeoutError, NewConnectionError)):
        pauses = RETRIES_UNCONNECTED_S
    elif repeatable and not isinstance(error, (ProxyError, SSLError)):
        pauses = RETRIES_BROKEN_OFF_S
    return pauses[tries - 1] if tries <= len(pauses) else None


def is_repeatable(method: str, path: str, content_type: str, query: Mapping[str, Any]) -> bool:
    """Whether sending the request twice has the same effect as sending it once."""
    if path.endswith(BY_KUBELET):
        return False
    return method == "GET" or (method == "PATCH" and content_type == APPLY_PATCH) or query.get("dryRun") == "All"


def _is_disruption(body: bytes) -> bool:
    """Whether a PodDisruptionBudget refuses an eviction, which has the same status as an overload of the API server."""
    with suppress(ValueError, AttributeError, TypeError):
        causes = (json.loads(body).get("details") or {}).get("causes") or []
        return any(cause.get("reason") == "DisruptionBudget" for cause in causes)
    return False


def remedy_of(status: int, reason: str) -> str:
    """What to do where the API server refuses a request with this reason."""
    remedy = REMEDY_BY_STATUS.get(status, "")
    if status == HTTPStatus.FORBIDDEN:
        return next((found for words, found in FORBIDDEN_REMEDIES if words.search(reason)), remedy)
    return remedy


def error_code(status: int, body: bytes) -> str:
    """The kind of failure that a status of the API stands for."""
    if status == TOO_MANY and _is_disruption(body):
        return "DISRUPTION_BUDGET"
    if status == TOO_MANY or status in UNAVAILABLE:
        return "KUBERNETES_UNAVAILABLE"
    return CODE_BY_STATUS.get(status, "KUBERNETES_REFUSED")


class EndingWebSocket(WebSocket):
    """A websocket that closes its socket when the other side has ended the connection: the client library's PortForward does not."""

    def recv_data_frame(self, control_frame: bool = False) -> Any:
        try:
            return super().recv_data_frame(control_frame)
        except WebSocketConnectionClosedException:
            self.shutdown()  # type: ignore[no-untyped-call]
            raise

    def __del__(self) -> None:
        """Closes the socket in whichever way the thread of the client library's PortForward has ended."""
        self.shutdown()  # type: ignore[no-untyped-call]


class Api:
    """HTTP requests to one Kubernetes API, as one user."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._configuration = login.configuration
        # Both are made before the first request, because reading a kubeconfig's token changes the configuration each time.
        self._pool, self._tls = RESTClientObject(login.configuration).pool_manager, tls(login.configuration)
        self._check()

    @property
    def host(self) -> str:
        return str(self._configuration.host).rstrip("/")

    @property
    def source(self) -> str:
        """Where the login comes from, in words."""
        return self._login.source

    def request(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, Any],
        body: Any = None,
        content_type: str = JSON,
        before_try: Callable[[], None] | None = None,
    ) -> bytes:
        """The body of the answer. `before_try` is called before each try and may raise."""
        repeatable = is_repeatable(method, path, content_type, query)
        sent: dict[str, Any] = {
            "body": None if body is None else json.dumps(body).encode(),
            "retries": False,
            "timeout": Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        }
        tries = 0
        while True:
            tries += 1
            if before_try:
                before_try()
            headers = self._headers({"Accept": f"{JSON}, */*", "Content-Type": content_type})
            try:
                # Of the pool's methods, this is the one that keeps a repeated header in every version of urllib3.
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
        """An open websocket. The timeout applies to connecting only."""
        tries = 0
        while True:
            tries += 1
            headers = self._headers({"Sec-WebSocket-Protocol": "v4.channel.k8s.io"})
            url = self._url(path, query).replace("http", "ws", 1)
            link: Any = EndingWebSocket(sslopt=self._tls, skip_utf8_validation=True)
            try:
                link.connect(
                    url,
                    header=[f"{name}: {value}" for name, value in headers.items()],
                    timeout=CONNECT_TIMEOUT_S,
                    suppress_origin=True,
                    redirect_limit=0,
                    **self._proxy_options(),
                )
            except WebSocketBadStatusException as error:
                body = getattr(error, "resp_body", None) or b""
                answered = getattr(error, "resp_headers", None) or {}
                wait = pause(tries, error.status_code, body, answered.get("retry-after"), repeatable=False)
                if wait is None:
                    raise self._refused(what, error.status_code, body) from error
                time.sleep(wait)
            except (WebSocketException, OSError) as error:
                raise self._unanswered(what, error) from error
            else:
                link.settimeout(None)
                return link

    def _check(self) -> None:
        """Raises where the client library, and so kubernetes.core, ignores host or api_key: another cluster could be meant."""
        sent = self._headers().get("authorization")
        options, source = self._login.given, self._login.source
        if options.get("host") and self.host != options["host"]:
            cause = f"it has no effect beside {source}, whose token is only sent to its own server {self.host}"
            remedy = "Set api_key, too, or leave host (K8S_AUTH_HOST) out."
            raise NatsError(f"host {options['host']}", cause, remedy, code="INVALID_OPTIONS")
        if options.get("api_key") and sent != f"Bearer {options['api_key']}":
            cause = f"it has no effect beside {source}, which has a token of its own"
            remedy = "Set host, too, or leave api_key (K8S_AUTH_API_KEY) out."
            raise NatsError("api_key", cause, remedy, code="INVALID_OPTIONS")

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

    def _proxy_options(self) -> dict[str, Any]:
        """The proxy options of a websocket, the same as of the other requests: by itself its library reads the environment."""
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
        code = error_code(status, body)
        if status == HTTPStatus.UNAUTHORIZED:
            cause = f"{self.host} does not accept the login of {self._login.source}: it has expired, or belongs to another cluster"
            return NatsError(what, cause, REMEDY_BY_STATUS[status], status, code=code)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            cause = f"{self.host} redirects to another address (status {status})"
            remedy = "Is it the Kubernetes API? Check host, or the kubeconfig's server."
            return NatsError(what, cause, remedy, status, code="NOT_KUBERNETES_API")
        reason = reason_of(status, body)
        remedy = remedy_of(status, reason)
        if status == HTTPStatus.FORBIDDEN and '"system:anonymous"' in reason:
            remedy = f"{self._login.source[0].upper()}{self._login.source[1:]} holds no login: add one, or set api_key."
        return NatsError(what, reason, remedy, status, code=code)

    def _unanswered(self, what: str, error: Exception) -> NatsError:
        said = plain(error)
        if "certificate" in said.lower():
            cause = f"the certificate of {self.host} is not trusted: {said}"
            remedy = "Set ca_cert, or the kubeconfig's certificate-authority."
            return NatsError(what, cause, remedy, code="KUBERNETES_NOT_TRUSTED")
        proxy = None if self._pool.__class__ is PoolManager else parse_url(self._configuration.proxy)
        through = f" through proxy {proxy.scheme}://{proxy.netloc}" if proxy else ""
        cause = f"{self.host} does not answer{through}: {said}"
        remedy = "Check that the Kubernetes API can be reached from here."
        return NatsError(what, cause, remedy, code="KUBERNETES_UNREACHABLE")


def plain(error: Exception) -> str:
    """The message of a connection error, without the names of the library's own classes."""
    said = str(error.original_error if isinstance(error, ProxyError) else error)
    return re.sub(r".*\[SSL(: \w+)?\] |^(\w+\([^)]*\)|<[^>]*>): | \(_ssl\.c:\d+\)", "", said) or type(error).__name__


def tls(configuration: Any) -> dict[str, Any]:
    """The TLS options of a websocket, from the client library's configuration."""
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
    """The message of the API server with its causes, such as the PodDisruptionBudget that refuses an eviction."""
    try:
        answer = json.loads(body)
        causes = [str(cause["message"]) for cause in (answer.get("details") or {}).get("causes") or ()]
        message = answer["message"]
        return ". ".join([message.rstrip("."), *(cause for cause in causes if cause not in message)])
    except (AttributeError, TypeError, ValueError, KeyError):
        said = " ".join(body.decode(errors="replace").split())[:200]
        phrase = HTTPStatus(status).phrase if status in {known.value for known in HTTPStatus} else ""
        return f"status {status} {phrase}".rstrip() + (f": {said}" if said and "<" not in said else "")
