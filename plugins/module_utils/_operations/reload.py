# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Has every running server of a cluster load its configuration, and proves it. PRIVATE to the collection: it can change at any time.

Each server is asked over a connection of its own, so that one whose routes are cut off for a moment takes it too. First all
have the files, then all reload, then all are proven: at any point it can be killed and begun again. Where the login fails, a server
is told by a signal in its container, and proven by its monitoring port.
"""

from __future__ import annotations

import http
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import CertificateProblem, sentences
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
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

CONFIGURATION_ANNOTATION = "messaging.nats/configuration"
# Seconds between two looks, and until the kubelet is asked once more.
POLL_INTERVAL_S, SYNC_RETRY_S = 0.1, 2.0
# The server's reason ends in both values of the option: passwords and keys among them.
VALUES = re.compile(r"[:,]?\s*(?:field \"\w+\": )?old=.*", re.DOTALL)
REFUSAL = re.compile(r"\[ERR\] (.*reload.*)", re.IGNORECASE)
MAX_LOG_LINES = 20
# Seconds for the server to carry out a signal, or to log why it does not.
ANSWERS_TIMEOUT_S = 5.0
# Without a pid_file: the process that a container begins with.
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


def reload_all(params: Mapping[str, Any], check: bool, opened: ExitStack) -> dict[str, Any]:
    """Every running server with the configuration that its pod's Secret holds; what was done, by server."""
    target = params["kubernetes"]
    kubernetes = Kubernetes(target)
    if params.get("lease") and not check:
        lease = Lease(kubernetes, target["namespace"], target["cluster"], params["lease"])
        kubernetes = opened.enter_context(lease.kept())
    cluster = f"cluster {target['cluster']} in namespace {target['namespace']}"
    pods = [pod for pod in kubernetes.pods(target["namespace"], target["cluster"]) if runs(pod)]
    if not pods:
        remedy = "Look at it with kubectl get pods."
        raise NatsError(cluster, "none of its pods is running", remedy, code="POD_NOT_READY")
    deadline = time.monotonic() + params["wait_timeout"]
    with ThreadPoolExecutor(len(pods)) as pool:
        servers = [ServerReload(kubernetes, params, pod, opened) for pod in pods]
        _all(pool, servers, ServerReload.meet, deadline)
        _refuse_certificates(servers)
        if check:
            return _told(servers, {server.name for server in servers if server.lacks()})
        _all(pool, servers, ServerReload.deliver, deadline)
        _refuse_certificates(servers)  # a Secret may have changed meanwhile
        reloaded = [server for server in servers if server.lacks()]
        kubernetes.check_lease()
        list(pool.map(ServerReload.reload, reloaded))
        took = [server.name for server in servers if not server.refusal]
        if any(server.refusal for server in servers):
            raise _refused(servers, took)
        _all(pool, servers, ServerReload.prove, deadline)
    return _told(servers, {server.name for server in reloaded})


