#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_health
short_description: Verify that a NATS cluster is what it should be
description:
  - Compares what is expected with what the servers report; members by name, meta leader and quorum, the replicas of every stream and consumer,
    stores against limits and volumes, versions, clocks, certificates, load, and the thresholds that owners set on their streams and consumers
    as metadata C(io.nats.monitor.*).
  - Fails with a sentence for each problem that names the object, the evidence and the remedy. C(/healthz) is not believed when it says that all is well.
  - If the first sample shows no problem, the cluster is healthy. Otherwise more samples are taken for at least three seconds, and problems that a
    healthy cluster shows for a moment, such as an election, are findings only if all of these samples have them.
  - With O(kubernetes), the default account is V(SYS), and a pod that does not answer is asked on its own to find out why.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.cluster
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
options:
  wait_timeout:
    description: Seconds to wait until the cluster is healthy.
    type: float
    default: 0
  fail_on:
    description: The lowest severity that fails the task; with V(never) none does. RV(findings) has the less severe ones too.
    type: str
    choices: [info, warning, error, never]
    default: error
seealso:
  - module: messaging.nats.nats_diagnose
  - module: messaging.nats.nats_status
  - module: messaging.nats.nats_report
"""

EXAMPLES = r"""
- name: Wait until the cluster is healthy
  messaging.nats.nats_health:
    kubernetes:
      namespace: nats
      cluster: nats
    expected_members: [nats-0, nats-1, nats-2]
    wait_timeout: 60

- name: Fail on warnings too, and name the accounts whose streams are looked at
  messaging.nats.nats_health:
    kubernetes:
      namespace: nats
    accounts: [{account: APP}]
    fail_on: warning

- name: Look at a cluster outside of Kubernetes, as a user of the system account
  messaging.nats.nats_health:
    servers: [nats://10.0.0.1:4222, nats://10.0.0.2:4222, nats://10.0.0.3:4222]
    user: sys
    password: "{{ password }}"
    expected_members: [nats-a, nats-b, nats-c]
    fail_on: never
  register: health

- name: Say what is wrong
  ansible.builtin.debug:
    var: health.findings

- name: Fail if messages were lost or servers restarted since then
  messaging.nats.nats_health:
    kubernetes:
      namespace: nats
    previous: "{{ health }}"
"""

RETURN = r"""
healthy:
  description: Whether there is no finding of the severity O(fail_on) or a higher one.
  returned: always
  type: bool
findings:
  description: What is wrong, the causes before their effects.
  returned: always
  type: list
  elements: dict
  sample:
    - severity: error
      code: POD_PENDING
      object: pod nats-1
      evidence: "it is Pending: ProvisioningFailed: storageclass.storage.k8s.io \"fast\" not found"
      remedy: Check storage class, nodes and quotas.
cluster:
  description: Name, size and leader of the cluster, and its members by name with their version and id.
  returned: always
  type: dict
place:
  description: Where the cluster is, in words, as in V(cluster nats in namespace nats (context production of kubeconfig ~/.kube/config)).
    Empty without O(kubernetes).
  returned: always
  type: str
figures:
  description: What a later run can be given as O(previous).
  returned: always
  type: dict
streams:
  description: Number of streams, messages and bytes, and the streams' names by account.
  returned: always
  type: dict
code:
  description:
    - The kind of failure, in capitals, for an C(assert) or a C(rescue) to decide on; C(docs/errors.md) lists them all.
    - V(UNHEALTHY) if there are findings of the severity O(fail_on) or a higher one; their own codes are in RV(findings).
  returned: failure
  type: str
cause:
  description: Why it failed. For an unhealthy cluster, object and evidence of each finding that fails the task, one finding a line.
  returned: failure
  type: str
remedy:
  description: What to do. For an unhealthy cluster, the remedies of these findings, each once and one a line.
  returned: failure
  type: str
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting, discard
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import SEVERITIES, Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.module import ClusterModule
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import fails, observe
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    by_server,
    figures,
    meta_leader_with_quorum,
)

# Seconds between two lines about what is waited for: in the first seconds of a cluster much changes.
FIRST_INTERVAL_S = 1.0


def summary(snapshot: Snapshot) -> dict[str, Any]:
    members, found = answered(snapshot), streams(answered(snapshot))
    names: dict[str, list[str]] = {}
    for account, name in sorted(found):
        names.setdefault(account, []).append(name)
    digests = {name: answer["data"].get("config_digest") for name, answer in by_server(snapshot, snapshot.varz).items()}
    return {
        "figures": figures(snapshot),
        "place": snapshot.kubernetes.place if snapshot.kubernetes else "",
        "cluster": {
            "name": snapshot.cluster_name
            or next((answer["server"].get("cluster") for answer in members.values()), None),
            "size": len(snapshot.expected),
            "leader": meta_leader_with_quorum(snapshot),
            "members": {
                name: {"version": answer["server"]["ver"], "id": answer["server"]["id"], "digest": digests.get(name)}
                for name, answer in sorted(members.items())
            },
        },
        "streams": {
            "count": len(found),
            "messages": sum(stream["state"]["messages"] for stream in found.values()),
            "bytes": sum(stream["state"]["bytes"] for stream in found.values()),
            "names": names,
        },
    }


def failure(failing: Sequence[Finding]) -> dict[str, str]:
    """The parts of the failure; a finding's own code is too specific for the code of the failure."""
    return {
        "code": "UNHEALTHY",
        "cause": "\n".join(f"{finding.object}: {finding.evidence}" for finding in failing),
        "remedy": "\n".join(dict.fromkeys(finding.remedy for finding in failing)),
    }


def main() -> None:
    spec = {
        "fail_on": {"type": "str", "choices": [*SEVERITIES, "never"], "default": "error"},
        "wait_timeout": {"type": "float", "default": 0},
    }
    with ClusterModule(spec) as module, ExitStack() as opened:
        params = module.params
        snapshots = module.source(opened)
        waiting = Waiting(interval=FIRST_INTERVAL_S) if params["wait_timeout"] else discard
        snapshot, findings = observe(snapshots, params["wait_timeout"], params["fail_on"], waiting)
        if findings:
            snapshots.note_secrets()
        failing = [finding for finding in findings if fails(finding, params["fail_on"])]
        result = {
            "healthy": not failing,
            "findings": [finding.result() for finding in findings],
            **summary(snapshot),
        }
        if failing:
            module.fail_json(msg="\n".join(map(str, failing)), **failure(failing), **result)
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
