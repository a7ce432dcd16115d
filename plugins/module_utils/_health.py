# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is wrong with a cluster, from a snapshot of it. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

`/healthz` is not among the evidence: it says 200 in most bad states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod as Kubernetes sees it, and the reason why it does not run, in Kubernetes' own words."""

    name: str
    phase: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Snapshot:
    """Expectation and facts of one moment."""

    expected: tuple[str, ...]
    cluster_name: str | None = None
    # What the servers answered to the system account, one JSZ each.
    answers: tuple[Answer, ...] = ()
    # Why the system account could not be asked.
    unreachable: str | None = None
    # By server, where Kubernetes is known.
    pods: Mapping[str, Pod] | None = None
    # By server that did not answer: what its own monitoring port says.
    alone: Mapping[str, Answer] = field(default_factory=dict)
    # By server that did not answer: the line of its log that tells why it can't reach a route.
    route_errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    severity: str
    code: str
    object: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.object}: {self.evidence}. {self.remedy}"


def error(code: str, what: str, evidence: str, remedy: str) -> Finding:
    return Finding("error", code, what, evidence, remedy)


def evaluate(snapshot: Snapshot) -> list[Finding]:
    """All findings, the causes before their effects."""
    return [*_missing(snapshot), *_foreign(snapshot), *_meta(snapshot), *_jetstream(snapshot), *_streams(snapshot)]


def answered(snapshot: Snapshot) -> dict[str, Answer]:
    """The answers of expected servers, by name. Others that share the system account answer too."""
    return {
        answer["server"]["name"]: answer
        for answer in snapshot.answers
        if answer["server"]["name"] in snapshot.expected and snapshot.cluster_name in (None, _cluster(answer))
    }


def meta_leader(snapshot: Snapshot) -> str | None:
    """The server that leads meta: one that says so itself, with a quorum of expected servers answering."""
    servers = answered(snapshot)
    if len(servers) < quorum(snapshot):
        return None
    return next((name for name, answer in servers.items() if _meta_cluster(answer).get("leader") == name), None)


def quorum(snapshot: Snapshot) -> int:
    return len(snapshot.expected) // 2 + 1


def streams(snapshot: Snapshot) -> dict[tuple[str, str], Answer]:
    """Every stream by account and name, as its leader tells it, or as anyone does where none leads."""
    found: dict[tuple[str, str], Answer] = {}
    for name, answer in answered(snapshot).items():
        for account in answer["data"].get("account_details") or []:
            for stream in account.get("stream_detail") or []:
                key = (account["name"], stream["name"])
                if key not in found or (stream.get("cluster") or {}).get("leader") == name:
                    found[key] = stream
    return found


def _cluster(answer: Answer) -> str | None:
    name: str | None = answer["server"].get("cluster")
    return name


def _meta_cluster(answer: Answer) -> Answer:
    found: Answer = answer["data"].get("meta_cluster") or {}
    return found


def _missing(snapshot: Snapshot) -> Iterator[Finding]:
    there = answered(snapshot)
    for server in snapshot.expected:
        if server not in there:
            yield _why_missing(snapshot, server)


def _why_missing(snapshot: Snapshot, server: str) -> Finding:
    what = f"server {server}"
    if snapshot.pods is not None:
        pod = snapshot.pods.get(server)
        if pod is None:
            return error("POD_MISSING", what, "it has no pod", "Look at the StatefulSet's events.")
        what = f"pod {pod.name}"
        if problem := _pod_problem(pod):
            return problem
    alone = snapshot.alone.get(server)
    if alone is None:
        evidence = (
            snapshot.unreachable
            or f"no answer to the system account, {len(answered(snapshot))} of {len(snapshot.expected)} servers answer"
        )
        return error("SERVER_DOWN", what, evidence, "Look at its log.")
    name = (alone.get("cluster") or {}).get("name")
    if snapshot.cluster_name and name != snapshot.cluster_name:
        return error(
            "CLUSTER_NAME_MISMATCH",
            what,
            f"its cluster is called {name!r}, not {snapshot.cluster_name!r}",
            "Give it the configuration of the others and restart it.",
        )
    if server in snapshot.route_errors:
        return error(
            "ROUTE_UNRESOLVABLE",
            what,
            snapshot.route_errors[server],
            "Check the names in cluster.routes and the cluster's DNS.",
        )
    if not alone.get("routes"):
        return error(
            "SERVER_ISOLATED",
            what,
            "it runs, but has a route to no other server",
            "Check network policies, and the names in cluster.routes.",
        )
    return error(
        "SERVER_NOT_RESPONDING",
        what,
        snapshot.unreachable or "it runs, but does not answer the system account",
        "Look at its log.",
    )


IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


