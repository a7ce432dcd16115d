# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds the certificate files of a configuration in their Secrets, and checks them. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import http
import posixpath
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import (
    HAS_CRYPTOGRAPHY,
    CertificateProblem,
    ListenerFiles,
    PemFile,
    certificate_problems,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import TLS_FILE_KEYS, canonical
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    Object,
    config_secret,
    nats_container,
)

ENVIRONMENT_VARIABLE = re.compile(r"\$\((\w+)\)")
# Blocks with a `tls`: their names in nats.conf and in the server's VARZ.
LISTENER_BLOCKS = {
    "cluster": "cluster",
    "gateway": "gateway",
    "leafnodes": "leaf",
    "mqtt": "mqtt",
    "websocket": "websocket",
}
# Listeners on which servers always verify each other's certificates.
MUTUAL = ("cluster", "gateway")


@dataclass(frozen=True)
class FileSource:
    """The Secret, and its key, that a file in a pod comes from."""

    secret: str
    key: str
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.key} of Secret {self.secret}"


class Secrets:
    """The Secrets of a namespace, each read once. Those in `declared` replace existing ones."""

    def __init__(
        self,
        read: Callable[[str], Mapping[str, bytes] | None],
        declared: Mapping[str, Mapping[str, bytes]] | None = None,
    ) -> None:
        """`read` returns the data of a Secret by its name, or None where it does not exist."""
        self._read, self._lock = read, threading.Lock()
        self._known: dict[str, Mapping[str, bytes] | None] = dict(declared or {})

    @classmethod
    def of_namespace(
        cls, kubernetes: Kubernetes, namespace: str, declared: Mapping[str, Mapping[str, bytes]] | None = None
    ) -> Secrets:
        def read(name: str) -> Mapping[str, bytes] | None:
            what = f"Secret {name} in namespace {namespace}"
            found = kubernetes.find(f"/api/v1/namespaces/{namespace}/secrets/{name}", what)
            return decoded(found) if found is not None else None

        return cls(read, declared)

    def read(self, name: str, must: bool = False) -> Mapping[str, bytes] | None:
        """The data of a Secret; None where it does not exist, or may not be read unless `must` is set."""
        with self._lock:
            if name not in self._known:
                try:
                    self._known[name] = self._read(name)
                except NatsError as error:
                    if error.err_code != http.HTTPStatus.FORBIDDEN or must:
                        raise
                    self._known[name] = None
            return self._known[name]


def decoded(secret: Object) -> dict[str, bytes]:
    """The data of a Secret, as the API returns it or as somebody declares it."""
    written = {key: str(value).encode() for key, value in (secret.get("stringData") or {}).items()}
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()} | written


def canonical_config(configuration: str) -> dict[str, Any]:
    """The data of a configuration; empty where this collection can't parse it, so that only its digest is checked."""
    try:
        return canonical(read_nats_conf(configuration))
    except ValueError:
        return {}


