# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which rights a plan needs: those of its own steps, and no others. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import secret_name
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan import ClusterPlan
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import statefulset
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import key
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object, title
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import Need, Right
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import Rights
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import (
    ASK,
    CHECK_CONF,
    EXPAND,
    LEASE,
    OBSERVE,
    RELOAD,
    ROLL,
    SCALE,
    VERBS,
    Line,
    required,
)

# Existing objects by their keys, each an Object; None where one does not exist. Those that may not be read are not in it.
Found = Mapping[str, Any]
READ_FILES = (Line("create get", "pods/exec", "to have nats-server check nats.conf in a pod that runs"),)
REMOVE_SECRETS = (Line("delete get", "secrets", "to delete configurations that no server reads any more"),)


class PlanRights:
    """The rights that one plan needs, checked as soon as each is known."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, name: str) -> None:
        self._kubernetes, self._namespace, self._name = kubernetes, namespace, name
        self._login = secret_name(name, "SYS")
        self._rights = Rights(kubernetes)
        self.remarks: list[str] = []

    def of_verb(self, verb: str) -> list[Need]:
        """What a verb needs, whatever is declared."""
        return required(VERBS[verb], self._namespace, self._login)

    def of_deployment(self) -> list[Need]:
        """What a deployment may need, where no plan can be made: of a cluster that runs, no more than to restart it."""
        try:
            found = statefulset(self._kubernetes, self._name, self._namespace)
        except NatsError:
            found = None
        return self.of_verb("restart" if found else "deploy")

    def check_objects(self, declared: Iterable[Object], found: Found, facts: ClusterFacts, makes_pods: bool) -> None:
        """Before the declared objects are compared with those that exist, for which their rights are needed already."""
        needs = [need for item in declared for need in self._of_declared(item, found)]
        to_create = (*LEASE, *ASK, *OBSERVE, *(CHECK_CONF if makes_pods else ()))
        lines = to_create if facts.running is None else ASK
        later = self.of_verb("restart" if facts.running else "deploy")
        self._require([*needs, *required(lines, self._namespace, self._login)], "deploy", later)

    def check_plan(self, planned: ClusterPlan, conf_check: tuple[Line, ...]) -> None:
        """Before anything is changed."""
        if planned.verb not in ("create", "converge"):
            return
        lines = [*LEASE, *ASK, *OBSERVE, *conf_check]
        lines += RELOAD if planned.reload else ()
        lines += ROLL if planned.roll else ()
        lines += SCALE if planned.scale_in or planned.scale_out else ()
        lines += EXPAND[:1] if planned.growth.claims else ()
        lines += EXPAND[1:] if planned.growth.replace else ()
        lines += REMOVE_SECRETS if planned.obsolete else ()
        needs = required(lines, self._namespace, self._login)
        self._require([*needs, *self._of_deleted(planned.delete)], "deploy")

    def check_uninstall(self, going: Iterable[Object]) -> None:
        """Before anything is deleted."""
        if needs := list(self._of_deleted(going)):
            self._require([*required(LEASE, self._namespace), *needs], "uninstall")

    def _require(self, needs: Iterable[Need], verb: str, later: Iterable[Need] = ()) -> None:
        remarks = self._rights.require(needs, verb, later)
        self.remarks += [remark for remark in remarks if remark not in self.remarks]

    def _of_declared(self, item: Object, found: Found) -> Iterator[Need]:
        resource, namespace, name = self._place(item)
        why = f"to compare what runs with what is declared, and apply {title(item)}"
        exists = found.get(key(item)) is not None
        verbs = ("get",) if item["kind"] == "Namespace" and exists else ("get", "patch")
        yield from (Need(Right(resource, verb, namespace, name), why) for verb in verbs)
        if not exists:
            # Nobody can be given the right to create a namespace within it.
            where = "" if item["kind"] == "Namespace" else namespace
            yield Need(Right(resource, "create", where, name), f"to create {title(item)}")

    def _of_deleted(self, going: Iterable[Object]) -> Iterator[Need]:
        for item in going:
            resource, namespace, name = self._place(item)
            for verb in ("delete", "get"):
                yield Need(Right(resource, verb, namespace, name), f"to delete {title(item)}")

    def _place(self, item: Mapping[str, Any]) -> tuple[str, str, str]:
        """The kind of an object, the namespace where rules decide about it, and its name."""
        resource, namespace = self._kubernetes.resource(dict(item))
        name = str(item["metadata"]["name"])
        # To the API server, a request about a namespace is in that namespace.
        return resource, name if item["kind"] == "Namespace" else namespace, name
