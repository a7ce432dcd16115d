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

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import HAS_KUBERNETES, KUBECONFIG, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._lease import Lease, holder
from ansible_collections.messaging.nats.plugins.module_utils._module import CollectionModule


def main() -> None:
    spec = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module:
        params = module.params
        kubernetes = Kubernetes(params["kubeconfig"], params["context"])
        lease = Lease(kubernetes, params["namespace"], params["name"], holder())
        if module.check_mode:
            module.exit_json(changed=False, holder=holder())
        if params["state"] == "present":
            lease.acquire()
        else:
            lease.release()
        # Held only while a play runs: no state of the cluster, so nothing that counts as changed.
        module.exit_json(changed=False, holder=holder())


if __name__ == "__main__":
    main()
