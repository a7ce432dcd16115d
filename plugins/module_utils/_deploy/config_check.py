# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The server's own check of a configuration, where the server will run. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import posixpath
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_log, secrets_in_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._deploy.pod_check import check_names
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object, nats_container
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import HOPELESS_REASONS

MAX_WAIT_S, FIRST_REPORT_S = 120, 1.0
IMAGE_REMEDY = (
    "Check nats_cluster_image, nats_cluster_version and nats_cluster_image_pull_secrets. "
    "The image needs a shell, as the alpine variant has."
)
# The API server refuses a pod (403) whose service account it does not find; its answer has no other mark of that than this sentence.
NO_SERVICE_ACCOUNT = re.compile(r'serviceaccount "[^"]*" not found')
# The keys that decide whether the checking pod may run, and what the configuration reads.
CONTAINER_KEYS = ("name", "image", "imagePullPolicy", "resources", "securityContext")
POD_KEYS = (
    "imagePullSecrets",
    "nodeSelector",
    "tolerations",
    "priorityClassName",
    "securityContext",
    "automountServiceAccountToken",
)

CHECK_LABELS = {"app.kubernetes.io/component": "config-check", "app.kubernetes.io/managed-by": "messaging.nats"}
# Between the cluster's name and a random end, in the names of checking pods.
CHECK_INFIX = "-config-check-"
# The parts of a pod that name a Secret or a ConfigMap.
OPTIONAL_SOURCES = ("secret", "configMap", "secretRef", "configMapRef", "secretKeyRef", "configMapKeyRef")


def check_configuration(
    kubernetes: Kubernetes,
    statefulset: Object,
    namespace: Object | None,
    configuration: str,
    hosts: Sequence[str] = (),
    declared_secrets: Mapping[str, Mapping[str, bytes]] | None = None,
) -> None:
    """Raises where `nats-server -t` of the declared image refuses the configuration, or a name is not known. Leaves nothing behind.

    The files of declared Secrets, which may not exist yet, are written into the pod.
    """
    new, secret_data = _checking_pod(statefulset, declared_secrets or {}), declared_secrets or {}
    meta = statefulset["metadata"]
    for ended in ended_checks(kubernetes, meta["namespace"], meta["name"]):
        kubernetes.call("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{ended}", f"pod {ended}")
    with _namespace(kubernetes, namespace), _pod(kubernetes, new) as (where, pod, container):
        for path, content in _declared_files(statefulset["spec"]["template"]["spec"], secret_data):
            _write(kubernetes, where, pod, path, content)
        if hosts:
            check_names(kubernetes, where, pod, hosts)
        check_in_pod(kubernetes, where, pod, container, configuration, _imported(container, secret_data))


def ended_checks(kubernetes: Kubernetes, namespace: str, cluster: str) -> list[str]:
    """The pods of earlier checks that were left behind, because their plays were killed; by now their time has ended them."""
    path, what = f"/api/v1/namespaces/{namespace}/pods", f"pods that check the configuration of {cluster}"
    found = kubernetes.items(
        path, what, labelSelector=",".join(f"{key}={value}" for key, value in CHECK_LABELS.items())
    )
    return [
        name
        for pod in found
        if (name := str(pod["metadata"]["name"])).startswith(f"{cluster}{CHECK_INFIX}")
        and pod["status"].get("phase") in ("Succeeded", "Failed")
    ]


def check_in_pod(
    kubernetes: Kubernetes,
    namespace: str,
    pod: str,
    container: Object,
    configuration: str,
    imported: Sequence[str] = (),
) -> None:
    """The same in a pod that runs already, which may lack environment variables that the declared container has.

    `imported` names variables of its `envFrom` whose Secrets may not exist yet.
    """
    KNOWN_SECRETS.add(*secrets_in_conf(configuration))
    image = container["image"]
    names = [*(entry["name"] for entry in container.get("env") or []), *imported]
    variables = " ".join(f"{name}=${{{name}-unknown}}" for name in names)
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
            _delete_if_allowed(kubernetes, f"/api/v1/namespaces/{namespace['metadata']['name']}", what)


