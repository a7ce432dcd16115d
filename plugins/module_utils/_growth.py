# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Larger volumes for the servers that run. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._objects import Counterpart, Object
from ansible_collections.messaging.nats.plugins.module_utils._preconditions import DEFAULT_CLASS, Facts
from ansible_collections.messaging.nats.plugins.module_utils._quantity import parse_quantity


@dataclass(frozen=True)
class Growth:
    size: str = ""
    # Volumes that are too small, and whether the StatefulSet asks for another size, which it can't be told.
    claims: tuple[str, ...] = ()
    replace: bool = False
    summary: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        return bool(self.claims) or self.replace


def growth(pairs: list[Counterpart], facts: Facts) -> Growth:
    pair = next((pair for pair in pairs if pair.declared["kind"] == "StatefulSet" and pair.running), None)
    declared = _template(pair.declared) if pair else None
    running = _template(pair.running) if pair and pair.running else None
    if declared is None or running is None:
        return Growth()
    size, was = _size(declared), _size(running)
    small = [claim for claim in facts.claims if parse_quantity(_size(claim)) < parse_quantity(size)]
    refusals = [*_refusals(size, was, declared, running), *(_fixed_classes(small, facts) if small else ())]
    names = tuple(claim["metadata"]["name"] for claim in small)
    replace = parse_quantity(size) != parse_quantity(was)
    summary = (f"grow the volumes to {size} without a restart: {', '.join(names)}",) if small else ()
    return Growth(size, names, replace, summary, tuple(refusals))


def _template(statefulset: Object) -> Object | None:
    found: Object | None = next(iter(statefulset["spec"].get("volumeClaimTemplates") or []), None)
    return found if found and "resources" in found["spec"] else None


def _size(claim: Object) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])


def _refusals(size: str, was: str, declared: Object, running: Object) -> Iterator[str]:
    if parse_quantity(size) < parse_quantity(was):
        yield f"nats_cluster_storage_size: a volume of {was} can't shrink to {size}: write {was} or more"
    wanted, has = declared["spec"].get("storageClassName"), running["spec"].get("storageClassName")
    if wanted is not None and wanted != has:
        yield (
            f"nats_cluster_storage_class: volumes of class {has or 'by default'} can't become {wanted}: put it back, "
            "or deploy a second cluster and move the data"
        )


def _fixed_classes(claims: list[Object], facts: Facts) -> Iterator[str]:
    known = {found["metadata"]["name"]: found for found in facts.storage_classes or ()}
    default = next(
        (
            name
            for name, found in known.items()
            if (found["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
        ),
        "",
    )
    for name in sorted({claim["spec"].get("storageClassName") or default for claim in claims}):
        if name in known and not known[name].get("allowVolumeExpansion"):
            yield (
                f"nats_cluster_storage_size: StorageClass {name} can't expand volumes (allowVolumeExpansion is not true): "
                "put the size back, set it where the driver can do it, or deploy a second cluster and move the data"
            )
