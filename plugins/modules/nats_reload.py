#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_reload
short_description: Have the servers of a NATS cluster load their configuration
description:
  - Has every running server of a cluster on Kubernetes load the configuration that its pod's Secret holds, all at once, and checks that each has done so;
    by the configuration's digest, by the end of the certificate of each listener, and by C(server_metadata.revision) where the configuration has one.
  - The kubelet brings a changed Secret into a pod after half a minute or more. An annotation C(messaging.nats/configuration) on the pod makes it do so at once.
  - A server that runs with its configuration already is left alone. No server reloads before all pods have the files, and none does if a server
    finds an error in them. It can be killed at any time and run again.
  - No login is needed. If the login of the account's user fails, because its Secret is lost or wrong or the listener's certificate can't be verified,
    a server gets a signal in its container (C(nats-server -sl=reload)), and is checked by its monitoring port, V(8222), which needs no login.
  - A certificate that has expired, is not valid yet, does not fit its key or is not signed by its CA is refused, by Secret, key and listener,
    before the first pod gets it. The CA has to have signed it where servers verify one another (V(cluster), V(gateway)), and where both are in one Secret.
  - A server refuses a change that it can take over only when it starts, and goes on with the configuration that it has.
    L(The guide,https://galaxy.ansible.com/messaging/nats) has a table.
  - With O(kubernetes), the default account is V(SYS). O(kubernetes) is required, because only it says where the cluster is.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
attributes:
  check_mode:
    details: Tells which servers would reload. The pods get no annotation.
  diff_mode:
    details: Configurations hold secrets.
requirements:
  - cryptography, where the configuration names certificates
options:
  lease:
    description: What this play is called in the Lease that M(messaging.nats.nats_cluster_lease) took.
      It is renewed meanwhile, and checked before any server is told to reload.
    type: str
  serial:
    description:
      - Have one server after the other reload, each when the one before has a route to every other one again. A reload that closes routes, as that
        of other logins in C(cluster.routes), then does not leave the servers without each other.
      - Only for a configuration that servers with and without it can share, so not for C(cluster.authorization).
    type: bool
    default: false
  wait_timeout:
    description: Seconds until all servers have to have their configuration. The error says what each one lacks then.
    type: float
    default: 30
seealso:
  - module: messaging.nats.nats_server
"""

EXAMPLES = r"""
- name: Add a user in the Secret that the pods mount
  kubernetes.core.k8s:
    definition: "{{ configuration }}"
    apply: true
  no_log: true

- name: Have all servers load it
  messaging.nats.nats_reload:
    kubernetes:
      namespace: nats
      cluster: nats
"""

RETURN = r"""
servers:
  description:
    - The servers by name. C(by) tells how the server was reached; V(login), or V(exec) where the login failed.
  returned: success
  type: dict
  sample:
    nats-0:
      digest: sha256:0e6f6f9f6a0a0c2e2d0d6c1f7f1f4b4a7b4f6d3f8a0a5d2b1c9e8f7a6b5c4d3e
      revision: "7"
      reloaded: true
      by: login
cause:
  description: Which server refused it and why, or what each server lacks, and which servers have it.
  returned: failure
  type: str
remedy:
  description: What to do.
  returned: failure
  type: str
code:
  description: The kind of failure, in capitals, for an C(assert) or a C(rescue) to decide on; C(docs/errors.md) lists them all.
  returned: failure
  type: str
"""

from contextlib import ExitStack

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import secret_name
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import require_rights
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import LEASE, RELOAD, required
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._operations.reload import ReloadTarget, reload_all


def main() -> None:
    spec = {
        "lease": {"type": "str"},
        "serial": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 30},
    }
    with NatsModule(spec) as module, ExitStack() as opened:
        params, target = module.params, module.needed_target("the configuration is read from the Secrets of pods")
        kubernetes = Kubernetes(target.api)
        account = target.account or "SYS"
        lines = (*RELOAD, *(LEASE if params["lease"] else ()))
        needs = required(lines, target.namespace, secret_name(target.cluster, account))
        for remark in require_rights(kubernetes, needs, "reload"):
            module.warn(remark)
        if params["lease"] and not module.check_mode:
            lease = Lease(kubernetes, target.namespace, target.cluster, params["lease"])
            kubernetes = opened.enter_context(lease.kept())
        cluster = ReloadTarget(kubernetes, target.namespace, target.cluster, account, params["timeout"])
        module.exit_json(**reload_all(cluster, params["wait_timeout"], module.check_mode, opened, params["serial"]))


if __name__ == "__main__":
    main()