class ServerReload:
    """One server, its pod, and what it should run with."""

    def __init__(self, kubernetes: Kubernetes, params: Mapping[str, Any], pod: Object, opened: ExitStack) -> None:
        self.name, self.refusal = server_name(pod), ""
        self._kubernetes, self._pod, self._opened, self._timeout = kubernetes, pod, opened, params["timeout"]
        self._namespace, self._cluster = params["kubernetes"]["namespace"], params["kubernetes"]["cluster"]
        self._account = params["kubernetes"]["account"] or "SYS"
        self._connection: Any = None
        # Why the server can't be asked as the account's user; empty while it can.
        self._login_fails = ""
        self._declared: DeclaredFiles
        self._mounted: Mounted
        self._varz: dict[str, Any] = {}
        self._pushed = 0.0
        self._reloaded = False
        self._annotated = {(pod["metadata"].get("annotations") or {}).get(CONFIGURATION_ANNOTATION)}

    def meet(self) -> str:
        """Looks at the Secret, the pod and the server."""
        self._look()
        self._ask()
        return ""

    def deliver(self) -> str:
        """Whether the files in the pod are the Secrets', which an annotation has the kubelet see to at once."""
        if self._mounted.stale:
            self._push()
            self._look()
        if self._mounted.stale:
            return f"the kubelet has not brought {self._declared.named(self._mounted.stale)}"
        return ""

    def problems(self) -> list[CertificateProblem]:
        """What is wrong with the certificates that it would load, other than that one which it serves already has expired."""
        return [
            problem
            for problem in self._declared.problems
            if not problem.expired or served_until(self._varz, problem.listener) != problem.expired
        ]

    def _look(self) -> None:
        self._declared = declared_files(self._kubernetes, self._pod)
        self._mounted = look(self._kubernetes, self._pod, self._declared)
        if self._mounted.problem and not self._mounted.stale:
            cause = f"{self._declared.secret} {self._mounted.problem}"
            raise NatsError(f"server {self.name}", cause, CORRECT, code="CONFIGURATION_REFUSED")

    def _push(self) -> None:
        if time.monotonic() - self._pushed < SYNC_RETRY_S:
            return
        # Only a value that is new makes the kubelet look.
        numbered = (f"{self._declared.short}.{number}" for number in range(2, 1000))
        value = next(value for value in (self._declared.short, *numbered) if value not in self._annotated)
        self._annotated.add(value)
        path = f"/api/v1/namespaces/{self._namespace}/pods/{self._pod['metadata']['name']}"
        patch = {"metadata": {"annotations": {CONFIGURATION_ANNOTATION: value}}}
        self._kubernetes.call("PATCH", path, f"pod {path.rpartition('/')[2]}", patch, "application/merge-patch+json")
        self._pushed = time.monotonic()

    def reload(self) -> None:
        """Has the server load its files: as the account's user, or by a signal in its container where that login fails."""
        if not self._login_fails:
            try:
                self._reload_by_login()
            except UnansweredError:
                pass  # whether it was carried out, the proof will tell
            except NatsError as error:
                self._login_fails = error.cause
        if self._login_fails and not self.refusal:
            self._reload_by_exec()
        self._reloaded = not self.refusal

    def _reload_by_login(self) -> None:
        answer = self._request("RELOAD")
        if "error" in answer:
            self.refusal = _without_values(str(answer["error"].get("description", "no reason given")))

    def _reload_by_exec(self) -> None:
        """A signal has no answer: the time of the last load tells that it was carried out, and the log why it was not."""
        before, refused, deadline = (
            self._varz.get("config_load_time"),
            self._refusals(),
            time.monotonic() + ANSWERS_TIMEOUT_S,
        )
        pod = self._pod["metadata"]["name"]
        command = ["sh", "-c", SIGNAL, "sh", self._declared.pid_file]
        code, said = self._kubernetes.run(self._namespace, pod, "nats", command)
        if code:
            cause = f"the login fails ({self._login_fails}), and a signal in its container too: {said.strip() or f'exit code {code}'}"
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

    def prove(self) -> str:
        """What is still missing, asked anew."""
        self._ask()
        return "; ".join(self.lacks())

    def lacks(self) -> list[str]:
        """In which respects the server is not what its pod's files say."""
        mounted = replace(self._mounted, written={}) if self._reloaded else self._mounted
        return file_differences(self._declared, mounted, self._varz)

    def last_words(self) -> str:
        """What its log says of the refusal."""
        said = self._refusals()
        return _without_values(said[-1]) if said else ""

    def _refusals(self) -> list[str]:
        return REFUSAL.findall(
            self._kubernetes.logs(self._namespace, self._pod["metadata"]["name"], "nats", MAX_LOG_LINES)
        )

    def told(self, reloaded: bool) -> dict[str, Any]:
        revision = (self._varz.get("metadata") or {}).get("revision")
        by = "exec" if self._login_fails else "login"
        return {"digest": self._varz.get("config_digest"), "revision": revision, "reloaded": reloaded, "by": by}

    def _ask(self) -> None:
        """What the server says of itself: to the account's user, or to its monitoring port, which asks nobody who they are."""
        if not self._login_fails:
            try:
                self._varz = self._request("VARZ")["data"]
                return
            except NatsError as error:
                self._login_fails = error.cause
        self._varz = self._by_monitoring()

    def _by_monitoring(self) -> dict[str, Any]:
        pod = self._pod["metadata"]["name"]
        try:
            status, body = self._kubernetes.get(self._namespace, pod, MONITOR_PORT, "/varz", timeout=self._timeout)
            if status == http.HTTPStatus.OK:
                found: dict[str, Any] = json.loads(body)
                return found
            # A server with https_port says this to who speaks http.
            cause = "it speaks https" if "HTTPS server" in body else f"it answers with status {status}"
        except ValueError:
            cause = "its answer is not JSON"
        except NatsError as error:
            cause = error.cause
        raise UnreadServerError(
            "connection",
            f"pod {pod}: the login fails ({self._login_fails}), and port {MONITOR_PORT} does not tell what the server runs with: {cause}",
            f"Check the Secret of the login, or set http: {MONITOR_PORT} in nats_cluster_config, and restart the server.",
        )

    def _request(self, verb: str) -> dict[str, Any]:
        if self._connection is None:
            where = (self._kubernetes, self._namespace, self._cluster, self._account, self._timeout, [self._pod])
            self._connection = self._opened.enter_context(through(*where))
        server_id = str(self._connection.server()["server_id"])
        answer: dict[str, Any] = self._connection.request(f"$SYS.REQ.SERVER.{server_id}.{verb}")
        return answer


