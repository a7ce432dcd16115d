# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Listeners of the servers that not everybody reaches for whom they are. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import canonical_config
from ansible_collections.messaging.nats.plugins.module_utils._config.listeners import (
    Listener,
    listeners,
    with_unknown_ports,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.network_policies import peers_of
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object


def listener_remarks(configuration: str | None, declared: Iterable[Object]) -> Iterator[str]:
    """What a person has to declare beside each of these listeners, a sentence each."""
    config, objects = canonical_config(configuration or ""), list(declared)
    services = [item for item in objects if item["kind"] == "Service"]
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    for listener in listeners(config):
        yield from _unreachable(listener, services, policies)
        if listener.name == "gateway" and policies:
            yield from _clusters_elsewhere(listener, config["gateway"], policies)
    for name in with_unknown_ports(config):
        yield (
            f"by hand: {name} listens on a port that is not known here, so that neither the Service nor the NetworkPolicy has it: "
            f"write its number into nats_cluster_config"
        )


def _unreachable(listener: Listener, services: list[Object], policies: list[Object]) -> Iterator[str]:
    """A listener whose port overrides have taken out of an object."""
    lacks, remedies = [], []
    if not any(listener.port in _service_ports(service) for service in services):
        lacks.append("no Service has")
        remedies.append("its port into nats_cluster_overrides (Service)")
    if policies and not _peers(policies, listener):
        lacks.append("no NetworkPolicy lets in")
        remedies.append("a NetworkPolicy for it into nats_cluster_extra_objects")
    if lacks:
        yield (
            f"by hand: {listener.name} listens on port {listener.port}, which {' and '.join(lacks)}: write {' and '.join(remedies)}"
        )


def _clusters_elsewhere(listener: Listener, block: Mapping[str, Any], policies: list[Object]) -> Iterator[str]:
    """No selector of pods matches servers outside of this Kubernetes cluster."""
    others = [
        item
        for item in block.get("gateways") or []
        if isinstance(item, Mapping) and item.get("name") != block.get("name")
    ]
    urls = [str(url) for item in others for url in (item.get("urls") or [item.get("url")])]
    elsewhere = not urls or any(".svc" not in url for url in urls)
    peers = _peers(policies, listener)
    if elsewhere and peers and not any(not rule or any("ipBlock" in peer for peer in rule) for rule in peers):
        yield (
            f"by hand: gateway port {listener.port} is open to NATS servers of this Kubernetes cluster only: for others, write a NetworkPolicy "
            "with ipBlock into nats_cluster_extra_objects"
        )


def _peers(policies: list[Object], listener: Listener) -> list[list[Any]]:
    return [peers for policy in policies for peers in peers_of(policy, listener.port)]


def _service_ports(service: Object) -> set[Any]:
    ports = service.get("spec", {}).get("ports") or []
    return {port.get(key) for port in ports for key in ("port", "targetPort")}
