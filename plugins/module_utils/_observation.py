# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Takes snapshots of a cluster until they agree. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Protocol

from ansible_collections.messaging.nats.plugins.module_utils._access import connected, runs, through
from ansible_collections.messaging.nats.plugins.module_utils._api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._findings import MOMENTARY, SEVERITIES, Finding
from ansible_collections.messaging.nats.plugins.module_utils._health import Answer, Listed, Pod, Snapshot, evaluate
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import Kubernetes, Object
from ansible_collections.messaging.nats.plugins.module_utils._quantity import parse_quantity

MONITOR_PORT = 8222
# It is `consumer`: the plural is ignored without a word.
ASKED: dict[str, dict[str, bool]] = {
    "JSZ": {"accounts": True, "streams": True, "consumer": True, "config": True},
    "VARZ": {},
    "HEALTHZ": {},
}
# Streams whose consumers are compared with what the servers hold.
WATCHED = 500
# A healthy busy cluster looks doubtful now and then: a finding has to be seen in so many samples, three seconds in all.
# Seconds that a doubt has to last, and those between two samples.
LASTS, APART = 3.0, 0.3
DIGEST = re.compile(r"\((sha256:[0-9a-f]+)\)")
CONFIGURATION = "/etc/nats/nats.conf"
ROUTE_ERROR = re.compile(r"\[ERR\] (Error trying to connect to route.*no such host.*)")


Answers = dict[str, tuple[Answer, ...]]


class Source(Protocol):
    """Where snapshots come from."""

    def take(self) -> Snapshot: ...


def observe(source: Source, wait_timeout: float, fail_on: str) -> tuple[Snapshot, list[Finding]]:
    """The first sample that leaves no doubt; or the last one, with what was wrong in all of the last samples."""
    deadline = time.monotonic() + wait_timeout
    seen: list[tuple[float, list[Finding]]] = []
    while True:
        snapshot = source.take()
        findings = evaluate(snapshot)
        if not any(finding.code in MOMENTARY or fails(finding, fail_on) for finding in findings):
            return snapshot, findings
        now = time.monotonic()
        seen.append((now, findings))
        last = [found for moment, found in seen if moment > now - LASTS]
        if len(last) < len(seen):
            found = lasting(last)
            if now >= deadline or not any(fails(finding, fail_on) for finding in found):
                return snapshot, found
        time.sleep(APART)


def fails(finding: Finding, fail_on: str) -> bool:
    return fail_on in SEVERITIES and SEVERITIES.index(finding.severity) >= SEVERITIES.index(fail_on)


def lasting(seen: list[list[Finding]]) -> list[Finding]:
    """The latest findings, without those that come and go where nothing is wrong."""
    common = set.intersection(*({_same(finding) for finding in sample} for sample in seen))
    return [finding for finding in seen[-1] if finding.code not in MOMENTARY or _same(finding) in common]


