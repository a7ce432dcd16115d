# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Has every running server of a cluster load its configuration, and checks that it has. PRIVATE to the collection: it can change at any time.

Each server is asked over a connection of its own, so that a server whose routes are cut off reloads too. First the files reach all
pods, then all servers reload, then all are checked: it can be killed at any point and run again. Where the login fails, a server
gets a signal in its container instead, and its monitoring port tells what it runs with.
"""

from __future__ import annotations

import http
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import CertificateProblem, sentences
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import Secrets
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    MONITOR_PORT,
    runs,
    server_name,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import through
from ansible_collections.messaging.nats.plugins.module_utils._operations.mounted_config import (
    DeclaredFiles,
    Mounted,
    declared_files,
    file_differences,
    look,
    served_until,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.route_handshake import refused_handshake

CONFIGURATION_ANNOTATION = "messaging.nats/configuration"
# Between two looks, and until the annotation of a pod is changed again.
POLL_INTERVAL_S, SYNC_RETRY_S = 0.1, 2.0
# The server's reason ends in the old and the new value of the option, which may be a password or a key.
VALUES = re.compile(r"[:,]?\s*(?:field \"\w+\": )?old=.*", re.DOTALL)
# After a signal; only the log has it then.
REFUSAL = re.compile(r"\[ERR\] (Failed to reload server configuration: .*)")
# What the server says of a key that it takes over only when it starts.
UNSUPPORTED = ("reload not supported", "reload does not support")
MAX_LOG_LINES = 20
# For the server to carry out a signal, or to log why it does not.
SIGNAL_TIMEOUT_S = 5.0
# Without a pid_file the server is expected to be the first process of its container.
SIGNAL = """
pid=$(cat "$1" 2>/dev/null)
if [ -z "$pid" ]; then
  [ "$(cat /proc/1/comm)" = nats-server ] || { echo "no pid_file, and process 1 of the container is not nats-server"; exit 3; }
  pid=1
