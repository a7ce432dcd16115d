# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The files of a pod's configuration: what its Secrets hold, and what lies in it. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import hashlib
import http
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import Kubernetes, Object
from ansible_collections.messaging.nats.plugins.module_utils._nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._observation_kubernetes import CONFIGURATION, DIGEST

try:
    from cryptography import x509
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

HASH = re.compile(r"^([0-9a-f]{64})  (\S.*)$", re.MULTILINE)
# The blocks with a `tls`, as nats.conf and as the server's VARZ call them.
LISTENERS = {"cluster": "cluster", "gateway": "gateway", "leafnodes": "leaf", "mqtt": "mqtt", "websocket": "websocket"}
FILES = ("cert_file", "key_file", "ca_file")
MARK = "messaging.nats file"
# What was delivered, the digest after the environment is put in, and the first certificate of each file, by one look.
LOOK = f"""
sha256sum "$@" 2>/dev/null
echo "{MARK}"; nats-server -t -c "$1" 2>&1; shift
for file; do
  [ "$file" = -- ] && break
  echo "{MARK}"; sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p;/END CERTIFICATE/q' "$file" 2>/dev/null
done
"""


@dataclass(frozen=True)
class Declared:
    """What a pod's Secrets hold for it."""

    secret: str
    # By path, the hash that the file should have, where a Secret says it.
    hashes: Mapping[str, str]
    # By listener, the path of its certificate.
    certificates: Mapping[str, str]
    revision: str | None = None

    @property
    def short(self) -> str:
        return hashlib.sha256("".join(self.hashes.values()).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Mounted:
    """What lies in the pod."""

    # The files that are not yet what their Secrets hold.
    stale: tuple[str, ...]
    digest: str
    # By listener, when its certificate's file ends.
    ends: Mapping[str, str]
    problem: str = ""


def declared(kubernetes: Kubernetes, pod: Object) -> Declared:
    """What the Secrets that this pod's own specification names hold now."""
    secrets: dict[str, dict[str, bytes]] = {}
    found = _source(pod, CONFIGURATION)
    name, what = pod["metadata"]["name"], f"configuration of pod {pod['metadata']['name']}"
    if found is None:
        raise NatsError(what, f"it mounts no Secret at {CONFIGURATION}", "Is this pod of a cluster that deploy made?")
    secret, key = found
    content = _read(kubernetes, pod, secret, secrets).get(key)
    if content is None:
        raise NatsError(what, f"Secret {secret} holds no {key}", "Apply the cluster's objects again.")
    blocks, revision = _blocks(content.decode(errors="replace"))
    files = sorted({str(block[file]) for block in blocks.values() for file in FILES if block.get(file)})
    hashes = {CONFIGURATION: hashlib.sha256(content).hexdigest()}
    for path in files:
        source = _source(pod, path)
        stored = _read(kubernetes, pod, source[0], secrets).get(source[1]) if source else None
        # A file that no Secret holds, or none that may be read, is as it is.
        hashes |= {path: hashlib.sha256(stored).hexdigest()} if stored is not None else {}
    certificates = {listener: str(block["cert_file"]) for listener, block in blocks.items() if block.get("cert_file")}
    if certificates and not HAS_CRYPTOGRAPHY:
        cause = f"the Python library cryptography is missing for {sys.executable}"
        raise NatsError(f"certificates of pod {name}", cause, "Install it: pip install cryptography.")
    return Declared(f"Secret {secret}", hashes, certificates, revision)


def look(kubernetes: Kubernetes, pod: Object, wanted: Declared) -> Mounted:
    """What lies in the pod now."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    certificates = list(dict.fromkeys(wanted.certificates.values()))
    others = [path for path in wanted.hashes if path not in (CONFIGURATION, *certificates)]
    command = ["sh", "-c", LOOK, "sh", CONFIGURATION, *certificates, "--", *others]
    _code, said = kubernetes.run(namespace, name, "nats", command, timeout=10)
    hashed, checked, *texts = said.split(f"{MARK}\n")
    there = {path: digest for digest, path in HASH.findall(hashed)}
    digest = DIGEST.search(checked)
    ends = {path: end for path, text in zip(certificates, texts, strict=False) if (end := end_of(text))}
    return Mounted(
        stale=tuple(path for path, digest in wanted.hashes.items() if there.get(path) != digest),
        digest=digest[1] if digest else "",
        ends={listener: ends[path] for listener, path in wanted.certificates.items() if path in ends},
        problem="" if digest else f"holds what the server refuses: {_last_line(checked)}",
    )


def _last_line(said: str) -> str:
    lines = said.strip().splitlines() or ["it says nothing"]
    return lines[-1].removeprefix("nats-server: ").removeprefix(f"{CONFIGURATION}:")


def end_of(certificate: str) -> str:
    """When a certificate ends, as the server tells it; nothing where there is none."""
    try:
        read = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError:
        return ""
    ends = getattr(read, "not_valid_after_utc", None) or read.not_valid_after
    return f"{ends:%Y-%m-%dT%H:%M:%SZ}"


def _blocks(configuration: str) -> tuple[dict[str, Mapping[str, Any]], str | None]:
    """The `tls` of each listener, and the revision."""
    try:
        data = {key.lower(): value for key, value in read_nats_conf(configuration).items()}
    except ValueError:
        return {}, None  # written by somebody else: what is in it is not known, only whether it is loaded
    found = dict(_tls_blocks(data))
    return found, (data.get("server_metadata") or {}).get("revision")


def _tls_blocks(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, listener in LISTENERS.items():
        block = data.get(key)
        if isinstance(block, Mapping) and isinstance(block.get("tls"), Mapping):
            yield listener, block["tls"]
    if isinstance(data.get("tls"), Mapping):
        yield "tls", data["tls"]


def _source(pod: Object, path: str) -> tuple[str, str] | None:
    """The Secret and its key that a path of the server's container comes from."""
    container = next(found for found in pod["spec"]["containers"] if found["name"] == "nats")
    mounts = [found for found in container.get("volumeMounts") or [] if path.startswith(f"{found['mountPath']}/")]
    mount = max(mounts, key=lambda found: len(found["mountPath"]), default=None)
    volume: Object = next(
        (found for found in pod["spec"].get("volumes") or [] if mount and found["name"] == mount["name"]), {}
    )
    if mount is None or "secret" not in volume or "subPath" in mount:
        return None
    inside = posixpath.relpath(path, mount["mountPath"])
    items = {item["path"]: item["key"] for item in volume["secret"].get("items") or []}
    return volume["secret"]["secretName"], items.get(inside, inside)


def _read(kubernetes: Kubernetes, pod: Object, name: str, known: dict[str, dict[str, bytes]]) -> dict[str, bytes]:
    if name not in known:
        namespace = pod["metadata"]["namespace"]
        what = f"Secret {name} in namespace {namespace}"
        try:
            found = kubernetes.find(f"/api/v1/namespaces/{namespace}/secrets/{name}", what) or {}
        except NatsError as error:
            if error.err_code != http.HTTPStatus.FORBIDDEN or not known:
                raise
            found = {}
        known[name] = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    return known[name]
