#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_diagnose
short_description: Find out why a NATS cluster is in trouble
description:
  - Reads pods, events, volumes, nodes, network policies and logs, checks DNS names, routes, disk and open files from inside every pod, and reads the servers'
    own figures. It returns a list of causes, the most likely first, each with its evidence, its remedy and the problems that it explains.
  - Writes a support bundle if O(bundle) is set; one archive with what the servers report, in the format that C(nats audit analyze) reads, and with what
    Kubernetes reports. Passwords, hashes and keys are removed.
  - Needs O(kubernetes). It changes nothing in the cluster, and a problem that it finds does not fail the task. What the login may not read is named and
    left out.
  - From inside a pod it opens a connection to each server's port for routes and closes it, which that server may write to its log.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.attributes.action_group
options:
  bundle:
    description: Path of the support bundle, a ZIP file. Without this option, no bundle is written.
    type: path
  accounts:
    description: Names of the accounts whose own lists are compared with what the servers hold.
    type: list
    elements: str
    default: []
seealso:
  - module: messaging.nats.nats_health
  - module: messaging.nats.nats_status
"""

EXAMPLES = r"""
- name: Find out what is wrong
  messaging.nats.nats_diagnose:
    kubernetes:
      namespace: nats
    bundle: nats-bundle.zip
  register: diagnosis

- name: Show it
  ansible.builtin.debug:
    msg: "{{ diagnosis.page | split('\n') }}"
"""

RETURN = r"""
causes:
  description: What is wrong, the most likely cause first.
  returned: success
  type: list
  elements: dict
  sample:
    - severity: error
      code: VOLUME_PENDING
      object: volume data-nats-1
      evidence: there is no StorageClass fast, only standard
      remedy: Choose one of them in nats_cluster_storage_class, or have this one made.
      effects: [POD_PENDING pod nats-1]
page:
  description: The causes as a page of text.
  returned: success
  type: str
bundle:
  description: Where the support bundle was written.
  returned: when O(bundle) is set and not in check mode
  type: str
bundle_size:
  description: The size of the support bundle in bytes.
  returned: when O(bundle) is set and not in check mode
  type: int
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

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from functools import partial
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import owned_objects
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import observe
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.cluster_secrets import note_secrets
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import all_missing_named
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import VERBS, required
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import KubernetesTarget
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import through
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule
from ansible_collections.messaging.nats.plugins.module_utils._reporting.bundle_content import (
    capture,
    kubernetes_facts,
    metadata,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.collect_evidence import examine
from ansible_collections.messaging.nats.plugins.module_utils._reporting.diagnosis import (
    Diagnosis,
    diagnose,
    diagnosis_page,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import Evidence
from ansible_collections.messaging.nats.plugins.module_utils._reporting.support_bundle import Bundle


def system_account(
    kubernetes: Kubernetes, target: KubernetesTarget, timeout: float, opened: ExitStack
) -> Connection | None:
    """A connection to the system account, or None if no server takes it."""
    try:
        access = through(kubernetes, target.namespace, target.cluster, target.account or "SYS", timeout)
        connection = opened.enter_context(access)
        connection.server()
    except NatsError:
        return None
    return connection


def readable_secrets(kubernetes: Kubernetes, facts: Evidence) -> list[Object]:
    """The Secrets of the cluster, whose configurations go into the bundle; none where they may not be listed."""
    try:
        return owned_objects(kubernetes, "v1", "Secret", facts.cluster, facts.namespace)
    except NatsError as error:
        if error.err_code != HTTPStatus.FORBIDDEN:
            raise
        return []


def write(
    module: NatsModule,
    kubernetes: Kubernetes,
    facts: Evidence,
    found: Sequence[Diagnosis],
    connection: Connection | None,
) -> None:
    moment = datetime.now(timezone.utc)
    secrets = readable_secrets(kubernetes, facts)
    handle, unfinished = tempfile.mkstemp(dir=module.tmpdir, suffix=".zip")
    os.close(handle)
    with Bundle(unfinished, moment, KNOWN_SECRETS) as bundle:
        bundle.beside("diagnosis.txt", diagnosis_page(facts, found))
        bundle.beside("diagnosis.json", [one.result() for one in found])
        kubernetes_facts(bundle, facts, secrets)
        if connection:
            capture(bundle, connection, len(facts.pods))
        bundle.special("audit_gather_metadata", "json", metadata(connection, moment, "messaging.nats"))
        bundle.special("audit_gather_log", "log", diagnosis_page(facts, found))
    module.put_file(unfinished, module.params["bundle"])


def main() -> None:
    spec = {"bundle": {"type": "path"}, "accounts": {"type": "list", "elements": "str", "default": []}}
    with NatsModule(spec) as module, ExitStack() as opened:
        params, target = module.params, module.needed_target("nats_diagnose looks at pods through the Kubernetes API")
        kubernetes = Kubernetes(target.api)
        source = ThroughKubernetes(target, params["timeout"], opened, accounts=params["accounts"])
        connection = system_account(kubernetes, target, params["timeout"], opened)
        look = partial(observe, source, 0, "error")
        with all_missing_named(kubernetes, partial(required, VERBS["diagnose"], target.namespace), "diagnose"):
            facts = examine(kubernetes, target.namespace, target.cluster, look, connection)
        note_secrets(kubernetes, target.namespace, target.cluster, list(map(dict, facts.pods)))
        found = diagnose(facts)
        written = bool(params["bundle"]) and not module.check_mode
        if written:
            write(module, kubernetes, facts, found, connection)
        result: dict[str, Any] = {"causes": [one.result() for one in found], "page": diagnosis_page(facts, found)}
        if written:
            result |= {"bundle": params["bundle"], "bundle_size": os.path.getsize(params["bundle"])}
        module.exit_json(changed=bool(params["bundle"]), **result)


if __name__ == "__main__":
    main()
