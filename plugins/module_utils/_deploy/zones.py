# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether the replicas of a stream can be kept in different zones. Pure: talks to nobody. PRIVATE: it can change at any time.

A server has its zone as a tag. The tag comes from a label of its pod, which Kubernetes copies from the node. If one of these were
missing, all servers would have the same tag, and no stream could be placed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts
from ansible_collections.messaging.nats.plugins.module_utils._deploy.preconditions import node_accepts_pod
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object

ZONE = "topology.kubernetes.io/zone"
ZONE_TAG = "ZONE_TAG"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
# The first version of Kubernetes that copies a node's zone onto its pods.
ZONE_COPIED_SINCE = (1, 35)
# As many as the replicas that streams usually have.
USUAL_ZONES = 3
LABEL = f"label every node that can take a server with {ZONE}"
INSTEAD = "write nats_cluster_zones: auto, which spreads the servers as far as possible"


@dataclass(frozen=True)
class Zones:
    """The zones of the nodes that can take a server, and why they can't be used."""

    names: tuple[str, ...] = ()
    reason: str = ""

    @property
    def are_enough(self) -> bool:
        return not self.reason and len(self.names) >= USUAL_ZONES


def zones(
    nodes: list[Object] | None, version: Mapping[str, str], spec: Mapping[str, Any], claims: Iterable[Object] = ()
) -> Zones:
    """The zones for pods of this specification. Their volumes, if they exist already, stay where they are."""
    if nodes is None:
        return Zones(reason="nodes may not be read here")
    by_name = {node["metadata"]["name"]: (node["metadata"].get("labels") or {}).get(ZONE) for node in nodes}
    fitting = [node["metadata"]["name"] for node in nodes if node_accepts_pod(node, spec)]
    names = tuple(sorted({zone for name in fitting if (zone := by_name[name])}))
    without = sorted(name for name in fitting if not by_name[name])
    volumes = Counter(zone for claim in claims if (zone := by_name.get(_node(claim))))
    if without:
        return Zones(names, f"node {without[0]} has no label {ZONE}")
    if (number := _parsed(version)) < ZONE_COPIED_SINCE:
        return Zones(
            names,
            f"Kubernetes {'.'.join(map(str, number))} does not copy a node's zone onto its pods, 1.35 and later do",
        )
    if volumes and names and max(volumes.values()) - min(volumes[name] for name in names) > 1:
        held = ", ".join(f"{name}: {volumes[name]}" for name in names)
        return Zones(
            names, f"the volumes exist already and are not spread over the zones ({held}), and they stay where they are"
        )
    return Zones(names)


def unusable_zones(statefulset: Object, facts: ClusterFacts) -> Iterator[str]:
    """Refuses different zones for servers that do not have them yet, where they can't be used."""
    spec = statefulset["spec"]["template"]["spec"]
    running = facts.running.statefulset["spec"]["template"]["spec"] if facts.running else {}
    if not is_zoned(spec) or is_zoned(running) or facts.nodes is None:
        return
    found = zones(facts.nodes, facts.kubernetes, spec, facts.claims)
    if found.reason:
        yield f"nats_cluster_zones: {found.reason}: {LABEL}, or {INSTEAD}"
    elif len(found.names) < 2:
        yield f"nats_cluster_zones: all nodes that can take a server are in zone {', '.join(found.names)}: {INSTEAD}"


def is_zoned(spec: Mapping[str, Any]) -> bool:
    """Whether the servers of such pods have their zone as a tag."""
    containers = spec.get("containers") or []
    return any(entry["name"] == ZONE_TAG for container in containers for entry in container.get("env") or [])


def _node(claim: Object) -> str:
    return str((claim["metadata"].get("annotations") or {}).get(SELECTED_NODE))


def _parsed(version: Mapping[str, str]) -> tuple[int, ...]:
    """Major and minor number; some clouds append a plus to the minor number."""
    return tuple(int(version.get(key, "0").rstrip("+") or 0) for key in ("major", "minor"))
