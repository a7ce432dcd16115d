#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_rebalance
short_description: Spread replicas, leaders and clients of a NATS cluster evenly
description:
  - Moves replicas of streams so that every server has the same share of their number and bytes, then leaders of streams and consumers,
    then has clients connect again. Streams do not move by themselves when servers join, and leaders gather on the servers that restarted first.
  - Works in small steps; a stream has never fewer replicas than before, and the next replica of a stream moves when all of them are current again.
  - A cluster that is not healthy is left alone, and the task fails with what is wrong. After it was killed or timed out, it goes on when it is run again.
  - Without O(kubernetes), the login has to be one of the system account.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.cluster
  - messaging.nats.attributes
  - messaging.nats.attributes.diff
  - messaging.nats.attributes.action_group
options:
  replicas:
    description: Spread replicas. A replica counts one, plus its bytes divided by the average bytes of a replica.
    type: bool
    default: true
  leaders:
    description:
      - Spread leaders. Only an account's own user may move them, so it needs the logins of O(accounts);
        with O(kubernetes) the accounts' Secrets C(<cluster>-<account>) are used. Accounts without a login are in RV(not_moved).
    type: bool
    default: true
  connections:
    description:
      - Close connections of clients on servers that have a tenth more than the average, the idle ones first, so that they connect again.
        Each client chooses itself to which server.
    type: bool
    default: false
  max_moves:
    description: The largest number of replicas that one run moves.
    type: int
    default: 50
  kicks_per_second:
    description: How many connections are closed per second.
    type: float
    default: 5
  lease:
    description: With O(kubernetes), what this play is called in the Lease that M(messaging.nats.nats_cluster_lease) took.
      It is renewed meanwhile, and checked before each move.
    type: str
  wait_timeout:
    description: Seconds for all replicas, and again for all leaders.
    type: float
    default: 300
seealso:
  - module: messaging.nats.nats_server
  - module: messaging.nats.nats_health
"""

EXAMPLES = r"""
- name: See what would move
  messaging.nats.nats_rebalance:
    kubernetes:
      namespace: nats
  check_mode: true
  diff: true

- name: Spread everything after two servers joined
  messaging.nats.nats_rebalance:
    kubernetes:
      namespace: nats
    connections: true
"""

RETURN = r"""
moves:
  description: What was moved, or would be in check mode, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - what: replica
      object: stream EVENTS of account APP
      from: nats-0
      to: nats-3
servers:
  description: What each server has afterwards; C(streams), the replicas of streams, C(leaders), of streams and consumers, C(connections) and C(bytes).
  returned: success
  type: dict
  sample:
    nats-0: {streams: 12, leaders: 8, connections: 40, bytes: 104857600}
before:
  description: What each server had.
  returned: success
  type: dict
not_moved:
  description: Accounts whose leaders should move but could not be moved, with the reason.
  returned: success
  type: dict
unmoved:
  description: A sentence for each replica or leader that did not move.
  returned: success
  type: list
  elements: str
findings:
  description: What is wrong with the cluster, as M(messaging.nats.nats_health) returns it.
  returned: when the cluster is not healthy
  type: list
  elements: dict
code:
  description: The kind of failure, in capitals, for an C(assert) or a C(rescue) to decide on; C(docs/errors.md) lists them all.
  returned: failure
  type: str
cause:
  description: Why it failed.
  returned: failure
  type: str
remedy:
  description: What to do.
  returned: failure
  type: str
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import secret_name
from ansible_collections.messaging.nats.plugins.module_utils._health.module import ClusterModule
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import fails, observe
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import require_rights
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import LEASE, VERBS, required
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import KubernetesTarget
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected, logins
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import Members
from ansible_collections.messaging.nats.plugins.module_utils._operations.rebalance import RebalanceOptions, rebalance

# How long a cluster that has just been restarted or scaled is given to become healthy.
HEALTHY_TIMEOUT_S = 10
SPEC = {
    "replicas": {"type": "bool", "default": True},
    "leaders": {"type": "bool", "default": True},
    "connections": {"type": "bool", "default": False},
    "max_moves": {"type": "int", "default": 50},
    "kicks_per_second": {"type": "float", "default": 5},
    "wait_timeout": {"type": "float", "default": 300},
}


def main() -> None:
    with ClusterModule(SPEC | {"lease": {"type": "str"}}) as module, ExitStack() as opened:
        params = module.params
        if params["kicks_per_second"] <= 0:
            remedy = "Set connections: false to close none."
            raise NatsError("option kicks_per_second", "it is not above 0", remedy, code="INVALID_VALUE")
        if target := module.access.kubernetes:
            check_rights(module, target)
        snapshot, findings = observe(module.source(opened), HEALTHY_TIMEOUT_S, "error")
        if wrong := [finding for finding in findings if fails(finding, "error")]:
            sentences = "; ".join(f"{finding.object}: {finding.evidence}" for finding in wrong)
            cause = f"it is not healthy, so nothing was moved: {sentences}"
            error = NatsError("cluster", cause, "Look at it with nats_diagnose first.", code="UNHEALTHY")
            module.fail_json(findings=[finding.result() for finding in findings], **error.result())
        members = Members(
            opened.enter_context(connected(module.access, account="SYS")), snapshot.expected, snapshot.cluster_name
        )
        if params["lease"] and not module.check_mode:
            members = replace(members, check_lease=check_of_lease(module, params["lease"], opened))
        wanted = RebalanceOptions(**{name: params[name] for name in SPEC})
        result = rebalance(members, logins(module.access, module.logins, opened), wanted, module.check_mode)
        module.exit_json(**result, **module.diff(result["before"], result["servers"], "servers"))


def check_rights(module: ClusterModule, target: KubernetesTarget) -> None:
    """Fails where this user lacks a right in Kubernetes that moving needs."""
    lines = [line for line in VERBS["rebalance"] if module.params["lease"] or line not in LEASE]
    needs = required(lines, target.namespace, secret_name(target.cluster, target.account or "SYS"))
    for remark in require_rights(Kubernetes(target.api), needs, "rebalance"):
        module.warn(remark)


def check_of_lease(module: ClusterModule, holder: str, opened: ExitStack) -> Callable[[], None]:
    """A check before each move, which raises if another play has the Lease. The Lease is renewed meanwhile."""
    target = module.needed_target("a Lease is an object of Kubernetes")
    lease = Lease(Kubernetes(target.api), target.namespace, target.cluster, holder)
    return opened.enter_context(lease.kept()).check_lease


if __name__ == "__main__":
    main()
