# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Grows so many volumes of a namespace as a storage driver's resizer would: resizer.py NAMESPACE COUNT.

The kind's provisioner has none. Its volumes are directories, so what has to grow are the objects alone.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from kubernetes import client, config
from kubernetes.utils import parse_quantity

# As long as a driver is at it.
WORKS = 1.0
PATIENCE = 600.0


def main(namespace: str, count: int) -> None:
    config.load_kube_config()
    api = client.CoreV1Api()
    until = time.monotonic() + PATIENCE
    while count > 0 and time.monotonic() < until:
        claims: list[Any] = api.list_namespaced_persistent_volume_claim(namespace).items
        for claim in claims:
            wanted = claim.spec.resources.requests["storage"]
            if claim.status.phase == "Bound" and parse_quantity(claim.status.capacity["storage"]) < parse_quantity(
                wanted
            ):
                grow(api, claim, wanted)
                count -= 1
        time.sleep(0.5)


def grow(api: client.CoreV1Api, claim: Any, wanted: str) -> None:
    where = (claim.metadata.name, claim.metadata.namespace)
    resizing = [{"type": "Resizing", "status": "True"}]
    api.patch_namespaced_persistent_volume_claim_status(*where, {"status": {"conditions": resizing}})
    time.sleep(WORKS)
    api.patch_persistent_volume(claim.spec.volume_name, {"spec": {"capacity": {"storage": wanted}}})
    done = [{"type": "Resizing", "$patch": "delete"}]
    api.patch_namespaced_persistent_volume_claim_status(
        *where, {"status": {"capacity": {"storage": wanted}, "conditions": done}}
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
