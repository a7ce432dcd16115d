#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_cluster_lease
short_description: Prevent two plays from changing one NATS cluster at the same time
description:
  - Takes or releases the Kubernetes Lease C(<name>-messaging-nats), which the role P(messaging.nats.nats_cluster#role) holds while it changes a cluster.
  - Where another play holds it, the module fails and names that play, the machine that it runs on, and since when it holds the Lease.
  - The Lease of a play that was killed is taken over. This happens at once where that play ran on the same machine since the same boot
    and in the same PID namespace, because Linux then shows that its process has ended; else twenty seconds after the Lease was last renewed.
  - Each time it is taken, its holder gets a new identity, RV(holder). Modules that work under the Lease, and the task that releases it,
    take this identity as an option. So two plays under one runner, or two hosts of one play, exclude each other, too.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.kubeconfig
attributes:
  check_mode:
    details: Neither takes nor releases the Lease. RV(held_by) and a warning tell who else holds it.
options:
  state:
    description: Whether this play is to hold the Lease.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the cluster.
    type: str
    required: true
  namespace:
    description: Namespace of the cluster.
    type: str
    required: true
  holder:
    description:
      - The value of RV(holder) when the Lease was taken. With O(state=absent), a Lease that another play has taken meanwhile is not deleted.
      - With O(state=present), the Lease is renewed, which fails where another play has taken it meanwhile.
    type: str
  rights:
    description:
      - What this play is going to do. Before the Lease is taken, Kubernetes is asked whether the user has all rights that this needs,
        and the module fails with all that are missing. L(The rights of each verb,https://github.com/messaging-nats/messaging.nats/blob/main/docs/rights.md)
        are documented.
      - What Kubernetes does not tell is a warning.
    type: list
    elements: str
    choices:
      [status, verify, report, diagnose, smoke, resources, reload, renew, rotate_ca, rotate_credentials, rebalance, restart_server, drain, cordon, replace,
        restart, deploy, uninstall]
    default: []
  seen:
    description:
      - With O(state=present), the version of the StatefulSet for which this play made its plan, which is C(seen) in
        RV(messaging.nats.nats_cluster_info#module:running); empty where there was no StatefulSet.
      - Where the StatefulSet has changed by the time this play holds the Lease, the Lease is released and the module fails, since the plan is outdated.
    type: str
requirements:
  - kubernetes >= 24.2
seealso:
  - module: messaging.nats.nats_cluster_apply
"""

EXAMPLES = r"""
- name: Take the Lease
  messaging.nats.nats_cluster_lease:
    name: nats
    namespace: nats
  register: lease

- name: Release the Lease
  messaging.nats.nats_cluster_lease:
    state: absent
    name: nats
    namespace: nats
    holder: "{{ lease.holder }}"
"""

RETURN = r"""
holder:
  description: The identity of this play in the Lease. The modules that change something take it as their option C(lease).
  returned: success
  type: str
  sample: alice@laptop process 4711 boot 5f0f2c4e-7c0e-4a0e-9d3c-1b7f6f1f2a3b namespace 4026531836.4026531834 start 881234 play 9f3c2a1b5d6e7f80
held_by:
  description: Who else holds it, and since when.
  returned: in check mode, when another play holds it
  type: str
released:
  description: Whether this play still held the Lease when it was released.
  returned: when O(state=absent)
  type: bool
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

from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import secret_name
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import statefulset
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import HAS_KUBERNETES, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import fingerprint
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.play_identity import new_identity
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import require_rights
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import VERBS, required


def main() -> None:
    spec = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "holder": {"type": "str"},
        "seen": {"type": "str"},
        "rights": {"type": "list", "elements": "str", "choices": [*VERBS], "default": []},
    }
    needed = [("state", "absent", ["holder"])]
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}, required_if=needed) as module:
        params = module.params
        kubernetes = Kubernetes(params)
        if params["rights"]:
            check_rights(module, kubernetes)
        holder = params["holder"] or new_identity()
        lease = Lease(kubernetes, params["namespace"], params["name"], holder)
        # The Lease exists only while a play runs, so taking it is not a change of the cluster.
        found: dict[str, Any] = {"changed": False, "holder": holder}
        if module.check_mode:
            if params["state"] == "present" and (other := lease.held_by_another()):
                module.warn(other)
                found["held_by"] = other
        elif params["state"] == "absent":
            found["released"] = lease.release()
        elif params["holder"]:
            lease.renew()
        else:
            lease.acquire()
            try:
                if params["seen"] is not None:
                    check_seen(kubernetes, params["name"], params["namespace"], params["seen"])
            except NatsError:
                lease.release()
                raise
        module.exit_json(**found)


def check_rights(module: CollectionModule, kubernetes: Kubernetes) -> None:
    """Fails where this user lacks a right that one of these verbs needs; warns of what Kubernetes does not tell."""
    verbs, namespace, login = (
        module.params["rights"],
        module.params["namespace"],
        secret_name(module.params["name"], "SYS"),
    )
    lines = [line for verb in verbs for line in VERBS[verb]]
    for remark in require_rights(kubernetes, required(lines, namespace, login), verbs[0]):
        module.warn(remark)


def check_seen(kubernetes: Kubernetes, name: str, namespace: str, seen: str) -> None:
    """Raises where the cluster has changed between this play's plan and its Lease."""
    if seen != fingerprint(statefulset(kubernetes, name, namespace)):
        what = f"StatefulSet {name} in namespace {namespace}"
        cause = "it was changed since this play made its plan, by another play or by hand"
        raise NatsError(what, cause, "Run it again.", code="PLAN_OUTDATED")


if __name__ == "__main__":
    main()
