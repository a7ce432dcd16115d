# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""TLS of a connection to NATS. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError


@dataclass(frozen=True)
class TlsOptions:
    """The option `tls` of a module: paths of PEM files, and how the handshake goes."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    server_name: str | None = None
    handshake_first: bool = False


def is_required(tls: TlsOptions | None, servers: Sequence[str]) -> bool:
    """Whether a connection without TLS is an error: the option is set, or a URL begins with tls://."""
    return tls is not None or any(server.startswith("tls://") for server in servers)


def tls_arguments(tls: TlsOptions) -> dict[str, Any]:
    """The arguments of nats-py's connect."""
    arguments: dict[str, Any] = {"tls": _ssl_context(tls)}
    if tls.server_name:
        arguments["tls_hostname"] = tls.server_name
    if tls.handshake_first:
        arguments["tls_handshake_first"] = True
    return arguments


def _ssl_context(tls: TlsOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.cert:
            context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise NatsError(
            "option tls",
            f"its files can't be used: {error}",
            "Give paths of PEM files in tls.ca, tls.cert and tls.key.",
            code="INVALID_VALUE",
        ) from error
    return context
