# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether the declared pod can run: asked of the API server, and in a pod that runs already. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.encryption import REMEDY, sources
from ansible_collections.messaging.nats.plugins.module_utils._deploy.preconditions import parse_amount, requests
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, Object

# The API server says this where the login may not create pods, and another reason where an admission rule refuses the pod.
NO_RIGHT = re.compile(r"cannot create resource")
# The API server says so where an admission webhook has side effects.
NO_DRY_RUN = re.compile(r"dry run")
QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,]+), requested: (?P<requested>.+), used: (?P<used>.+), limited: (?P<limited>.+)$"
)
DOMAIN = re.compile(r"\.svc\.(?P<domain>[a-z0-9.-]+?)\.?(?=[:/]|$)")
ROUTE_HOST = re.compile(r"@(?P<host>[^@/:]+):\d+$")


def try_pod(
    kubernetes: Kubernetes, statefulset: Object, ordinal: int, running: Sequence[Object], with_account: bool
) -> str | None:
    """Asks the API server, by a dry run, whether it admits such a pod. Raises if not; returns what could not be checked.

    Priority class, Pod Security, LimitRange, quota and admission webhooks refuse pods, not the StatefulSet that makes them.
    """
    pod, name = _pod_of(statefulset, ordinal, with_account), f"{statefulset['metadata']['name']}-{ordinal}"
    path = f"/api/v1/namespaces/{statefulset['metadata']['namespace']}/pods"
    try:
        kubernetes.call("POST", path, f"pod {name}", pod, dryRun="All", fieldManager=MANAGER)
    except NatsError as error:
        if error.err_code == HTTPStatus.FORBIDDEN and NO_RIGHT.search(error.cause):
            return "not checked: whether such a pod is admitted, since pods may not be created here"
        if error.err_code == HTTPStatus.BAD_REQUEST and NO_DRY_RUN.search(error.cause):
            return f"not checked: whether such a pod is admitted: {error.cause}"
        cause = re.sub(r'^pods "[^"]*" is forbidden: ', "", error.cause)
        quota = QUOTA.search(cause)
        if quota and fits_quota(quota, next((pod for pod in running if pod["metadata"]["name"] == name), None)):
            return None
        raise NatsError(
            f"pod {name} as declared",
            f"Kubernetes refuses it: {cause}",
            "Correct what is declared; nothing was changed.",
            error.err_code,
            code="POD_REFUSED",
        ) from error
    return None


def _pod_of(statefulset: Object, ordinal: int, with_account: bool) -> Object:
    """The pod that the StatefulSet would make; without its service account where that does not exist yet."""
    meta, template = statefulset["metadata"], statefulset["spec"]["template"]
    name = f"{meta['name']}-{ordinal}"
    spec = dict(template["spec"])
    spec["volumes"] = [
        *(spec.get("volumes") or []),
        *(
            {
                "name": claim["metadata"]["name"],
                "persistentVolumeClaim": {"claimName": f"{claim['metadata']['name']}-{name}"},
            }
            for claim in statefulset["spec"].get("volumeClaimTemplates") or []
        ),
    ]
    if not with_account:
        spec.pop("serviceAccountName", None)
        spec.pop("serviceAccount", None)
    labels = {**(template["metadata"].get("labels") or {}), "statefulset.kubernetes.io/pod-name": name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        # A generated name, because a pod with the server's own name may exist.
        "metadata": {
            "generateName": f"{name}-try-",
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": template["metadata"].get("annotations") or {},
        },
        "spec": spec,
    }


def fits_quota(quota: re.Match[str], old: Object | None) -> bool:
    """Whether a quota is enough for the new pod once the old one, which goes first, has given its share back."""
    if old is None:
        return False
    requested, used, limited = (_amounts(quota[part]) for part in ("requested", "used", "limited"))
    returned = _share(old)
    return all(
        used[resource] - returned.get(resource, 0) + amount <= limited[resource]
        for resource, amount in requested.items()
        if resource in used and resource in limited
    )


