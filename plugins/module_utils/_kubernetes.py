# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The Kubernetes API as this collection needs it. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import copy
import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes_options import KUBECONFIG as KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes_options import resolve

try:
    from kubernetes import client, config
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.exceptions import DynamicApiError
    from kubernetes.stream.ws_client import portforward_call, websocket_call
    from urllib3.exceptions import HTTPError
    from websocket import WebSocketException
except ImportError:
    HAS_KUBERNETES = False
else:
    HAS_KUBERNETES = True

Object = dict[str, Any]
MANAGER = "messaging.nats"
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30


class Kubernetes:
    """One cluster's API, as the caller's kubeconfig reaches it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` holds those of KUBECONFIG that are set, and may hold others."""
        if not HAS_KUBERNETES:
            raise NatsError(
                "connection through Kubernetes",
                f"the Python library kubernetes is missing for {sys.executable}",
                "Install it: pip install kubernetes.",
            )
        found = resolve(options, os.environ)
        self._kubeconfig, self._context = found.get("kubeconfig"), found.get("context")
        api = self._client()
        self.where = api.configuration.host
        # No discovery: it reads every API group, and we look up the few kinds that we meet.
        self._dynamic = DynamicClient(api, discoverer=lambda _client, _cache: None)
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}
        self._may_change: Callable[[], None] | None = None

    def guarded(self, may_change: Callable[[], None]) -> Kubernetes:
        """The same, but each change is first asked whether it may be, which raises where it may not."""
        found = copy.copy(self)
        found._may_change = may_change
        return found

    def _client(self) -> Any:
        try:
            if self._kubeconfig is None and self._context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
                config.load_incluster_config()
                made = client.ApiClient()
            else:
                made = config.new_client_from_config(self._kubeconfig, self._context)
        except (config.ConfigException, OSError) as error:
            where = f"kubeconfig {self._kubeconfig or os.environ.get('KUBECONFIG') or '~/.kube/config'}"
            raise NatsError(
                where,
                str(error).partition("\n")[0],
                "Check the option kubeconfig, its context, or K8S_AUTH_KUBECONFIG.",
            ) from error
        made.configuration.retries = False
        return made

    def call(
        self, method: str, path: str, what: str, body: Any = None, content_type: str = "application/json", **query: Any
    ) -> Object:
        """One request to the API; `what` is the object that an error names."""
        found: Object = json.loads(self._data(method, path, what, query, body, content_type))
        return found

    def _data(
        self,
        method: str,
        path: str,
        what: str,
        query: dict[str, Any],
        body: Any = None,
        content_type: str = "application/json",
    ) -> bytes:
        if self._may_change and method != "GET":
            self._may_change()
        with self._explained(what):
            answer = self._dynamic.request(
                method,
                path,
                body=body,
                content_type=content_type,
                query_params=list(query.items()),
                serialize=False,
                _request_timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            )
        data: bytes = answer.data
        return data

    def find(self, path: str, what: str, **query: Any) -> Object | None:
        """The object, or None where there is none."""
        try:
            return self.call("GET", path, what, **query)
        except NatsError as error:
            if error.err_code == http.HTTPStatus.NOT_FOUND:
                return None
            raise

    def items(self, path: str, what: str, **query: Any) -> list[Object]:
        found: list[Object] = self.call("GET", path, what, **query)["items"]
        return found

    def pods(self, namespace: str, name: str) -> list[Object]:
        """The pods of one NATS cluster, by name."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        found = self.items(path, f"pods of {name} in namespace {namespace}", labelSelector=f"app={name}")
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))

    def warnings(self, namespace: str, of: str, uid: str | None = None) -> list[Object]:
        """The events that warn about an object: with its uid, not about an earlier one of its name."""
        own = f",involvedObject.uid={uid}" if uid else ""
        query = {"fieldSelector": f"involvedObject.name={of},type=Warning{own}"}
        return self.items(f"/api/v1/namespaces/{namespace}/events", f"events of {of}", **query)

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """What a Secret says, decoded."""
        found = self.find(f"/api/v1/namespaces/{namespace}/secrets/{name}", f"Secret {name} in namespace {namespace}")
        if found is None:
            raise NatsError(
                f"Secret {name} in namespace {namespace}",
                "it does not exist",
                "Check the options kubernetes.namespace, kubernetes.cluster and kubernetes.account, or deploy the cluster first.",
            )
        return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}

    def path(self, item: Object) -> str:
        """Where the API keeps this object."""
        version, meta = item["apiVersion"], item["metadata"]
        plural, namespaced = self._kind(version, item["kind"])
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        return (
            f"{root}/namespaces/{meta['namespace']}/{plural}/{meta['name']}"
            if namespaced
            else f"{root}/{plural}/{meta['name']}"
        )

    def _kind(self, version: str, kind: str) -> tuple[str, bool]:
        if version not in self._kinds:
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            found = self.find(root, f"API {version}") or {"resources": []}
            self._kinds[version] = {
                entry["kind"]: (entry["name"], entry["namespaced"])
                for entry in found["resources"]
                if "/" not in entry["name"]
            }
        if kind not in self._kinds[version]:
            raise NatsError(
                f"{kind} of {version}",
                f"{self.where} knows no such kind",
                "Install what defines it, or leave the object out.",
            )
        return self._kinds[version][kind]

    def logs(self, namespace: str, pod: str, container: str, lines: int, previous: bool = False) -> str:
        """The last lines of a container's log, or of the one before that ended; empty where it has none."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "tailLines": lines, "previous": str(previous).lower()}
        try:
            return self._data("GET", path, f"log of pod {pod}", query).decode(errors="replace")
        except NatsError:
            return ""

    def forward(self, namespace: str, pod: str, port: int) -> Any:
        """A socket that ends at a port of the pod, through the API server and the kubelet."""
        with self._explained(f"port {port} of pod {pod} in namespace {namespace}"):
            tunnel = self._upgraded(portforward_call, namespace, pod, "portforward", ports=port)
        return tunnel.socket(port)

    def get(self, namespace: str, pod: str, port: int, path: str, timeout: float = 2) -> tuple[int, str]:
        """Status and body of an HTTP request to a port of the pod itself, ready or not."""
        with self._explained(f"http://{pod}:{port}{path}"):
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
            link.sock = self.forward(namespace, pod, port)
            link.sock.settimeout(timeout)
            try:
                link.request("GET", path)
                answer = link.getresponse()
                return answer.status, answer.read().decode(errors="replace")
            finally:
                link.close()

    def _upgraded(self, call: Callable[..., Any], namespace: str, pod: str, verb: str, **query: Any) -> Any:
        """A websocket to a pod. Without the client's generated methods: importing their models takes half a second."""
        configuration = self._dynamic.client.configuration
        signed = {setting["key"]: setting["value"] for setting in configuration.auth_settings().values()}
        written = [
            (key, str(item).lower() if isinstance(item, bool) else str(item))
            for key, value in query.items()
            for item in (value if isinstance(value, list) else [value])
        ]
        url = f"{configuration.host}/api/v1/namespaces/{namespace}/pods/{pod}/{verb}"
        return call(configuration, "GET", url, headers=signed, query_params=written, _preload_content=False)

    def run(
        self, namespace: str, pod: str, container: str, command: list[str], stdin: str = "", timeout: float = 30
    ) -> tuple[int, str]:
        """Exit code and output of a command in a container."""
        streams = {"container": container, "command": command, "stdin": bool(stdin), "stdout": True, "stderr": True}
        with self._explained(f"pod {pod} in namespace {namespace}"):
            session = self._upgraded(websocket_call, namespace, pod, "exec", **streams)
            if stdin:
                session.write_stdin(stdin)
            session.run_forever(timeout=timeout)
            if session.is_open():
                session.close()
                cause = f"no end after {timeout:.0f} s"
                raise NatsError(f"{' '.join(command)} in pod {pod}", cause, "Look at the pod's log.")
            # In this order: reading the output forgets the exit code.
            return _exit_code(session, f"{command[0]} in pod {pod}"), str(session.read_all())

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Turns the client library's errors into ours."""
        try:
            yield
        except (client.ApiException, DynamicApiError) as error:
            raise NatsError(what, _reason(error), _REMEDIES.get(error.status, ""), error.status) from error
        except (HTTPError, WebSocketException, OSError, http.client.HTTPException) as error:
            raise NatsError(
                what,
                f"{self.where} does not answer: {str(error).split(': ', 1)[-1]}",
                "Check that the Kubernetes API can be reached from here.",
            ) from error


def _exit_code(session: Any, what: str) -> int:
    """The client library expects one even where the container ended first."""
    try:
        return int(session.returncode)
    except (TypeError, KeyError, ValueError) as error:
        raise NatsError(
            what, "it ended without an exit code", "Did the container end meanwhile? Look at its log."
        ) from error


_REMEDIES = {
    401: "Log in to the Kubernetes cluster again.",
    403: "Ask for the right, or use a kubeconfig that has it.",
    409: "Another tool owns these fields: remove the object there, or choose another name.",
}


def _reason(error: Any) -> str:
    """The API server's own sentence, and what it adds, as which disruption budget stands against an eviction."""
    try:
        told = json.loads(error.body)
        causes = [str(cause["message"]) for cause in (told.get("details") or {}).get("causes") or ()]
        return ". ".join([told["message"].rstrip("."), *(cause for cause in causes if cause not in told["message"])])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
