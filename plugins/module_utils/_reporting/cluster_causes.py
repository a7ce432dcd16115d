# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Causes why a cluster does not form. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import (
    IMAGE_REASONS,
    deletion,
    deletion_remedy,
    unschedulable,
    unschedulable_remedy,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import (
    Cause,
    CauseRank,
    Evidence,
    Object,
    cause,
    container,
    event_text,
    events_of,
    object_name,
    server_of,
    status,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Peer

# The last lines of a server's log, and what to do about them; the first pattern that matches counts.
LAST_LINES = (
    (
        r"nats-server: (?:/etc/nats/\S+|/dev/stdin)\S* (.+)",
        "CONFIG_REFUSED",
        "Correct nats_cluster_config and deploy again.",
    ),
    (
        r"((?:Can't start JetStream|error creating store).*message authentication failed.*)",
        "ENCRYPTION_KEY",
        "The store was written with another encryption key: give the server the old key.",
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
# How many of the last lines of a log are searched.
LAST_LINE_COUNT, ROUTE_LINE_COUNT = 20, 100
# Lines in a running server's log about its routes, and what to do about them.
ROUTE_LINES = (
    (
        r"(Remote server has a duplicate name.*)",
        "DUPLICATE_SERVER_NAME",
        "Two servers have one name and cut each other's routes: give each its own, or stop the one that should not run.",
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
    """The causes, from the StatefulSet to the routes between servers."""
    if facts.statefulset is None:
        evidence = f"namespace {facts.namespace} has no StatefulSet {facts.cluster}"
        remedy = "Deploy the cluster, or check nats_cluster_namespace and nats_cluster_name."
        yield cause(CauseRank.NOT_THERE, "NOT_DEPLOYED", f"cluster {facts.cluster}", evidence, remedy)
    else:
        yield from _refused(facts, facts.statefulset)
    yield from _nodes(facts)
    for pod in facts.pods:
        yield from _pod(facts, pod)
    yield from _service(facts)
    yield from _external_service(facts)
    yield from _names(facts)
    yield from _routes(facts)
    yield from _cluster_names(facts)
    for pod in facts.pods:
        yield from _route_log(facts, object_name(pod), server_of(facts, pod))


def _refused(facts: Evidence, statefulset: Object) -> Iterator[Cause]:
    """Pods that the API server does not let the StatefulSet create."""
    replicas = statefulset["spec"]["replicas"]
    missing = replicas - len(facts.pods)
    event = next(events_of(facts, facts.cluster, reason="FailedCreate"), None)
    if missing > 0 and event:
        evidence = f"{missing} of {replicas} pods can't be created: {event.get('message', '')}"
        what = f"StatefulSet {facts.cluster}"
        names = {f"{facts.cluster}-{ordinal}" for ordinal in range(replicas)}
        absent = names - set(map(object_name, facts.pods))
        yield cause(CauseRank.NOT_THERE, "PODS_REFUSED", what, evidence, _remedy_of_refusal(evidence), *absent)


def _remedy_of_refusal(message: str) -> str:
    if "exceeded quota" in message:
        return "Raise the namespace's ResourceQuota, or lower nats_cluster_resources."
    if "PodSecurity" in message:
        return (
            "Remove from nats_cluster_overrides and nats_cluster_extra_objects "
            "what the namespace's pod security level does not allow."
        )
    return "Do what the message says; the StatefulSet tries again by itself."


def _nodes(facts: Evidence) -> Iterator[Cause]:
    for node in facts.nodes or ():
        name, conditions = object_name(node), node["status"].get("conditions") or []
        ready = next((condition for condition in conditions if condition["type"] == "Ready"), None)
        if ready is None or ready["status"] == "True":
            continue
        pods = [object_name(pod) for pod in facts.pods if pod["spec"].get("nodeName") == name]
        if pods:
            reason = ready.get("message") or ready.get("reason")
            evidence = f"{', '.join(pods)} run there, and it is not ready: {reason}"
            remedy = "Bring the node back. A StatefulSet does not move its pods off a node that is silent."
            yield cause(CauseRank.NOT_THERE, "NODE_NOT_READY", f"node {name}", evidence, remedy, *pods)


def _pod(facts: Evidence, pod: Object) -> Iterator[Cause]:
    name, state = object_name(pod), status(pod).get("state") or {}
    waiting = state.get("waiting") or {}
    if going := deletion(pod):
        yield cause(CauseRank.NOT_THERE, "POD_TERMINATING", f"pod {name}", going, deletion_remedy(pod), name)
    elif pod["status"].get("phase") == "Pending" and not pod["spec"].get("nodeName"):
        yield from _unscheduled(facts, pod)
    elif waiting.get("reason") in IMAGE_REASONS:
        evidence = f"{waiting['reason']}: {waiting.get('message') or container(pod).get('image')}"
        remedy = "Check nats_cluster_image, nats_cluster_version and nats_cluster_image_pull_secrets."
        yield cause(CauseRank.CANT_START, "IMAGE_PULL", f"pod {name}", evidence, remedy, name)
    elif waiting.get("reason") in ("ContainerCreating", "CreateContainerConfigError", "RunContainerError"):
        yield from _not_started(facts, name, waiting)
    elif terminated := _termination(pod):
        yield from _ended(facts, name, terminated)
    elif "running" in state and not status(pod).get("ready"):
        event = next(events_of(facts, name, reason="Unhealthy"), None)
        if event:
            remedy = "Look at its log: it may still recover its streams, or hang."
            yield cause(CauseRank.SYMPTOM, "PROBE_FAILS", f"pod {name}", event_text(event), remedy, name)


def _unscheduled(facts: Evidence, pod: Object) -> Iterator[Cause]:
    name = object_name(pod)
    event = next(events_of(facts, name, reason="FailedScheduling"), {})
    if message := unschedulable(pod) or event.get("message"):
        remedy = unschedulable_remedy(message)
        yield cause(
            CauseRank.CANT_START, "POD_UNSCHEDULABLE", f"pod {name}", f"no node takes it: {message}", remedy, name
        )


def _not_started(facts: Evidence, pod: str, waiting: Object) -> Iterator[Cause]:
    message = waiting.get("message") or next(map(event_text, events_of(facts, pod)), "")
    if message:
        remedy = "Do what the message says: a Secret or a volume is missing, or the container runtime fails."
        evidence = f"{waiting['reason']}: {message}"
        yield cause(CauseRank.CANT_START, "POD_NOT_STARTED", f"pod {pod}", evidence, remedy, pod)


def _termination(pod: Object) -> Object | None:
    """How the server's last process ended, if it does not run now."""
    container_status = status(pod)
    state = container_status.get("state") or {}
    before = (container_status.get("lastState") or {}).get("terminated")
    terminated: Object | None = state.get("terminated") or (None if "running" in state else before)
    return terminated


def _ended(facts: Evidence, pod: str, terminated: Object) -> Iterator[Cause]:
    if terminated.get("reason") == "OOMKilled":
        return  # it is a cause of high memory
    log = facts.ended.get(pod) or facts.logs.get(pod) or ""
    lines = [line for line in log.splitlines() if line.strip()]
    for pattern, code, remedy in LAST_LINES:
        for line in reversed(lines[-LAST_LINE_COUNT:]):
            if found := re.search(pattern, line):
                yield cause(CauseRank.ENDS, code, f"pod {pod}", f"its server ends: {found[1].strip()}", remedy, pod)
                return
    last_line = lines[-1].strip() if lines else "its log is empty"
    evidence = f"its server ends with exit code {terminated.get('exitCode')}: {last_line}"
    yield cause(CauseRank.ENDS, "POD_CRASHING", f"pod {pod}", evidence, "Look at its log.", pod)


def _service(facts: Evidence) -> Iterator[Cause]:
    """Without a Service that selects them, pods have no DNS names."""
    if facts.service is None:
        if facts.statefulset is not None:
            evidence = f"namespace {facts.namespace} has no Service {facts.cluster}, so the pods have no names"
            remedy = "Deploy again, which creates it."
            yield cause(CauseRank.CANT_MEET, "SERVICE_MISSING", f"Service {facts.cluster}", evidence, remedy)
        return
    selector = facts.service["spec"].get("selector") or {}
    for pod in facts.pods:
        labels = pod["metadata"].get("labels") or {}
        if any(labels.get(key) != value for key, value in selector.items()):
            evidence = f"its selector {dict(selector)} does not fit pod {object_name(pod)}, which therefore has no name"
            remedy = "Put the Service's selector or the pod's labels back: deploying again does."
            yield cause(CauseRank.CANT_MEET, "SERVICE_SELECTOR", f"Service {facts.cluster}", evidence, remedy)
            return


def _external_service(facts: Evidence) -> Iterator[Cause]:
    """A load balancer that nobody provides."""
    service = facts.external_service
    if service is None or service["spec"].get("type") != "LoadBalancer":
        return
    if not ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        name = object_name(service)
        more = "".join(f": {event_text(event)}" for event in islice(events_of(facts, name), 1))
        remedy = (
            "Kubernetes needs a controller for load balancers, such as the cloud's or MetalLB; look at the events of the Service. "
            "Without one, use nats_cluster_external_service: {type: NodePort}."
        )
        evidence = f"it has no address, so nobody outside of Kubernetes reaches the servers{more}"
        yield cause(CauseRank.RISK, "SERVICE_NO_ADDRESS", f"Service {name}", evidence, remedy)


def _names(facts: Evidence) -> Iterator[Cause]:
    """Names that are not resolved: by a pod that resolves none, or else once for all pods that miss a name."""
    if facts.service is None:
        return
    pods = set(map(object_name, facts.pods))
    unresolved = {
        pod: {peer for peer, found in inside.peers.items() if peer in pods and not found.address}
        for pod, inside in facts.inside.items()
    }
    without_dns = {pod for pod, peers in unresolved.items() if peers and peers == pods & set(facts.inside[pod].peers)}
    if without_dns:
        evidence = f"{', '.join(sorted(without_dns))} resolve none of the servers' names"
        remedy = (
            "Look at the cluster's DNS (kube-system, k8s-app=kube-dns), "
            "and at network policies that keep port 53 from it."
        )
        yield cause(CauseRank.CANT_MEET, "DNS_FAILS", f"cluster {facts.cluster}", evidence, remedy, *without_dns)
    for peer in sorted(set().union(*(peers for pod, peers in unresolved.items() if pod not in without_dns))):
        evidence = f"its name {peer}.{facts.cluster}.{facts.namespace}.svc is not resolved"
        remedy = "Its pod has no address yet, or the Service does not publish addresses that are not ready."
        yield cause(CauseRank.CANT_MEET, "NAME_UNRESOLVED", f"pod {peer}", evidence, remedy, peer)


def _routes(facts: Evidence) -> Iterator[Cause]:
    """Pods whose port for routes answers their own pod and not another one, each way between two servers."""
    own = _own_answers(facts)
    blocked = {
        (pod, peer)
        for pod, inside in facts.inside.items()
        for peer, found in inside.peers.items()
        if pod != peer and found.address and not found.reached and peer in own and own[peer].reached
    }
    while blocked:
        # The pod that most pairs have in common; of a single pair, the one that is not reached.
        worst = max(sorted({peer for _pod, peer in blocked}), key=lambda peer: sum(peer in pair for pair in blocked))
        others = sorted({pod for pair in blocked if worst in pair for pod in pair} - {worst})
        both_ways = any(pod == worst for pod, _peer in blocked)
        reverse = ", and theirs do not answer it" if both_ways else ""
        evidence = f"its port 6222 answers itself and not {', '.join(others)}{reverse}"
        remedy = f"Check what lies between them: {_suspects(facts)}the CNI, and firewalls between the nodes."
        yield cause(CauseRank.CANT_MEET, "ROUTE_BLOCKED", f"pod {worst}", evidence, remedy, worst)
        blocked = {pair for pair in blocked if worst not in pair}


def _own_answers(facts: Evidence) -> dict[str, Peer]:
    """By pod: what its port for routes answers to the pod itself."""
    return {pod: inside.peers[pod] for pod, inside in facts.inside.items() if pod in inside.peers}


def _cluster_names(facts: Evidence) -> Iterator[Cause]:
    own = _own_answers(facts)
    if len({found.cluster for found in own.values() if found.cluster}) > 1:
        shown = ", ".join(f"{pod} {found.cluster!r}" for pod, found in sorted(own.items()))
        remedy = "One of them has another configuration: restart it with that of the others."
        what, evidence = f"cluster {facts.cluster}", f"the servers have different cluster names: {shown}"
        yield cause(CauseRank.CANT_MEET, "CLUSTER_NAME_MISMATCH", what, evidence, remedy, *_minority(own))


def _minority(answers: Mapping[str, Peer]) -> list[str]:
    """The pods whose cluster has another name than most have."""
    names = [found.cluster for found in answers.values()]
    usual = max(set(names), key=names.count)
    return [pod for pod, found in answers.items() if found.cluster != usual]


def _suspects(facts: Evidence) -> str:
    """The network policies that select the pods, besides our own."""
    labels = facts.pods[0]["metadata"].get("labels") or {} if facts.pods else {}
    names = [
        object_name(policy)
        for policy in facts.policies or ()
        if object_name(policy) != facts.cluster and _selects(policy, labels)
    ]
    return f"NetworkPolicy {', '.join(names)}, " if names else "network policies, "


def _selects(policy: Object, labels: Object) -> bool:
    required = (policy["spec"].get("podSelector") or {}).get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in required.items())


def _route_log(facts: Evidence, pod: str, server: str) -> Iterator[Cause]:
    """What a server that has a problem logs about its routes; such lines of a healthy server are over."""
    has_error = any(finding.server in (pod, server) for finding in facts.findings if finding.severity == "error")
    if pod not in facts.inside or not has_error:
        return
    lines = (facts.logs.get(pod) or "").splitlines()[-ROUTE_LINE_COUNT:]
    for pattern, code, remedy in ROUTE_LINES:
        for line in reversed(lines):
            if found := re.search(pattern, line):
                yield cause(CauseRank.CANT_MEET, code, f"pod {pod}", found[1].strip(), remedy, pod)
                return
