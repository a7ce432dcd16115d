# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Listeners that a configuration adds to those of the role. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.overrides import matches
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import canonical

# Their blocks in nats.conf, which are also the names of their ports.
LISTENERS = ("websocket", "mqtt", "leafnodes", "gateway")
# The ports that every server of the role has.
ROLE_PORTS: Mapping[int, str] = {4222: "clients", 6222: "routes", 8222: "monitoring"}
# Hosts on which only containers of the same pod reach a listener.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Listener:
    """A listener that other pods can reach."""

    name: str
    port: int


def listeners(config: Mapping[str, Any]) -> list[Listener]:
    """The listeners of a canonical configuration whose ports are known."""
    found = ((name, _address(config.get(name))) for name in LISTENERS)
    return [
        Listener(name, int(port)) for name, (host, port) in found if port.isdigit() and int(port) and _is_open(host)
    ]


def with_unknown_ports(config: Mapping[str, Any]) -> list[str]:
    """The listeners of a canonical configuration whose ports only the running server knows: variables, or -1 for any free port."""
    found = ((name, _address(config.get(name))) for name in LISTENERS)
    return [name for name, (host, port) in found if port and not port.isdigit() and _is_open(host)]


def port_conflicts(config: Mapping[str, Any]) -> Iterator[str]:
    """Listeners on a port that another listener has."""
    try:
        declared = listeners(canonical(config))
    except ValueError:
        return  # repeated keys are told by another check
    taken = dict(ROLE_PORTS)
    for listener in declared:
        if listener.port in taken:
            yield f"nats_cluster_config: {listener.name} can't listen on port {listener.port}, which is that of {taken[listener.port]}: write another"
        taken.setdefault(listener.port, listener.name)


def listener_ports(
    config: Mapping[str, Any],
    overrides: Mapping[str, Mapping[str, Any]],
    extra_objects: Iterable[Mapping[str, Any]],
    cluster: str,
) -> dict[str, list[dict[str, Any]]]:
    """The listeners that get a port of the container, a port of the Service and a rule of the NetworkPolicy.

    Kubernetes refuses a port that is declared twice, so one that an override declares under another name is left to it. A NetworkPolicy
    among the extra objects that names a port replaces the role's rule, because policies can only add to what others let in.
    """
    found = listeners(canonical(config))
    containers = (_at(change, "spec.template.spec.containers") for change in _of(overrides, "StatefulSet", cluster))
    ports = [
        port for items in containers for item in items if item.get("name") == "nats" for port in item.get("ports") or []
    ]
    services = [port for change in _of(overrides, "Service", cluster) for port in _at(change, "spec.ports")]
    rules = [port for item in extra_objects if item.get("kind") == "NetworkPolicy" for port in _named_ports(item)]
    return {
        "container": _without(found, {(port.get("containerPort"), port.get("name")) for port in ports}),
        "service": _without(found, {(port.get("port"), port.get("name")) for port in services}),
        "policy": [vars(listener) for listener in found if not {listener.port, listener.name} & {*rules}],
    }


def _without(found: list[Listener], declared: set[tuple[Any, Any]]) -> list[dict[str, Any]]:
    """The listeners whose ports are not declared under other names."""
    return [
        vars(listener)
        for listener in found
        if not any(port == listener.port and name != listener.name for port, name in declared)
    ]


def _named_ports(policy: Mapping[str, Any]) -> Iterator[Any]:
    for rule in _at(policy, "spec.ingress"):
        yield from (port.get("port") for port in rule.get("ports") or [])


def _of(overrides: Mapping[str, Mapping[str, Any]], kind: str, name: str) -> list[Mapping[str, Any]]:
    item = {"kind": kind, "metadata": {"name": name}}
    return [change for target, change in overrides.items() if matches(target, item)]


def _at(data: Any, path: str) -> list[Mapping[str, Any]]:
    """The mappings of the list at this dotted path; empty where there is none."""
    for key in path.split("."):
        data = data.get(key) if isinstance(data, Mapping) else None
    return [item for item in data or [] if isinstance(item, Mapping)] if isinstance(data, list) else []


def _address(block: Any) -> tuple[str, str]:
    """Host and port of a block, as text; the port is empty where it does not listen."""
    if not isinstance(block, Mapping):
        return "", ""
    if block.get("port"):
        return str(block.get("host") or block.get("net") or ""), str(block["port"])
    host, _colon, port = str(block.get("listen") or "").rpartition(":")
    return host, port


def _is_open(host: str) -> bool:
    return host.strip("[]") not in LOOPBACK
