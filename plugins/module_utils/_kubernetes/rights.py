# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Rights in Kubernetes, and whether rules grant them. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object

ANY = "*"
# From this version on, the API server asks for `create` beside `get` where one of these is opened over a websocket.
WEBSOCKETS_NEED_CREATE = (1, 35)
OPENED_OVER_WEBSOCKETS = ("pods/exec", "pods/portforward")


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one kind of objects; the kind is written as kubectl does: pods, pods/exec, statefulsets.apps."""

    resource: str
    verb: str
    # Empty where the request is not in a namespace, so that only a ClusterRoleBinding grants it.
    namespace: str = ""
    # The one object that is meant; empty where it may be any.
    name: str = ""

    @property
    def depends_on_version(self) -> bool:
        """Whether only newer versions of Kubernetes ask for it."""
        return self.verb == "create" and self.resource in OPENED_OVER_WEBSOCKETS

    def attributes(self) -> Object:
        """The right as a SelfSubjectAccessReview asks for it."""
        kind, _dot, group = self.resource.partition(".")
        resource, _slash, subresource = kind.partition("/")
        found = {
            "verb": self.verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True)
class Need:
    """A right, and what it is needed for."""

    right: Right
    why: str


def allows(rule: Mapping[str, Any], right: Right) -> bool:
    """Whether one rule grants a right, as the RBAC authorizer of Kubernetes decides it."""
    resource, _dot, group = right.resource.partition(".")
    names = rule.get("resourceNames") or ()
    return (
        _has(rule.get("verbs") or (), right.verb)
        and _has(rule.get("apiGroups") or (), group)
        and _has_resource(rule.get("resources") or (), resource)
        # A rule that is limited to names grants no list and no creation, whose requests name no object.
        and (not names or right.name in names)
    )


def _has(listed: Collection[str], wanted: str) -> bool:
    return ANY in listed or wanted in listed


def _has_resource(listed: Collection[str], wanted: str) -> bool:
    """`*` includes subresources, and `*/exec` is this subresource of any kind; `pods/*` stands for nothing."""
    subresource = wanted.partition("/")[2]
    return _has(listed, wanted) or (bool(subresource) and f"*/{subresource}" in listed)


def not_granted(needs: Iterable[Need], rules: Collection[Mapping[str, Any]]) -> list[Need]:
    """The needs that no rule grants."""
    return [need for need in needs if not any(allows(rule, need.right) for rule in rules)]


def distinct(needs: Iterable[Need]) -> list[Need]:
    """Each right once, with the first reason for it, and without those that a wider one includes."""
    first: dict[Right, Need] = {}
    for need in needs:
        first.setdefault(need.right, need)
    wide = {right for right in first if not right.name}
    return [need for right, need in first.items() if not right.name or kind_of(right) not in wide]


def kind_of(right: Right) -> Right:
    """The same right for all objects of its kind."""
    return Right(right.resource, right.verb, right.namespace)


def sentences(needs: Iterable[Need]) -> Iterator[str]:
    """A line for each kind of objects: the verbs, where, and what for."""

    def place(need: Need) -> tuple[str, str, str, str]:
        return need.right.namespace, need.right.resource, need.right.name, need.why

    for (namespace, resource, name, why), group in groupby(sorted(needs, key=place), place):
        verbs = ", ".join(sorted({need.right.verb for need in group}))
        named = f" {name}" if name and resource != "namespaces" else ""
        where = f"in namespace {namespace}" if namespace else "in the whole Kubernetes cluster"
        yield f"{verbs} {resource}{named} {where}, {why}"