def _amounts(text: str) -> dict[str, int]:
    return {
        resource: parse_amount(amount)
        for resource, found, amount in (part.strip().partition("=") for part in text.split(","))
        if found
    }


def _share(pod: Object) -> dict[str, int]:
    asked = requests(pod["spec"])
    limits: dict[str, int] = {}
    for container in pod["spec"].get("containers") or []:
        for resource, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            limits[resource] = limits.get(resource, 0) + parse_amount(amount)
    return (
        {"pods": 1000, "count/pods": 1000}
        | asked
        | {f"requests.{resource}": amount for resource, amount in asked.items()}
        | {f"limits.{resource}": amount for resource, amount in limits.items()}
    )


def hosts_to_resolve(conf: Mapping[str, Any], urls: Sequence[str], pods: Sequence[str]) -> list[str]:
    """Names that DNS has to know: of the servers whose pods exist, and of the Service that every Kubernetes cluster has."""
    routes = [found["host"] for route in _routes(conf) if (found := ROUTE_HOST.search(route))]
    domains = {found["domain"] for text in (*routes, *urls) if (found := DOMAIN.search(text))}
    servers = [host for host in routes if host.partition(".")[0] in pods]
    return [*(f"kubernetes.default.svc.{domain}." for domain in sorted(domains)), *servers]


def _routes(conf: Mapping[str, Any]) -> Iterator[str]:
    yield from map(str, (conf.get("cluster") or {}).get("routes") or [])


def check_names(kubernetes: Kubernetes, namespace: str, pod: str, hosts: Sequence[str]) -> None:
    """Raises if DNS, asked in the pod, does not know a name. A DNS server that can't be reached says nothing about it."""
    # A DNS server that does not know the domain answers NXDOMAIN or SERVFAIL.
    script = (
        'for host in "$@"; do said=$(nslookup "$host" 2>&1) || echo "$said" | grep -q "timed out" || echo "$host"; done'
    )
    _code, said = kubernetes.run(namespace, pod, "nats", ["sh", "-c", script, "sh", *hosts], timeout=30)
    unknown = [line.strip() for line in said.splitlines() if line.strip() in hosts]
    if unknown:
        raise NatsError(
            "nats_cluster_domain",
            f"DNS does not know {', '.join(unknown)} (asked in pod {pod}): the servers would not find one another",
            "Write the domain of this Kubernetes cluster, as in cluster.local (the line search of /etc/resolv.conf in a pod "
            "has it), or leave it empty; nothing was changed.",
            code="NAME_NOT_IN_DNS",
        )


def check_encryption_key(
    kubernetes: Kubernetes, namespace: str, pod: str, conf: Mapping[str, Any], template: Object
) -> None:
    """Raises if a Secret holds another encryption key than the one that the server in this pod was started with."""
    for variable, (secret, key) in sources(conf, template).items():
        path = f"/api/v1/namespaces/{namespace}/secrets/{secret}"
        found = kubernetes.find(path, f"Secret {secret}")
        encoded = ((found or {}).get("data") or {}).get(key)
        if encoded is None:
            raise NatsError(
                f"Secret {secret}",
                f"it has no key {key}, which {variable} is read from",
                "Put it back; nothing was changed.",
                code="NOT_FOUND",
            )
        # Only a digest leaves the pod, so that the key can appear in no log.
        script = f'printf %s "${{{variable}-}}" | sha256sum'
        code, said = kubernetes.run(namespace, pod, "nats", ["sh", "-c", script])
        if code == 0 and said.split()[:1] != [hashlib.sha256(b64decode(encoded)).hexdigest()]:
            cause = f"{key} of Secret {secret} is not what {pod} was started with: {REMEDY}"
            raise NatsError(
                f"environment variable {variable}", cause, "Nothing was changed.", code="ENCRYPTION_KEY_CHANGED"
            )
