# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_status
short_description: A NATS cluster on one page of text
description:
  - Shows pods, health, load, stores, streams, waiting consumers and the last lines of all logs, with the figure from which each becomes a problem.
  - Needs O(kubernetes). An unhealthy cluster does not fail the task; the page says what is wrong.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
options:
  accounts:
    description: Names of the accounts whose own lists are compared with what the servers hold. A stream that no server has which answers is found only so.
    type: list
    elements: str
    default: []
  log_lines:
    description: How many of the last lines of each pod's log are shown.
    type: int
    default: 5
seealso:
  - module: messaging.nats.nats_report
  - module: messaging.nats.nats_health
  - module: messaging.nats.nats_diagnose
"""

EXAMPLES = r"""
- name: Read the cluster's status
  messaging.nats.nats_status:
    kubernetes:
      namespace: nats
  register: status

- name: Show it
  ansible.builtin.debug:
    msg: "{{ status.page | split('\n') }}" # as data, one line an item
"""

RETURN = r"""
page:
  description: The page, as lines of text.
  returned: success
  type: str
healthy:
  description: Whether there is no finding of severity error.
  returned: success
  type: bool
findings:
  description: What is wrong, as in M(messaging.nats.nats_health).
  returned: success
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

from contextlib import ExitStack
from datetime import datetime, timezone

from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import observe
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._reporting.status_page import status_page


def main() -> None:
    spec = {"log_lines": {"type": "int", "default": 5}, "accounts": {"type": "list", "elements": "str", "default": []}}
    with NatsModule(spec) as module, ExitStack() as opened:
        target = module.needed_target("nats_status reads pods and their logs through the Kubernetes API")
        source = ThroughKubernetes(target, module.params["timeout"], opened, accounts=module.params["accounts"])
        snapshot, findings = observe(source, 0, "never")
        pods = source.running()
        source.note_secrets()
        logs = {pod["metadata"]["name"]: source.log(pod, module.params["log_lines"]) for pod in pods}
        module.exit_json(
            changed=False,
            page=status_page(snapshot, findings, pods, logs, datetime.now(timezone.utc)),
            healthy=not any(finding.severity == "error" for finding in findings),
            findings=[finding.result() for finding in findings],
        )


if __name__ == "__main__":
    main()
