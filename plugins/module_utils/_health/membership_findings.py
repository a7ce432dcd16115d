# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Findings about which servers are in the cluster: missing and unexpected ones, the meta group. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time. `/healthz` is no evidence here: it says 200 in most bad states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import meta_cluster
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding, error, info, warning
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    NotAsked,
    Pod,
    Snapshot,
    answered,
    cluster_of,
    is_down,
    is_of_cluster,
    meta_leader_answer,
    own_cluster,
    quorum,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import IMAGE_REASONS

# Findings that rest on nothing but a missing answer to the system account.
SILENT_CODES = ("SERVER_DOWN", "SERVER_NOT_RESPONDING")
# How nats-server lists a peer that it has not heard of since the meta leader started.
UNKNOWN_PEER = "Server name unknown"


def membership_findings(snapshot: Snapshot) -> Iterator[Finding]:
    login_problem = _login_problem(snapshot)
    if login_problem:
        evidence = f"it could not be asked, so nothing is known of what the servers have: {login_problem.cause}"
        remedy = login_problem.remedy or "Check its login."
        yield error("SYSTEM_ACCOUNT_NOT_ASKED", "system account", evidence, remedy)
    answering = answered(snapshot)
    for server in snapshot.expected:
        if server not in answering:
            finding = _why_missing(snapshot, server)
            # A server that could not be asked is not down for giving no answer.
            if not (login_problem and finding.code in SILENT_CODES and not is_down(snapshot, server)):
                yield finding
    yield from _unexpected(snapshot)


def _login_problem(snapshot: Snapshot) -> NotAsked | None:
    """Why the system account could not be asked, unless the reason is that no server is there."""
    problem, view = snapshot.system_not_asked, snapshot.kubernetes
    # A server whose pod Kubernetes finds ready would have answered.
    any_ready = any(pod.down is False and not _pod_problem(pod) for pod in (view.pods if view else {}).values())
    return problem if problem and (problem.reason is not Unasked.NO_ANSWER or any_ready) else None


def _why_missing(snapshot: Snapshot, server: str) -> Finding:
    """By its pod if that does not run; else by what the server says when it is asked on its own."""
    what = f"server {server}"
    if snapshot.kubernetes is not None:
        pod = snapshot.kubernetes.pods.get(server)
        if pod is None:
            return error("POD_MISSING", what, "it has no pod", "Look at the StatefulSet's events.")
        if problem := _pod_problem(pod):
            return problem
        what = f"pod {pod.name}"
    varz = snapshot.varz_of_silent.get(server)
    if varz is None:
        answer_count = f"{len(answered(snapshot))} of {len(snapshot.expected)} servers answer"
        evidence = _system_account_cause(snapshot) or f"no answer to the system account, {answer_count}"
        return error("SERVER_DOWN", what, evidence, "Look at its log.")
    return _why_apart(snapshot, server, what, varz)


def _why_apart(snapshot: Snapshot, server: str, what: str, varz: Answer) -> Finding:
    """Why a server that runs does not answer together with the others."""
    name = (varz.get("cluster") or {}).get("name")
    usual = snapshot.cluster_name or next(map(cluster_of, answered(snapshot).values()), None)
    route_errors = snapshot.kubernetes.route_errors if snapshot.kubernetes else {}
    if usual and name != usual:
        evidence = f"its cluster is called {name!r}, not {usual!r}"
        remedy = "Give it the configuration of the others and restart it."
        return error("CLUSTER_NAME_MISMATCH", what, evidence, remedy)
    if server in route_errors and not varz.get("routes"):
        remedy = (
            "Check nats_cluster_domain against the domain in a pod's /etc/resolv.conf, "
            "the names in cluster.routes, and the cluster's DNS."
        )
        return error("ROUTE_UNRESOLVABLE", what, route_errors[server], remedy)
    if not varz.get("routes"):
        remedy = "Check network policies, and the names in cluster.routes."
        return error("SERVER_ISOLATED", what, "it runs, but has a route to no other server", remedy)
    evidence = _system_account_cause(snapshot) or "it runs, but does not answer the system account"
    return error("SERVER_NOT_RESPONDING", what, evidence, "Look at its log.")


def _system_account_cause(snapshot: Snapshot) -> str:
    return snapshot.system_not_asked.cause if snapshot.system_not_asked else ""


def _pod_problem(pod: Pod) -> Finding | None:
    """Why a pod does not run, by what Kubernetes says."""
    what, reason = f"pod {pod.name}", f"{pod.reason}: {pod.message}".strip(": ")
    if pod.deletion:
        return error("POD_TERMINATING", what, pod.deletion, pod.deletion_remedy)
    if pod.reason in IMAGE_REASONS:
        remedy = "Check nats_cluster_image, nats_cluster_version and nats_cluster_image_pull_secrets."
        return error("IMAGE_PULL", what, reason, remedy)
    if pod.phase == "Pending":
        evidence = f"it is Pending: {reason}" if reason else "it is Pending"
        remedy = pod.scheduling_remedy or "Check storage class, nodes and quotas."
        return error("POD_PENDING", what, evidence, remedy)
    if pod.reason:
        return error("POD_CRASHING", what, reason, "Look at its log.")
    if pod.phase != "Running":
        return error("POD_NOT_RUNNING", what, f"it is {pod.phase}", "Look at its events.")
    return None