def _same(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.object, finding.mark


class ThroughServers:
    """Asks the system account over a plain connection."""

    def __init__(self, params: Mapping[str, Any], opened: ExitStack) -> None:
        self._connection = opened.enter_context(connected(params, account="SYS"))
        self._expected = params["expected_members"]
        self._cluster_name, self._previous = params["cluster_name"], params["previous"] or {}
        logins = [{**params, **{key: value for key, value in login.items() if value}} for login in params["accounts"]]
        self._accounts = [(login["account"], opened.enter_context(connected(login, ""))) for login in logins]

    def take(self) -> Snapshot:
        count = wanted(self._expected)
        answers = ask(self._connection, count or len(self._expected))
        return Snapshot(
            tuple(numbered(answers["JSZ"], count) if count else self._expected),
            self._cluster_name,
            answers["JSZ"],
            varz=answers["VARZ"],
            healthz=answers["HEALTHZ"],
            accounts={name: listed(connection) for name, connection in self._accounts},
            previous=self._previous,
        )


class ThroughKubernetes:
    """Asks the system account through the Kubernetes API, and each pod that does not answer by itself."""

    def __init__(self, params: Mapping[str, Any], opened: ExitStack, look_inside: bool = True) -> None:
        target = params["kubernetes"]
        self._look_inside = look_inside
        self._kubernetes = Kubernetes(target["kubeconfig"], target["context"])
        self._namespace, self._cluster = target["namespace"], target["cluster"]
        self._account, self._timeout = target["account"] or "SYS", params["timeout"]
        self._expected, self._cluster_name = params["expected_members"], params["cluster_name"]
        self._previous, self._names = params["previous"] or {}, [login["account"] for login in params["accounts"]]
        self._opened = opened
        self._pool = opened.enter_context(ThreadPoolExecutor())
        self._connection: Connection | None = None
        self._accounts: dict[str, Connection] = {}

    def take(self) -> Snapshot:
        pods = self._kubernetes.pods(self._namespace, self._cluster)
        by_server = {server_name(pod): pod for pod in pods}
        count = wanted(self._expected)
        expected = tuple(self._declared(by_server, count) if count or not self._expected else self._expected)
        # While the servers are asked: to look into a pod takes as long as all of them.
        looked_into = by_server if self._look_inside else {}
        digests = {name: self._pool.submit(self._digest, pod) for name, pod in looked_into.items() if runs(pod)}
        answers, unreachable = self._answers(len(expected))
        missing = set(expected) - {answer["server"]["name"] for answer in answers["JSZ"]}
        silent = {
            name: pod for name, pod in by_server.items() if name in missing and pod["status"].get("phase") == "Running"
        }
        return Snapshot(
            expected,
            self._cluster_name,
            answers["JSZ"],
            unreachable,
            {name: self._pod(pod, name in missing) for name, pod in by_server.items()},
            dict(self._alone(silent)),
            dict(self._route_errors(silent)),
            answers["VARZ"],
            answers["HEALTHZ"],
            dict(self._listed()),
            self._volumes(by_server),
            {name: digest for name, asked in digests.items() if name not in missing and (digest := asked.result())},
            self._previous,
        )

    def running(self) -> list[Object]:
        """The pods of the cluster, as Kubernetes has them."""
        return self._kubernetes.pods(self._namespace, self._cluster)

    def log(self, pod: Object, lines: int) -> str:
        return self._kubernetes.logs(self._namespace, pod["metadata"]["name"], "nats", lines)

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
        names = [
            f"{self._cluster}-{ordinal}"
            for ordinal in range(count or (found["spec"]["replicas"] if found else len(by_server)))
        ]
        return [known.get(name, name) for name in names]

    def _listed(self) -> Iterator[tuple[str, Listed]]:
        for account in self._names:
            try:
                if account not in self._accounts:
                    access = through(self._kubernetes, self._namespace, self._cluster, account, self._timeout)
                    self._accounts[account] = self._opened.enter_context(access)
                yield account, listed(self._accounts[account])
            except NatsError:
                # Why nobody answers is among the findings already.
                self._accounts.pop(account, None)

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

    def _digest(self, pod: Object) -> str:
        """What the server would make of the configuration that lies in its pod now."""
        command = ["nats-server", "-t", "-c", CONFIGURATION]
        try:
            said = self._kubernetes.run(self._namespace, pod["metadata"]["name"], "nats", command, timeout=5)[1]
        except NatsError:
            return ""  # who may not look into pods is not told of it
        found = DIGEST.search(said)
        return found[1] if found else ""

    def _answers(self, expected: int) -> tuple[Answers, str | None]:
        try:
            if self._connection is None:
                access = through(self._kubernetes, self._namespace, self._cluster, self._account, self._timeout)
                self._connection = self._opened.enter_context(access)
            return ask(self._connection, expected), None
        except NatsError as error:
            self._connection = None
            return dict.fromkeys(ASKED, ()), error.cause

    def _pod(self, pod: Object, missing: bool) -> Pod:
        name, phase = pod["metadata"]["name"], pod["status"].get("phase", "Unknown")
        if not missing:
            return Pod(name, phase, killed=killed(pod))
        for container in pod["status"].get("containerStatuses") or []:
            waiting = container["state"].get("waiting")
            if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                return Pod(name, phase, waiting["reason"], waiting.get("message") or self._last_words(name))
        return Pod(name, phase, "", self._event(name) if phase == "Pending" else "")

    def _last_words(self, pod: str) -> str:
        lines = self._kubernetes.logs(self._namespace, pod, "nats", 1).strip()
        return lines.splitlines()[-1] if lines else ""

    def _event(self, pod: str) -> str:
        """The latest warning about a pod's volume, or about the pod."""
        for name in (f"data-{pod}", pod):
            events = self._kubernetes.items(
                f"/api/v1/namespaces/{self._namespace}/events",
                f"events of {name}",
                fieldSelector=f"involvedObject.name={name},type=Warning",
            )
            if events:
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
            log = self._kubernetes.logs(self._namespace, pod["metadata"]["name"], "nats", 50)
            if found := ROUTE_ERROR.findall(log):
                yield name, found[-1]


def killed(pod: Object) -> str:
    """When the kernel ended the server that ran here before, or nothing."""
    for container in pod["status"].get("containerStatuses") or []:
        ended = (container.get("lastState") or {}).get("terminated") or {}
        if container["name"] == "nats" and ended.get("reason") == "OOMKilled":
            return str(ended.get("finishedAt"))
    return ""


def server_name(pod: Object) -> str:
    """The name that the server in this pod has: its SERVER_NAME, or the pod's own."""
    name: str = pod["metadata"]["name"]
    environment = pod["spec"]["containers"][0].get("env") or []
    pattern = next(
        (str(entry.get("value")) for entry in environment if entry["name"] == "SERVER_NAME" and entry.get("value")),
        "$(POD_NAME)",
    )
    return pattern.replace("$(POD_NAME)", name)


def wanted(expected: list[str] | None) -> int | None:
    """The number of servers, where that is all that is expected of them."""
    return int(expected[0]) if expected and len(expected) == 1 and expected[0].isdigit() else None


def numbered(answers: tuple[Answer, ...], count: int) -> list[str]:
    """The names that answered; those that did not have only a number."""
    names = sorted({answer["server"]["name"] for answer in answers})[:count]
    return names + [f"number {position} of {count}" for position in range(len(names) + 1, count + 1)]


def ask(
    connection: Connection,
    expected: int | Collection[str],
    asked: Mapping[str, Mapping[str, Any]] = ASKED,
    timeout: float = 1,
) -> Answers:
    """What all servers say, all questions at once."""

    async def all_at_once() -> list[list[dict[str, Any]]]:
        questions = (
            connection.survey(f"$SYS.REQ.SERVER.PING.{endpoint}", options, expected, timeout)
            for endpoint, options in asked.items()
        )
        return list(await asyncio.gather(*questions))

    return dict(zip(asked, map(tuple, connection.run(all_at_once())), strict=True))


def listed(connection: Connection) -> Listed:
    """What an account's own API lists."""

    async def all_at_once() -> Listed:
        jetstream = JetStream(connection)
        names = await jetstream.names()
        page = await jetstream.surely("STREAM.LIST", "list of streams")
        consumers = await asyncio.gather(*(jetstream.consumer_names(name) for name in names[:WATCHED]))
        by_stream = {name: tuple(found) for name, found in zip(names, consumers, strict=False)}
        return Listed(tuple(names), tuple(page.get("missing") or ()), by_stream)

    return connection.run(all_at_once())
