# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of a real Kubernetes cluster who have exactly the rights of one of the shipped Roles, or one right less."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import Right
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import FOLDER

ROOT = Path(__file__).resolve().parents[2]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
MERGE = "application/merge-patch+json"
# Until the authorizer of the API server has seen a changed Role.
SEEN_S = 10


def shipped(file: str) -> dict[str, Any]:
    """The Role or ClusterRole in a shipped file."""
    found: dict[str, Any] = yaml.safe_load((ROOT / FOLDER / file).read_text())["items"][0]
    return found


class RoleUser:
    """A service account that is bound to one Role, and its kubeconfig."""

    def __init__(
        self, admin: Kubernetes, kubeconfig: Mapping[str, Any], namespace: str, role: str, folder: Path
    ) -> None:
        self._admin, self._namespace, self._role = admin, namespace, role
        self._rules = shipped(f"{role}.yaml")["rules"]
        self._path = f"{RBAC}/namespaces/{namespace}/roles/nats-{role}"
        core = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": role}}
        admin.call("POST", core, f"ServiceAccount {role}", account)
        admin.call("POST", self._path.rpartition("/")[0], f"Role {role}", shipped(f"{role}.yaml"))
        self._bind("RoleBinding", "Role", f"{RBAC}/namespaces/{namespace}/rolebindings", f"nats-{role}")
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
        token = admin.call("POST", f"{core}/{role}/token", f"token of {role}", body)["status"]["token"]
        self.kubeconfig = folder / f"{role}.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(_as(kubeconfig, role, token)))
        self._kubernetes = Kubernetes({"kubeconfig": str(self.kubeconfig)})

    def _bind(self, kind: str, role_kind: str, path: str, role: str) -> None:
        subject = {"kind": "ServiceAccount", "name": self._role, "namespace": self._namespace}
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}
        body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": role}}
        self._admin.call("POST", path, f"{kind} {role}", body | {"roleRef": ref, "subjects": [subject]})

    @contextmanager
    def with_cluster_role(self) -> Iterator[None]:
        """Also has the rights of the ClusterRole that belongs to the Role."""
        role, name = shipped(f"{self._role}-cluster.yaml"), f"{self._namespace}-{self._role}"
        roles, bindings = f"{RBAC}/clusterroles", f"{RBAC}/clusterrolebindings"
        self._admin.call("POST", roles, name, role | {"metadata": {"name": name}})
        self._bind("ClusterRoleBinding", "ClusterRole", bindings, name)
        try:
            self._wait_for(Right("nodes", "list"), True)
            yield
        finally:
            for path in (bindings, roles):
                self._admin.call("DELETE", f"{path}/{name}", name)
            self._wait_for(Right("nodes", "list"), False)

    @contextmanager
    def without(self, *rights: Right) -> Iterator[None]:
        """Lacks these rights meanwhile."""
        rules = copy.deepcopy(self._rules)
        for right in rights:
            kind, _dot, group = right.resource.partition(".")
            for rule in rules:
                if rule["resources"] == [kind] and rule["apiGroups"] == [group]:
                    rule["verbs"] = [verb for verb in rule["verbs"] if verb != right.verb]
        self._write([rule for rule in rules if rule["verbs"]])
        try:
            for right in rights:
                self._wait_for(right, False)
            yield
        finally:
            self._write(self._rules)
            for right in rights:
                self._wait_for(right, True)

    def _write(self, rules: list[dict[str, Any]]) -> None:
        self._admin.call("PATCH", self._path, f"Role {self._role}", {"rules": rules}, MERGE)

    def _wait_for(self, right: Right, wanted: bool) -> None:
        """Until the API server decides by the changed Role."""
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        deadline = time.monotonic() + SEEN_S
        while True:
            answer = self._kubernetes.call(
                "POST", REVIEWS, str(right), body | {"spec": {"resourceAttributes": right.attributes()}}
            )
            if answer["status"]["allowed"] == wanted:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{right} is not {'granted' if wanted else 'taken away'}")
            time.sleep(0.02)


def _as(kubeconfig: Mapping[str, Any], user: str, token: str) -> dict[str, Any]:
    """The kubeconfig with one context, of this user."""
    cluster = kubeconfig["clusters"][0]
    context = {"name": user, "context": {"cluster": cluster["name"], "user": user}}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": user,
        "clusters": [cluster],
        "contexts": [context],
        "users": [{"name": user, "user": {"token": token}}],
    }


def delete_namespace(admin: Kubernetes, namespace: str, timeout: float = 90) -> None:
    """Deletes a namespace and waits until it is gone."""
    path, deadline = f"/api/v1/namespaces/{namespace}", time.monotonic() + timeout
    try:
        admin.call("DELETE", path, namespace)
    except NatsError as error:
        if error.code != "NOT_FOUND":
            raise
    while admin.find(path, namespace) and time.monotonic() < deadline:
        time.sleep(0.5)
