# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Takes snapshots of a cluster through the Kubernetes API. PRIVATE to the collection: it can change at any time.

A file of its own, because importing the client library takes longer than asking servers at hand.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.command_line import module_target
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log
from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import (
    ASKED_BY_OPTION,
    Answers,
    AnswerTime,
    Expectation,
    ask,
    asked_in,
    list_accounts,
    not_asked,
    server_names,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    KubernetesView,
    NotAsked,
    Pod,
    Snapshot,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import EVENTS_NOT_LISTED, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.cluster_secrets import note_secrets
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    CONFIGURATION,
    DIGEST,
    MONITOR_PORT,
    deletion,
    deletion_remedy,
    is_up,
    killed,
    runs,
    server_name,
    unschedulable,
    unschedulable_remedy,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import all_missing_named
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import VERBS, required
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import KubernetesTarget
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import looking, through
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection

# A name is unknown, or the DNS of the cluster does not answer.
ROUTE_ERROR = re.compile(r"\[ERR\] (Error trying to connect to route.*\blookup .*)")
# After this line, earlier errors of routes are no longer true.
ROUTE_CREATED = "Route connection created"
MAX_LOG_LINES = 200
DIGEST_TIMEOUT_S = 5
# Reasons why a container waits that are a normal part of its start.
STARTING_REASONS = (None, "ContainerCreating", "PodInitializing")


class ThroughKubernetes:
    """Asks the system account through the Kubernetes API, and each pod that does not answer on its own."""

    def __init__(
        self,
        target: KubernetesTarget,
        timeout: float,
        opened: ExitStack,
        expectation: Expectation | None = None,
        accounts: Sequence[str] = (),
        look_inside: bool = True,
        only_looks: bool = True,
    ) -> None:
        """`look_inside` is whether the configuration files in the pods are read.

        `only_looks` is whether the connection is for nothing else, so that its user need not be able to change anything.
        """
        self._kubernetes = Kubernetes(target.api)
        self._namespace, self._cluster = target.namespace, target.cluster
        self._target = module_target(target.api, target.namespace, target.cluster, os.environ)
        self._account, self._timeout = target.account or "SYS", timeout
        self._only_looks = only_looks
        self._expectation = expectation or Expectation()
        self._opened, self._time = opened, AnswerTime(timeout)
        pool = opened.enter_context(ThreadPoolExecutor())
        self._digests = _ConfigurationDigests(self._kubernetes, self._namespace, pool) if look_inside else None
        self._connection: Connection | None = None
        self._account_names = accounts
        self._account_connections: dict[str, Connection] = {}

    def take(self) -> Snapshot:
        """A snapshot. Where Kubernetes refuses to show what is needed for it, the error names all rights that are missing."""
        needs = partial(required, VERBS["status"], self._namespace)
        with all_missing_named(self._kubernetes, needs, "status"):
            return self._take()

    def _take(self) -> Snapshot:
        by_server = {server_name(pod): pod for pod in self.running()}
        # Where nothing exists at all, that is the finding, not each server that is missing.
        declared = () if self._expectation.servers and by_server else tuple(self._declared(by_server))
        expected = self._expectation.servers or declared
        # Started before the servers are asked, because it takes as long as asking all of them.
        digests = self._digests.start(by_server) if self._digests else {}
        # Accounts come first: what they list now, the servers have by the time they are asked.
        listed, unasked = list_accounts(self._account_names, self._account_connection)
        for account in unasked:
            self._account_connections.pop(account, None)  # its tunnels may end at pods that are gone
        answers, system_not_asked = self._answers(expected)
        missing = {*expected} - server_names(answers["JSZ"])
        down = {name for name in missing if not is_up(by_server.get(name))}
        silent = {
            name: pod for name, pod in by_server.items() if name in missing and pod["status"].get("phase") == "Running"
        }
        self._time.learn(answers, {*expected} - down)
        view = KubernetesView(
            pods={name: self._pod(pod, name in missing, name in down) for name, pod in by_server.items()},
            volumes=self._volumes(by_server),
            digests=self._digests.finish(digests, by_server, missing, answers["VARZ"]) if self._digests else {},
            route_errors=dict(self._route_errors(silent)),
            place=self.place,
            target=self._target,
        )
        return Snapshot(
            expected,
            self._expectation.cluster_name,
            answers=answers["JSZ"],
            varz=answers["VARZ"],
            healthz=answers["HEALTHZ"],
            system_not_asked=system_not_asked,
            varz_of_silent=dict(self._varz(silent)),
            accounts=listed,
            unasked=unasked,
            kubernetes=view,
            previous=self._expectation.previous,
            asked_in=asked_in(self._connection) if self._connection and answers["JSZ"] else None,
        )

    @property
    def place(self) -> str:
        """Where the cluster is, in words."""
        return self._kubernetes.place(self._namespace, self._cluster)

    def running(self) -> list[Object]:
        """The pods of the cluster, as Kubernetes has them."""
        return self._kubernetes.pods(self._namespace, self._cluster)

    def log(self, pod: Object, lines: int) -> str:
        return self._kubernetes.logs(self._namespace, pod["metadata"]["name"], "nats", lines)

    def note_secrets(self) -> None:
        """Reads the cluster's Secrets, so that logs and events can be shown without them."""
        note_secrets(self._kubernetes, self._namespace, self._cluster, self.running())

    def connection(self) -> Connection:
        """The connection as a user of the system account."""
        if self._connection is None:
            where = self._kubernetes, self._namespace, self._cluster
            looks = self._only_looks and self._account == "SYS"
            access = looking(*where, self._timeout) if looks else through(*where, self._account, self._timeout)
            self._connection = self._opened.enter_context(access)
        return self._connection

    def _declared(self, by_server: Mapping[str, Object]) -> list[str]:
        """The names of the servers that the StatefulSet, or the expected number, says there are."""
        path = f"/apis/apps/v1/namespaces/{self._namespace}/statefulsets/{self._cluster}"
        what = f"StatefulSet {self._cluster} in namespace {self._namespace}"
        statefulset = self._kubernetes.find(path, what)
        # While volumes grow, pods run for a moment without a StatefulSet.
        if statefulset is None and not by_server:
            remedy = "Deploy the cluster first, or check its namespace and its name."
            raise NatsError(what, "it does not exist", remedy, code="NOT_FOUND")
        server_of_pod = {pod["metadata"]["name"]: name for name, pod in by_server.items()}
        replicas = statefulset["spec"]["replicas"] if statefulset else len(by_server)
        pods = [f"{self._cluster}-{ordinal}" for ordinal in range(self._expectation.count or replicas)]
        return [server_of_pod.get(pod, pod) for pod in pods]

    def _account_connection(self, account: str) -> Connection:
        if account not in self._account_connections:
            access = through(self._kubernetes, self._namespace, self._cluster, account, self._timeout)
            self._account_connections[account] = self._opened.enter_context(access)
        return self._account_connections[account]

    def _answers(self, expected: Collection[str]) -> tuple[Answers, NotAsked | None]:
        try:
            return ask(self.connection(), expected, self._time.seconds), None
        except NatsError as error:
            self._connection = None
            return dict.fromkeys(ASKED_BY_OPTION, ()), not_asked(error)

    def _volumes(self, by_server: Mapping[str, Object]) -> dict[str, int]:
        path = f"/api/v1/namespaces/{self._namespace}/persistentvolumeclaims"
        claims = self._kubernetes.items(path, "volumes", labelSelector=f"app={self._cluster}")
        sizes = {
            claim["metadata"]["name"]: parse_quantity(size)
            for claim in claims
            if (size := (claim["status"].get("capacity") or {}).get("storage"))
        }
        return {
            server: sizes[volume]
            for server, pod in by_server.items()
            if (volume := f"data-{pod['metadata']['name']}") in sizes
        }

    def _pod(self, pod: Object, missing: bool, down: bool) -> Pod:
        name, phase = pod["metadata"]["name"], pod["status"].get("phase", "Unknown")
        if not missing:
            return Pod(name, phase, killed=killed(pod), down=False)
        if going := deletion(pod):
            return Pod(name, phase, deletion=going, deletion_remedy=deletion_remedy(pod), down=down)
        # The server's own container first, because a sidecar may be at fault, too.
        containers = pod["status"].get("containerStatuses") or []
        for container in sorted(containers, key=lambda status: str(status["name"]) != "nats"):
            waiting = container["state"].get("waiting")
            if waiting and waiting.get("reason") not in STARTING_REASONS:
                message = waiting.get("message") or self._last_log_line(name)
                return Pod(name, phase, waiting["reason"], message, down=down)
        if phase != "Pending":
            return Pod(name, phase, down=down)
        warning = self._latest_warning(f"data-{name}")
        if warning and not warning.startswith(EVENTS_NOT_LISTED):
            return Pod(name, phase, "", warning, down=down)
        if reason := unschedulable(pod):
            return Pod(name, phase, "", f"no node takes it: {reason}", unschedulable_remedy(reason), down=down)
        return Pod(name, phase, "", self._latest_warning(name, pod["metadata"]["uid"]), down=down)

    def _last_log_line(self, pod: str) -> str:
        lines = self._kubernetes.logs(self._namespace, pod, "nats", 1).strip()
        return masked_log(lines.splitlines()[-1]) if lines else ""

    def _latest_warning(self, name: str, uid: str | None = None) -> str:
        events = self._kubernetes.warnings(self._namespace, name, uid)
        latest = max(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "", default=None)
        return f"{latest['reason']}: {latest['message']}" if latest else ""

    def _varz(self, silent: Mapping[str, Object]) -> Iterator[tuple[str, Answer]]:
        for name, pod in silent.items():
            try:
                _status, body = self._kubernetes.get(self._namespace, pod["metadata"]["name"], MONITOR_PORT, "/varz")
                yield name, json.loads(body)
            except (NatsError, ValueError):
                continue  # the server is reported as one that does not answer at all

    def _route_errors(self, silent: Mapping[str, Object]) -> Iterator[tuple[str, str]]:
        for name, pod in silent.items():
            log = self._kubernetes.logs(self._namespace, pod["metadata"]["name"], "nats", MAX_LOG_LINES)
            if found := route_error(log):
                yield name, masked_log(found)


class _ConfigurationDigests:
    """The digests of the configuration files in the pods; a file that its server has loaded is not read again."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, pool: ThreadPoolExecutor) -> None:
        self._kubernetes, self._namespace, self._pool = kubernetes, namespace, pool
        # By the uid of a pod: the digest that the file and its server had in common.
        self._loaded: dict[str, str] = {}

    def start(self, by_server: Mapping[str, Object]) -> dict[str, Future[str]]:
        """Starts to read the files that are not known yet."""
        return {
            name: self._pool.submit(self._read, pod)
            for name, pod in by_server.items()
            if runs(pod) and pod["metadata"]["uid"] not in self._loaded
        }

    def finish(
        self,
        started: Mapping[str, Future[str]],
        by_server: Mapping[str, Object],
        missing: Collection[str],
        varz: Collection[Answer],
    ) -> dict[str, str]:
        """The digests of the servers that answer; of the others no process has to be waited for."""
        loaded = {answer["server"]["name"]: answer["data"].get("config_digest") for answer in varz}
        read = {name: digest.result() for name, digest in started.items() if name not in missing}
        found = {name: digest for name, digest in read.items() if digest and name in loaded}
        for name, pod in by_server.items():
            digest = found.get(name) or self._loaded.pop(pod["metadata"]["uid"], None)
            if digest and digest == loaded.get(name):
                found[name] = self._loaded[pod["metadata"]["uid"]] = digest
        return found

    def _read(self, pod: Object) -> str:
        command = ["nats-server", "-t", "-c", CONFIGURATION]
        try:
            output = self._kubernetes.run(
                self._namespace, pod["metadata"]["name"], "nats", command, timeout=DIGEST_TIMEOUT_S
            )[1]
        except NatsError:
            return ""  # without the right to execute in pods, the file is not compared
        found = DIGEST.search(output)
        return found[1] if found else ""


def route_error(log: str) -> str:
    """The latest error about a route's name that was not found, unless a route came after it; from one process's log."""
    found = ROUTE_ERROR.findall(log.rpartition(ROUTE_CREATED)[2])
    return str(found[-1]) if found else ""