def _delete_if_allowed(kubernetes: Kubernetes, path: str, what: str) -> None:
    """The right to create a namespace is rarely given together with the one to delete any; the empty one is left then."""
    try:
        kubernetes.call("DELETE", path, what)
    except NatsError as error:
        if error.err_code != HTTPStatus.FORBIDDEN:
            raise


@contextmanager
def _pod(kubernetes: Kubernetes, pod: Object) -> Iterator[tuple[str, str, Object]]:
    """This pod while it is needed: its namespace, its name, and its container."""
    meta, (container,) = pod["metadata"], pod["spec"]["containers"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods"
    _create(kubernetes, path, pod)
    try:
        _wait(kubernetes, f"{path}/{meta['name']}", container["image"])
        yield meta["namespace"], meta["name"], container
    finally:
        kubernetes.call("DELETE", f"{path}/{meta['name']}", f"pod {meta['name']}", gracePeriodSeconds=0)


def has_declared_inputs(pod: Object, template: Object) -> bool:
    """Whether a pod has the files and the imported variables that a configuration for this template may name."""

    def mounted(spec: Object) -> list[tuple[str, Object]]:
        volumes = {volume["name"]: volume for volume in _file_volumes(spec)}
        mounts = nats_container({"spec": spec}).get("volumeMounts") or []
        return [(mount["mountPath"], volumes[mount["name"]]) for mount in mounts if mount["name"] in volumes]

    # The API server adds defaults to what a pod declares.
    there = {path: _sources(volume) for path, volume in mounted(pod["spec"])}
    imported = nats_container(pod).get("envFrom") or []
    if any(part not in imported for part in nats_container(template).get("envFrom") or []):
        return False
    return all(there.get(path) == _sources(volume) for path, volume in mounted(template["spec"]))


def _sources(volume: Object) -> list[tuple[str, Object]]:
    """The Secrets and ConfigMaps of a volume, and which of their keys it has under which names."""
    parts = volume["projected"].get("sources") or [] if "projected" in volume else [volume]
    found = [(part.get("secret") or part.get("configMap") or {}) for part in parts]
    return [
        (
            str(part.get("secretName") or part.get("name")),
            {item["key"]: item["path"] for item in part.get("items") or []},
        )
        for part in found
    ]


def _declared_files(spec: Object, declared: Mapping[str, Mapping[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The paths, in the server's container, of the files of declared Secrets."""
    volumes = {volume["name"]: volume for volume in _file_volumes(spec)}
    for mount in nats_container({"spec": spec}).get("volumeMounts") or []:
        secret = volumes.get(mount["name"], {}).get("secret") or {}
        for key, content in declared.get(str(secret.get("secretName")), {}).items():
            renamed = {item["key"]: item["path"] for item in secret.get("items") or []}
            file = renamed.get(key, None if renamed else key)
            if "subPath" in mount and file == mount["subPath"]:
                yield mount["mountPath"], content
            elif "subPath" not in mount and file:
                yield posixpath.join(mount["mountPath"], file), content


def _imported(container: Object, declared: Mapping[str, Mapping[str, bytes]]) -> list[str]:
    """The variables that a container imports from declared Secrets."""
    return [
        f"{part.get('prefix') or ''}{key}"
        for part in container.get("envFrom") or []
        for key in declared.get(str((part.get("secretRef") or {}).get("name")), {})
    ]


def _write(kubernetes: Kubernetes, namespace: str, pod: str, path: str, content: bytes) -> None:
    text = base64.b64encode(content).decode()
    script = 'mkdir -p "$(dirname "$2")" && head -c "$1" | base64 -d >"$2"'
    command = ["sh", "-c", script, "sh", str(len(text)), path]
    code, output = kubernetes.run(namespace, pod, "nats", command, stdin=text)
    if code:
        cause = f"{path} can't be written in it: {output.strip() or f'exit code {code}'}"
        remedy = "Check nats_cluster_image, which needs a shell, mkdir, head and base64, as the alpine variant has."
        raise NatsError(f"pod {pod} in namespace {namespace}", cause, remedy, code="POD_NOT_READY")


def _checking_pod(statefulset: Object, declared: Mapping[str, Mapping[str, bytes]]) -> Object:
    meta, spec = statefulset["metadata"], statefulset["spec"]["template"]["spec"]
    nats = nats_container({"spec": spec})
    container = {key: value for key, value in nats.items() if key in CONTAINER_KEYS}
    container |= _optional_variables(nats, f"{meta['name']}-0")
    volumes = [
        {"name": volume["name"], "emptyDir": {}} if volume.get("secret", {}).get("secretName") in declared else volume
        for volume in _file_volumes(spec)
    ]
    mounts = _mounts(nats, {volume["name"]: volume for volume in volumes})
    # Only where the pod may run counts: rules about other pods would keep it away from the servers' nodes.
    near = spec.get("affinity") or {}
    name = f"{meta['name']}{CHECK_INFIX}{secrets.token_hex(3)}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": meta["namespace"], "labels": CHECK_LABELS},
        "spec": {key: spec[key] for key in POD_KEYS if key in spec}
        | ({"affinity": {"nodeAffinity": near["nodeAffinity"]}} if "nodeAffinity" in near else {})
        | {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": MAX_WAIT_S * 2,
            "containers": [container | {"command": ["sleep", str(MAX_WAIT_S * 2)], "volumeMounts": mounts}],
            "volumes": volumes,
        },
    }


def _mounts(container: Object, volumes: Mapping[str, Object]) -> list[Object]:
    """The container's mounts of these volumes. In place of single files of a volume that is empty, their folder is mounted, once."""
    found: dict[str, Object] = {}
    for mount in container.get("volumeMounts") or []:
        if mount["name"] not in volumes:
            continue
        path, kept = mount["mountPath"], {key: value for key, value in mount.items() if key != "readOnly"}
        if "subPath" in mount and "emptyDir" in volumes[mount["name"]]:
            path = posixpath.dirname(path)
            kept = {"name": mount["name"], "mountPath": path}
        found.setdefault(path, kept)
    return list(found.values())


def _optional_variables(container: Object, server: str) -> Object:
    """The container's variables in the place of this server's pod.

    One whose Secret does not exist yet is left out, and stands as `unknown` in the configuration.
    """
    found: Object = {}
    if container.get("env"):
        found["env"] = [_variable(variable, server) for variable in container["env"]]
    if container.get("envFrom"):
        found["envFrom"] = [_optional(part) for part in container["envFrom"]]
    return found


def _variable(variable: Object, server: str) -> Object:
    source = variable.get("valueFrom")
    if source is None:
        return variable
    # Files of a server may have the name of its pod.
    if (source.get("fieldRef") or {}).get("fieldPath") == "metadata.name":
        return {"name": variable["name"], "value": server}
    return variable | {"valueFrom": _optional(source)}


def _file_volumes(spec: Object) -> Iterator[Object]:
    """The volumes with files that a configuration may name, as certificates; optional, so that the pod starts without them too."""
    for volume in spec.get("volumes") or []:
        if volume["name"] == "config":
            continue
        if "secret" in volume or "configMap" in volume:
            yield _optional(volume)
        if "projected" in volume:
            sources = [_optional(part) for part in volume["projected"].get("sources") or []]
            yield volume | {"projected": volume["projected"] | {"sources": sources}}


def _optional(part: Object) -> Object:
    """The same part of a pod, whose Secret or ConfigMap need not exist."""
    return {key: value | {"optional": True} if key in OPTIONAL_SOURCES else value for key, value in part.items()}


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
    report = Waiting(interval=FIRST_REPORT_S)
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
        report(f"{what}: a node pulls it, and the server of it checks the configuration")
        if time.monotonic() > deadline:
            conditions = [found.get("message") for found in status.get("conditions") or [] if found.get("message")]
            raise NatsError(
                what,
                f"no pod with it ran within {MAX_WAIT_S} s: {'; '.join(conditions) or status.get('phase')}",
                "Look at the namespace's events.",
                code="POD_NOT_READY",
            )
        time.sleep(0.2)
