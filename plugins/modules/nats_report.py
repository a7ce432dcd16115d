#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_report
short_description: A NATS cluster as one page of HTML
description:
  - Writes one page with what M(messaging.nats.nats_health) finds, the servers as a picture, their stores and load as bars, and every stream with its
    replicas. The page is in light and dark colours, has no scripts and loads nothing from other places.
  - An unhealthy cluster does not fail the task; the page says what is wrong.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.cluster
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
options:
  path:
    description: Where the page is written. An existing file is replaced atomically.
    type: path
    required: true
seealso:
  - module: messaging.nats.nats_status
  - module: messaging.nats.nats_health
"""

EXAMPLES = r"""
- name: Write the report
  messaging.nats.nats_report:
    kubernetes:
      namespace: nats
    path: nats.html
"""

RETURN = r"""
path:
  description: Where the page was written.
  returned: success
  type: str
healthy:
  description: Whether there is no finding of severity error.
  returned: success
  type: bool
place:
  description: Where the cluster is, in words. Empty without O(kubernetes).
  returned: success
  type: str
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

import tempfile
from contextlib import ExitStack
from datetime import datetime, timezone

from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_urls
from ansible_collections.messaging.nats.plugins.module_utils._health.module import ClusterModule
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import observe
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_report import report


def write(module: NatsModule, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=module.tmpdir, delete=False) as unfinished:
        unfinished.write(text)
    module.put_file(unfinished.name, module.params["path"])


def main() -> None:
    with ClusterModule({"path": {"type": "path", "required": True}}) as module, ExitStack() as opened:
        snapshots = module.source(opened)
        snapshot, findings = observe(snapshots, 0, "error")
        if findings:
            snapshots.note_secrets()
        if not module.check_mode:
            write(module, KNOWN_SECRETS.masked(masked_urls(report(snapshot, findings, datetime.now(timezone.utc)))))
        module.exit_json(
            changed=True,
            path=module.params["path"],
            place=snapshot.kubernetes.place if snapshot.kubernetes else "",
            healthy=not any(finding.severity == "error" for finding in findings),
            findings=[finding.result() for finding in findings],
        )


if __name__ == "__main__":
    main()