def _refuse_certificates(servers: list[ServerReload]) -> None:
    """A server loads a certificate with which nobody can connect any more, and says nothing: so none gets it."""
    found = sentences(problem for server in servers for problem in server.problems())
    if found:
        cause = f"{'; '.join(found)}. No server was told to reload"
        raise NatsError("certificates", cause, BETTER_CERTIFICATE, code="CERTIFICATE_INVALID")


def _all(
    pool: ThreadPoolExecutor, servers: list[ServerReload], step: Callable[[ServerReload], str], deadline: float
) -> None:
    """Repeats a step on every server until it says that nothing is missing; raises with what is, when time is over."""

    def until_done(server: ServerReload) -> str:
        while True:
            try:
                missing = step(server)
            except (UnansweredError, UnreadServerError) as error:
                missing = error.cause
            if not missing or time.monotonic() > deadline:
                return missing
            time.sleep(POLL_INTERVAL_S)

    missing = dict(zip(servers, pool.map(until_done, servers), strict=True))
    if any(missing.values()):
        evidence = "; ".join(f"{server.name}: {words}" for server, words in missing.items() if words)
        done = [server.name for server, words in missing.items() if not words]
        raise NatsError(
            "configuration",
            f"not all servers have it in time: {evidence}; {_listed(done, 'is')} done",
            "Run it again, with a longer wait_timeout, and look at the pods' events and logs.",
            code="TIMED_OUT",
        )


def _refused(servers: list[ServerReload], took: list[str]) -> NatsError:
    by_reason: dict[str, list[str]] = {}
    for server in servers:
        if server.refusal:
            log = server.last_words()
            more = f" (log: {log})" if log and server.refusal not in log else ""
            by_reason.setdefault(f"{server.refusal}{more}", []).append(server.name)
    reasons = "; ".join(f"{_listed(names, 'refuses')} it: {reason}" for reason, names in by_reason.items())
    unsupported = any(words in reasons for words in ("reload not supported", "reload does not support"))
    cause = f"{reasons}; {_listed(took, 'has')} taken it over"
    if unsupported:
        return NatsError("configuration", cause, ROLL, code="RESTART_REQUIRED")
    return NatsError("configuration", cause, CORRECT, code="CONFIGURATION_REFUSED")


PLURAL = {"is": "are", "has": "have", "refuses": "refuse"}


def _listed(names: Iterable[str], verb: str) -> str:
    found = list(names)
    return f"{', '.join(found) or 'none'} {verb if len(found) < 2 else PLURAL[verb]}"


def _without_values(reason: str) -> str:
    return masked_log(VALUES.sub("", reason)).strip()


def _told(servers: list[ServerReload], reloaded: set[str]) -> dict[str, Any]:
    found = {server.name: server.told(server.name in reloaded) for server in servers}
    return {"changed": bool(reloaded), "servers": found}