fi
exec nats-server "-sl=reload=$pid" 2>&1
"""
ROLL = (
    "A server takes this over only when it starts: restart these servers one by one, with the configuration in a new Secret "
    "that the StatefulSet's template names; or put the key back."
)
BETTER_CERTIFICATE = "Put a certificate, key and CA that fit one another into the Secret. A CA that only signs clients' certificates needs a Secret of its own."
CORRECT = "Correct the configuration, and run it again: a server that refuses one goes on with what it has."


class UnreadServerError(NatsError):
    """Neither the login nor the monitoring port says what a server runs with, which may change in a moment."""

    code = "SERVER_NOT_ANSWERING"


@dataclass(frozen=True)
class ReloadTarget:
    """The cluster whose servers reload, and the account that they are asked as."""

    kubernetes: Kubernetes
    namespace: str
    cluster: str
    account: str
    # Seconds for one request.
    timeout: float


def reload_all(
    target: ReloadTarget, wait_timeout: float, check: bool, opened: ExitStack, serial: bool = False
) -> dict[str, Any]:
    """Has every running server load the configuration that its pod's Secret holds. Returns the module's result.

    With `serial`, the next server follows when the one before has its routes again.
    """
    pods = [pod for pod in target.kubernetes.pods(target.namespace, target.cluster) if runs(pod)]
    if not pods:
        what, remedy = f"cluster {target.cluster} in namespace {target.namespace}", "Look at it with kubectl get pods."
        raise NatsError(what, "none of its pods is running", remedy, code="POD_NOT_READY")
    deadline = time.monotonic() + wait_timeout
    with ThreadPoolExecutor(len(pods)) as pool:
        servers = [ServerReload(target, pod, opened) for pod in pods]
        _on_all(pool, servers, ServerReload.read, deadline)
        _refuse_certificates(servers)
        if check:
            return _result(servers, {server.name for server in servers if server.differences()})
        _on_all(pool, servers, ServerReload.deliver, deadline)
        _refuse_certificates(servers)  # a Secret may have changed meanwhile
        reloaded = [server for server in servers if server.differences()]
        target.kubernetes.check_lease()
        if serial:
            _on_all(pool, servers, ServerReload.note_routes, deadline)
        for together in [[server] for server in reloaded] if serial else [reloaded]:
            list(pool.map(ServerReload.reload, together))
            if any(server.refusal for server in servers):
                raise _refused(servers)
            if serial:
                _on_all(pool, servers, ServerReload.missing_routes, deadline)
        _on_all(pool, servers, ServerReload.verify, deadline)
    return _result(servers, {server.name for server in reloaded})


class ServerReload:
    """One server, its pod, and what it should run with."""

    def __init__(self, target: ReloadTarget, pod: Object, opened: ExitStack) -> None:
        self.name, self.refusal = server_name(pod), ""
        self._target, self._kubernetes, self._namespace = target, target.kubernetes, target.namespace
        self._pod, self._pod_name, self._opened = pod, str(pod["metadata"]["name"]), opened
        self._connection: Any = None
        # Why the server can't be asked as the account's user; empty while it can.
        self._login_failure = ""
        self._declared: DeclaredFiles
        self._mounted: Mounted
        self._varz: dict[str, Any] = {}
        self._routes: Counter[str] = Counter()
        self._pushed = 0.0
        self._reloaded = False
        self._annotated = {(pod["metadata"].get("annotations") or {}).get(CONFIGURATION_ANNOTATION)}

    def read(self) -> str:
        """Reads the Secret, the files in the pod, and what the server runs with."""
        self._look()
        self._ask()
        return ""

    def deliver(self) -> str:
        """Brings the files of the Secrets into the pod: a new annotation makes the kubelet do that at once."""
        if self._mounted.stale:
            self._push()
            self._look()
        if self._mounted.stale:
            return f"the kubelet has not brought {self._declared.named(self._mounted.stale)}"
        return ""

    def problems(self) -> list[CertificateProblem]:
        """What is wrong with the certificates that it would load, unless it serves that same expired certificate already."""
        return [
            problem
            for problem in self._declared.problems
            if not problem.expired or served_until(self._varz, problem.listener) != problem.expired
        ]

    def _look(self) -> None:
        self._declared = declared_files(self._pod, Secrets.of_namespace(self._kubernetes, self._namespace))
        self._mounted = look(self._kubernetes, self._pod, self._declared)
        if self._mounted.problem and not self._mounted.stale:
            cause = f"{self._declared.secret} {self._mounted.problem}"
            raise NatsError(f"server {self.name}", cause, CORRECT, code="CONFIGURATION_REFUSED")

    def _push(self) -> None:
        if time.monotonic() - self._pushed < SYNC_RETRY_S:
            return
        # Only a value that the annotation did not have before makes the kubelet look.
        numbered = (f"{self._declared.short}.{number}" for number in range(2, 1000))
        value = next(value for value in (self._declared.short, *numbered) if value not in self._annotated)
        self._annotated.add(value)
        path = f"/api/v1/namespaces/{self._namespace}/pods/{self._pod_name}"
        patch = {"metadata": {"annotations": {CONFIGURATION_ANNOTATION: value}}}
        self._kubernetes.call("PATCH", path, f"pod {self._pod_name}", patch, "application/merge-patch+json")
        self._pushed = time.monotonic()

    def reload(self) -> None:
        """Has the server load its files: by a request of the account's user, or by a signal in its container where that login fails."""
        if not self._login_failure:
            try:
                self._reload_by_login()
            except UnansweredError:
                pass  # verify() shows whether it was carried out
            except NatsError as error:
                self._login_failure = error.cause
        if self._login_failure and not self.refusal:
            self._reload_by_exec()
        self._reloaded = not self.refusal

    def _reload_by_login(self) -> None:
        answer = self._request("RELOAD")
        if "error" in answer:
            self.refusal = _without_values(str(answer["error"].get("description", "no reason given")))

    def _reload_by_exec(self) -> None:
        """A signal has no answer: the time of the last load shows that it was carried out, or the log says why it was not."""
        before, refused, deadline = (
            self._varz.get("config_load_time"),
            self._refusals(),
            time.monotonic() + SIGNAL_TIMEOUT_S,
        )
        command = ["sh", "-c", SIGNAL, "sh", self._declared.pid_file]
        code, said = self._kubernetes.run(self._namespace, self._pod_name, "nats", command)
        if code:
            cause = f"the login fails ({self._login_failure}), and a signal in its container too: {said.strip() or f'exit code {code}'}"
            remedy = "Set pid_file in nats_cluster_config, or restart the server."
            raise NatsError(f"server {self.name}", cause, remedy, code="SIGNAL_FAILED")
        while time.monotonic() < deadline:
            self._varz = self._by_monitoring()
            if self._varz.get("config_load_time") != before:
                return
            if (now := self._refusals()) != refused and now:
                self.refusal = _without_values(now[-1])
                return
            time.sleep(POLL_INTERVAL_S)

    def verify(self) -> str:
        """Asks the server again, and opens a route to it; returns what is still missing."""
        self._ask()
        missing = self.differences()
        # Also where an earlier run, which was killed, has had it load the files: nobody has tried them.
        if not missing and self._declared.route:
            refused = refused_handshake(self._kubernetes, self._pod, self._declared.route, self._target.timeout)
            missing = [refused] if refused else []
        return "; ".join(missing)

    def note_routes(self) -> str:
        """Notes how many routes it has to each other server: one for each part of the pool, and one for the system account."""
        self._routes = self._count_routes()
        return ""

    def missing_routes(self) -> str:
        """The servers to which it has fewer routes than were noted."""
        missing = self._routes - self._count_routes()
        return f"it has fewer routes than before to {', '.join(sorted(missing))}" if missing else ""

    def _count_routes(self) -> Counter[str]:
        return Counter(str(route["remote_name"]) for route in self._monitored("/routez").get("routes") or [])

    def differences(self) -> list[str]:
        """In which respects the server does not run with its pod's files."""
        mounted = replace(self._mounted, written={}) if self._reloaded else self._mounted
        return file_differences(self._declared, mounted, self._varz)

    def logged_refusal(self) -> str:
        """The last refusal in its log."""
        refusals = self._refusals()
        return _without_values(refusals[-1]) if refusals else ""

    def _refusals(self) -> list[str]:
        return REFUSAL.findall(self._kubernetes.logs(self._namespace, self._pod_name, "nats", MAX_LOG_LINES))

    def result(self, reloaded: bool) -> dict[str, Any]:
        revision = (self._varz.get("metadata") or {}).get("revision")
        by = "exec" if self._login_failure else "login"
        return {"digest": self._varz.get("config_digest"), "revision": revision, "reloaded": reloaded, "by": by}

    def _ask(self) -> None:
        """Reads what the server says of itself: to the account's user, or on its monitoring port, which needs no login."""
        if not self._login_failure:
            try:
                self._varz = self._request("VARZ")["data"]
                return
            except NatsError as error:
                self._login_failure = error.cause
        self._varz = self._by_monitoring()

    def _by_monitoring(self) -> dict[str, Any]:
        return self._monitored("/varz")

    def _monitored(self, path: str) -> dict[str, Any]:
        try:
            status, body = self._kubernetes.get(
                self._namespace, self._pod_name, MONITOR_PORT, path, timeout=self._target.timeout
            )
            return monitored(status, body)
        except ValueError as error:
            cause = str(error)
        except NatsError as error:
            cause = error.cause
        login = f"the login fails ({self._login_failure}), and " if self._login_failure else ""
        raise UnreadServerError(
            "connection",
            f"pod {self._pod_name}: {login}port {MONITOR_PORT} does not tell what the server runs with: {cause}",
            f"Check the Secret of the login, or set http: {MONITOR_PORT} in nats_cluster_config, and restart the server.",
        )

    def _request(self, verb: str) -> dict[str, Any]:
        if self._connection is None:
            target = self._target
            access = through(
                target.kubernetes, target.namespace, target.cluster, target.account, target.timeout, [self._pod]
            )
            self._connection = self._opened.enter_context(access)
        server_id = str(self._connection.server()["server_id"])
        answer: dict[str, Any] = self._connection.request(f"$SYS.REQ.SERVER.{server_id}.{verb}")
        return answer


