# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Causes why a cluster does not keep its data. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import streams
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import answered
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import (
    Cause,
    CauseRank,
    Evidence,
    Object,
    cause,
    container,
    event_text,
    events_of,
    object_name,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Inside

# From these percentages a volume is nearly full and full, and too many files are open.
NEARLY_FULL_PERCENT, FULL_PERCENT, OPEN_FILES_PERCENT = 85, 95, 80
MIN_OPEN_FILES_LIMIT = 4096
MAX_STREAMS_LISTED = 10
# The volume of a server that has no other: it ends with the pod, and holds what the servers agree on, but no message.
META_VOLUME = "meta"


def persisting(facts: Evidence) -> Iterator[Cause]:
    """The causes, from the claims to the streams."""
    for claim in facts.claims:
        yield from _claim(facts, claim)
    for pod in facts.pods:
        yield from _data_volume(pod)
        if inside := facts.inside.get(object_name(pod)):
            yield from _store(pod, inside)
            yield from _open_files(pod, inside)
            yield from _configuration(pod, inside)
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
    storage_class = claim["spec"].get("storageClassName")
    classes = [object_name(found) for found in facts.classes] if facts.classes is not None else None
    event = next(map(event_text, events_of(facts, name)), "")
    if classes is not None and storage_class and storage_class not in classes:
        evidence = f"there is no StorageClass {storage_class}, only {', '.join(classes) or 'none'}"
        remedy = "Choose one of them in nats_cluster_storage_class, or have this one made."
    elif not storage_class:
        evidence = f"it names no StorageClass and there is no default{f': {event}' if event else ''}"
        remedy = "Set nats_cluster_storage_class, or have a class made the default."
    elif event:
        evidence, remedy = event, f"Look at the provisioner of StorageClass {storage_class}."
    else:
        return  # it waits for its pod to be scheduled, which has a cause of its own
    yield cause(CauseRank.NOT_THERE, "VOLUME_PENDING", what, evidence, remedy, pod, name)


def _data_volume(pod: Object) -> Iterator[Cause]:
    data: Object = next((volume for volume in pod["spec"].get("volumes") or [] if volume["name"] == "data"), {})
    if data and "persistentVolumeClaim" not in data:
        kind = ", ".join(set(data) - {"name"})
        evidence = f"its store is on {kind}, not on a PersistentVolumeClaim"
        remedy = "Remove the override of its volumes: what it stores is lost with the pod."
        yield cause(CauseRank.CANT_STORE, "DATA_NOT_PERSISTENT", f"pod {object_name(pod)}", evidence, remedy)


def _store(pod: Object, inside: Inside) -> Iterator[Cause]:
    """Where the store is, whether it has room, and whether the server may write to it."""
    name, what = object_name(pod), f"pod {object_name(pod)}"
    mounts = {mount["name"]: mount["mountPath"] for mount in container(pod).get("volumeMounts") or []}
    mount_path = mounts.get("data") or mounts.get(META_VOLUME, "")
    if inside.mounted_on and inside.mounted_on != mount_path:
        evidence = f"its store is on {inside.mounted_on}, its volume is mounted on {mount_path or 'nothing'}"
        remedy = "Put jetstream.store_dir onto the volume: what is stored now is lost with the pod."
        yield cause(CauseRank.CANT_STORE, "STORE_NOT_ON_VOLUME", what, evidence, remedy)
    if inside.percent_used >= NEARLY_FULL_PERCENT and META_VOLUME not in mounts:
        evidence = f"its volume is {inside.percent_used} % full ({inside.kilobytes >> 10} MiB)"
        remedy = (
            "Grow it (nats_cluster_storage_size), or delete what may go: a full one disables JetStream on the server."
        )
        rank = CauseRank.CANT_STORE if inside.percent_used >= FULL_PERCENT else CauseRank.RISK
        yield cause(rank, "VOLUME_FULL", what, evidence, remedy, name)
    if inside.mounted_on and not inside.writable:
        evidence = "the server may not write to its store"
        remedy = "The volume must belong to group 1000: check fsGroup, the storage class and what else mounts it."
        yield cause(CauseRank.CANT_STORE, "STORE_NOT_WRITABLE", what, evidence, remedy, name)


def _open_files(pod: Object, inside: Inside) -> Iterator[Cause]:
    nearly_used_up = inside.open_files * 100 >= OPEN_FILES_PERCENT * inside.file_limit
    if inside.file_limit > 0 and (nearly_used_up or inside.file_limit < MIN_OPEN_FILES_LIMIT):
        evidence = f"{inside.open_files} files are open, and the limit is {inside.file_limit}"
        remedy = "Raise the limit of open files in the nodes' container runtime: each stream needs several."
        yield cause(CauseRank.RISK, "FILE_LIMIT", f"pod {object_name(pod)}", evidence, remedy)


def _configuration(pod: Object, inside: Inside) -> Iterator[Cause]:
    if inside.refusal:
        evidence = f"the server refuses the configuration file in the pod: {inside.refusal}"
        remedy = "It runs with an older one until it restarts: correct nats_cluster_config and deploy again."
        yield cause(CauseRank.RISK, "CONFIG_REFUSED", f"pod {object_name(pod)}", evidence, remedy)


def _memory_streams(facts: Evidence) -> Iterator[Cause]:
    in_memory = [
        f"{name} of account {account}"
        for (account, name), stream in sorted(streams(answered(facts.snapshot)).items())
        if (stream.get("config") or {}).get("storage") == "memory"
    ]
    if in_memory and any(_may_store_files(answer) for answer in answered(facts.snapshot).values()):
        number = "1 stream is" if len(in_memory) == 1 else f"{len(in_memory)} streams are"
        evidence = f"{number} kept in memory: {', '.join(in_memory[:MAX_STREAMS_LISTED])}"
        remedy = "A stream in memory is empty once all its servers have restarted: recreate it with storage: file if its messages must not be lost."
        yield cause(CauseRank.RISK, "MEMORY_STREAMS", f"cluster {facts.cluster}", evidence, remedy)


def _may_store_files(answer: Answer) -> bool:
    """Whether the server has a file store, so that a stream could be there instead."""
    limits: Answer = answer["data"].get("config") or {}
    return bool(limits.get("max_storage", 1))
