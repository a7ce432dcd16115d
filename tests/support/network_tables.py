# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/network.md: whom the words in them mean, and what NetworkPolicies say about each cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.support.reach import Attempt, Peer, container_ports, pod_of, reached

PAGE = Path(__file__).resolve().parents[2] / "docs" / "network.md"
PORTS = {"4222": "client", "6222": "cluster", "8222": "monitor"}
# In a network that has no other address of the tables.
OUTSIDE, OUTSIDE_TOO = Peer("203.0.113.7"), Peer("198.51.100.9")
SHOP = Peer("10.0.1.1", "shop", {"app": "web"})
DNS = Peer("10.0.3.1", "kube-system", {"k8s-app": "kube-dns"})
ELSEWHERE = {
    "a chosen peer": Peer("10.0.1.2", "shop", {"app": "checkout"}),
    "a pod of another namespace": SHOP,
    "a NATS server of another namespace": Peer("10.0.4.1", "east", {"app.kubernetes.io/name": "nats"}),
    "Prometheus in namespace monitoring": Peer("10.0.2.1", "monitoring", {"app": "prometheus"}),
    "an address outside of Kubernetes": OUTSIDE,
    "another address outside of Kubernetes": OUTSIDE_TOO,
    "the Kubernetes API": Peer("192.168.0.1"),
    "DNS in namespace kube-system": DNS,
    "a DNS cache on the node, 169.254.20.10": Peer("169.254.20.10"),
    "Gardener's DNS": DNS,
    "OpenShift's DNS": Peer("10.0.5.1", "openshift-dns", {"dns.operator.openshift.io/daemonset-dns": "default"}),
}
TARGET = re.compile(
    r"port (?P<first>\d+) of (?P<server>.+)|(?P<whom>.+), (?:(?P<protocol>UDP|TCP) )?port (?P<port>\d+)"
)


@dataclass(frozen=True)
class Table:
    """Who reaches the servers' ports (`from`), or what servers reach (`to`): the cells, yes or no."""

    direction: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Declaration:
    """Variables of the role, and the tables that are true for them."""

    title: str
    variables: Mapping[str, Any]
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Cluster:
    """The policies, a server, its ports by name, and the peers that the tables name."""

    policies: Sequence[Mapping[str, Any]]
    server: Peer
    ports: Mapping[str, int]
    peers: Mapping[str, Peer]

    @classmethod
    def of_objects(cls, objects: Iterable[Mapping[str, Any]]) -> Cluster:
        """Of declared objects, or of objects of Kubernetes, with its server as a pod."""
        found = list(objects)
        servers = next(item for item in found if item["kind"] == "StatefulSet")
        boxes = [item for item in found if item["kind"] == "Deployment"]
        policies = [item for item in found if item["kind"] == "NetworkPolicy"]
        server = pod_of(servers, "10.0.0.1")
        return cls(
            policies, server, container_ports(servers), peers_of(server, *(pod_of(box, "10.0.0.9") for box in boxes))
        )

    @classmethod
    def of_pods(cls, policies: Sequence[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]]) -> Cluster:
        """Of the pods of two servers and the policies of their namespace, as Kubernetes has them."""
        server, other = (
            Peer(pod["status"]["podIP"], pod["metadata"]["namespace"], pod["metadata"]["labels"]) for pod in pods[:2]
        )
        return cls(policies, server, container_ports(pods[0]), peers_of(server) | {"another server": other})


def peers_of(server: Peer, box: Peer | None = None) -> dict[str, Peer]:
    """The peers of this server, by what the tables call them."""
    own = {
        "another server": replace(server, ip="10.0.0.2"),
        "a pod of the namespace": Peer("10.0.0.8", server.namespace, {"app": "web"}),
        "a pod of another namespace with the servers' labels": replace(server, ip="10.0.1.3", namespace="shop"),
    }
    return ELSEWHERE | own | ({"the box": box} if box else {})


def read_page() -> list[Declaration]:
    """The declarations of the page, each with the tables below it. Tables above the first one are none of these."""
    found: list[Declaration] = []
    title, lines = "", iter(PAGE.read_text().splitlines())
    for line in lines:
        if line.startswith("#"):
            title = line.lstrip("# ")
        elif line == "```yaml":
            text = "\n".join(iter(lambda: next(lines), "```"))
            names = [declaration.title for declaration in found]
            found.append(Declaration(f"{title} 2" if title in names else title, yaml.safe_load(text)))
        elif line.startswith(("| from ", "| to ")):
            next(lines)
            rows = {name: cells for name, *cells in map(_cells, iter(lambda: next(lines, ""), ""))}
            direction, *columns = _cells(line)
            found[-1].tables.append(
                Table(direction, tuple(columns), {name: tuple(cells) for name, cells in rows.items()})
            )
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def allowed(cluster: Cluster, table: Table) -> dict[str, tuple[str, ...]]:
    """The rows of the table as the policies say."""
    attempts = {name: _attempts(cluster, table, name) for name in table.rows}
    answers = iter(reached(cluster.policies, [attempt for row in attempts.values() for attempt in row]))
    return {name: tuple("yes" if next(answers) else "no" for _attempt in row) for name, row in attempts.items()}


def _attempts(cluster: Cluster, table: Table, name: str) -> list[Attempt]:
    if table.direction == "to":
        return [_outgoing(cluster, name)]
    ports = [PORTS.get(column, column) for column in table.columns]
    return [Attempt(cluster.peers[name], cluster.server, cluster.ports[port], port) for port in ports]


def _outgoing(cluster: Cluster, name: str) -> Attempt:
    """What a server connects to, as a row says it: `port 6222 of another server`, or `DNS, UDP port 53`."""
    words = TARGET.fullmatch(name)
    assert words, name
    whom, port = words["server"] or words["whom"], int(words["first"] or words["port"])
    return Attempt(cluster.server, cluster.peers[whom], port, protocol=words["protocol"] or "TCP")
