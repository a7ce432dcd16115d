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
  - Fails with the name and the age of the other play where one holds it. That of a play that was killed is taken over;
    at once where it ran on this machine, else twenty seconds after its last sign of life.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.kubeconfig
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
"""

RETURN = r"""
holder:
  description: What this play is called in the Lease.
  returned: success
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._cluster_facts import statefulset
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import HAS_KUBERNETES, KUBECONFIG, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._lease import Lease, holder
from ansible_collections.messaging.nats.plugins.module_utils._module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._objects import mark


def main() -> None:
    spec = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "seen": {"type": "str"},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module:
        params = module.params
        kubernetes = Kubernetes(params)
        lease = Lease(kubernetes, params["namespace"], params["name"], holder())
        if module.check_mode:
            module.exit_json(changed=False, holder=holder())
        if params["state"] == "present":
            lease.acquire()
            check_seen(kubernetes, params, lease)
        else:
            lease.release()
        # Held only while a play runs: no state of the cluster, so nothing that counts as changed.
        module.exit_json(changed=False, holder=holder())


def check_seen(kubernetes: Kubernetes, params: Mapping[str, Any], lease: Lease) -> None:
    """Another play may have changed the cluster between this one's look and its Lease."""
    where = params["name"], params["namespace"]
    if params["seen"] not in (None, mark(statefulset(kubernetes, *where))):
        lease.release()
        cause = "it was changed since this play made its plan, by another play or by hand"
        raise NatsError("StatefulSet {} in namespace {}".format(*where), cause, "Run it again.")


if __name__ == "__main__":
    main()
