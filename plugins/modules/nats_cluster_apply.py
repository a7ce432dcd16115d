#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_cluster_apply
short_description: Apply and delete the Kubernetes objects of a NATS cluster as planned
description:
  - Applies objects by server-side apply with the field manager C(messaging.nats), and deletes others, for the play that holds the cluster's Lease.
    The role P(messaging.nats.nats_cluster#role) calls it with what M(messaging.nats.nats_cluster_plan) returned.
  - Nothing is applied unless each object is still the one that the plan saw. An object that somebody has changed, created or deleted meanwhile stays as it is,
    and the module fails with its name and the name of the program that wrote it last. A new status from a controller is not a change.
  - Secrets are applied first and workloads last; the other objects in between, several at the same time. After a failure, nothing that comes later is applied.
  - Only the names of objects are returned, never their content.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.diff
  - messaging.nats.kubeconfig
attributes:
  check_mode:
    details: The API server computes what would change, by a dry run. The Lease is not needed.
  diff_mode:
    details: Values in Secrets are not shown.
options:
  name:
    description: Name of the cluster, whose Lease O(lease) is.
    type: str
    required: true
  namespace:
    description: Namespace of the cluster, and of its Lease.
    type: str
    required: true
  objects:
    description: Objects to apply, except Secrets. Each has its C(metadata.namespace) where its kind has one.
    type: list
    elements: dict
    default: []
  secrets:
    description: Secrets to apply, as a JSON list. A string, so that Ansible hides it as a whole.
    type: str
    default: "[]"
  versions:
    description:
      - The versions of the objects that the plan saw, RV(messaging.nats.nats_cluster_plan#module:versions).
        An object that is not among them must not exist yet. One that is among them must be unchanged.
      - Without this option, objects are applied regardless of their present version.
    type: dict
  delete:
    description:
      - Objects to delete after the others were applied, by C(apiVersion), C(kind) and C(metadata), in this order. The module waits until each is gone.
        An object with a C(metadata.uid) is deleted only if the existing object has this uid.
    type: list
    elements: dict
    default: []
  lease:
    description:
      - Identity of this play in the Lease, RV(messaging.nats.nats_cluster_lease#module:holder).
      - The Lease is renewed meanwhile, and checked before each change.
    type: str
  wait_timeout:
    description: Seconds within which all deleted objects must be gone.
    type: float
    default: 300
requirements:
  - kubernetes >= 24.2
seealso:
  - module: messaging.nats.nats_cluster_plan
  - module: messaging.nats.nats_cluster_lease
"""

EXAMPLES = r"""
- name: Apply the plan
  messaging.nats.nats_cluster_apply:
    name: nats
    namespace: nats
    objects: "{{ objects | messaging.nats.planned_objects(plan.apply) }}"
    secrets: "{{ secrets | selectattr('metadata.name', 'in', plan.apply_secrets) | to_json }}"
    versions: "{{ plan.versions }}"
    lease: "{{ lease.holder }}"
"""

RETURN = r"""
applied:
  description: The objects that were created or changed.
  returned: success
  type: list
  elements: str
  sample: [Secret nats-app, StatefulSet nats]
deleted:
  description: The objects that existed and were deleted.
  returned: success
  type: list
  elements: str
versions:
  description: The versions of the applied objects, for the option of the same name. They contain nothing of a Secret's content.
  returned: success
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

import json
from contextlib import ExitStack
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.apply_objects import (
    Applied,
    Objects,
    names,
    versions_after,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import HAS_KUBERNETES, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.lease import Lease
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object, short_value, title
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG


def declared(module: CollectionModule) -> list[Object]:
    """All objects to apply; raises where one of them is not complete, or is a Secret in the wrong option."""
    try:
        secrets = json.loads(module.params["secrets"])
    except ValueError as error:
        remedy = "Write a list of Secrets through the filter to_json."
        raise NatsError("option secrets", "it is not JSON", remedy, code="INVALID_VALUE") from error
    for item in module.params["objects"]:
        if item.get("kind") == "Secret":
            module.no_log_values |= {
                str(value) for key in ("data", "stringData") for value in (item.get(key) or {}).values()
            }
            remedy = "Write Secrets in the option secrets, which Ansible hides."
            raise NatsError("option objects", "a Secret is among them", remedy, code="INVALID_VALUE")
    for item in [*secrets, *module.params["objects"], *module.params["delete"]]:
        if not (item.get("apiVersion") and item.get("kind") and (item.get("metadata") or {}).get("name")):
            cause = "an object lacks apiVersion, kind or metadata.name"
            raise NatsError("options objects, secrets and delete", cause, "Add it.", code="INVALID_VALUE")
    return [*secrets, *module.params["objects"]]


def difference(applied: list[Applied], deleted: list[Object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The changed objects before and after, for the diff."""
    changed = [entry for entry in applied if entry.changed]
    before = {title(entry.declared): short_value(entry.before) for entry in changed if entry.before}
    before |= {title(item): {"kind": item["kind"], "metadata": item["metadata"]} for item in deleted}
    return before, {title(entry.declared): short_value(entry.after) for entry in changed}


def main() -> None:
    spec = {
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "objects": {"type": "list", "elements": "dict", "default": []},
        "secrets": {"type": "str", "default": "[]", "no_log": True},
        "versions": {"type": "dict"},
        "delete": {"type": "list", "elements": "dict", "default": []},
        "lease": {"type": "str"},
        "wait_timeout": {"type": "float", "default": 300},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module, ExitStack() as opened:
        params = module.params
        items = declared(module)
        kubernetes = Kubernetes(params)
        if params["lease"] and not module.check_mode:
            lease = Lease(kubernetes, params["namespace"], params["name"], params["lease"])
            kubernetes = opened.enter_context(lease.kept())
        objects = Objects(kubernetes, params["versions"], dry_run=module.check_mode)
        applied = objects.apply(items)
        deleted = objects.delete(params["delete"], params["wait_timeout"])
        module.exit_json(
            changed=bool(names(applied) or deleted),
            applied=names(applied),
            deleted=[title(item) for item in deleted],
            versions=versions_after(applied),
            **module.diff(*difference(applied, deleted), "cluster"),
        )


if __name__ == "__main__":
    main()
