# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A client of the Kubernetes API. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import copy
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import HAS_HTTP, JSON, Api, plain
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.login import HAS_CLIENT, log_in
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_ownership import is_server_pod

try:
    from kubernetes.stream.ws_client import PortForward
    from websocket import ABNF, WebSocketConnectionClosedException, WebSocketException, WebSocketTimeoutException
except ImportError:
    HAS_KUBERNETES = False
else:
    HAS_KUBERNETES = HAS_CLIENT and HAS_HTTP

# The channels of the exec protocol, by the first byte of each frame.
STDIN, STDOUT, STDERR, STATUS = range(4)
STDIN_FRAME_BYTES = 64 * 1024
# The reason of an event that stands for those that may not be listed.
EVENTS_NOT_LISTED = "NotListed"


class Kubernetes:
    """The API of one Kubernetes cluster, as one user."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` are those of KUBECONFIG; others are ignored."""
        if not HAS_KUBERNETES:
            raise NatsError(
                "connection through Kubernetes",
                f"the Python library kubernetes is missing for {sys.executable}",
                "Install it: pip install kubernetes.",
                code="LIBRARY_MISSING",
            )
        self._api = Api(log_in(options, os.environ))
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}
        self._before_change: Callable[[], None] | None = None

    @property
    def where(self) -> str:
        """The URL of the API server."""
        return self._api.host

    @property
    def source(self) -> str:
        """Where the login comes from, in words: mostly a context of a kubeconfig."""
        return self._api.source

    def place(self, namespace: str, cluster: str) -> str:
        """Where a cluster of NATS is, in words."""
        return f"cluster {cluster} in namespace {namespace} ({self.source})"

    def guarded(self, before_change: Callable[[], None]) -> Kubernetes:
        """The same client, but it calls `before_change` before each change, which raises where the change is not allowed."""
        found = copy.copy(self)
        found._before_change = before_change
        return found

    def check_lease(self) -> None:
        """For a change that is not made through the Kubernetes API: raises where another play holds the Lease."""
        if self._before_change:
            self._before_change()

    def call(
        self, method: str, path: str, what: str, body: Any = None, content_type: str = JSON, **query: Any
    ) -> Object:
        """One request to the API; `what` is the object that an error names."""
        KNOWN_SECRETS.add_object(body)
        before_try = self._before_change if method != "GET" else None
        data = self._api.request(method, path, what, query, body, content_type, before_try)
        try:
            found: Object = json.loads(data)
        except ValueError as error:
            raise NatsError(
                what,
                f"the answer of {self.where} is not JSON",
                "Is it the Kubernetes API? Check host, or the kubeconfig's server.",
                code="NOT_KUBERNETES_API",
            ) from error
        KNOWN_SECRETS.add_object(found)
        return found

    def find(self, path: str, what: str, **query: Any) -> Object | None:
        """The object, or None where it does not exist."""
        try:
            return self.call("GET", path, what, **query)
        except NatsError as error:
            if error.err_code == http.HTTPStatus.NOT_FOUND:
                return None
            raise

    def items(self, path: str, what: str, **query: Any) -> list[Object]:
        """The objects of a list."""
        found: list[Object] = self.call("GET", path, what, **query)["items"]
        return found

    def pods(self, namespace: str, name: str) -> list[Object]:
        """The pods of a NATS cluster's servers, sorted by name, without other pods that have the same label."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        found = self.items(path, f"pods of {name} in namespace {namespace}", labelSelector=f"app={name}")
        servers = [pod for pod in found if is_server_pod(pod, name)]
        return sorted(servers, key=lambda pod: str(pod["metadata"]["name"]))

    def warnings(self, namespace: str, name: str, uid: str | None = None) -> list[Object]:
        """The warning events about an object. With its uid, those about an earlier object of the same name are left out.

        Where events may not be listed, one that says so is returned: they are evidence, and nothing depends on them.
        """
        only_uid = f",involvedObject.uid={uid}" if uid else ""
        query = {"fieldSelector": f"involvedObject.name={name},type=Warning{only_uid}"}
        try:
            return self.items(f"/api/v1/namespaces/{namespace}/events", f"events of {name}", **query)
        except NatsError as error:
            if error.err_code != http.HTTPStatus.FORBIDDEN:
                raise
            return [{"reason": EVENTS_NOT_LISTED, "message": f"events in namespace {namespace} may not be listed here"}]

    def resource(self, item: Object) -> tuple[str, str]:
        """The kind of this object as rules name it, such as statefulsets.apps, and its namespace; empty where it is in none."""
        plural, namespaced = self._kind(item["apiVersion"], item["kind"])
        group = item["apiVersion"].rpartition("/")[0]
        return f"{plural}.{group}" if group else plural, item["metadata"]["namespace"] if namespaced else ""

    def path(self, item: Object) -> str:
        """The path of this object in the API."""
        version, meta = item["apiVersion"], item["metadata"]
        plural, namespaced = self._kind(version, item["kind"])
        namespace = f"/namespaces/{meta['namespace']}" if namespaced else ""
        return f"{api_root(version)}{namespace}/{plural}/{meta['name']}"

    def _kind(self, version: str, kind: str) -> tuple[str, bool]:
        """The plural name of a kind in paths, and whether its objects are in namespaces."""
        if version not in self._kinds:
            found = self.find(api_root(version), f"API {version}") or {"resources": []}
            self._kinds[version] = {
                entry["kind"]: (entry["name"], entry["namespaced"])
                for entry in found["resources"]
                if "/" not in entry["name"]
            }
        if kind not in self._kinds[version]:
            raise NatsError(
                f"{kind} of {version}",
                f"the API of {self.where} has no such kind",
                "Install the CustomResourceDefinition or operator that defines it, or leave the object out.",
                code="KIND_UNKNOWN",
            )
        return self._kinds[version][kind]

    def logs(self, namespace: str, pod: str, container: str, lines: int, previous: bool = False) -> str:
        """The last lines of a container's log, or of the container that ran before it; empty where there is no log."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "tailLines": lines, "previous": str(previous).lower()}
        try:
            return self._api.request("GET", path, f"log of pod {pod}", query).decode(errors="replace")
        except NatsError:
            return ""

    def forward(self, namespace: str, pod: str, port: int) -> Any:
        """A socket that is connected to a port of the pod, through the API server and the kubelet."""
        what = f"port {port} of pod {pod} in namespace {namespace}"
        link = self._upgraded(namespace, pod, "portforward", what, [("ports", str(port))])
        return PortForward(link, [port]).socket(port)

    def get(self, namespace: str, pod: str, port: int, path: str, timeout: float = 2) -> tuple[int, str]:
        """Status and body of an HTTP request to a port of the pod, whether the pod is ready or not."""
        what = f"http://{pod}:{port}{path}"
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        link.sock = self.forward(namespace, pod, port)
        link.sock.settimeout(timeout)
        try:
            link.request("GET", path)
            answer = link.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise NatsError(
                what, f"it does not answer: {plain(error)}", "Look at the pod.", code="POD_UNREACHABLE"
            ) from error
        finally:
            link.close()

    def _upgraded(self, namespace: str, pod: str, verb: str, what: str, query: list[tuple[str, str]]) -> Any:
        return self._api.websocket(f"/api/v1/namespaces/{namespace}/pods/{pod}/{verb}", what, query)

    def run(
        self, namespace: str, pod: str, container: str, command: list[str], stdin: str = "", timeout: float = 30
    ) -> tuple[int, str]:
        """Exit code and output of a command in a container."""
        deadline = time.monotonic() + timeout
        streams = [("stdin", stdin), ("stdout", True), ("stderr", True)]
        query = [("container", container), *(("command", word) for word in command)]
        query += [(stream, "true") for stream, used in streams if used]
        link = self._upgraded(namespace, pod, "exec", f"pod {pod} in namespace {namespace}", query)
        output, status = bytearray(), bytearray()
        try:
            data = stdin.encode()
            link.settimeout(timeout)
            for start in range(0, len(data), STDIN_FRAME_BYTES):
                link.send_binary(bytes([STDIN]) + data[start : start + STDIN_FRAME_BYTES])
            for channel, part in _frames(link, deadline):
                if channel in (STDOUT, STDERR):
                    output += part
                elif channel == STATUS:
                    status += part
        except WebSocketTimeoutException as error:
            cause = f"it has not ended within {timeout:.0f} s"
            raise NatsError(
                f"{' '.join(command)} in pod {pod}", cause, "Look at the pod's log.", code="TIMED_OUT"
            ) from error
        except (WebSocketException, OSError) as error:
            cause = f"the connection through {self.where} broke off: {plain(error)}"
            raise NatsError(
                f"pod {pod} in namespace {namespace}", cause, "Look at the pod and its node.", code="POD_UNREACHABLE"
            ) from error
        finally:
            link.shutdown()
        return exit_code(bytes(status), f"{command[0]} in pod {pod}"), output.decode(errors="replace")


def api_root(version: str) -> str:
    """The path of an API version; only the core API has no group."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _frames(link: Any, deadline: float) -> Iterator[tuple[int, bytes]]:
    """Channel and data of each frame, until the other side closes the connection."""
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise WebSocketTimeoutException("out of time")
        link.settimeout(remaining)
        try:
            code, data = link.recv_data()
        except WebSocketConnectionClosedException:
            return
        if code == ABNF.OPCODE_CLOSE:
            return
        if data:
            yield data[0], bytes(data[1:])


def exit_code(status: bytes, what: str) -> int:
    """The command's exit code, from the status that the API sends when the command has ended."""
    try:
        answer = json.loads(status)
        if answer.get("status") == "Success":
            return 0
        causes = (answer.get("details") or {}).get("causes") or []
        return next(int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode")
    except StopIteration:
        cause = str(answer.get("message") or "it could not be started")
        raise NatsError(what, cause, "Look at the pod.", code="COMMAND_FAILED") from None
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise NatsError(
            what,
            "it ended without an exit code",
            "Did the container end meanwhile? Look at its log.",
            code="COMMAND_FAILED",
        ) from error