def _pod_problem(pod: Pod) -> Finding | None:
    what, said = f"pod {pod.name}", f"{pod.reason}: {pod.message}".strip(": ")
    if pod.reason in IMAGE_REASONS:
        return error(
            "IMAGE_PULL",
            what,
            said,
            "Check nats_cluster_image, nats_cluster_version and nats_cluster_image_pull_secrets.",
        )
    if pod.phase == "Pending":
        return error(
            "POD_PENDING",
            what,
            f"it is Pending: {said}" if said else "it is Pending",
            "Check storage class, nodes and quotas.",
        )
    if pod.reason:
        return error("POD_CRASHING", what, said, "Look at its log.")
    if pod.phase != "Running":
        return error("POD_NOT_RUNNING", what, f"it is {pod.phase}", "Look at its events.")
    return None


def _foreign(snapshot: Snapshot) -> Iterator[Finding]:
    ours = [answer for answer in snapshot.answers if snapshot.cluster_name in (None, _cluster(answer))]
    names = Counter(answer["server"]["name"] for answer in ours)
    for name, count in names.items():
        if count > 1:
            evidence = f"{count} servers have this name"
            yield error("DUPLICATE_SERVER_NAME", f"server {name}", evidence, "Give each server a name of its own.")
    # A server that is gone for good is still counted for the quorum until it is removed from meta.
    peers = {peer["name"] for answer in ours for peer in _meta_cluster(answer).get("replicas") or []}
    for name in sorted((peers | set(names)) - set(snapshot.expected)):
        evidence = "it answers, but is not expected" if name in names else "it is a meta peer, but is not expected"
        remedy = "Add it to the expectation, or remove it from the cluster."
        yield error("SERVER_UNEXPECTED", f"server {name}", evidence, remedy)


def _meta(snapshot: Snapshot) -> Iterator[Finding]:
    there = answered(snapshot)
    if len(snapshot.expected) == 1 or not there:
        return
    leader = meta_leader(snapshot)
    if leader is None:
        needed = f"{len(there)} of {len(snapshot.expected)} servers answer, {quorum(snapshot)} are needed"
        if len(there) < quorum(snapshot):
            yield error("META_NO_QUORUM", "cluster", f"no quorum: {needed}", "Bring the missing servers back.")
        else:
            yield error(
                "META_NO_LEADER",
                "cluster",
                f"no meta leader: {needed}",
                "Wait for the election; if it lasts, look at the servers' logs.",
            )
        return
    peers = {peer["name"]: peer for peer in _meta_cluster(there[leader]).get("replicas") or []}
    for server in there:
        if server == leader:
            continue
        if server not in peers:
            size = _meta_cluster(there[leader]).get("cluster_size")
            yield error(
                "SERVER_NOT_IN_META",
                f"server {server}",
                f"it answers, but is not among the {size} meta peers",
                "It joins by itself, up to five minutes after it was removed from the cluster.",
            )
        elif not peers[server].get("current") or peers[server].get("offline"):
            yield error(
                "META_PEER_NOT_CURRENT",
                f"server {server}",
                "it is not current with the meta leader",
                "Wait for it to catch up.",
            )


def _jetstream(snapshot: Snapshot) -> Iterator[Finding]:
    for name, answer in answered(snapshot).items():
        if answer["data"].get("disabled") or not answer["data"].get("config"):
            yield error(
                "JETSTREAM_DISABLED",
                f"server {name}",
                "JetStream is disabled",
                "Look at its log: a full or broken disk disables it.",
            )


def _streams(snapshot: Snapshot) -> Iterator[Finding]:
    for (account, name), stream in streams(snapshot).items():
        what, cluster = f"stream {name} of account {account}", stream.get("cluster") or {}
        wanted = (stream.get("config") or {}).get("num_replicas", 1)
        if wanted == 1:
            continue
        if not cluster.get("leader"):
            yield error("STREAM_NO_LEADER", what, "it has no leader", "It needs a majority of its replicas' servers.")
            continue
        replicas = cluster.get("replicas") or []
        if len(replicas) + 1 < wanted:
            yield error(
                "STREAM_UNDER_REPLICATED",
                what,
                f"{len(replicas) + 1} of {wanted} replicas",
                "Bring the missing servers back.",
            )
        for peer in replicas:
            if peer.get("offline"):
                yield error(
                    "STREAM_REPLICA_OFFLINE",
                    what,
                    f"its replica on {peer['name']} is offline",
                    "Bring the server back.",
                )
            elif not peer.get("current"):
                lag = f", {peer['lag']} messages behind" if peer.get("lag") else ""
                yield error(
                    "STREAM_REPLICA_NOT_CURRENT",
                    what,
                    f"its replica on {peer['name']} is not current{lag}",
                    "Wait for it to catch up.",
                )