def _unexpected(snapshot: Snapshot) -> Iterator[Finding]:
    """Servers of this cluster that should not be there, and servers that share a name."""
    leaf_ids = {answer["server"]["id"] for answer in snapshot.varz if (answer["data"].get("leaf") or {}).get("remotes")}
    of_cluster: list[Answer] = []
    others: list[Answer] = []
    own = own_cluster(snapshot)
    for answer in snapshot.answers:
        is_expected = answer["server"]["name"] in snapshot.expected
        is_leaf = not is_expected and own is None and answer["server"]["id"] in leaf_ids
        (of_cluster if is_of_cluster(own, answer) and not is_leaf else others).append(answer)
    yield from _others(others)
    names = Counter(answer["server"]["name"] for answer in of_cluster)
    for name, count in names.items():
        if count > 1:
            evidence = f"{count} servers have this name"
            yield error("DUPLICATE_SERVER_NAME", f"server {name}", evidence, "Give each server a name of its own.")
    # A server that is gone for good still counts for the quorum until it is removed from meta.
    peers = {peer["name"] for answer in of_cluster for peer in meta_cluster(answer).get("replicas") or []}
    # Clusters behind gateways share one meta group.
    peers -= {answer["server"]["name"] for answer in others}
    if not set(snapshot.expected) <= set(names):
        # A peer without a name may be one of the missing servers.
        peers = {peer for peer in peers if not peer.startswith(UNKNOWN_PEER)}
    for name in sorted((peers | set(names)) - set(snapshot.expected)):
        evidence = "it answers, but is not expected" if name in names else "it is a meta peer, but is not expected"
        remedy = "Add it to the expected servers, or remove it from the cluster."
        yield error("SERVER_UNEXPECTED", f"server {name}", evidence, remedy)


def _others(answers: Iterable[Answer]) -> Iterator[Finding]:
    """Servers that share the system account, and are not of the cluster that is looked at."""
    clusters: dict[str, list[str]] = {}
    for answer in answers:
        name = str(answer["server"]["name"])
        clusters.setdefault(f"cluster {cluster_of(answer)}" if cluster_of(answer) else f"server {name}", []).append(
            name
        )
    for what, names in sorted(clusters.items()):
        evidence = (
            f"{', '.join(sorted(names))} share the system account over a gateway or as leaf nodes, and are not judged"
        )
        yield info("OTHER_CLUSTER", what, evidence, "To judge these servers too, look at them on their own.")


def meta_findings(snapshot: Snapshot) -> Iterator[Finding]:
    servers = answered(snapshot)
    if len(snapshot.expected) == 1 or not servers:
        return
    named = {
        str(meta_cluster(answer).get("leader")) for answer in servers.values() if meta_cluster(answer).get("leader")
    }
    if len(named) > 1:
        evidence = f"servers name different meta leaders: {', '.join(sorted(named))}"
        yield warning("META_DISAGREEMENT", "cluster", evidence, "If it lasts, the cluster is split: check the routes.")
    leader = meta_leader_answer(snapshot)
    if leader:
        yield from _meta_peers(servers, leader)
        return
    needed = f"{len(servers)} of {len(snapshot.expected)} servers answer, {quorum(snapshot)} are needed"
    if len(servers) < quorum(snapshot):
        yield error("META_NO_QUORUM", "cluster", f"no quorum: {needed}", "Bring the missing servers back.")
    else:
        remedy = "Wait for the election; if it lasts, look at the servers' logs."
        yield error("META_NO_LEADER", "cluster", f"no meta leader: {needed}", remedy)


def _meta_peers(servers: Mapping[str, Answer], leader: Answer) -> Iterator[Finding]:
    """Whether all servers that answer take part in the meta group, by its leader's word."""
    meta = meta_cluster(leader)
    peers = {peer["name"]: peer for peer in meta.get("replicas") or []}
    for server in servers:
        if server == leader["server"]["name"]:
            continue
        if server not in peers:
            evidence = f"it answers, but is not among the {meta.get('cluster_size')} meta peers"
            remedy = "It joins by itself, up to five minutes after it was removed from the cluster."
            yield error("SERVER_NOT_IN_META", f"server {server}", evidence, remedy)
        elif not peers[server].get("current") or peers[server].get("offline"):
            evidence = "it is not current with the meta leader"
            yield error("META_PEER_NOT_CURRENT", f"server {server}", evidence, "Wait for it to catch up.")


def jetstream_findings(servers: Mapping[str, Answer]) -> Iterator[Finding]:
    for name, answer in servers.items():
        if answer["data"].get("disabled") or not answer["data"].get("config"):
            remedy = "Look at its log: a full or broken disk disables it."
            yield error("JETSTREAM_DISABLED", f"server {name}", "JetStream is disabled", remedy)
