#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_cluster_lease
short_description: Keep two plays apart that would change one NATS cluster
description:
  - Takes or gives back a Kubernetes Lease C(<name>-messaging-nats), which the role P(messaging.nats.nats_cluster#role) holds while it changes a cluster.
  - Fails with who the other play is, where it runs and since when, where one holds it. That of a play that was killed is taken over;
    at once where its process was one of this machine, this boot and this PID namespace, and Linux says that it has ended;
    else twenty seconds after its last sign of life.
  - Each time it is taken it has an identity of its own, RV(holder). Whoever works under it is handed this identity,
    and it is given back by it; two plays under one runner, or two hosts of one play, are kept apart too.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.kubeconfig
attributes:
  check_mode:
    details: Takes and gives back nothing. RV(held_by) and a warning tell who else holds it.
options:
  state:
    description: Whether this play holds it.
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
      - What RV(holder) was when it was taken. For O(state=absent), a Lease that another play has meanwhile stays.
      - For O(state=present), it is renewed, which fails where another play has it meanwhile.
    type: str
  seen:
    description:
      - For O(state=present), the StatefulSet as it was when this play made its plan, as RV(messaging.nats.nats_cluster_info#module:running) says in C(seen);
        empty where there was none.
      - Where it is another one, or was changed, by the time this play holds the Lease, the Lease is given back and the module fails,
        since the plan is for something else.
    type: str
requirements:
  - kubernetes >= 24.2
"""

EXAMPLES = r"""
- name: Nobody else changes the cluster
  messaging.nats.nats_cluster_lease:
    name: nats
    namespace: nats
  register: lease

- name: Others may change it again
  messaging.nats.nats_cluster_lease:
    state: absent
    name: nats
    namespace: nats
    holder: "{{ lease.holder }}"
"""

RETURN = r"""
holder:
  description: What this play is called in the Lease. The modules that change something take it as their option C(lease).
  returned: success
  type: str
  sample: alice@laptop process 4711 boot 5f0f2c4e-7c0e-4a0e-9d3c-1b7f6f1f2a3b namespace 4026531836.4026531834 start 881234 play 9f3c2a1b5d6e7f80
held_by:
  description: Who else holds it, and since when.
  returned: in check mode, where somebody does
  type: str
released:
  description: Whether this play still held it when it was given back.
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

from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import statefulset
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import HAS_KUBERNETES, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import mark
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.play_identity import new_identity


def main() -> None:
    spec = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "holder": {"type": "str"},
        "seen": {"type": "str"},
    }
    needed = [("state", "absent", ["holder"])]
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}, required_if=needed) as module:
        params = module.params
        kubernetes = Kubernetes(params)
        holder = params["holder"] or new_identity()
        lease = Lease(kubernetes, params["namespace"], params["name"], holder)
        # Held only while a play runs: no state of the cluster, so nothing that counts as changed.
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
                check_seen(kubernetes, params)
            except NatsError:
                lease.release()
                raise
        module.exit_json(**found)


def check_seen(kubernetes: Kubernetes, params: Mapping[str, Any]) -> None:
    """Another play may have changed the cluster between this one's look and its Lease."""
    where = params["name"], params["namespace"]
    if params["seen"] not in (None, mark(statefulset(kubernetes, *where))):
        cause = "it was changed since this play made its plan, by another play or by hand"
        raise NatsError("StatefulSet {} in namespace {}".format(*where), cause, "Run it again.")


if __name__ == "__main__":
    main()
