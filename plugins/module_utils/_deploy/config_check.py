# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The server's own check of a configuration, where the server will run. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log, secrets_in_conf
from ansible_collections.messaging.nats.plugins.module_utils._deploy.pod_check import check_names
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object, nats_container
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import HOPELESS_REASONS

MAX_WAIT_S = 120
IMAGE_REMEDY = (
    "Check nats_cluster_image, nats_cluster_version and nats_cluster_image_pull_secrets. "
    "The image needs a shell, as the alpine variant has."
)
# The API server refuses a pod (403) whose service account it does not find; its answer has no other mark of that than this sentence.
NO_SERVICE_ACCOUNT = re.compile(r"serviceaccount")
# The keys that decide whether the checking pod may run, and what the configuration reads.
CONTAINER_KEYS = ("name", "image", "imagePullPolicy", "env", "resources", "securityContext")
POD_KEYS = (
    "imagePullSecrets",
    "nodeSelector",
    "tolerations",
    "priorityClassName",
    "securityContext",
    "automountServiceAccountToken",
)


def check_configuration(
    kubernetes: Kubernetes,
    statefulset: Object,
    namespace: Object | None,
    configuration: str,
    hosts: Sequence[str] = (),
) -> None:
    """Raises where `nats-server -t` of the declared image refuses the configuration, or a name is not known. Leaves nothing behind."""
    with _namespace(kubernetes, namespace), _pod(kubernetes, statefulset) as (where, pod, container):
        if hosts:
            check_names(kubernetes, where, pod, hosts)
        check_in_pod(kubernetes, where, pod, container, configuration)


def check_in_pod(kubernetes: Kubernetes, namespace: str, pod: str, container: Object, configuration: str) -> None:
    """The same in a pod that runs already, which may lack environment variables that the declared container has."""
    KNOWN_SECRETS.add(*secrets_in_conf(configuration))
    image = container["image"]
    variables = " ".join(f"{entry['name']}=${{{entry['name']}-unknown}}" for entry in container.get("env") or [])
    # The exec protocol can't close standard input, so the shell gets the number of bytes.
    size = len(configuration.encode())
    command = ["sh", "-c", f"head -c {size} | {variables} nats-server -t -c /dev/stdin"]
    code, output = kubernetes.run(namespace, pod, "nats", command, stdin=configuration)
    if code:
        lines = output.strip().splitlines() or [f"exit code {code}"]
        said = KNOWN_SECRETS.masked(masked_log(lines[-1].removeprefix("nats-server: /dev/stdin:")))
        cause = f"the server of {image} refuses nats.conf: {said}"
        remedy = "Correct the variable; nothing was changed."
        raise NatsError("nats_cluster_config", cause, remedy, code="CONFIGURATION_REFUSED")


@contextmanager
def _namespace(kubernetes: Kubernetes, namespace: Object | None) -> Iterator[None]:
    """Creates the namespace of the checking pod where it is missing, and deletes it again if the check fails."""
    if namespace is None:
        yield
        return
    what = f"Namespace {namespace['metadata']['name']}"
    kubernetes.call("POST", "/api/v1/namespaces", what, namespace, fieldManager="messaging.nats")
    checked = False
    try:
        yield
        checked = True
    finally:
        if not checked:
            kubernetes.call("DELETE", f"/api/v1/namespaces/{namespace['metadata']['name']}", what)


@contextmanager
def _pod(kubernetes: Kubernetes, statefulset: Object) -> Iterator[tuple[str, str, Object]]:
    """A short-lived pod of the declared image: its namespace, its name, and the container as declared."""
    pod = _checking_pod(statefulset)
    meta, (container,) = pod["metadata"], pod["spec"]["containers"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods"
    _create(kubernetes, path, pod)
    try:
        _wait(kubernetes, f"{path}/{meta['name']}", container["image"])
        yield meta["namespace"], meta["name"], container
    finally:
        kubernetes.call("DELETE", f"{path}/{meta['name']}", f"pod {meta['name']}", gracePeriodSeconds=0)


def _checking_pod(statefulset: Object) -> Object:
    meta, spec = statefulset["metadata"], statefulset["spec"]["template"]["spec"]
    nats = nats_container({"spec": spec})
    container = {key: value for key, value in nats.items() if key in CONTAINER_KEYS}
    volumes = list(_file_volumes(spec))
    names = {volume["name"] for volume in volumes}
    mounts = [mount for mount in nats.get("volumeMounts") or [] if mount["name"] in names]
    name = f"{meta['name']}-config-check-{secrets.token_hex(3)}"
    labels = {"app.kubernetes.io/component": "config-check", "app.kubernetes.io/managed-by": "messaging.nats"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": meta["namespace"], "labels": labels},
        "spec": {key: spec[key] for key in POD_KEYS if key in spec}
        | {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": MAX_WAIT_S * 2,
            "containers": [container | {"command": ["sleep", str(MAX_WAIT_S * 2)], "volumeMounts": mounts}],
            "volumes": volumes,
        },
    }


def _file_volumes(spec: Object) -> Iterator[Object]:
    """The volumes with files that a configuration may name, as certificates; optional, so that the pod starts without them too."""
    for volume in spec.get("volumes") or []:
        if volume["name"] == "config":
            continue
        for kind in ("secret", "configMap"):
            if kind in volume:
                yield volume | {kind: volume[kind] | {"optional": True}}
        if "projected" in volume:
            yield volume


def _create(kubernetes: Kubernetes, path: str, pod: Object) -> None:
    """Creates the pod; tries again while a new namespace lacks its default service account."""
    for attempt in range(20):
        try:
            kubernetes.call("POST", path, f"pod {pod['metadata']['name']}", pod)
            return
        except NatsError as error:
            if not NO_SERVICE_ACCOUNT.search(error.cause) or attempt == 19:
                raise
        time.sleep(0.25)


def _wait(kubernetes: Kubernetes, path: str, image: str) -> None:
    what, deadline = f"image {image}", time.monotonic() + MAX_WAIT_S
    while True:
        status = kubernetes.call("GET", path, what)["status"]
        states = [container["state"] for container in status.get("containerStatuses") or []]
        if any("running" in state for state in states):
            return
        for state in states:
            waiting = state.get("waiting") or state.get("terminated") or {}
            if waiting.get("reason") in HOPELESS_REASONS:
                cause = f"{waiting['reason']}: {waiting.get('message', '')}".strip(": ")
                raise NatsError(what, cause, IMAGE_REMEDY, code="POD_NOT_READY")
        if time.monotonic() > deadline:
            conditions = [found.get("message") for found in status.get("conditions") or [] if found.get("message")]
            raise NatsError(
                what,
                f"no pod with it ran within {MAX_WAIT_S} s: {'; '.join(conditions) or status.get('phase')}",
                "Look at the namespace's events.",
                code="POD_NOT_READY",
            )
        time.sleep(0.2)
