#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_server
short_description: Restart, add, take out, drain or replace servers of a NATS cluster on Kubernetes, one at a time
description:
  - Does one thing to one server, or to several one after the other, so that no acknowledged message is lost, and waits until the cluster is whole again.
    Where it fails for one, those that come after it are not touched.
  - What it does and what it waits for is shown while it works, where Ansible runs it on its own machine with its own Python.
  - It can be killed at any point and run again. How far it had come is read from the cluster.
  - Before a server stops, its leaders of streams, consumers and meta are handed to other servers, preferably to those that have restarted already.
    Leaders are handed over by their account's own user, whose login is in the Secret C(<cluster>-<account>).
    Where there is none, the server hands them over as it stops, and RV(notes) say so.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
options:
  name:
    description: Name of the server's pod, or of several, in the order in which they are changed.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(restarted) moves it onto the newest revision of the StatefulSet, by lowering the partition. Nothing happens if it has that revision already,
        and O(restarted_at) does not make a newer one.
        A pod that does not run with it is put back as it was before, and the task fails with its events and its log.
        A server that does not answer is restarted only if Kubernetes reports its pod not ready, or if the meta leader does not reach it.
      - V(present) scales the StatefulSet out until the server exists, and waits until it and all before it are members.
      - V(absent) takes the last server out. All that it has is moved to others first, then its pod is deleted, then it is removed from meta.
        The volume stays. If a stream was created on it as it stopped, it is started once more, and that stream is moved too.
      - V(drained) takes it off O(node), by an eviction that the PodDisruptionBudget may hold up. With a volume that is bound to the node,
        its pod waits for the node, and the others work without it; else it comes back on another node.
        It is refused while another server is away or behind. Mark the node unschedulable before.
      - V(replaced) gives it a new, empty volume under the same name, for a disk that is dead or a node that is lost.
        It stays a member of meta meanwhile, and copies what it has to have from the others, which takes seconds. (A name that is removed
        from meta can't join again for five minutes.) Streams with one replica are moved off first. It is refused while another server is
        away or behind, and if its store has what no other server has. Each run replaces the volume again; a run that was killed is continued.
    type: str
    choices: [present, restarted, absent, drained, replaced]
    default: present
  staying:
    description: For O(state=absent), the servers that will be left in the end. By default these are all others.
    type: list
    elements: str
  node:
    description: For O(state=drained), the node that its pod has to leave. Nothing happens if the pod is not on it.
    type: str
  single_replica:
    description:
      - For O(state=restarted) and O(state=drained), whether streams with one replica are moved to another server before their server stops.
      - V(confirm) refuses to drain a server that alone has a stream or a durable consumer, and to restart one whose memory alone has the messages of a stream.
      - V(accept) lets such a stream be unavailable until its server is back; one in memory is empty then.
    type: str
    choices: [accept, move, confirm]
    default: accept
  allow_data_loss:
    description: For O(state=replaced), give up what only this server has. Its streams exist again afterwards, but empty.
    type: bool
    default: false
  node_lost:
    description:
      - For O(state=replaced), says that its silent node is certainly off, so that its pod is removed without a report of the node that it has ended.
      - Not needed where the node was deleted from Kubernetes or has the taint C(node.kubernetes.io/out-of-service).
        If its server still runs, two servers of one name harm each other.
    type: bool
    default: false
  delete_volume:
    description: For O(state=absent), delete the volume too. This can't be undone.
    type: bool
    default: false
  force:
    description:
      - For O(state=restarted), name of the one server that is restarted even if streams lose their quorum meanwhile, or if it is not known whether they do.
      - The reasons against the restart, and what could not be seen, are in RV(notes).
    type: str
  restarted_at:
    description:
      - For O(state=restarted), the moment at which a restart was asked for, in any notation.
        If the StatefulSet does not have it yet, a new revision with it is made first, as C(kubectl rollout restart) does,
        so that all servers restart. The first of O(name) has to be the last server then.
      - With the same moment again, only those restart that have not restarted yet. If it is not set, only servers restart that have to.
    type: str
  alone:
    description:
      - For O(state=restarted), restart only the servers of O(name), in any order, with the revision that they have. The StatefulSet stays as it is.
      - With O(restarted_at), a time such as V(2026-11-30T22:00:00Z), only those restart whose process has not started since then.
        Without it, each run restarts them.
    type: bool
    default: false
  pause:
    description: Seconds between two servers.
    type: float
    default: 0
  lease:
    description: What this play is called in the Lease that M(messaging.nats.nats_cluster_lease) took. It is renewed meanwhile.
    type: str
  wait_timeout:
    description: Seconds that the change of one server may take.
    type: float
    default: 300
seealso:
  - module: messaging.nats.nats_rebalance
  - module: messaging.nats.nats_health
"""

EXAMPLES = r"""
- name: All servers onto the newest revision, the last one first
  messaging.nats.nats_server:
    kubernetes: {namespace: nats}
    name: [nats-2, nats-1, nats-0]
    state: restarted

- name: All servers, though nothing changed; after a run that was killed it goes on with the others
  messaging.nats.nats_server:
    kubernetes: {namespace: nats}
    name: [nats-2, nats-1, nats-0]
    state: restarted
    restarted_at: "2026-11-30T22:00:00Z"

- name: One server as it is, for example because its disk was full
  messaging.nats.nats_server:
    kubernetes: {namespace: nats}
    name: nats-1
    state: restarted
    alone: true

- name: Take a server off a node that is to be serviced
  messaging.nats.nats_server:
    kubernetes: {namespace: nats}
    name: nats-1
    state: drained
    node: worker-7
    single_replica: move

- name: Give a server a new volume, because its disk is dead
  messaging.nats.nats_server:
    kubernetes: {namespace: nats}
    name: nats-1
    state: replaced
"""

RETURN = r"""
place:
  description: Where the cluster is, in words, as in V(cluster nats in namespace nats (context production of kubeconfig ~/.kube/config)).
  returned: success
  type: str
seconds:
  description: How long it took.
  returned: success
  type: float
handed_over:
  description: How many leaders were handed to other servers before theirs stopped.
  returned: success
  type: int
lost:
  description:
    - What was lost with the change, or would be in check mode, one sentence for each stream or consumer. It is allowed by an option. Mostly empty.
    - Also what may have been lost and was not seen, as where an earlier run that was killed had begun the change.
  returned: success
  type: list
  elements: str
notes:
  description: What a person should know, for example which leaders could not be handed over.
  returned: success
  type: list
  elements: str
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

import time
from contextlib import ExitStack
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import secret_name
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import require_rights
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import (
    DELETE_VOLUMES,
    LEASE,
    ROLL,
    SCALE,
    VERBS,
    required,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import KubernetesTarget
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts, observer
from ansible_collections.messaging.nats.plugins.module_utils._operations.drain import DrainOptions, DrainWork
from ansible_collections.messaging.nats.plugins.module_utils._operations.replace import ReplaceOptions, ReplaceWork
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart import (
    LoneRestartWork,
    RestartOptions,
    RestartWork,
    mark_restart,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.scaling import JoinWork, LeaveWork
from ansible_collections.messaging.nats.plugins.module_utils._operations.server import Report, ServerWork, Task
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods

SPEC: dict[str, Any] = {
    "name": {"type": "list", "elements": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["present", "restarted", "absent", "drained", "replaced"],
        "default": "present",
    },
    "staying": {"type": "list", "elements": "str"},
    "node": {"type": "str"},
    "single_replica": {"type": "str", "choices": ["accept", "move", "confirm"], "default": "accept"},
    "allow_data_loss": {"type": "bool", "default": False},
    "node_lost": {"type": "bool", "default": False},
    "delete_volume": {"type": "bool", "default": False},
    "force": {"type": "str"},
    "alone": {"type": "bool", "default": False},
    "pause": {"type": "float", "default": 0},
    "restarted_at": {"type": "str"},
    "lease": {"type": "str"},
    "wait_timeout": {"type": "float", "default": 300},
}


def main() -> None:
    with NatsModule(SPEC, required_if=[("state", "drained", ["node"])]) as module, ExitStack() as opened:
        started, params, check = time.monotonic(), module.params, module.check_mode
        target = module.needed_target("the servers are pods of a Kubernetes cluster")
        check_rights(module, target)
        pods = pods_of(target, params["name"], params["lease"], opened)
        contacts = Contacts(pods, observer(target, params["timeout"], opened), params["timeout"], opened)
        of_all = params["state"] == "restarted" and not params["alone"]
        outdated = of_all and mark_restart(pods, params["name"], params["restarted_at"], check)
        reports: list[Report] = []
        for number, name in enumerate(params["name"]):
            if number and params["pause"] and not check:
                contacts.wait_until_last_is_ready()
                time.sleep(params["pause"])
            task = Task(name, params["wait_timeout"], params["name"][:number] if check else ())
            work = work_of(params, pods, contacts, task, outdated and check)
            work.run(check)
            reports.append(work.report)
        contacts.wait_until_last_is_ready()
        module.exit_json(
            changed=outdated or any(report.changed for report in reports),
            place=pods.kubernetes.place(pods.namespace, pods.cluster),
            seconds=round(time.monotonic() - started, 2),
            handed_over=sum(report.handed_over for report in reports),
            notes=[note for report in reports for note in report.notes],
            lost=[loss for report in reports for loss in report.lost],
        )


def check_rights(module: NatsModule, target: KubernetesTarget) -> None:
    """Fails where this user lacks a right that the change needs; those of the Lease only where there is one."""
    params = module.params
    verb = {"restarted": "restart", "drained": "drain", "replaced": "replace"}.get(params["state"], "deploy")
    verb = "restart_server" if params["alone"] else verb
    lines = {"restart": ROLL, "deploy": SCALE}.get(verb, VERBS[verb])
    lines += DELETE_VOLUMES if params["delete_volume"] else ()
    lines = (*(line for line in lines if line not in LEASE), *(LEASE if params["lease"] else ()))
    needs = required(lines, target.namespace, secret_name(target.cluster, target.account or "SYS"))
    for remark in require_rights(Kubernetes(target.api), needs, verb):
        module.warn(remark)


def pods_of(target: KubernetesTarget, names: list[str], holder: str | None, opened: ExitStack) -> Pods:
    """The cluster's pods, changed only while this play has the Lease, if it has one."""
    kubernetes = Kubernetes(target.api)
    if holder:
        kubernetes = opened.enter_context(Lease(kubernetes, target.namespace, target.cluster, holder).kept())
    pods = Pods(kubernetes, target.namespace, target.cluster)
    for name in names:
        pods.refuse_foreign(name)
    return pods


def work_of(params: dict[str, Any], pods: Pods, contacts: Contacts, task: Task, outdated: bool) -> ServerWork:
    """The change that the option state asks for."""
    if params["state"] == "restarted":
        options = RestartOptions(params["single_replica"], params["force"] == task.name, outdated)
        if params["alone"]:
            return LoneRestartWork(pods, contacts, task, options, params["restarted_at"])
        return RestartWork(pods, contacts, task, options)
    if params["state"] == "absent":
        return LeaveWork(pods, contacts, task, params["staying"], params["delete_volume"])
    if params["state"] == "drained":
        return DrainWork(pods, contacts, task, DrainOptions(params["node"], params["single_replica"]))
    if params["state"] == "replaced":
        return ReplaceWork(pods, contacts, task, ReplaceOptions(params["allow_data_loss"], params["node_lost"]))
    return JoinWork(pods, contacts, task)


if __name__ == "__main__":
    main()
