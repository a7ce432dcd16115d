# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Why a cluster does not keep what it was given. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._health.assets import streams
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import answered
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import (
    Cause,
    CauseRank,
    Evidence,
    Object,
    cause,
    container,
    events_of,
    object_name,
    said,
)

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# Percent of a volume, and of the open files.
FILLING_PERCENT, FULL_PERCENT, OPEN_FILES_PERCENT = 85, 95, 80
LOW_OPEN_FILES_LIMIT = 4096


def persisting(facts: Evidence) -> Iterator[Cause]:
    for claim in facts.claims:
        yield from _claim(facts, claim)
    for pod in facts.pods:
        yield from _volume(pod)
        yield from _inside(facts, pod)
    yield from _memory_streams(facts)


def _claim(facts: Evidence, claim: Object) -> Iterator[Cause]:
    name, phase = object_name(claim), claim["status"].get("phase")
    pod, what = name.removeprefix("data-"), f"volume {name}"
    if phase == "Lost":
        evidence = f"its PersistentVolume {claim['spec'].get('volumeName')} is gone"
        remedy = "Its data is lost. If the streams have other replicas, delete claim and pod: the server catches up."
        yield cause(CauseRank.NOT_THERE, "VOLUME_LOST", what, evidence, remedy, pod, name)
    if phase != "Pending":
        return
    wanted = claim["spec"].get("storageClassName")
    known = [object_name(found) for found in facts.classes] if facts.classes is not None else None
    event = next(map(said, events_of(facts, name)), "")
    if known is not None and wanted and wanted not in known:
        evidence = f"there is no StorageClass {wanted}, only {', '.join(known) or 'none'}"
        remedy = "Choose one of them in nats_cluster_storage_class, or have this one made."
    elif not wanted:
        evidence = f"it names no StorageClass and there is no default{f': {event}' if event else ''}"
        remedy = "Set nats_cluster_storage_class, or have a class made the default."
    elif event:
        evidence, remedy = event, f"Look at the provisioner of StorageClass {wanted}."
    else:
        return  # it waits for its pod to be scheduled, which is told with the pod
    yield cause(CauseRank.NOT_THERE, "VOLUME_PENDING", what, evidence, remedy, pod, name)


def _volume(pod: Object) -> Iterator[Cause]:
    data: Object = next((volume for volume in pod["spec"].get("volumes") or [] if volume["name"] == "data"), {})
    if data and "persistentVolumeClaim" not in data:
        kind = ", ".join(set(data) - {"name"})
        evidence = f"its store is on {kind}, not on a PersistentVolumeClaim"
        remedy = "Take back the override of its volumes: what it stores is gone with the pod."
        yield cause(CauseRank.CANT_STORE, "DATA_NOT_PERSISTENT", f"pod {object_name(pod)}", evidence, remedy)


def _inside(facts: Evidence, pod: Object) -> Iterator[Cause]:
    name = object_name(pod)
    inside, what = facts.inside.get(name), f"pod {name}"
    if inside is None:
        return
    mount = next(
        (found["mountPath"] for found in container(pod).get("volumeMounts") or [] if found["name"] == "data"), ""
    )
    if inside.mounted_on and inside.mounted_on != mount:
        evidence = f"its store lies on {inside.mounted_on}, its volume is mounted on {mount or 'nothing'}"
        yield cause(
            CauseRank.CANT_STORE,
            "STORE_NOT_ON_VOLUME",
            what,
            evidence,
            "Put jetstream.store_dir onto the volume: what is stored now is gone with the pod.",
        )
    if inside.percent_used >= FILLING_PERCENT:
        evidence = f"its volume is {inside.percent_used} % full ({inside.kilobytes >> 10} MiB)"
        remedy = (
            "Grow it (nats_cluster_storage_size), or delete what may go: a full one disables JetStream on the server."
        )
        rank = CauseRank.CANT_STORE if inside.percent_used >= FULL_PERCENT else CauseRank.RISK
        yield cause(rank, "VOLUME_FULL", what, evidence, remedy, name)
    if inside.mounted_on and not inside.writable:
        remedy = "The volume must belong to group 1000: check fsGroup, the storage class and what else mounts it."
        yield cause(
            CauseRank.CANT_STORE, "STORE_NOT_WRITABLE", what, "the server may not write to its store", remedy, name
        )
    if inside.file_limit > 0 and (
        inside.open_files * 100 >= OPEN_FILES_PERCENT * inside.file_limit or inside.file_limit < LOW_OPEN_FILES_LIMIT
    ):
        evidence = f"{inside.open_files} files are open, and the limit is {inside.file_limit}"
        remedy = "Raise the limit of open files in the nodes' container runtime: each stream needs several."
        yield cause(CauseRank.RISK, "FILE_LIMIT", what, evidence, remedy)
    if inside.refusal:
        evidence = f"the configuration that lies there is refused: {inside.refusal}"
        remedy = "It runs with an older one until it restarts: correct nats_cluster_config and deploy again."
        yield cause(CauseRank.RISK, "CONFIG_REFUSED", what, evidence, remedy)


def _memory_streams(facts: Evidence) -> Iterator[Cause]:
    kept = [
        f"{name} of account {account}"
        for (account, name), stream in sorted(streams(answered(facts.snapshot)).items())
        if (stream.get("config") or {}).get("storage") == "memory"
    ]
    if kept:
        evidence = f"{len(kept)} streams are kept in memory: {', '.join(kept[:10])}"
        remedy = "They are empty when all their servers restart: recreate them with storage: file if they have to last."
        yield cause(CauseRank.RISK, "MEMORY_STREAMS", f"cluster {facts.cluster}", evidence, remedy)
