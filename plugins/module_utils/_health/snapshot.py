# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What the servers of a cluster answered at one moment. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    streams,
)

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod as Kubernetes sees it, and the reason why it does not run, in Kubernetes' own words."""

    name: str
    phase: str
    reason: str = ""
    message: str = ""
    # When the kernel killed its server for want of memory, if that is how it ended last.
    killed: str = ""
    # Kubernetes finds it not ready, and its server did not answer; None where that was not looked at.
    down: bool | None = None


@dataclass(frozen=True)
class Listed:
    """What an account's own API says is there."""

    streams: tuple[str, ...] = ()
    # By stream.
    consumers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # What it uses of its limits, as the account's INFO tells it.
    usage: Answer = field(default_factory=dict)


class NotAsked(NamedTuple):
    """Why an account could not be asked, and what helps."""

    cause: str
    remedy: str = ""
    reason: Unasked = Unasked.NO_ANSWER


@dataclass(frozen=True)
class Snapshot:
    """Expectation and facts of one moment; what is not in it was not seen, and nothing follows from that."""

    expected: tuple[str, ...]
    cluster_name: str | None = None
    # What the servers answered to the system account, one JSZ each.
    answers: tuple[Answer, ...] = ()
    # Why the system account could not be asked.
    unreachable: str | None = None
    unreachable_for: NotAsked | None = None
    # By server, where Kubernetes is known.
    pods: Mapping[str, Pod] | None = None
    # By server that did not answer: what its own monitoring port says.
    alone: Mapping[str, Answer] = field(default_factory=dict)
    # By server that did not answer: the line of its log that tells why it can't reach a route.
    route_errors: Mapping[str, str] = field(default_factory=dict)
    # What the servers answered to VARZ and HEALTHZ.
    varz: tuple[Answer, ...] = ()
    healthz: tuple[Answer, ...] = ()
    # By account that could be asked: what its own API lists.
    accounts: Mapping[str, Listed] = field(default_factory=dict)
    # By account that could not be asked: why, and what helps.
    unasked: Mapping[str, NotAsked] = field(default_factory=dict)
    # Bytes of each server's volume.
    volumes: Mapping[str, int] = field(default_factory=dict)
    # The digest of the configuration that lies in each server's pod, with the pod's own environment.
    digests: Mapping[str, str] = field(default_factory=dict)
    # The figures of an earlier result.
    previous: Mapping[str, Any] = field(default_factory=dict)


def answered(snapshot: Snapshot) -> dict[str, Answer]:
    """The answers of expected servers, by name. Others that share the system account answer too."""
    return by_server(snapshot, snapshot.answers)


def by_server(snapshot: Snapshot, answers: tuple[Answer, ...]) -> dict[str, Answer]:
    return {
        answer["server"]["name"]: answer
        for answer in answers
        if answer["server"]["name"] in snapshot.expected and snapshot.cluster_name in (None, cluster_of(answer))
    }


def heard(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """By expected server, which of the questions it answered."""
    questions = {"JSZ": snapshot.answers, "VARZ": snapshot.varz, "HEALTHZ": snapshot.healthz}
    by_question = {question: by_server(snapshot, answers).keys() for question, answers in questions.items()}
    return {
        name: frozenset(question for question, names in by_question.items() if name in names)
        for name in snapshot.expected
    }


def is_down(snapshot: Snapshot, server: str) -> bool:
    """By Kubernetes' word, which is none where Kubernetes was not asked: its pod is missing, or not ready and silent."""
    if snapshot.pods is None:
        return False
    pod = snapshot.pods.get(server)
    return pod is None or pod.down is True


def unseen(snapshot: Snapshot, besides: str = "") -> list[str]:
    """The expected servers that nothing is known of: a sentence each, or one for all where nobody could be asked."""
    if snapshot.unreachable:
        return [f"the servers could not be asked: {snapshot.unreachable.rstrip('.')}"]
    there = answered(snapshot)
    return [f"server {name} does not answer" for name in snapshot.expected if name != besides and name not in there]


def as_if_down(snapshot: Snapshot, server: str) -> Snapshot:
    """Without what a server had, so that nothing is expected of it later."""
    pod = replace((snapshot.pods or {}).get(server) or Pod(server, "Unknown"), down=True)
    pods = {name: Pod(name, "Unknown") for name in snapshot.expected} | dict(snapshot.pods or {}) | {server: pod}

    def without(told: tuple[Answer, ...]) -> tuple[Answer, ...]:
        return tuple(answer for answer in told if answer["server"]["name"] != server)

    return replace(snapshot, answers=without(snapshot.answers), varz=without(snapshot.varz), pods=pods)


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """What a later result is compared with."""
    return {
        "streams": {
            f"{account}/{name}": {"last_seq": stream["state"]["last_seq"], "created": stream.get("created")}
            for (account, name), stream in streams(answered(snapshot)).items()
            if stream.get("state")
        },
        "servers": {
            name: {"slow_consumers": answer["data"].get("slow_consumers", 0), "start": answer["data"].get("start")}
            for name, answer in by_server(snapshot, snapshot.varz).items()
        },
    }


def meta_leader_with_quorum(snapshot: Snapshot) -> str | None:
    """The server that leads meta: one that says so itself, with a quorum of expected servers answering."""
    servers = answered(snapshot)
    if len(servers) < quorum(snapshot):
        return None
    return next((name for name, answer in servers.items() if meta_cluster(answer).get("leader") == name), None)


def quorum(snapshot: Snapshot) -> int:
    return len(snapshot.expected) // 2 + 1


def cluster_of(answer: Answer) -> str | None:
    name: str | None = answer["server"].get("cluster")
    return name


def meta_cluster(answer: Answer) -> Answer:
    found: Answer = answer["data"].get("meta_cluster") or {}
    return found


HTTP_OK = 200


def says_ok(healthz: Answer) -> bool:
    return bool(healthz["data"].get("status_code", HTTP_OK) == HTTP_OK)
