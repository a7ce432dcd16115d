# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is named as the cause of what is seen, as a table of what was looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error, info, warning
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._reporting.diagnosis import diagnose, page
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import Evidence
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Inside, Peer

PODS = ("nats-0", "nats-1", "nats-2")
MIB = 2**20
LABELS = {"app": "nats"}
SERVICE = {"metadata": {"name": "nats"}, "spec": {"selector": LABELS}}
STATEFULSET = {"metadata": {"name": "nats"}, "spec": {"replicas": 3}}
CLASSES = ({"metadata": {"name": "standard"}},)
RUNNING = {"name": "nats", "state": {"running": {}}, "ready": True, "restartCount": 0}


def pod(name, state=None, phase="Running", memory="512Mi", go="409MiB", volume=None, uid=""):
    environment = [{"name": "GOMEMLIMIT", "value": go}] if go else []
    mounts = [{"name": "data", "mountPath": "/data"}]
    server: dict[str, Any] = {"name": "nats", "image": "nats:1", "env": environment, "volumeMounts": mounts}
    server |= {"resources": {"limits": {"memory": memory}}} if memory else {}
    spec: dict[str, Any] = {
        "containers": [server],
        "volumes": [{"name": "data", **(volume or {"persistentVolumeClaim": {}})}],
    }
    if phase != "Pending":
        spec["nodeName"] = "worker"
    found = {"phase": phase, "containerStatuses": [{**RUNNING, **(state or {})}] if phase != "Pending" else []}
    return {"metadata": {"name": name, "labels": LABELS, "uid": uid}, "spec": spec, "status": found}


def peers(*silent, unresolved=(), cluster="nats"):
    """How a pod reaches each server."""
    answering = {name: Peer(f"10.0.0.{name[-1]}", name, cluster) for name in PODS if name not in silent}
    return answering | {name: Peer(f"10.0.0.{name[-1]}") for name in silent} | dict.fromkeys(unresolved, Peer())


def inside(**more):
    return Inside(**{"mounted_on": "/data", "file_limit": 65536, "open_files": 20, "peers": peers()} | more)


WELL = Evidence(
    "nats",
    "nats",
    STATEFULSET,
    SERVICE,
    [pod(name) for name in PODS],
    {name: name for name in PODS},
    classes=CLASSES,
    inside={name: inside() for name in PODS},
)


def event(name, reason, message, moment="2026-01-01T00:00:00Z", uid=""):
    about = {"involvedObject": {"kind": "Pod", "name": name, "uid": uid}, "type": "Warning", "lastTimestamp": moment}
    return about | {"reason": reason, "message": message, "metadata": {"name": "event"}}


def first(changed, **more):
    """Healthy, but for the first pod."""
    return replace(WELL, pods=[changed, *WELL.pods[1:]], **more)


def pending(*events, **more):
    return first(pod("nats-0", phase="Pending"), events=events, **more)


def ended(log, **more):
    state = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1, **more}}}
    return first(pod("nats-0", {**state, "restartCount": 2}), ended={"nats-0": log})


def seen(name, **more):
    """What one pod sees that the others don't."""
    return replace(WELL, inside={**WELL.inside, name: inside(**more)})


def claim(phase, wanted="standard"):
    return {"metadata": {"name": "data-nats-0"}, "spec": {"storageClassName": wanted}, "status": {"phase": phase}}


def scheduling(message):
    return pending(event("nats-0", "FailedScheduling", message))


def varz(**data):
    return Snapshot(PODS, varz=({"server": {"name": "nats-0"}, "data": data},))


def jsz(storage):
    stream = {"name": "S", "config": {"storage": storage}}
    data = {"account_details": [{"name": "APP", "stream_detail": [stream]}]}
    return Snapshot(PODS, answers=({"server": {"name": "nats-0"}, "data": data},))


KILLED = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "noon"}}
MISSING = error("SERVER_DOWN", "pod nats-0", "no answer", "Look.")
SLOW = {"name": "reader", "account": "APP", "ip": "10.1.1.1", "port": 4, "pending_bytes": 30 * MIB}

