# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_smoke
short_description: Try out what an application expects of NATS
description:
  - Publishes and subscribes, asks and answers, shares jobs in a queue group, publishes to a stream with deduplication,
    consumes and acknowledges, and checks that a message that is delivered again is processed once.
  - Works with a subject C(smoke.<random>) and a stream C(SMOKE_<random>) of its own, which it removes.
  - Fails with a sentence for each operation that did not work. With O(kubernetes), the default account is V(APP).
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
attributes:
  check_mode:
    details: Tries only the operations that need no stream.
options:
  num_replicas:
    description: Replicas of the stream. By default 3 in a cluster, and 1 on a single server.
    type: int
seealso:
  - module: messaging.nats.nats_health
"""

EXAMPLES = r"""
- name: Check that applications can work
  messaging.nats.nats_smoke:
    kubernetes:
      namespace: nats
"""

RETURN = r"""
checks:
  description: The operations that were tried.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the operation.
      type: str
    ok:
      description: Whether it worked.
      type: bool
    evidence:
      description: What was seen.
      type: str
    latency_ms:
      description: Milliseconds of single round trips from where the module runs; median, 99th percentile and maximum.
      type: dict
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

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._operations.smoke import run_smoke


def main() -> None:
    with NatsModule({"num_replicas": {"type": "int"}}) as module:
        with connected(module.access, account="APP") as connection:
            checks = run_smoke(connection, module.params["num_replicas"], module.check_mode)
        results = [check.result() for check in checks]
        if broken := [check for check in checks if not check.ok]:
            sentences = "\n".join(f"{check.name}: {check.evidence}" for check in broken)
            remedy = "Look at the cluster with nats_health."
            error = NatsError("smoke test", sentences, remedy, code="SMOKE_TEST_FAILED")
            module.fail_json(checks=results, **error.result())
        module.exit_json(changed=False, checks=results)


if __name__ == "__main__":
    main()
