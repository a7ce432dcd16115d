#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_health
short_description: Verify that a NATS cluster is what it should be
description:
  - Compares what is expected with what the servers say of themselves; members by name, meta leader and quorum, every stream's replicas.
  - Fails with a sentence for each problem that names the object, the evidence and the remedy. C(/healthz) is not believed.
  - A clean first sample is a verdict. A doubtful one is taken again, and only what is wrong for three seconds is a finding.
  - With O(kubernetes), the default account is V(SYS), and a pod that does not answer is asked on its own, so that it is known why.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
options:
  expected_members:
    description:
      - Names of the servers that must be there, all of them and no others; or their number.
      - With O(kubernetes) the default is what the StatefulSet declares.
    type: list
    elements: str
  cluster_name:
    description: Name that the servers' cluster must have.
    type: str
  wait_timeout:
    description: Seconds to wait until the cluster is healthy.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: The cluster is whole
  messaging.nats.nats_health:
    kubernetes:
      namespace: nats
      cluster: nats
    expected_members: [nats-0, nats-1, nats-2]
    wait_timeout: 60
"""

RETURN = r"""
healthy:
  description: Whether nothing is wrong.
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
streams:
  description: Number of streams, messages and bytes, and the streams' names by account.
  returned: always
  type: dict
"""

from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._health import Snapshot, answered, meta_leader, streams
from ansible_collections.messaging.nats.plugins.module_utils._nats_module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._observation import (
    ThroughKubernetes,
    ThroughServers,
    observe,
)


def summary(snapshot: Snapshot) -> dict[str, Any]:
    members, found = answered(snapshot), streams(snapshot)
    names: dict[str, list[str]] = {}
    for account, name in sorted(found):
        names.setdefault(account, []).append(name)
    return {
        "cluster": {
            "name": snapshot.cluster_name
            or next((answer["server"].get("cluster") for answer in members.values()), None),
            "size": len(snapshot.expected),
            "leader": meta_leader(snapshot),
            "members": {
                name: {"version": answer["server"]["ver"], "id": answer["server"]["id"]}
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


def main() -> None:
    spec = {
        "expected_members": {"type": "list", "elements": "str"},
        "cluster_name": {"type": "str"},
        "wait_timeout": {"type": "float", "default": 0},
    }
    with NatsModule(spec) as module, ExitStack() as opened:
        params = module.params
        if not params["kubernetes"] and not params["expected_members"]:
            raise NatsError(
                "expected_members", "without kubernetes nobody knows which servers there should be", "List their names."
            )
        source = ThroughKubernetes(params, opened) if params["kubernetes"] else ThroughServers(params, opened)
        snapshot, findings = observe(source, params["wait_timeout"])
        result = {"healthy": not findings, "findings": [asdict(finding) for finding in findings], **summary(snapshot)}
        if findings:
            module.fail_json(msg="\n".join(str(finding) for finding in findings), **result)
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