# What was looked at; the codes that come of it, in their order; words of the first cause.
CASES = {
    "nothing is wrong": (WELL, [], ""),
    "nothing is there": (Evidence("n", "nats"), ["NOT_DEPLOYED"], "namespace n has no StatefulSet nats"),
    "pods are refused for a quota": (
        replace(WELL, pods=WELL.pods[:2], events=[event("nats", "FailedCreate", "exceeded quota: q")]),
        ["PODS_REFUSED"],
        "Raise the namespace's ResourceQuota",
    ),
    "an old refusal is no cause": (replace(WELL, events=[event("nats", "FailedCreate", "exceeded quota")]), [], ""),
    "a node is silent": (
        replace(
            WELL,
            nodes=[
                {
                    "metadata": {"name": "worker"},
                    "status": {"conditions": [{"type": "Ready", "status": "Unknown", "message": "no word"}]},
                }
            ],
        ),
        ["NODE_NOT_READY"],
        "nats-0, nats-1, nats-2 run there, and it is not ready: no word",
    ),
    "too little room": (scheduling("0/3 nodes: 3 Insufficient memory."), ["POD_UNSCHEDULABLE"], "Add nodes, or lower"),
    "no node of its own": (
        scheduling("didn't match pod anti-affinity rules"),
        ["POD_UNSCHEDULABLE"],
        "node of its own",
    ),
    "a cordoned node": (scheduling("1 node(s) were unschedulable"), ["POD_UNSCHEDULABLE"], "uncordon it"),
    "a taint": (scheduling("had untolerated taint {x: }"), ["POD_UNSCHEDULABLE"], "nats_cluster_tolerations"),
    "a volume that is elsewhere": (
        scheduling("1 node(s) had volume node affinity conflict, 2 node(s) were unschedulable"),
        ["POD_UNSCHEDULABLE"],
        "bring that node back",
    ),
    "the latest event counts": (
        pending(
            event("nats-0", "FailedScheduling", "untolerated taint"),
            event("nats-0", "FailedScheduling", "Insufficient cpu", "2026-01-02T00:00:00Z"),
        ),
        ["POD_UNSCHEDULABLE"],
        "Insufficient cpu",
    ),
    "an event of the pod that had the name before": (
        first(
            pod("nats-0", phase="Pending", uid="new"),
            events=[
                event("nats-0", "FailedScheduling", "untolerated taint", "2026-01-02T00:00:00Z", uid="old"),
                event("nats-0", "FailedScheduling", "Insufficient cpu", uid="new"),
            ],
        ),
        ["POD_UNSCHEDULABLE"],
        "Insufficient cpu",
    ),
    "no such storage class, told once": (
        pending(
            event("nats-0", "FailedScheduling", "pod has unbound immediate PersistentVolumeClaims"),
            claims=[claim("Pending", "fast")],
        ),
        ["VOLUME_PENDING"],
        "there is no StorageClass fast, only standard",
    ),
    "a provisioner that fails": (
        replace(WELL, claims=[claim("Pending")], events=[event("data-nats-0", "ProvisioningFailed", "no space")]),
        ["VOLUME_PENDING"],
        "ProvisioningFailed: no space",
    ),
    "a volume that waits for its pod": (replace(WELL, claims=[claim("Pending")]), [], ""),
    "a volume that is gone": (replace(WELL, claims=[claim("Lost")]), ["VOLUME_LOST"], "Its data is lost"),
    "an image that is not there": (
        first(pod("nats-0", {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such"}}})),
        ["IMAGE_PULL"],
        "ErrImagePull: no such",
    ),
    "a Secret that is missing": (
        first(pod("nats-0", {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "no secret"}}})),
        ["POD_NOT_STARTED"],
        "no secret",
    ),
    "a volume that can't be mounted": (
        first(
            pod("nats-0", {"state": {"waiting": {"reason": "ContainerCreating"}}}),
            events=[event("nats-0", "FailedMount", "timed out")],
        ),
        ["POD_NOT_STARTED"],
        "FailedMount: timed out",
    ),
    "one that is being created": (
        first(pod("nats-0", {"state": {"waiting": {"reason": "ContainerCreating"}}})),
        [],
        "",
    ),
    "a configuration that is refused": (
        ended("nats-server: /etc/nats/nats.conf:2:1: unknown field"),
        ["CONFIG_REFUSED"],
        "unknown field",
    ),
    "another key": (
        ended("[FTL] Can't start JetStream: could not create: message authentication failed"),
        ["ENCRYPTION_KEY"],
        "message authentication failed",
    ),
    "a full disk at the start": (
        ended("[FTL] write /data/x: no space left on device"),
        ["VOLUME_FULL"],
        "Grow the volume",
    ),
    "a store of somebody else": (
        ended("[FTL] mkdir /data/jetstream: permission denied"),
        ["STORE_NOT_WRITABLE"],
        "1000",
    ),
    "too many files": (ended("[FTL] open /data/x: too many open files"), ["FILE_LIMIT"], "limit of open files"),
    "a port that is taken": (ended("[FTL] listen tcp :4222: address already in use"), ["PORT_IN_USE"], "4222"),
    "an end that nobody knows": (ended("goodbye"), ["POD_CRASHING"], "exit code 1: goodbye"),
    "an end without a word": (ended(""), ["POD_CRASHING"], "its log is empty"),
    "one that is not ready": (
        first(pod("nats-0", {"ready": False}), events=[event("nats-0", "Unhealthy", "HTTP 503")]),
        ["PROBE_FAILS"],
        "Unhealthy: HTTP 503",
    ),
    "no Service": (replace(WELL, service=None), ["SERVICE_MISSING"], "the pods have no names"),
    "a Service that finds nobody": (
        replace(WELL, service={"metadata": {"name": "nats"}, "spec": {"selector": {"app": "other"}}}),
        ["SERVICE_SELECTOR"],
        "does not fit pod nats-0",
    ),
    "no DNS in one pod": (seen("nats-1", peers=peers(unresolved=PODS)), ["DNS_FAILS"], "nats-1 resolve none"),
    "one name is unknown": (
        replace(WELL, inside={name: inside(peers=peers(unresolved=["nats-2"])) for name in PODS}),
        ["NAME_UNRESOLVED"],
        "its name nats-2.nats.nats.svc is not resolved",
    ),
    "one server is cut off both ways": (
        replace(
            WELL,
            inside={
                "nats-0": inside(peers=peers("nats-2")),
                "nats-1": inside(peers=peers("nats-2")),
                "nats-2": inside(peers=peers("nats-0", "nats-1")),
            },
        ),
        ["ROUTE_BLOCKED"],
        "its port 6222 answers itself and not nats-0, nats-1, and theirs do not answer it",
    ),
    "one way between two": (seen("nats-0", peers=peers("nats-1")), ["ROUTE_BLOCKED"], "answers itself and not nats-0."),
    "a policy between them": (
        replace(
            seen("nats-0", peers=peers("nats-1")),
            policies=[
                {"metadata": {"name": "nats"}, "spec": {"podSelector": {"matchLabels": LABELS}}},
                {"metadata": {"name": "deny-all"}, "spec": {"podSelector": {}}},
                {"metadata": {"name": "others"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}}},
            ],
        ),
        ["ROUTE_BLOCKED"],
        "NetworkPolicy deny-all, the CNI",
    ),
    "a server that answers nobody is no matter of routes": (
        replace(WELL, inside={name: inside(peers=peers("nats-2")) for name in PODS}),
        [],
        "",
    ),
    "another cluster's name": (
        seen("nats-2", peers=peers() | {"nats-2": Peer("10.0.0.2", "nats-2", "other")}),
        ["CLUSTER_NAME_MISMATCH"],
        "nats-2 'other'",
    ),
    "another password for routes": (
        replace(
            WELL,
            logs={"nats-0": "[ERR] 10.0.0.1:6222 - rid:7 - authentication error"},
            findings=[error("SERVER_ISOLATED", "pod nats-0", "alone", "Look.")],
        ),
        ["ROUTE_LOGIN"],
        "different passwords",
    ),
    "another server of its name": (
        replace(
            WELL,
            logs={"nats-0": '[ERR] 10.0.0.1:6222 - rid:7 - Remote server has a duplicate name: "nats-0"'},
            findings=[error("SERVER_ISOLATED", "pod nats-0", "alone", "Look.")],
        ),
        ["DUPLICATE_SERVER_NAME"],
        "Two servers have one name",
    ),
    "what a healthy server once said is history": (
        replace(WELL, logs={"nats-0": "[ERR] 10.0.0.1:6222 - rid:7 - authentication error"}),
        [],
        "",
    ),
    "a store that is no volume": (
        first(pod("nats-0", volume={"emptyDir": {}})),
        ["DATA_NOT_PERSISTENT"],
        "its store is on emptyDir",
    ),
    "a store beside its volume": (seen("nats-0", mounted_on="/"), ["STORE_NOT_ON_VOLUME"], "its store is on /"),
    "a volume that fills": (seen("nats-0", percent_used=90), ["VOLUME_FULL"], "90 % full"),
    "a store that can't be written": (seen("nats-0", writable=False), ["STORE_NOT_WRITABLE"], "may not write"),
    "few files": (seen("nats-0", file_limit=1024), ["FILE_LIMIT"], "the limit is 1024"),
    "many files": (seen("nats-0", open_files=60000), ["FILE_LIMIT"], "60000 files are open"),
    "a configuration that waits for a restart": (seen("nats-0", refusal="bad"), ["CONFIG_REFUSED"], "in the pod: bad"),
    "streams in memory": (replace(WELL, snapshot=jsz("memory")), ["MEMORY_STREAMS"], "S of account APP"),
    "streams on disk": (replace(WELL, snapshot=jsz("file")), [], ""),
    "killed for memory, and back": (
        first(
            pod("nats-0", {"lastState": KILLED, "restartCount": 1}),
            snapshot=varz(mem=400 * MIB, connections=7, subscriptions=9, jetstream={"stats": {"memory": 100 * MIB}}),
        ),
        ["OOM_KILLED"],
        "memory streams 100 MiB, waiting for clients 0 MiB, 7 connections, 9 subscriptions",
    ),
    "killed for memory, and away": (
        first(pod("nats-0", {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": KILLED})),
        ["OOM_KILLED"],
        "beyond 512 MiB, and it does not run",
    ),
    "no limit for Go": (first(pod("nats-0", go=None)), ["GOMEMLIMIT"], "GOMEMLIMIT is not set"),
    "no limit at all": (first(pod("nats-0", memory=None, go=None)), [], ""),
    "a large store for memory": (
        replace(WELL, snapshot=varz(jetstream={"config": {"max_memory": 400 * MIB}})),
        ["MEMORY_STORE_TOO_LARGE"],
        "400 of the container's 512 MiB",
    ),
    "a slow reader": (
        replace(WELL, connections={"nats-0": [SLOW]}),
        ["PENDING_BYTES"],
        "reader of account APP at 10.1.1.1:4 30 MiB",
    ),
    "a reader that was too slow": (
        replace(WELL, closed={"nats-0": [{**SLOW, "reason": "Slow Consumer (Pending Bytes)", "stop": "noon"}]}),
        ["SLOW_CONSUMERS"],
        "Slow Consumer (Pending Bytes), noon",
    ),
    "a reader that left": (replace(WELL, closed={"nats-0": [{**SLOW, "reason": "Client Closed"}]}), [], ""),
    "what health says beside": (
        replace(
            WELL, findings=[info("SINGLE_REPLICA", "account APP", "1", "x"), warning("CPU_HIGH", "server a", "9", "y")]
        ),
        ["CPU_HIGH", "SINGLE_REPLICA"],
        "9",
    ),
    "errors before warnings, causes before effects": (
        replace(
            ended("nats-server: /etc/nats/nats.conf:2:1: unknown field"),
            findings=[
                MISSING,
                error("META_NO_QUORUM", "cluster", "none", "Wait."),
                warning("CPU_HIGH", "server a", "9", "y"),
            ],
        ),
        ["CONFIG_REFUSED", "CPU_HIGH"],
        "Explains: SERVER_DOWN pod nats-0; META_NO_QUORUM cluster",
    ),
    "a server that is away for no known reason": (replace(WELL, findings=[MISSING]), ["SERVER_DOWN"], "no answer"),
}


@pytest.mark.parametrize(("facts", "codes", "words"), CASES.values(), ids=list(CASES))
def test_a_cause(facts, codes, words):
    found = diagnose(facts)
    assert [one.finding.code for one in found] == codes
    text = page(facts, found[:1])
    assert words in text


def test_what_may_not_be_read_is_named():
    text = page(replace(WELL, nodes=None, classes=None), [])
    assert "Not looked at, because the login may not read them: nodes, storage classes." in text
    assert "Nothing is wrong." in text
