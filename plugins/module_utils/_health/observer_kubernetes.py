# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Takes snapshots of a cluster through the Kubernetes API. PRIVATE to the collection: it can change at any time.

A file of its own: importing the client library takes longer than asking servers at hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log
from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import (
    ASKED_BY_OPTION,
    Answers,
    AnswerTime,
    ask,
    expected_count,
    lists,
    not_asked,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Answer, NotAsked, Pod, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.cluster_secrets import note_secrets
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    CONFIGURATION,
    DIGEST,
    MONITOR_PORT,
    killed,
    ready,
    runs,
    server_name,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import through
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection

ROUTE_ERROR = re.compile(r"\[ERR\] (Error trying to connect to route.*no such host.*)")
# What makes an earlier error one of the past.
ROUTE_CREATED = "Route connection created"
MAX_LOG_LINES = 200


class ThroughKubernetes:
    """Asks the system account through the Kubernetes API, and each pod that does not answer by itself."""

    def __init__(self, params: Mapping[str, Any], opened: ExitStack, look_inside: bool = True) -> None:
        target = params["kubernetes"]
        self._look_inside = look_inside
        self._kubernetes = Kubernetes(target)
        self._namespace, self._cluster = target["namespace"], target["cluster"]
        self._account, self._timeout = target["account"] or "SYS", params["timeout"]
        self._expected, self._cluster_name = params["expected_members"], params["cluster_name"]
        self._previous, self._names = params["previous"] or {}, [login["account"] for login in params["accounts"]]
        self._opened, self._time = opened, AnswerTime(params["timeout"])
        self._pool = opened.enter_context(ThreadPoolExecutor())
        self._connection: Connection | None = None
        self._accounts: dict[str, Connection] = {}
        # By pod, what lay in it and was what its server had loaded: to look into a pod takes a process in it.
        self._loaded: dict[str, str] = {}

    def take(self) -> Snapshot:
        pods = self._kubernetes.pods(self._namespace, self._cluster)
        by_server = {server_name(pod): pod for pod in pods}
        count = expected_count(self._expected)
        expected = tuple(self._declared(by_server, count) if count or not self._expected else self._expected)
        # While the servers are asked: to look into a pod takes as long as all of them.
        inside = {name: self._pool.submit(self._digest, pod) for name, pod in self._to_look_into(by_server)}
        # Before the servers: what is listed by then, they have.
        accounts, unasked = lists(self._names, self._of)
        for account in unasked:
            self._accounts.pop(account, None)  # its tunnels may end at pods that are gone
        answers, unreachable_for = self._answers(expected)
        missing = set(expected) - {answer["server"]["name"] for answer in answers["JSZ"]}
        silent = {
            name: pod for name, pod in by_server.items() if name in missing and pod["status"].get("phase") == "Running"
        }
        down = {name for name in missing if not (name in by_server and is_ready(by_server[name]))}
        self._time.learn(answers, set(expected) - down)
        return Snapshot(
            expected,
            self._cluster_name,
            answers["JSZ"],
            unreachable_for.cause if unreachable_for else None,
            unreachable_for,
            pods={name: self._pod(pod, name in missing, name in down) for name, pod in by_server.items()},
            alone=dict(self._alone(silent)),
            route_errors=dict(self._route_errors(silent)),
            varz=answers["VARZ"],
            healthz=answers["HEALTHZ"],
            accounts=accounts,
            unasked=unasked,
            volumes=self._volumes(by_server),
            digests=self._digests(
                by_server,
                {name: asked.result() for name, asked in inside.items() if name not in missing},
                answers["VARZ"],
            ),
            previous=self._previous,
        )

    def running(self) -> list[Object]:
        """The pods of the cluster, as Kubernetes has them."""
        return self._kubernetes.pods(self._namespace, self._cluster)

    def log(self, pod: Object, lines: int) -> str:
        return self._kubernetes.logs(self._namespace, pod["metadata"]["name"], "nats", lines)

    def note_secrets(self) -> None:
        """What logs and events may repeat is known before any of it is shown."""
        note_secrets(self._kubernetes, self._namespace, self._cluster, self.running())

    def _declared(self, by_server: Mapping[str, Object], count: int | None) -> list[str]:
        path = f"/apis/apps/v1/namespaces/{self._namespace}/statefulsets/{self._cluster}"
        what = f"StatefulSet {self._cluster} in namespace {self._namespace}"
        found = self._kubernetes.find(path, what)
        # Pods run without one for a moment, while their volumes grow.
        if found is None and not by_server:
            raise NatsError(
                what,
                "it does not exist",
                "Deploy the cluster first, or check kubernetes.namespace and kubernetes.cluster.",
            )
        known = {pod["metadata"]["name"]: name for name, pod in by_server.items()}
        replicas = count or (found["spec"]["replicas"] if found else len(by_server))
        names = [f"{self._cluster}-{ordinal}" for ordinal in range(replicas)]
        return [known.get(name, name) for name in names]

    def _of(self, account: str) -> Connection:
        if account not in self._accounts:
            access = through(self._kubernetes, self._namespace, self._cluster, account, self._timeout)
            self._accounts[account] = self._opened.enter_context(access)
        return self._accounts[account]

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

    def _to_look_into(self, by_server: Mapping[str, Object]) -> Iterator[tuple[str, Object]]:
        for name, pod in by_server.items():
            if self._look_inside and runs(pod) and pod["metadata"]["uid"] not in self._loaded:
                yield name, pod

    def _digests(
        self, by_server: Mapping[str, Object], found: Mapping[str, str], varz: Collection[Answer]
    ) -> dict[str, str]:
        """What lies in the pods of the servers that answer."""
        loaded = {answer["server"]["name"]: answer["data"].get("config_digest") for answer in varz}
        told = {name: digest for name, digest in found.items() if digest and name in loaded}
        for name, pod in by_server.items():
            known = told.get(name) or self._loaded.pop(pod["metadata"]["uid"], None)
            if known and known == loaded.get(name):
                told[name] = self._loaded[pod["metadata"]["uid"]] = known
        return told

    def _digest(self, pod: Object) -> str:
        """What the server would make of the configuration that lies in its pod now."""
        command = ["nats-server", "-t", "-c", CONFIGURATION]
        try:
            said = self._kubernetes.run(self._namespace, pod["metadata"]["name"], "nats", command, timeout=5)[1]
        except NatsError:
            return ""  # who may not look into pods is not told of it
        found = DIGEST.search(said)
        return found[1] if found else ""

    def _answers(self, expected: Collection[str]) -> tuple[Answers, NotAsked | None]:
        try:
            return ask(self.connection(), expected, self._time.seconds), None
        except NatsError as error:
            self._connection = None
            return dict.fromkeys(ASKED_BY_OPTION, ()), not_asked(error)

    def connection(self) -> Connection:
        """As the system account's own user."""
        if self._connection is None:
            access = through(self._kubernetes, self._namespace, self._cluster, self._account, self._timeout)
            self._connection = self._opened.enter_context(access)
        return self._connection

    def _pod(self, pod: Object, missing: bool, down: bool) -> Pod:
        name, phase = pod["metadata"]["name"], pod["status"].get("phase", "Unknown")
        if not missing:
            return Pod(name, phase, killed=killed(pod), down=False)
        # The server's own container first: a sidecar may be at fault, too.
        containers = pod["status"].get("containerStatuses") or []
        for container in sorted(containers, key=lambda found: str(found["name"]) != "nats"):
            waiting = container["state"].get("waiting")
            if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                said = waiting.get("message") or self._last_words(name)
                return Pod(name, phase, waiting["reason"], said, down=down)
        return Pod(name, phase, "", self._event(pod) if phase == "Pending" else "", down=down)

    def _last_words(self, pod: str) -> str:
        lines = self._kubernetes.logs(self._namespace, pod, "nats", 1).strip()
        return masked_log(lines.splitlines()[-1]) if lines else ""

    def _event(self, pod: Object) -> str:
        """The latest warning about a pod's volume, or about the pod."""
        name = pod["metadata"]["name"]
        for of, uid in ((f"data-{name}", None), (name, pod["metadata"]["uid"])):
            if events := self._kubernetes.warnings(self._namespace, of, uid):
                latest = max(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
                return f"{latest['reason']}: {latest['message']}"
        return ""

    def _alone(self, silent: Mapping[str, Object]) -> Iterator[tuple[str, Answer]]:
        for name, pod in silent.items():
            try:
                _status, body = self._kubernetes.get(self._namespace, pod["metadata"]["name"], MONITOR_PORT, "/varz")
                yield name, json.loads(body)
            except (NatsError, ValueError):
                continue

    def _route_errors(self, silent: Mapping[str, Object]) -> Iterator[tuple[str, str]]:
        for name, pod in silent.items():
            log = self._kubernetes.logs(self._namespace, pod["metadata"]["name"], "nats", MAX_LOG_LINES)
            if found := route_error(log):
                yield name, masked_log(found)


def is_ready(pod: Object) -> bool:
    """By Kubernetes' word; one that is going is not."""
    return ready(pod) and not pod["metadata"].get("deletionTimestamp")


def route_error(log: str) -> str:
    """The latest name of a route that could not be found, unless a route came after it; from the log of one process."""
    found = ROUTE_ERROR.findall(log.rpartition(ROUTE_CREATED)[2])
    return str(found[-1]) if found else ""
