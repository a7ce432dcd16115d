# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Tries the TLS of routes as another server would. PRIVATE to the collection: it can change at any time.

A reload concerns new handshakes only, so a wrong file shows when a server restarts, which is too late.
"""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import CERTIFICATE
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import ROUTE_PORT
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.port_forward import Tunnel


@dataclass(frozen=True)
class RouteFiles:
    """The certificate, key and authorities of a server, as PEM."""

    certificate: bytes
    key: bytes
    authorities: bytes


def refused_handshake(kubernetes: Kubernetes, pod: Object, files: RouteFiles, timeout: float) -> str:
    """Why the server in a pod refuses a route with these files, or presents another certificate; empty where it does neither."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    with closing(Tunnel(partial(kubernetes.forward, namespace, name, ROUTE_PORT))) as tunnel:
        try:
            return refused_by(tunnel.port, files, timeout)
        except (OSError, NatsError) as error:
            return f"a new route to it fails: {tunnel.error or error}"


def refused_by(port: int, files: RouteFiles, timeout: float) -> str:
    """The same of a server at a port of this machine; raises OSError where there is no handshake."""
    with socket.create_connection(("127.0.0.1", port), timeout) as link, _context(files).wrap_socket(link) as secured:
        presented = secured.getpeercert(binary_form=True) or b""
        # In TLS 1.3 a server refuses the client's certificate after the handshake; one that accepts it introduces itself.
        if not secured.recv(1):
            return "it closes a new route"
    leaf = CERTIFICATE.search(files.certificate.decode())
    own = ssl.PEM_cert_to_DER_cert(leaf[0]) if leaf else b""
    return "" if presented == own else "it presents another certificate to a new route than the one in its file"


def _context(files: RouteFiles) -> ssl.SSLContext:
    """Verifies by the authorities, not by name: the tunnel ends in the very pod that is meant."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=files.authorities.decode())
    # Python reads a private key only from a file.
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("tls.crt", "tls.key")]
        for path, content in zip(paths, (files.certificate, files.key), strict=True):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(content)
        context.load_cert_chain(*paths)
    return context
