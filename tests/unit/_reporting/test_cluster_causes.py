# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a cluster does not form, as a table of what was looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error
from ansible_collections.messaging.nats.plugins.module_utils._reporting.diagnosis import diagnose, diagnosis_page
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import Evidence
from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Peer
from tests.support.evidence import LABELS, PODS, WELL, ended, event, first, inside, peers, pod, seen


def pending(*events, **more):
    return first(pod("nats-0", phase="Pending"), events=events, **more)


def scheduling(message):
    return pending(event("nats-0", "FailedScheduling", message))


# What was looked at; the codes of the causes, in their order; words of the first cause.
CASES = {
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
    "a cordoned node": (scheduling("1 node(s) were unschedulable"), ["POD_UNSCHEDULABLE"], "A node is cordoned"),
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
    "the pod's own condition counts before an event, whose words are those of the first attempt": (
        first(
            pod("nats-0", phase="Pending")
            | {
                "status": {
                    "phase": "Pending",
                    "conditions": [
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "reason": "Unschedulable",
                            "message": "0/3 nodes: 3 Insufficient cpu.",
                        }
                    ],
                }
            },
            events=[event("nats-0", "FailedScheduling", 'persistentvolumeclaim "data-nats-0" not found')],
        ),
        ["POD_UNSCHEDULABLE"],
        "no node takes it: 0/3 nodes: 3 Insufficient cpu.",
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
    "one that a finalizer holds": (
        first(
            pod("nats-0", {"state": {"terminated": {"exitCode": 0}}}, phase="Succeeded")
            | {
                "metadata": {
                    "name": "nats-0",
                    "labels": LABELS,
                    "deletionTimestamp": "2026-01-01T00:00:00Z",
                    "finalizers": ["a/b"],
                }
            }
        ),
        ["POD_TERMINATING"],
        "was to be gone at 2026-01-01T00:00:00Z, and it is held by finalizer a/b",
    ),
    "a load balancer that nobody provides": (
        replace(
            WELL,
            external_service={
                "metadata": {"name": "nats-external"},
                "spec": {"type": "LoadBalancer"},
                "status": {"loadBalancer": {}},
            },
            events=[event("nats-external", "SyncLoadBalancerFailed", "no quota")],
        ),
        ["SERVICE_NO_ADDRESS"],
        "nobody outside of Kubernetes reaches the servers: SyncLoadBalancerFailed: no quota",
    ),
    "a load balancer with an address": (
        replace(
            WELL,
            external_service={
                "metadata": {"name": "nats-external"},
                "spec": {"type": "LoadBalancer"},
                "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
            },
        ),
        [],
        "",
    ),
    "a node port": (
        replace(
            WELL, external_service={"metadata": {"name": "nats-external"}, "spec": {"type": "NodePort"}, "status": {}}
        ),
        [],
        "",
    ),
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
        seen("nats-2", peers=peers() | {"nats-2": Peer("10.0.0.2", True, "nats-2", "other")}),
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
    "another password for routes, by the name of its server": (
        replace(
            WELL,
            servers={"west-nats-0": "nats-0"},
            logs={"nats-0": "[ERR] 10.0.0.1:6222 - rid:7 - authentication error"},
            findings=[error("SERVER_NOT_IN_META", "server west-nats-0", "alone", "Look.")],
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
}


@pytest.mark.parametrize(("facts", "codes", "words"), CASES.values(), ids=list(CASES))
def test_why_a_cluster_does_not_form(facts, codes, words):
    diagnoses = diagnose(facts)
    assert [diagnosis.finding.code for diagnosis in diagnoses] == codes
    assert words in diagnosis_page(facts, diagnoses[:1])
