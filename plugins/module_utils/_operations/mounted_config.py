# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The files of a pod's configuration: what its Secrets hold, and what is in the pod. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import (
    CertificateProblem,
    first_certificate,
    not_after,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import (
    Secrets,
    canonical_config,
    files_beside,
    listener_problems,
    path_of,
    paths,
    source_of,
    stored,
    tls_blocks,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import CONFIGURATION, DIGEST
from ansible_collections.messaging.nats.plugins.module_utils._operations.route_handshake import RouteFiles

HASH = re.compile(r"^([0-9a-f]{64})  (\S.*)$", re.MULTILINE)
WRITTEN = re.compile(r"^([0-9]+) (\S.*)$", re.MULTILINE)
FILE_MARK = "messaging.nats file"
# One command prints the hash of each file, when each was written and the time of the node, the digest of the configuration with its
# environment variables replaced, and the first certificate of each certificate file.
LOOK_SCRIPT = f"""
sha256sum "$@" 2>/dev/null
echo "{FILE_MARK}"; date '+%s now'; stat -L -c '%Y %n' "$@" 2>/dev/null
echo "{FILE_MARK}"; nats-server -t -c "$1" 2>&1; shift
for file; do
  [ "$file" = -- ] && break
  echo "{FILE_MARK}"; sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p;/END CERTIFICATE/q' "$file" 2>/dev/null
done
"""


@dataclass(frozen=True)
class DeclaredFiles:
    """What a pod's Secrets hold for it."""

    secret: str
    # By path, the hash that the file should have, where a Secret says it.
    hashes: Mapping[str, str]
    # By listener, the path of its certificate.
    certificates: Mapping[str, str]
    revision: str | None = None
    problems: tuple[CertificateProblem, ...] = ()
    # The file that the server writes its process id into; empty where the configuration names none.
    pid_file: str = ""
    # By path, the Secret that the file comes from.
    sources: Mapping[str, str] = field(default_factory=dict)
    # What a route needs; None where routes are in clear, or a file is in no Secret.
    route: RouteFiles | None = None

    def named(self, paths: Iterable[str]) -> str:
        """Files with the Secrets that they come from."""
        by_secret: dict[str, list[str]] = {}
        for path in paths:
            by_secret.setdefault(self.sources.get(path) or self.secret, []).append(path)
        return "; ".join(f"{', '.join(found)} of {secret}" for secret, found in by_secret.items())

    @property
    def certificate_files(self) -> list[str]:
        """The paths of all certificates, each once."""
        return list(dict.fromkeys(self.certificates.values()))

    @property
    def short(self) -> str:
        return hashlib.sha256("".join(self.hashes.values()).encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Mounted:
    """What is in the pod."""

    # The files that are not yet what their Secrets hold.
    stale: tuple[str, ...]
    digest: str
    # By listener, when the certificate in its file expires.
    ends: Mapping[str, str]
    problem: str = ""
    # By path of each file except the configuration, when it was written, by the clock of the pod's node.
    written: Mapping[str, int] = field(default_factory=dict)


def declared_files(pod: Object, secrets: Secrets) -> DeclaredFiles:
    """What the Secrets that this pod's own specification names hold now."""
    found = source_of(pod, CONFIGURATION)
    name, what = pod["metadata"]["name"], f"configuration of pod {pod['metadata']['name']}"
    if found is None:
        cause, remedy = f"it mounts no Secret at {CONFIGURATION}", "Is this pod of a cluster that deploy made?"
        raise NatsError(what, cause, remedy, code="NOT_FOUND")
    content = (secrets.read(found.secret, must=True) or {}).get(found.key)
    if content is None:
        cause = f"Secret {found.secret} holds no {found.key}"
        raise NatsError(what, cause, "Deploy the cluster again.", code="NOT_FOUND")
    data = canonical_config(content.decode(errors="replace"))
    blocks = dict(tls_blocks(data))
    hashes, sources = {CONFIGURATION: hashlib.sha256(content).hexdigest()}, {}
    named = {path for block in blocks.values() for path in paths(block, pod)}
    beside = {other for file in named for other in files_beside(file, pod, secrets)}
    for path in sorted(named | beside):
        held = stored(path, pod, secrets)
        # A file that comes from no Secret, or from one that may not be read here, can't be compared.
        if held is not None and (source := source_of(pod, path)):
            hashes[path], sources[path] = hashlib.sha256(held).hexdigest(), f"Secret {source.secret}"
    certificates = {
        listener: path for listener, block in blocks.items() if (path := path_of(block.get("cert_file"), pod))
    }
    return DeclaredFiles(
        f"Secret {found.secret}",
        hashes,
        certificates,
        (data.get("server_metadata") or {}).get("revision"),
        tuple(listener_problems(data, pod, secrets, f"pod {name}")),
        str(data.get("pid_file") or ""),
        sources,
        _route_files(blocks.get("cluster", {}), pod, secrets),
    )


def _route_files(block: Mapping[str, Any], pod: Object, secrets: Secrets) -> RouteFiles | None:
    certificate, key, authorities = (
        stored(path_of(block.get(file), pod), pod, secrets) for file in ("cert_file", "key_file", "ca_file")
    )
    return RouteFiles(certificate, key, authorities) if certificate and key and authorities else None


def look(kubernetes: Kubernetes, pod: Object, wanted: DeclaredFiles) -> Mounted:
    """What is in the pod now."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    certificates = wanted.certificate_files
    others = [path for path in wanted.hashes if path not in (CONFIGURATION, *certificates)]
    command = ["sh", "-c", LOOK_SCRIPT, "sh", CONFIGURATION, *certificates, "--", *others]
    _code, said = kubernetes.run(namespace, name, "nats", command, timeout=10)
    return mounted_files(said, wanted)


def mounted_files(said: str, wanted: DeclaredFiles) -> Mounted:
    """What is in the pod, by the output of LOOK_SCRIPT."""
    hashed, dated, checked, *texts = said.split(f"{FILE_MARK}\n")
    hashes = {path: digest for digest, path in HASH.findall(hashed)}
    digest = DIGEST.search(checked)
    ends = {path: end for path, text in zip(wanted.certificate_files, texts, strict=False) if (end := end_of(text))}
    return Mounted(
        stale=tuple(path for path, digest in wanted.hashes.items() if hashes.get(path) != digest),
        digest=digest[1] if digest else "",
        ends={listener: ends[path] for listener, path in wanted.certificates.items() if path in ends},
        problem="" if digest else f"holds what the server refuses: {_last_line(checked)}",
        written=_written(dated),
    )


def file_differences(wanted: DeclaredFiles, mounted: Mounted, varz: Mapping[str, Any]) -> list[str]:
    """In which respects the server with this `varz` does not run with what its pod's Secrets hold."""
    found = [f"the pod lacks the newest {wanted.named(mounted.stale)}"] if mounted.stale else []
    if mounted.digest and varz.get("config_digest") != mounted.digest:
        found.append(f"it runs with {varz.get('config_digest')}, and its file is {mounted.digest}")
    for listener, ends in mounted.ends.items():
        # Servers before 2.12 do not report it.
        if (served := served_until(varz, listener)) and served != ends:
            found.append(f"its {listener} certificate ends {served}, and the file's {ends}")
    if late := written_since(mounted, varz):
        found.append(f"{wanted.named(late)} was renewed after it had loaded its configuration")
    return found + other_revision(wanted, varz)


def other_revision(wanted: DeclaredFiles, varz: Mapping[str, Any]) -> list[str]:
    revision = (varz.get("metadata") or {}).get("revision")
    if wanted.revision and "metadata" in varz and revision != wanted.revision:
        return [f"its revision is {revision}, and the file's {wanted.revision}"]
    return []


def written_since(mounted: Mounted, varz: Mapping[str, Any]) -> list[str]:
    """The files that were written after the server loaded its configuration; both times are by the clock of the node."""
    loaded = instant(varz.get("config_load_time"))
    return [path for path, moment in mounted.written.items() if loaded and moment > int(loaded[0].timestamp())]


def served_until(varz: Mapping[str, Any], listener: str) -> str:
    """When the certificate ends that a server presents; empty where it does not report that."""
    block = varz if listener == "tls" else varz.get(listener) or {}
    return str(block.get("tls_cert_not_after") or "")


def end_of(certificate: str) -> str:
    """When a certificate ends, in the format of the server; empty where the text has none."""
    read = first_certificate(certificate)
    return not_after(read) if read is not None else ""


def _last_line(said: str) -> str:
    lines = said.strip().splitlines() or ["it says nothing"]
    return lines[-1].removeprefix("nats-server: ").removeprefix(f"{CONFIGURATION}:")


def _written(dated: str) -> dict[str, int]:
    found = {path: int(moment) for moment, path in WRITTEN.findall(dated)}
    now = found.pop("now", 0)
    # A time in the future is from before the node's clock was corrected, so it says nothing.
    return {path: moment for path, moment in found.items() if path != CONFIGURATION and moment <= now}