def monitored(status: int, body: str) -> dict[str, Any]:
    """What a server says of itself on its monitoring port; raises ValueError with the reason where it says nothing."""
    if status != http.HTTPStatus.OK:
        # A server with https_port answers an HTTP request with this sentence.
        raise ValueError("it speaks https" if "HTTPS server" in body else f"it answers with status {status}")
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise ValueError("its answer is not JSON") from error
    return found


def _refuse_certificates(servers: list[ServerReload]) -> None:
    """Refuses certificates with which no client could connect any more, because the servers would load them without a word."""
    found = sentences(problem for server in servers for problem in server.problems())
    if found:
        cause = f"{'; '.join(found)}. No server was told to reload"
        raise NatsError("certificates", cause, BETTER_CERTIFICATE, code="CERTIFICATE_INVALID")


def _on_all(
    pool: ThreadPoolExecutor, servers: list[ServerReload], step: Callable[[ServerReload], str], deadline: float
) -> None:
    """Repeats a step on every server until nothing is missing; raises with what is missing when time is over."""

    def until_done(server: ServerReload) -> str:
        while True:
            try:
                missing = step(server)
            except (UnansweredError, UnreadServerError) as error:
                missing = error.cause
            if not missing or time.monotonic() > deadline:
                return missing
            time.sleep(POLL_INTERVAL_S)

    refuse_late({server.name: lacks for server, lacks in zip(servers, pool.map(until_done, servers), strict=True)})


