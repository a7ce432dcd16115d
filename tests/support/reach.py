# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who reaches whom, as cyclonus evaluates NetworkPolicies. They are those of declared objects, or those of a Kubernetes cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUILD = Path(__file__).resolve().parents[1] / "security" / "reach" / "build"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Peer:
    """A pod, or without a namespace an address that belongs to none: outside of Kubernetes, or of a node."""

    ip: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)

    def traffic(self) -> dict[str, Any]:
        if not self.namespace:
            return {"IP": self.ip}
        labels = {NAMESPACE_LABEL: self.namespace, **self.namespace_labels}
        inside = {"Namespace": self.namespace, "NamespaceLabels": labels, "PodLabels": dict(self.labels)}
        return {"IP": self.ip, "Internal": inside}


@dataclass(frozen=True)
class Attempt:
    """A connection that somebody tries to make."""

    source: Peer
    target: Peer
    port: int
    port_name: str = ""
    protocol: str = "TCP"


def reached(policies: Sequence[Mapping[str, Any]], attempts: Iterable[Attempt]) -> list[bool]:
    """For each attempt, whether the policies of both pods let it through."""
    traffic = [
        {
            "Source": attempt.source.traffic(),
            "Destination": attempt.target.traffic(),
            "ResolvedPort": attempt.port,
            "ResolvedPortName": attempt.port_name,
            "Protocol": attempt.protocol,
        }
        for attempt in attempts
    ]
    program = subprocess.run([str(BUILD)], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    asked = json.dumps({"policies": policies, "traffic": traffic})
    answers = subprocess.run([program], input=asked, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [answer["ingress"] and answer["egress"] for answer in json.loads(answers)]


def pod_template(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pod of a Pod or of a workload that makes pods; empty for other objects."""
    if item.get("kind", "Pod") == "Pod":  # the items of a list have no kind
        return item
    return ((item.get("spec") or {}).get("template")) or {}


def pod_of(item: Mapping[str, Any], ip: str) -> Peer:
    """A pod, or the first one of a workload with the labels that its controller gives it."""
    metadata = pod_template(item)["metadata"]
    labels = dict(metadata.get("labels") or {})
    if item["kind"] == "StatefulSet":
        labels |= {
            "statefulset.kubernetes.io/pod-name": f"{item['metadata']['name']}-0",
            "apps.kubernetes.io/pod-index": "0",
        }
    if item["kind"] != "Pod":
        labels["controller-revision-hash"] = "1234"
    return Peer(ip, item["metadata"]["namespace"], labels)


def container_ports(item: Mapping[str, Any]) -> dict[str, int]:
    """The ports of the server's container, by name."""
    (container,) = (found for found in pod_template(item)["spec"]["containers"] if found["name"] == "nats")
    return {port["name"]: port["containerPort"] for port in container["ports"]}
