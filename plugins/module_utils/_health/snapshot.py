# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What the servers of a cluster answered at one moment. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import (
    meta_cluster,
    streams,
)

HTTP_OK = 200


@dataclass(frozen=True)
class Pod:
    """A pod as Kubernetes sees it, and the reason why it does not run, in Kubernetes' own words."""

    name: str
    phase: str
    reason: str = ""
    message: str = ""
    # What to do about a pod that no node takes; empty where it has another reason.
    scheduling_remedy: str = ""
    # When the kernel last killed its server for using too much memory; empty if it last ended in another way.
    killed: str = ""
    # That it is being deleted, and what holds it, with what to do; empty where it is not.
    deletion: str = ""
    deletion_remedy: str = ""
    # True if Kubernetes finds the pod not ready and its server did not answer; None if that was not checked.
    down: bool | None = None


@dataclass(frozen=True)
class Listed:
    """What an account's own JetStream API lists."""

    streams: tuple[str, ...] = ()
    # The consumers of each stream.
    consumers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # How much the account uses of its limits.
    usage: Answer = field(default_factory=dict)


class NotAsked(NamedTuple):
    """Why an account could not be asked, and what helps."""

    cause: str
    remedy: str = ""
    reason: Unasked = Unasked.NO_ANSWER


@dataclass(frozen=True)
class KubernetesView:
    """What the Kubernetes API says of the servers; every mapping is by server."""

    pods: Mapping[str, Pod] = field(default_factory=dict)
    # Bytes of the volume.
    volumes: Mapping[str, int] = field(default_factory=dict)
    # The digest of the configuration file in the pod, computed with the pod's own environment.
    digests: Mapping[str, str] = field(default_factory=dict)
    # The log line that tells why a server that did not answer can't reach a route.
    route_errors: Mapping[str, str] = field(default_factory=dict)
    # Where the cluster is, in words: its name, its namespace, and the context that leads there.
    place: str = ""
    # What leads there, for commands.
    target: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """What was expected and what was seen at one moment. Nothing follows from what is missing: it was not seen."""

    # The names of the servers that there should be, and the name of their cluster where it is known.
    expected: tuple[str, ...]
    cluster_name: str | None = None
    # What the servers answered to the system account: JSZ, VARZ and HEALTHZ, one of each per server.
    answers: tuple[Answer, ...] = ()
    varz: tuple[Answer, ...] = ()
    healthz: tuple[Answer, ...] = ()
    # Why the system account could not be asked.
    system_not_asked: NotAsked | None = None
    # By server that did not answer the system account: the VARZ that it gave when it was asked on its own.
    varz_of_silent: Mapping[str, Answer] = field(default_factory=dict)
    # By account: what its own API lists, or why it could not be asked.
    accounts: Mapping[str, Listed] = field(default_factory=dict)
    unasked: Mapping[str, NotAsked] = field(default_factory=dict)
    # None where the cluster was not looked at through Kubernetes.
    kubernetes: KubernetesView | None = None
    # The figures of an earlier result.
    previous: Mapping[str, Any] = field(default_factory=dict)
    # The cluster of the server that was asked for all others, where it is in one.
    asked_in: str | None = None


def answered(snapshot: Snapshot) -> dict[str, Answer]:
    """The answers of expected servers, by name. Other clusters that share the system account answer too."""
    return by_server(snapshot, snapshot.answers)


def by_server(snapshot: Snapshot, answers: tuple[Answer, ...]) -> dict[str, Answer]:
    own = own_cluster(snapshot)
    return {
        answer["server"]["name"]: answer
        for answer in answers
        if answer["server"]["name"] in snapshot.expected and is_of_cluster(own, answer)
    }


def own_cluster(snapshot: Snapshot) -> str | None:
    """The cluster that is looked at: the given one, or that of the server that was asked, if an expected server is in it.

    Otherwise it is the cluster of most expected servers. Servers of another cluster may have the same names.
    """
    if snapshot.cluster_name:
        return snapshot.cluster_name
    counts = Counter(cluster_of(found) for found in snapshot.answers if found["server"]["name"] in snapshot.expected)
    if snapshot.asked_in in counts or not counts:
        return snapshot.asked_in
    return counts.most_common(1)[0][0]


def is_of_cluster(own: str | None, answer: Answer) -> bool:
    """Whether a server is of the cluster that is looked at; others share the system account over gateways or as leaf nodes."""
    return own is None or cluster_of(answer) == own


def heard(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """By expected server, which of the questions it answered."""
    questions = {"JSZ": snapshot.answers, "VARZ": snapshot.varz, "HEALTHZ": snapshot.healthz}
    by_question = {question: by_server(snapshot, answers).keys() for question, answers in questions.items()}
    return {
        name: frozenset(question for question, names in by_question.items() if name in names)
        for name in snapshot.expected
    }


def is_down(snapshot: Snapshot, server: str) -> bool:
    """Whether Kubernetes says that a server is down: its pod is missing, or not ready while the server is silent.

    Without Kubernetes nobody says so.
    """
    if snapshot.kubernetes is None:
        return False
    pod = snapshot.kubernetes.pods.get(server)
    return pod is None or pod.down is True


def unseen(snapshot: Snapshot, besides: str = "") -> list[str]:
    """A sentence for each expected server that nothing is known of, or one for all if nobody could be asked."""
    if snapshot.system_not_asked:
        return [f"the servers could not be asked: {snapshot.system_not_asked.cause.rstrip('.')}"]
    answering = answered(snapshot)
    return [f"server {name} does not answer" for name in snapshot.expected if name != besides and name not in answering]


def as_if_down(snapshot: Snapshot, server: str) -> Snapshot:
    """The snapshot as it would be with this server down, so that a comparison expects nothing of it later."""
    view = snapshot.kubernetes or KubernetesView()
    pod = replace(view.pods.get(server) or Pod(server, "Unknown"), down=True)
    pods = {name: Pod(name, "Unknown") for name in snapshot.expected} | dict(view.pods) | {server: pod}

    def without_server(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
        return tuple(answer for answer in answers if answer["server"]["name"] != server)

    return replace(
        snapshot,
        answers=without_server(snapshot.answers),
        varz=without_server(snapshot.varz),
        kubernetes=replace(view, pods=pods),
    )


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
    """The server that says itself that it is the meta leader, while a quorum of the expected servers answers."""
    found = meta_leader_answer(snapshot)
    return str(found["server"]["name"]) if found else None


def meta_leader_answer(snapshot: Snapshot) -> Answer | None:
    """The answer of that server, which is in another cluster where clusters behind gateways share one meta group."""
    servers = answered(snapshot)
    if len(servers) < quorum(snapshot):
        return None
    named = {meta_cluster(answer).get("leader") for answer in servers.values()}
    own = own_cluster(snapshot)
    others = (found for found in snapshot.answers if not is_of_cluster(own, found) and found["server"]["name"] in named)
    for answer in (*servers.values(), *others):
        if meta_cluster(answer).get("leader") == answer["server"]["name"]:
            return answer
    return None


def quorum(snapshot: Snapshot) -> int:
    return len(snapshot.expected) // 2 + 1


def cluster_of(answer: Answer) -> str | None:
    name: str | None = answer["server"].get("cluster")
    return name


def says_ok(healthz: Answer) -> bool:
    return bool(healthz["data"].get("status_code", HTTP_OK) == HTTP_OK)
