#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_cluster_storage
short_description: Give the servers of a NATS cluster on Kubernetes larger volumes while they run
description:
  - Requests larger volumes, waits until they have grown, and replaces the StatefulSet without its pods, because its size can't be changed.
  - No server restarts. The new StatefulSet has the same template as the old one and takes the pods over.
  - It can be killed at any point and run again. Volumes that have grown are left alone, and a StatefulSet that was lost is created again.
  - Volumes never shrink.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.kubeconfig
options:
  definition:
    description: The declared StatefulSet. Only the size of its volumes is applied; the rest is left to whatever applies the StatefulSet.
    type: dict
    required: true
  lease:
    description: What this play is called in the Lease that M(messaging.nats.nats_cluster_lease) took. It is renewed meanwhile.
    type: str
  wait_timeout:
    description: Seconds until the volumes have to have grown.
    type: float
    default: 300
requirements:
  - kubernetes >= 24.2
seealso:
  - module: messaging.nats.nats_cluster_plan
"""

EXAMPLES = r"""
- name: Make the volumes as large as declared
  messaging.nats.nats_cluster_storage:
    definition: "{{ lookup('ansible.builtin.file', 'statefulset.yaml') | from_yaml }}"
"""

RETURN = r"""
claims:
  description: The claims whose volumes grew.
  returned: success
  type: list
  elements: str
replaced:
  description: Whether the StatefulSet was replaced.
  returned: success
  type: bool
versions:
  description: The version of the StatefulSet now, as M(messaging.nats.nats_cluster_apply) takes it.
  returned: success
  type: dict
seconds:
  description: How long it took.
  returned: success
  type: float
waiting:
  description: Whether it may succeed when it is tried again.
  returned: when it was not done in time
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

import time
from contextlib import ExitStack

from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._deploy.volume_expansion import Volumes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import HAS_KUBERNETES, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import versions
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG


def main() -> None:
    spec = {
        "definition": {"type": "dict", "required": True},
        "lease": {"type": "str"},
        "wait_timeout": {"type": "float", "default": 300},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module, ExitStack() as opened:
        started, params = time.monotonic(), module.params
        kubernetes = Kubernetes(params)
        volumes = Volumes(kubernetes, params["definition"])
        running = volumes.statefulset()
        small, replaced = volumes.too_small(), volumes.is_replaced(running)
        if not module.check_mode:
            if params["lease"]:
                meta = params["definition"]["metadata"]
                lease = Lease(kubernetes, meta["namespace"], meta["name"], params["lease"])
                volumes = Volumes(opened.enter_context(lease.kept()), params["definition"])
            for claim in small:
                volumes.ask(claim)
            volumes.wait(params["wait_timeout"])
            if replaced:
                volumes.replace(running, params["wait_timeout"])
        module.exit_json(
            changed=bool(small) or replaced,
            claims=[claim["metadata"]["name"] for claim in small],
            replaced=replaced,
            versions=versions([volumes.statefulset()]),
            seconds=round(time.monotonic() - started, 2),
        )


if __name__ == "__main__":
    main()
