# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which volumes of running servers have to grow, and how far they are. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts
from ansible_collections.messaging.nats.plugins.module_utils._deploy.orphaned_statefulset import is_lost
from ansible_collections.messaging.nats.plugins.module_utils._deploy.preconditions import DEFAULT_CLASS
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Counterpart, Object, title

# The size of the volumes of servers that have none.
NO_VOLUME = "0"


@dataclass(frozen=True)
class Progress:
    """How far a claim has grown that has less than it requests, and what may help."""

    state: str
    remedy: str
    # Whether its driver has said that it can't be done.
    hopeless: bool = False


@dataclass(frozen=True)
class Growth:
    size: str = ""
    # Claims that are too small, and whether the StatefulSet is replaced, because its size can't be changed.
    claims: tuple[str, ...] = ()
    replace: bool = False
    summary: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        return bool(self.claims) or self.replace


def growth(pairs: list[Counterpart], facts: ClusterFacts) -> Growth:
    pair = next((pair for pair in pairs if pair.declared["kind"] == "StatefulSet" and pair.running), None)
    if pair is None or pair.running is None:
        return Growth()
    declared, running = _template(pair.declared), _template(pair.running)
    if declared is None and running is None and is_lost(pair.running):
        return Growth(NO_VOLUME, replace=True, summary=(_replacement(pair.declared, pair.running),))
    if declared is None or running is None:
        return Growth(refusals=tuple(_other_kind_of_store(pair.declared, pair.running)))
    size, was = _size(declared), _size(running)
    small = too_small(facts.claims, facts.running.pods if facts.running else (), size)
    refusals = [*_refusals(size, was, declared, running), *(_fixed_classes(small, facts) if small else ())]
    names = tuple(claim["metadata"]["name"] for claim in small)
    replace = is_replaced(pair.declared, pair.running)
    summary = [f"grow the volumes to {size} without a restart: {', '.join(names)}"] if small else []
    if replace:
        summary.append(_replacement(pair.declared, pair.running))
    return Growth(size, names, replace, tuple(summary), tuple(refusals))


def too_small(claims: Iterable[Object], pods: Iterable[Object], size: str) -> list[Object]:
    """Claims that request less, and mounted ones that have less: a volume that no pod mounts may grow only when one does."""
    mounted = {f"data-{pod['metadata']['name']}" for pod in pods}
    return [
        claim
        for claim in claims
        if parse_quantity(_size(claim)) < parse_quantity(size)
        or (claim["metadata"]["name"] in mounted and lacks(claim, size))
    ]


def lacks(claim: Object, size: str) -> bool:
    """Whether the volume itself has less; a volume that does not exist yet will get the size that is requested."""
    has = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
    return has is not None and parse_quantity(has) < parse_quantity(size)


def is_replaced(declared: Object, running: Object) -> bool:
    """Whether the StatefulSet has another size, which can't be changed, or was lost while it was being replaced."""
    return is_lost(running) or parse_quantity(template_size(declared)) != parse_quantity(template_size(running))


def template_size(statefulset: Object) -> str:
    """The size of each server's volume; zero where the servers have none."""
    template = _template(statefulset)
    return _size(template) if template else NO_VOLUME


def _replacement(declared: Object, running: Object) -> str:
    what = title(declared)
    if is_lost(running):
        return f"create {what} again, which a killed play has deleted without its pods"
    return f"replace {what} without its pods, so that new servers get volumes of this size"


def how_far(claim: Object) -> Progress:
    """What Kubernetes says of a claim that grows."""
    status = claim.get("status") or {}
    conditions = {
        condition["type"]: condition.get("message") or ""
        for condition in status.get("conditions") or []
        if condition.get("status") == "True"
    }
    resize = (status.get("allocatedResourceStatuses") or {}).get("storage", "")
    error = next((text for kind, text in conditions.items() if kind.endswith("ResizeError")), "")
    if error or resize.endswith("Infeasible"):
        return Progress(
            f"{resize or 'its driver failed'}: {error}".rstrip(": "),
            "Make room in the storage behind its class, or declare a smaller nats_cluster_storage_size that is still more than it has.",
            resize.endswith("Infeasible"),
        )
    if "FileSystemResizePending" in conditions:
        pod = claim["metadata"]["name"].partition("-")[2]
        restart = f"Its driver may need the pod to start again: kubectl delete pod {pod}, and run the play again."
        return Progress("its file system has not grown yet", restart)
    if "Resizing" in conditions:
        return Progress("its driver is growing it", "Run the play again: it goes on waiting.")
    driver = f"the driver of class {claim['spec'].get('storageClassName')}"
    return Progress(
        f"{driver} has not begun", "Check that the driver has a resizer, and look at the events of the claim."
    )


def _template(statefulset: Object) -> Object | None:
    found: Object | None = next(iter(statefulset["spec"].get("volumeClaimTemplates") or []), None)
    return found if found and "resources" in found["spec"] else None


def _other_kind_of_store(declared: Object, running: Object) -> Iterator[str]:
    """Servers get a volume, or lose it. The claims of a lost StatefulSet may be gone, so of that it is not known."""
    had, has = (bool(found["spec"].get("volumeClaimTemplates")) for found in (running, declared))
    if had == has or (has and is_lost(running)):
        return
    change = (
        "servers without a volume can't get one, and what they hold in memory"
        if has
        else "servers that have volumes can't do without them, and what is stored there"
    )
    yield (
        f"nats_cluster_max_file_store: {change} would be lost, because Kubernetes never changes the volumeClaimTemplates of a StatefulSet: "
        f"write {'0' if has else 'a size'} as before, or deploy a second cluster and move the data"
    )


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


def _fixed_classes(claims: list[Object], facts: ClusterFacts) -> Iterator[str]:
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
