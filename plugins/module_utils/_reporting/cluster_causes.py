# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Why a cluster does not form. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import IMAGE_REASONS
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import (
    Cause,
    CauseRank,
    Evidence,
    Object,
    cause,
    container,
    events_of,
    object_name,
    said,
    status,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Peer

# What the scheduler says, and what to do about it; the first that fits.
SCHEDULER_REASONS = (
    ("unbound immediate PersistentVolumeClaims", "Look at the volume: its cause is told with it."),
    ("persistentvolumeclaim", "Look at the volume: its cause is told with it."),
    (
        "volume node affinity conflict",
        "Its volume is bound to a node that can't take the pod: bring that node back, or delete volume and pod together if its data has other replicas.",
    ),
    ("Insufficient", "Add nodes, or lower nats_cluster_resources."),
    (
        "anti-affinity",
        "Each server needs a node of its own: add nodes, or set nats_cluster_spread: preferred.",
    ),
    ("unschedulable", "A node is cordoned: uncordon it, or add another."),
    ("untolerated taint", "Add nats_cluster_tolerations, or remove the taint."),
    ("node affinity/selector", "Check nats_cluster_node_selector against the nodes' labels."),
)
# What a server's last words say, and what to do about it; the first that fits.
LAST_WORDS = (
    (
        r"nats-server: (?:/etc/nats/\S+|/dev/stdin)\S* (.+)",
        "CONFIG_REFUSED",
        "Correct nats_cluster_config and deploy again.",
    ),
    (
        r"((?:Can't start JetStream|error creating store).*message authentication failed.*)",
        "ENCRYPTION_KEY",
        "The store was written with another key: give it the old one back.",
    ),
    (
        r"(.*no space left on device.*)",
        "VOLUME_FULL",
        "Grow the volume (nats_cluster_storage_size), or delete what may go, and restart the pod.",
    ),
    (r"(.*too many open files.*)", "FILE_LIMIT", "Raise the limit of open files in the nodes' container runtime."),
    (
        r"(.*(?:permission denied|read-only file system).*)",
        "STORE_NOT_WRITABLE",
        "The volume must belong to group 1000: check fsGroup, the storage class and what else mounts it.",
    ),
    (
        r"(.*address already in use.*)",
        "PORT_IN_USE",
        "Another process of the pod has the port: check extra containers.",
    ),
    (
        r"((?:Can't start JetStream|\S+ requires).*)",
        "CONFIG_REFUSED",
        "Correct nats_cluster_config and deploy again.",
    ),
)
# What a running server's log says of its routes.
ROUTE_LINES = (
    (
        r"(Remote server has a duplicate name.*)",
        "DUPLICATE_SERVER_NAME",
        "Two servers have one name and cut each other's routes: give each its own, or stop the one that should not be.",
    ),
    (
        r"(.*cluster name .* does not match.*)",
        "CLUSTER_NAME_MISMATCH",
        "Give it the configuration of the others and restart it.",
    ),
    (
        r"(.*[Rr]oute.*(?:[Aa]uthorization [Vv]iolation|authentication error).*|.* rid:\d+ - .*authentication error.*)",
        "ROUTE_LOGIN",
        "The servers have different passwords for routes: restart the pods that have an old configuration.",
    ),
    (
        r"(.* rid:\d+ - TLS .*error.*)",
        "ROUTE_TLS",
        "The servers' certificates don't trust each other: check CA, names and expiry.",
    ),
)


def forming(facts: Evidence) -> Iterator[Cause]:
    if facts.statefulset is None:
        evidence = f"namespace {facts.namespace} has no StatefulSet {facts.cluster}"
        remedy = "Deploy the cluster, or check nats_cluster_namespace and nats_cluster_name."
        yield cause(CauseRank.NOT_THERE, "NOT_DEPLOYED", f"cluster {facts.cluster}", evidence, remedy)
    else:
        yield from _refused(facts, facts.statefulset)
    yield from _nodes(facts)
    for pod in facts.pods:
        yield from _pod(facts, pod)
    yield from _selector(facts)
    yield from _names(facts)
    yield from _routes(facts)
    for pod in facts.pods:
        yield from _log_of_routes(facts, object_name(pod))


def _refused(facts: Evidence, statefulset: Object) -> Iterator[Cause]:
    """Pods that the API server does not let the StatefulSet make."""
    missing = statefulset["spec"]["replicas"] - len(facts.pods)
    for event in events_of(facts, facts.cluster, reason="FailedCreate"):
        if missing > 0:
            evidence = (
                f"{missing} of {statefulset['spec']['replicas']} pods can't be created: {event.get('message', '')}"
            )
            what = f"StatefulSet {facts.cluster}"
            names = [f"{facts.cluster}-{ordinal}" for ordinal in range(statefulset["spec"]["replicas"])]
            absent = set(names) - set(map(object_name, facts.pods))
            yield cause(CauseRank.NOT_THERE, "PODS_REFUSED", what, evidence, _remedy_of_refusal(evidence), *absent)
            return


def _remedy_of_refusal(message: str) -> str:
    if "exceeded quota" in message:
        return "Raise the namespace's ResourceQuota, or lower nats_cluster_resources."
    if "PodSecurity" in message:
        return "Take back what nats_cluster_overrides and nats_cluster_extra_objects demand beyond the namespace's pod security level."
    return "Do what the message says; the StatefulSet tries again by itself."


def _nodes(facts: Evidence) -> Iterator[Cause]:
    for node in facts.nodes or ():
        ready = next((found for found in node["status"].get("conditions") or [] if found["type"] == "Ready"), None)
        if ready is None or ready["status"] == "True":
            continue
        theirs = [object_name(pod) for pod in facts.pods if pod["spec"].get("nodeName") == object_name(node)]
        if theirs:
            evidence = (
                f"{', '.join(theirs)} run there, and it is not ready: {ready.get('message') or ready.get('reason')}"
            )
            remedy = "Bring the node back. A StatefulSet does not move its pods off a node that is silent."
            yield cause(CauseRank.NOT_THERE, "NODE_NOT_READY", f"node {object_name(node)}", evidence, remedy, *theirs)


def _pod(facts: Evidence, pod: Object) -> Iterator[Cause]:
    name, state = object_name(pod), status(pod).get("state") or {}
    waiting = state.get("waiting") or {}
    if pod["status"].get("phase") == "Pending" and not pod["spec"].get("nodeName"):
        yield from _unscheduled(facts, name)
    elif waiting.get("reason") in IMAGE_REASONS:
        evidence = f"{waiting['reason']}: {waiting.get('message') or container(pod).get('image')}"
        remedy = "Check nats_cluster_image, nats_cluster_version and nats_cluster_image_pull_secrets."
        yield cause(CauseRank.CANT_START, "IMAGE_PULL", f"pod {name}", evidence, remedy, name)
    elif waiting.get("reason") in ("ContainerCreating", "CreateContainerConfigError", "RunContainerError"):
        yield from _not_started(facts, name, waiting)
    elif last := _end(pod):
        yield from _ended(facts, name, last)
    elif "running" in state and not status(pod).get("ready"):
        for event in events_of(facts, name, reason="Unhealthy"):
            remedy = "Look at its log: it may still recover its streams, or hang."
            yield cause(CauseRank.SYMPTOM, "PROBE_FAILS", f"pod {name}", said(event), remedy, name)
            return


def _unscheduled(facts: Evidence, pod: str) -> Iterator[Cause]:
    for event in events_of(facts, pod, reason="FailedScheduling"):
        message = str(event.get("message", ""))
        remedy = next((then for words, then in SCHEDULER_REASONS if words in message), "Do what the message says.")
        yield cause(
            CauseRank.CANT_START, "POD_UNSCHEDULABLE", f"pod {pod}", f"no node takes it: {message}", remedy, pod
        )
        return


def _not_started(facts: Evidence, pod: str, waiting: Object) -> Iterator[Cause]:
    message = waiting.get("message") or next(map(said, events_of(facts, pod)), "")
    if message:
        remedy = "Do what the message says: a Secret, a volume or the container runtime is missing something."
        yield cause(
            CauseRank.CANT_START, "POD_NOT_STARTED", f"pod {pod}", f"{waiting['reason']}: {message}", remedy, pod
        )


def _end(pod: Object) -> Object | None:
    """How the server ended, where it does not run now."""
    found = status(pod)
    now = (found.get("state") or {}).get("terminated")
    before = (found.get("lastState") or {}).get("terminated")
    running = "running" in (found.get("state") or {})
    ended: Object | None = now or (None if running else before)
    return ended


def _ended(facts: Evidence, pod: str, last: Object) -> Iterator[Cause]:
    if last.get("reason") == "OOMKilled":
        return  # told with its memory
    log = facts.ended.get(pod) or facts.logs.get(pod) or ""
    lines = [line for line in log.splitlines() if line.strip()]
    for pattern, code, remedy in LAST_WORDS:
        for line in reversed(lines[-20:]):
            if found := re.search(pattern, line):
                yield cause(CauseRank.ENDS, code, f"pod {pod}", f"its server ends: {found[1].strip()}", remedy, pod)
                return
    words = lines[-1].strip() if lines else "it says nothing"
    evidence = f"its server ends with exit code {last.get('exitCode')}: {words}"
    yield cause(CauseRank.ENDS, "POD_CRASHING", f"pod {pod}", evidence, "Look at its log.", pod)


def _selector(facts: Evidence) -> Iterator[Cause]:
    """A Service that does not find the pods leaves them without a name."""
    if facts.service is None:
        if facts.statefulset is not None:
            evidence = f"namespace {facts.namespace} has no Service {facts.cluster}, so the pods have no names"
            remedy = "Deploy again: it is made anew."
            yield cause(CauseRank.CANT_MEET, "SERVICE_MISSING", f"Service {facts.cluster}", evidence, remedy)
        return
    selector = facts.service["spec"].get("selector") or {}
    for pod in facts.pods:
        labels = pod["metadata"].get("labels") or {}
        if any(labels.get(key) != value for key, value in selector.items()):
            evidence = f"its selector {dict(selector)} does not fit pod {object_name(pod)}, which so has no name"
            remedy = "Put the Service's selector or the pod's labels back: deploying again does."
            yield cause(CauseRank.CANT_MEET, "SERVICE_SELECTOR", f"Service {facts.cluster}", evidence, remedy)
            return


def _names(facts: Evidence) -> Iterator[Cause]:
    """Names that are not resolved, told once for all pods that miss them."""
    if facts.service is None:
        return
    there = set(map(object_name, facts.pods))
    missed = {
        pod: {peer for peer, found in inside.peers.items() if peer in there and not found.address}
        for pod, inside in facts.inside.items()
    }
    blind = {pod for pod, peers in missed.items() if peers and peers == there & set(facts.inside[pod].peers)}
    if blind:
        evidence = f"{', '.join(sorted(blind))} resolve none of the servers' names"
        remedy = "Look at the cluster's DNS (kube-system, k8s-app=kube-dns), and at network policies that keep port 53 from it."
        yield cause(CauseRank.CANT_MEET, "DNS_FAILS", f"cluster {facts.cluster}", evidence, remedy, *blind)
    for peer in sorted(set().union(*(peers for pod, peers in missed.items() if pod not in blind))):
        evidence = f"its name {peer}.{facts.cluster}.{facts.namespace}.svc is not resolved"
        remedy = "Its pod has no address yet, or the Service does not publish addresses that are not ready."
        yield cause(CauseRank.CANT_MEET, "NAME_UNRESOLVED", f"pod {peer}", evidence, remedy, peer)


def _routes(facts: Evidence) -> Iterator[Cause]:
    """Each way between two servers: a port that answers its own pod has to answer the others."""
    own = {pod: inside.peers[pod] for pod, inside in facts.inside.items() if pod in inside.peers}
    cut = {
        (pod, peer)
        for pod, inside in facts.inside.items()
        for peer, found in inside.peers.items()
        if pod != peer and found.address and not found.name and peer in own and own[peer].name
    }
    while cut:
        # The one that most pairs have in common; of two alone the one that is not reached.
        worst = max(sorted({peer for _pod, peer in cut}), key=lambda peer: sum(peer in pair for pair in cut))
        others = sorted({pod for pair in cut if worst in pair for pod in pair} - {worst})
        both = any(pod == worst for pod, _peer in cut)
        evidence = (
            f"its port 6222 answers itself and not {', '.join(others)}{', and theirs do not answer it' if both else ''}"
        )
        remedy = f"Check what lies between them: {_suspects(facts)}the CNI, and firewalls between the nodes."
        yield cause(CauseRank.CANT_MEET, "ROUTE_BLOCKED", f"pod {worst}", evidence, remedy, worst)
        cut = {pair for pair in cut if worst not in pair}
    names = {found.cluster for found in own.values() if found.cluster}
    if len(names) > 1:
        shown = ", ".join(f"{pod} {found.cluster!r}" for pod, found in sorted(own.items()))
        remedy = "One of them has another configuration: restart it with that of the others."
        what, evidence = f"cluster {facts.cluster}", f"the servers have different cluster names: {shown}"
        yield cause(CauseRank.CANT_MEET, "CLUSTER_NAME_MISMATCH", what, evidence, remedy, *_minority(own))


def _minority(answers: Mapping[str, Peer]) -> list[str]:
    names = [found.cluster for found in answers.values()]
    usual = max(set(names), key=names.count)
    return [pod for pod, found in answers.items() if found.cluster != usual]


def _suspects(facts: Evidence) -> str:
    """The network policies that select the pods, besides our own."""
    labels = facts.pods[0]["metadata"].get("labels") or {} if facts.pods else {}
    found = [
        object_name(policy)
        for policy in facts.policies or ()
        if object_name(policy) != facts.cluster
        and all(
            labels.get(key) == value
            for key, value in ((policy["spec"].get("podSelector") or {}).get("matchLabels") or {}).items()
        )
    ]
    return f"NetworkPolicy {', '.join(found)}, " if found else "network policies, "


def _log_of_routes(facts: Evidence, pod: str) -> Iterator[Cause]:
    if pod not in facts.inside or not any(
        pod == finding.object.split()[-1] for finding in facts.findings if finding.severity == "error"
    ):
        return  # what a healthy server's log says is history
    lines = (facts.logs.get(pod) or "").splitlines()[-100:]
    for pattern, code, remedy in ROUTE_LINES:
        for line in reversed(lines):
            if found := re.search(pattern, line):
                yield cause(CauseRank.CANT_MEET, code, f"pod {pod}", found[1].strip(), remedy, pod)
                return
