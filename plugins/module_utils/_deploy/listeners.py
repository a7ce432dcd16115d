# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Listeners of the servers that no declared object lets anybody reach. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import canonical_config
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object

# Listeners for which the role has no variable: their names in nats.conf.
LISTENERS = ("websocket", "mqtt", "leafnodes", "gateway")


def listener_remarks(configuration: str | None, declared: Iterable[Object]) -> Iterator[str]:
    """What a person has to declare beside each of these listeners, a sentence each."""
    config, objects = canonical_config(configuration or ""), list(declared)
    services = [item for item in objects if item["kind"] == "Service"]
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    for name in LISTENERS:
        port = _port(config.get(name))
        if port is None:
            continue
        lacks, remedies = [], []
        if not any(port in _service_ports(service) for service in services):
            lacks.append("no Service has")
            remedies.append("its port into nats_cluster_overrides (Service)")
        if policies and not any(_lets_in(policy, port) for policy in policies):
            lacks.append("no NetworkPolicy lets in")
            remedies.append("a NetworkPolicy for it into nats_cluster_extra_objects")
        if lacks:
            yield f"by hand: {name} listens on port {port}, which {' and '.join(lacks)}: write {' and '.join(remedies)}"


def _port(block: Any) -> int | None:
    """The port of a listener; None where it does not listen, or on a port that is not known here."""
    if not isinstance(block, Mapping):
        return None
    found = re.search(r"(\d+)$", str(block.get("port") or block.get("listen") or ""))
    return int(found[1]) if found else None


def _service_ports(service: Object) -> set[Any]:
    ports = service.get("spec", {}).get("ports") or []
    return {port.get(key) for port in ports for key in ("port", "targetPort")}


def _lets_in(policy: Object, port: int) -> bool:
    """Whether it lets somebody connect to this port. A rule without ports is one for all of them."""
    for rule in policy.get("spec", {}).get("ingress") or []:
        ports = rule.get("ports") or []
        if not ports or any(entry.get("port") in (port, None) for entry in ports):
            return True
    return False
