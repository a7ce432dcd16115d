# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads NetworkPolicies. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object

INGRESS, EGRESS = "Ingress", "Egress"


def policy_types(policy: Object) -> set[str]:
    """Which directions it restricts, by the rule of the API server where it does not say so itself."""
    spec = policy.get("spec") or {}
    return set(spec.get("policyTypes") or [INGRESS, *([EGRESS] if spec.get("egress") else [])])


def selects(policy: Object, labels: Mapping[str, str]) -> bool:
    """Whether it is for pods with these labels. A selector with expressions counts as one that is not."""
    selector = (policy.get("spec") or {}).get("podSelector") or {}
    return not selector.get("matchExpressions") and (selector.get("matchLabels") or {}).items() <= labels.items()


def peers_of(policy: Object, port: int) -> Iterator[list[Any]]:
    """The peers of each rule that lets somebody connect to this port; an empty list is everybody. A rule without ports is one for all of them."""
    for rule in (policy.get("spec") or {}).get("ingress") or []:
        ports = rule.get("ports") or []
        if not ports or any(entry.get("port") in (port, None) for entry in ports):
            yield rule.get("from") or []
