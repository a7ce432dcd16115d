#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_cluster_plan
short_description: Plan what makes a running NATS cluster the declared one
description:
  - Compares the declared Kubernetes objects with those that run, by dry runs of server-side apply, and says what has to happen.
  - The role P(messaging.nats.nats_cluster#role) calls it before it touches anything; it is of little use by itself.
  - Refuses what can't be, naming the variable; storage classes and nodes that are missing, objects of other tools,
    and a configuration that nats-server itself refuses, which is asked for in a short-lived pod of the declared image.
  - This release plans V(nothing), V(create) and V(delete). Every other difference is refused, so that no change is ever half applied.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.diff
  - messaging.nats.kubeconfig
attributes:
  check_mode:
    details: Starts no pod to check the configuration, so that nothing at all is created.
options:
  state:
    description: Whether the cluster shall be there.
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
  objects:
    description: All declared objects except Secrets.
    type: list
    elements: dict
    default: []
  secrets:
    description: The declared Secrets as a JSON list. A string, so that Ansible hides it as a whole.
    type: str
    default: "[]"
  delete_data:
    description: Whether volumes and credentials are deleted too.
    type: bool
    default: false
requirements:
  - kubernetes >= 24.2
"""

EXAMPLES = r"""
- name: What would deploying these objects do
  messaging.nats.nats_cluster_plan:
    name: nats
    namespace: nats
    objects: "{{ lookup('ansible.builtin.file', 'nats.yaml') | from_yaml_all }}"
  check_mode: true
"""

RETURN = r"""
verb:
  description: What has to happen; V(nothing), V(create) or V(delete).
  returned: success
  type: str
summary:
  description: The steps and what could not be checked, a sentence each.
  returned: success
  type: list
  elements: str
missing_namespace:
  description: Whether the namespace is missing.
  returned: success
  type: bool
delete:
  description: The objects to delete, in their order.
  returned: when O(state=absent)
  type: list
  elements: dict
"""

import json
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._cluster_facts import counterparts, facts, ours
from ansible_collections.messaging.nats.plugins.module_utils._cluster_plan import configuration, plan, shown, title
from ansible_collections.messaging.nats.plugins.module_utils._config_check import check_configuration
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import HAS_KUBERNETES, KUBECONFIG, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._module import CollectionModule


def present(module: CollectionModule, kubernetes: Kubernetes) -> dict[str, Any]:
    params = module.params
    secrets = json.loads(params["secrets"])
    offered = facts(kubernetes, params["name"], params["namespace"])
    pairs = counterparts(kubernetes, params["objects"] + secrets, offered.namespace_exists)
    planned = plan(pairs, offered)
    if planned.refusals:
        raise NatsError(f"cluster {params['name']} in namespace {params['namespace']}", "\n".join(planned.refusals))
    missing = [pair.declared for pair in pairs if pair.running is None]
    statefulset = next((item for item in missing if item["kind"] == "StatefulSet"), None)
    if statefulset and not module.check_mode:
        conf = next(text for secret in secrets if (text := configuration(secret)))
        namespace = next((item for item in missing if item["kind"] == "Namespace"), None)
        check_configuration(kubernetes, statefulset, namespace, conf)
    return {
        "verb": planned.verb,
        "summary": list(planned.summary),
        "missing_namespace": not offered.namespace_exists,
        **module.diff({}, {title(item): shown(item) for item in missing}, "cluster"),
    }


def absent(module: CollectionModule, kubernetes: Kubernetes) -> dict[str, Any]:
    params = module.params
    offered = facts(kubernetes, params["name"], params["namespace"])
    going = (
        ours(kubernetes, params["name"], params["namespace"], params["objects"], params["delete_data"])
        if offered.namespace_exists
        else []
    )
    identities = [{key: item[key] for key in ("apiVersion", "kind")} | {"metadata": _identity(item)} for item in going]
    return {
        "verb": "delete" if going else "nothing",
        "summary": [f"delete {title(item)}" for item in going],
        "missing_namespace": not offered.namespace_exists,
        "delete": identities,
        **module.diff({title(item): shown(item) for item in going}, {}, "cluster"),
    }


def _identity(item: dict[str, Any]) -> dict[str, Any]:
    return {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}


def main() -> None:
    spec = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "objects": {"type": "list", "elements": "dict", "default": []},
        "secrets": {"type": "str", "default": "[]", "no_log": True},
        "delete_data": {"type": "bool", "default": False},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module:
        kubernetes = Kubernetes(module.params["kubeconfig"], module.params["context"])
        result = (present if module.params["state"] == "present" else absent)(module, kubernetes)
        # A plan changes nothing; in check mode it stands for what would be done.
        module.exit_json(changed=module.check_mode and result["verb"] != "nothing", **result)


if __name__ == "__main__":
    main()