def refuse_late(missing: Mapping[str, str]) -> None:
    """Raises with what each server lacks, unless it is nothing."""
    if any(missing.values()):
        evidence = "; ".join(f"{name}: {lacks}" for name, lacks in missing.items() if lacks)
        done = [name for name, lacks in missing.items() if not lacks]
        raise NatsError(
            "configuration",
            f"not all servers have it in time: {evidence}; {_listed(done, 'is')} done",
            "Run it again, with a longer wait_timeout, and look at the pods' events and logs.",
            code="TIMED_OUT",
        )


def _refused(servers: list[ServerReload]) -> NatsError:
    """Which servers refuse the configuration and why, and which have loaded it."""
    loaded = [server.name for server in servers if not server.refusal]
    by_reason: dict[str, list[str]] = {}
    for server in servers:
        if server.refusal:
            log = server.logged_refusal()
            more = f" (log: {log})" if log and server.refusal not in log else ""
            by_reason.setdefault(f"{server.refusal}{more}", []).append(server.name)
    reasons = "; ".join(f"{_listed(names, 'refuses')} it: {reason}" for reason, names in by_reason.items())
    refused = [server.refusal for server in servers if server.refusal]
    unsupported = all(any(words in refusal for words in UNSUPPORTED) for refusal in refused)
    cause = f"{reasons}; {_listed(loaded, 'has')} taken it over"
    if unsupported:
        return NatsError("configuration", cause, ROLL, code="RESTART_REQUIRED")
    return NatsError("configuration", cause, CORRECT, code="CONFIGURATION_REFUSED")


PLURAL = {"is": "are", "has": "have", "refuses": "refuse"}


def _listed(names: Iterable[str], verb: str) -> str:
    found = list(names)
    return f"{', '.join(found) or 'none'} {verb if len(found) < 2 else PLURAL[verb]}"


def _without_values(reason: str) -> str:
    return masked_log(VALUES.sub("", reason)).strip()


def _result(servers: list[ServerReload], reloaded: set[str]) -> dict[str, Any]:
    return {
        "changed": bool(reloaded),
        "servers": {server.name: server.result(server.name in reloaded) for server in servers},
    }
