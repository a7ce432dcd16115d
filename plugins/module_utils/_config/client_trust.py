# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""How a client beside the cluster trusts its servers. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import path_of, source_of
from ansible_collections.messaging.nats.plugins.module_utils._config.overrides import server_pod

# The key of an authority in a Secret of type kubernetes.io/tls, as cert-manager writes it.
AUTHORITY = "ca.crt"


def client_trust(config: Mapping[str, Any], overrides: Mapping[str, Mapping[str, Any]], cluster: str) -> dict[str, Any]:
    """Empty where clients connect without TLS; else with `tls`, `first` where the handshake comes before all else, and the authority's Secret and key."""
    block = config.get("tls")
    if not isinstance(block, Mapping):
        return {}
    found: dict[str, Any] = {"tls": True, "first": block.get("handshake_first") is True}
    pod = server_pod(overrides, cluster)
    authority, certificate = (
        source_of(pod, path) if (path := path_of(block.get(key), pod)) else None for key in ("ca_file", "cert_file")
    )
    if authority or certificate:
        secret, key = (authority.secret, authority.key) if authority else (certificate.secret, AUTHORITY)  # type: ignore[union-attr]
        found |= {"secret": secret, "key": key}
    return found