def tls_blocks(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The names of the listeners, with their `tls` blocks."""
    for key, listener in LISTENER_BLOCKS.items():
        block = data.get(key)
        if isinstance(block, Mapping) and isinstance(block.get("tls"), Mapping):
            yield listener, block["tls"]
    if isinstance(data.get("tls"), Mapping):
        yield "tls", data["tls"]


def paths(block: Mapping[str, Any], pod: Object) -> Iterator[str]:
    """The paths of all files that a `tls` block names."""
    for pair in _pairs(block):
        yield from (path for file in TLS_FILE_KEYS if (path := path_of(pair.get(file), pod)))


def path_of(value: Any, pod: Object) -> str:
    """The path in nats.conf, or in the environment variable that it names; empty where its value is not known."""
    if isinstance(value, Mapping):
        variables = {entry["name"]: str(entry.get("value") or "") for entry in nats_container(pod).get("env") or []}
        known = variables | {"POD_NAME": pod.get("metadata", {}).get("name") or ""}
        path = ENVIRONMENT_VARIABLE.sub(
            lambda match: known.get(match[1], match[0]), known.get(str(value.get("$env")), "")
        )
        return "" if "$(" in path else path
    return str(value or "")


def stored(path: str, pod: Object, secrets: Secrets) -> bytes | None:
    """The content of a file, from its Secret; None where it comes from somewhere else or can't be read."""
    source = source_of(pod, path) if path else None
    return (secrets.read(source.secret) or {}).get(source.key) if source else None


def files_beside(path: str, pod: Object, secrets: Secrets) -> list[str]:
    """All files of the Secret that a file comes from, in the folder where it is mounted. The kubelet writes all of them anew at once."""
    source = source_of(pod, path)
    if source is None or posixpath.basename(path) != source.key:
        return []
    return [posixpath.join(posixpath.dirname(path), key) for key in secrets.read(source.secret) or {}]


def source_of(pod: Object, path: str) -> FileSource | None:
    """The Secret, and its key, that a path in the server's container comes from; None where it is not in a Secret."""
    mounts = [
        found for found in nats_container(pod).get("volumeMounts") or [] if path.startswith(f"{found['mountPath']}/")
    ]
    mount = max(mounts, key=lambda found: len(found["mountPath"]), default=None)
    volume: Object = next(
        (found for found in pod["spec"].get("volumes") or [] if mount and found["name"] == mount["name"]), {}
    )
    if mount is None or "subPath" in mount or "subPathExpr" in mount:
        return None
    inside = posixpath.relpath(path, mount["mountPath"])
    projected = [found["secret"] for found in (volume.get("projected") or {}).get("sources") or [] if "secret" in found]
    for secret in [volume["secret"]] if "secret" in volume else projected:
        items = {item["path"]: item["key"] for item in secret.get("items") or []}
        if inside in items or (not items and (len(projected) < 2)):
            return FileSource(
                secret.get("secretName") or secret["name"], items.get(inside, inside), bool(secret.get("optional"))
            )
    return None


def problems_of(configuration: str, pod: Object, secrets: Secrets) -> list[CertificateProblem]:
    """The problems of the certificates that a server with this configuration, in a pod like this one, would load."""
    return list(listener_problems(canonical_config(configuration), pod, secrets, "the declared servers"))


def declared_problems(kubernetes: Kubernetes, objects: list[Object]) -> list[CertificateProblem]:
    """The same for declared objects, whose Secrets may not exist yet."""
    statefulset = next((item for item in objects if item["kind"] == "StatefulSet"), None)
    secrets = {item["metadata"]["name"]: decoded(item) for item in objects if item["kind"] == "Secret"}
    name = config_secret(statefulset["spec"]["template"]["spec"]) if statefulset else None
    if statefulset is None or name not in secrets:
        return []
    text = secrets[name].get("nats.conf", b"").decode(errors="replace")
    known = Secrets.of_namespace(kubernetes, statefulset["metadata"]["namespace"], secrets)
    return [problem for pod in declared_pods(statefulset) for problem in problems_of(text, pod, known)]


def declared_pods(statefulset: Object) -> list[Object]:
    """The pods that a StatefulSet makes, each with its name."""
    name, template = statefulset["metadata"]["name"], statefulset["spec"]["template"]
    count = int(statefulset["spec"].get("replicas", 1))
    return [template | {"metadata": {"name": f"{name}-{number}"}} for number in range(count)]


def listener_problems(data: Mapping[str, Any], pod: Object, secrets: Secrets, who: str) -> Iterator[CertificateProblem]:
    """The problems of the certificates of a parsed configuration; `who` loads them, in the words of an error."""
    blocks = dict(tls_blocks(data))
    if blocks and not HAS_CRYPTOGRAPHY:
        cause = f"the Python library cryptography is missing for {sys.executable}"
        remedy = "Install it: pip install cryptography."
        raise NatsError(f"certificates of {who}", cause, remedy, code="LIBRARY_MISSING")
    for listener, block in blocks.items():
        for path in paths(block, pod):
            source = source_of(pod, path)
            data_of_secret = secrets.read(source.secret) if source else None
            if source and data_of_secret is not None and source.key not in data_of_secret and not source.optional:
                keys = ", ".join(sorted(data_of_secret)) or "nothing"
                sentence = f"{source}, for listener {listener}: it does not exist, the Secret holds {keys}"
                yield CertificateProblem(listener, sentence)
        for pair in _pairs(block):
            names = route_names(data, pod) if listener == "cluster" and block.get("insecure") is not True else ()
            yield from certificate_problems(_listener_files(listener, block, pair, pod, secrets, names))


def route_names(data: Mapping[str, Any], pod: Object) -> tuple[str, ...]:
    """The names in the routes by which other servers connect to the server in this pod."""
    cluster, name = data.get("cluster"), pod.get("metadata", {}).get("name")
    routes = cluster.get("routes") or [] if isinstance(cluster, Mapping) and name else []
    hosts = {urlsplit(str(route)).hostname or "" for route in routes if isinstance(route, str)}
    return tuple(sorted(host for host in hosts if host.partition(".")[0] == name))


def _listener_files(
    listener: str,
    block: Mapping[str, Any],
    pair: Mapping[str, Any],
    pod: Object,
    secrets: Secrets,
    names: tuple[str, ...] = (),
) -> ListenerFiles:
    def file(value: Any) -> PemFile | None:
        path = path_of(value, pod)
        content = stored(path, pod, secrets)
        return PemFile(str(source_of(pod, path)), content) if content is not None else None

    certificate, authority = (
        source_of(pod, path) if (path := path_of(value, pod)) else None
        for value in (pair.get("cert_file"), block.get("ca_file"))
    )
    mutual = listener in MUTUAL or (listener == "leaf" and bool(block.get("verify")))
    beside = certificate is not None and authority is not None and certificate.secret == authority.secret
    files = file(pair.get("cert_file")), file(pair.get("key_file")), file(block.get("ca_file"))
    return ListenerFiles(listener, *files, same_ca=mutual or beside, names=names)


def _pairs(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The certificate and key of a block, and those of its list `certs`."""
    yield block
    for further in block.get("certs") or []:
        if isinstance(further, Mapping):
            yield {key.lower(): value for key, value in further.items()}
