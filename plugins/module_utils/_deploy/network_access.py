# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What the declared NetworkPolicy leaves open, and why. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.messaging.nats.plugins.module_utils._config.egress import outgoing
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import canonical_config
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.network_policies import (
    EGRESS,
    peers_of,
    policy_types,
    selects,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object, title

CLIENT_PORT = 4222
# Services that clients from outside of the Kubernetes cluster reach.
EXTERNAL = ("NodePort", "LoadBalancer")


def egress_remarks(
    configuration: str | None, statefulset: Object, declared: Iterable[Object], is_running: bool
) -> Iterator[str]:
    """Why servers may connect to anything, and how to restrict them."""
    template = statefulset["spec"]["template"]
    policies = _policies(_labels(statefulset), declared)
    if not policies or any(EGRESS in policy_types(policy) for policy in policies):
        return
    if found := outgoing(canonical_config(configuration or ""), template):
        why = f"servers connect to {', '.join(found)}"
        remedy = "write rules for it into nats_cluster_network_policy_egress"
    elif is_running:
        why = "that of the running cluster is not, and what else its servers connect to is not known"
        remedy = (
            "write rules for that into nats_cluster_network_policy_egress; where there is nothing else, the one for DNS, "
            "{ports: [{port: 53, protocol: UDP}]}"
        )
    else:
        why, remedy = "nats_cluster_overrides says so", "leave policyTypes out there"
    yield f"open: egress of the servers is not restricted, because {why}: {remedy}"


def external_remarks(statefulset: Object, declared: Iterable[Object]) -> Iterator[str]:
    """Whom a Service for clients from outside leaves in, although its source ranges may seem to keep them out."""
    objects = list(declared)
    labels = _labels(statefulset)
    policies = _policies(labels, objects)
    for service in objects:
        spec = service.get("spec") or {}
        if service["kind"] == "Service" and spec.get("type") in EXTERNAL and _is_for(service, labels):
            yield from _left_open(service, [peers for policy in policies for peers in peers_of(policy, CLIENT_PORT)])


def _left_open(service: Object, rules: list[list[Object]]) -> Iterator[str]:
    """`rules` are the peers of each rule for clients; without a rule there is no NetworkPolicy."""
    spec, everybody = service["spec"], not rules or any(not peers for peers in rules)
    networks = any("ipBlock" in peer for peers in rules for peer in peers)
    remedy = "write the clients' networks (ipBlock) into nats_cluster_network_policy_from, with traffic_policy: Local"
    if spec.get("loadBalancerSourceRanges"):
        yield (
            f"open: {title(service)}: source_ranges hold at the load balancer, not for the port that it opens on every node"
            f"{', nor for the pods themselves, where clients are let in from everywhere' if everybody else ''}: {remedy}"
        )
    elif everybody and rules:
        yield f"open: {title(service)}: the NetworkPolicy lets clients in from everywhere, because they come from outside: {remedy}"
    elif not everybody and not networks:
        yield f"by hand: {title(service)}: the NetworkPolicy lets in no client from outside: {remedy}"
    if networks and spec.get("externalTrafficPolicy") != "Local":
        yield (
            f"by hand: {title(service)}: with traffic_policy: Cluster servers see a node's address in place of the client's, so that ipBlock in "
            "nats_cluster_network_policy_from means nodes: write traffic_policy: Local"
        )


def _labels(statefulset: Object) -> dict[str, str]:
    """Those of the servers' pods."""
    found: dict[str, str] = (statefulset["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return found


def _policies(labels: dict[str, str], declared: Iterable[Object]) -> list[Object]:
    """The NetworkPolicies for the servers' pods."""
    return [item for item in declared if item["kind"] == "NetworkPolicy" and selects(item, labels)]


def _is_for(service: Object, labels: dict[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()
