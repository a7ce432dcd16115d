# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The DNS names of servers. Pure: it does no I/O. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Sequence


def route_certificate_names(pods: Sequence[str], service: str, namespace: str, domain: str) -> dict[str, list[str]]:
    """The names in the certificate of each server: its own, and that of the first server.

    A server expects the host of the first route of everyone whom it knows by an address alone, as others tell it. It tries to connect to
    that address again and again for as long as the names differ.
    """
    names = {pod: server_dns_names(pod, service, namespace, domain) for pod in pods}
    return {pod: list(dict.fromkeys((*own, names[pods[0]][0]))) for pod, own in names.items()}


def server_dns_names(pod: str, service: str, namespace: str, domain: str) -> list[str]:
    """All names of a pod behind a headless Service, the longest first."""
    short = f"{pod}.{service}"
    whole = [f"{short}.{namespace}.svc.{domain}"] if domain else []
    return [*whole, f"{short}.{namespace}.svc", f"{short}.{namespace}", short]
