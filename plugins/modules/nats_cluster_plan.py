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
  - Refuses what is not possible, and names the variable; for example storage classes or nodes that are missing, objects of other tools,
    and a configuration that nats-server refuses, which a short-lived pod of the declared image checks.
  - Tells apart what the servers take over as they run, what they must restart for, servers that join or leave, and volumes that grow.
    A change that would lose something, or can't be made in place, is refused with the reason.
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
    description: Whether the cluster is to exist.
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
  replicas:
    description: The declared number of servers. By default it is that of the declared StatefulSet, which the role renders with the number that runs.
    type: int
  version:
    description: The declared version of nats-server.
    type: str
    default: ""
  single_replica:
    description:
      - What happens to streams with one replica when their server restarts. V(confirm) refuses a restart that empties them,
        and an upgrade during which they are away. V(move) and V(accept) do not.
    type: str
    choices: [confirm, move, accept]
    default: confirm
  accept_vulnerabilities:
    description:
      - The numbers of nats-io's advisories that do not keep the version from being deployed although the configuration exposes them, as in V(2026-16).
        They are remarks of the plan then.
    type: list
    elements: str
    default: []
  delete_data:
    description: Whether volumes and credentials are deleted too.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds in which servers that do not answer are asked again, if the plan might delete something that only they know.
        After that it is refused. Other plans need no answer.
    type: float
    default: 15
requirements:
  - kubernetes >= 24.2
seealso:
  - module: messaging.nats.nats_cluster_apply
  - module: messaging.nats.nats_cluster_info
"""

EXAMPLES = r"""
- name: See what deploying these objects would do
  messaging.nats.nats_cluster_plan:
    name: nats
    namespace: nats
    objects: "{{ lookup('ansible.builtin.file', 'nats.yaml') | from_yaml_all }}"
  check_mode: true
"""

RETURN = r"""
verb:
  description: What has to happen; V(nothing), V(create), V(converge) or V(delete).
  returned: success
  type: str
place:
  description: Where the cluster is, in words, as in V(cluster nats in namespace nats (context production of kubeconfig ~/.kube/config)).
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
apply_secrets:
  description: Names of the Secrets that are missing or differ.
  returned: when O(state=present)
  type: list
  elements: str
apply_logins:
  description: Names of the Secrets with logins that are missing or differ, which are applied once the servers know these logins.
  returned: when O(state=present)
  type: list
  elements: str
apply:
  description:
    - All other objects that are missing or differ, except for the namespace; C(apiVersion), C(kind) and C(metadata) with name and namespace.
    - P(messaging.nats.planned_objects#filter) finds the declared ones.
  returned: when O(state=present)
  type: list
  elements: dict
versions:
  description:
    - What each object was when the plan was made, by its name; M(messaging.nats.nats_cluster_apply) takes it.
      A Secret has no digest, since its content could be guessed from that.
  returned: when O(state=present)
  type: dict
  sample:
    v1 Service nats/nats: {uid: 2f0c0f5e-3f6b-4a53-9a0b-6a1d9d9a7f10, resource_version: "4711", digest: 0b1c2d}
growth:
  description: Volumes that grow; their C(size), the C(claims) and whether the StatefulSet is replaced without its pods.
  returned: when O(state=present)
  type: dict
reload:
  description: Whether the servers reload their configuration.
  returned: when O(state=present)
  type: bool
roll:
  description: Pods that restart, in their order.
  returned: when O(state=present)
  type: list
  elements: str
scale_in:
  description: Pods that are taken out, in their order. The plan is made again when they are gone.
  returned: when O(state=present)
  type: list
  elements: str
scale_out:
  description: Pods that join.
  returned: when O(state=present)
  type: list
  elements: str
obsolete:
  description: Secrets with configurations that no pod reads once all is done.
  returned: when O(state=present)
  type: list
  elements: str
delete:
  description: The objects to delete, in their order; C(apiVersion), C(kind), and C(metadata) with C(name), C(namespace) and C(uid).
    With O(state=present) those of the cluster that are no longer declared.
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

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._deploy.declared_objects import declared_statefulset
from ansible_collections.messaging.nats.plugins.module_utils._deploy.deploy_rights import PlanRights
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, DeclaredCluster
from ansible_collections.messaging.nats.plugins.module_utils._deploy.knowledge import knowledge
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan import ClusterPlan, plan
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan_checks import (
    ProposedPlan,
    check_certificates,
    check_conf,
    check_new_objects,
    check_pod,
    check_volumes,
    conf_check_rights,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.preconditions import storage_classes_of
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import (
    Belongings,
    counterparts,
    existing,
    facts,
    kept_kinds,
    ours,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import streams
from ansible_collections.messaging.nats.plugins.module_utils._health.monitoring_port import with_monitoring
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import HAS_KUBERNETES, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import versions
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    Counterpart,
    identity,
    nats_image,
    short_value,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import all_missing_named
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import KubernetesTarget

ASK_AGAIN_S = 1.0


def present(module: CollectionModule, kubernetes: Kubernetes) -> dict[str, Any]:
    rights = PlanRights(kubernetes, module.params["namespace"], module.params["name"])
    proposed = proposed_plan(module.params, kubernetes, rights, makes_pods=not module.check_mode)
    planned = proposed.planned
    check_certificates(kubernetes, proposed)
    if planned.refusals:
        # Where servers that do not answer are the only reason, the same plan may be possible once they do.
        code = "SERVER_NOT_ANSWERING" if planned.lacks_answers else "PLAN_REFUSED"
        what = f"cluster {module.params['name']} in namespace {proposed.namespace}"
        remedy = "Correct what is named there; nothing was changed."
        raise NatsError(what, "\n".join(planned.refusals), remedy, code=code)
    rights.check_plan(planned, conf_check_rights(proposed, may_create_pod=not module.check_mode))
    check_volumes(kubernetes, proposed)
    remarks = [*rights.remarks]
    remarks += check_new_objects(kubernetes, proposed) + check_pod(kubernetes, proposed)
    remarks += unchecked_in_check_mode(proposed) if module.check_mode else []
    check_conf(kubernetes, proposed, may_create_pod=not module.check_mode)
    return plan_result(planned, remarks) | {
        "missing_namespace": not proposed.facts.namespace_exists,
        "versions": versions(pair.running for pair in proposed.pairs if pair.running),
        **shown_difference(module, proposed),
    }


def shown_difference(module: CollectionModule, proposed: ProposedPlan) -> dict[str, Any]:
    """The objects that change. Those of a new cluster are hundreds of lines, which the summary tells in a few."""
    if proposed.planned.verb == "create" and not module.is_verbose:
        return {}
    return module.diff(*difference(proposed.pairs, proposed.planned), "cluster")


def unchecked_in_check_mode(proposed: ProposedPlan) -> list[str]:
    """What only a pod can tell, which check mode does not make."""
    statefulset = declared_statefulset(proposed.pairs)
    if statefulset is None or proposed.planned.verb != "create":
        return []
    image = nats_image(statefulset["spec"]["template"])
    return [
        f"not checked: whether image {image} can be pulled, and whether its server takes nats.conf, since check mode makes no pod"
    ]


def proposed_plan(
    params: Mapping[str, Any], kubernetes: Kubernetes, rights: PlanRights, makes_pods: bool
) -> ProposedPlan:
    """The plan; made again for a while where it lacks answers, since a server may have just started or meta elects a leader."""
    objects = params["objects"] + json.loads(params["secrets"])
    deadline, pairs = time.monotonic() + params["wait_timeout"], None
    while True:
        with ExitStack() as opened, all_missing_named(kubernetes, rights.of_deployment, "deploy"):
            look = partial(ask_servers, kubernetes, params, opened)
            found = facts(kubernetes, params["name"], params["namespace"], look, storage_classes_of(objects))
        if pairs is None:
            there = existing(kubernetes, objects, found.namespace_exists)
            rights.check_objects(objects, there, found, makes_pods)
            pairs = counterparts(kubernetes, objects, there)
        statefulset = declared_statefulset(pairs)
        replicas = params["replicas"] or (statefulset["spec"].get("replicas", 0) if statefulset else 0)
        planned = plan(pairs, found, _declared(params, replicas))
        if not planned.lacks_answers or time.monotonic() > deadline:
            return ProposedPlan(params["namespace"], pairs, found, planned)
        time.sleep(ASK_AGAIN_S)


def _declared(params: Mapping[str, Any], replicas: int) -> DeclaredCluster:
    accepted = frozenset(params["accept_vulnerabilities"])
    return DeclaredCluster(replicas, params["version"], params["single_replica"], accepted)


def ask_servers(kubernetes: Kubernetes, params: Mapping[str, Any], opened: ExitStack) -> Snapshot:
    """What the running servers say, on their monitoring ports where no login works."""
    target = KubernetesTarget(params, params["namespace"], params["name"])
    source = ThroughKubernetes(target, 5, opened, look_inside=False)
    return with_monitoring(kubernetes, params["namespace"], source.running(), source.take())


def plan_result(planned: ClusterPlan, remarks: list[str]) -> dict[str, Any]:
    """The plan as the module returns it."""
    found = asdict(planned) | {"summary": [*planned.summary, *remarks]}
    found["apply"] = list(map(identity, planned.apply))
    found["delete"] = list(map(identity, planned.delete))
    found["growth"] = {key: found["growth"][key] for key in ("size", "claims", "replace")}
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in found.items()
        if key not in ("refusals", "lacks_answers")
    }


def difference(pairs: list[Counterpart], planned: ClusterPlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """The objects that change, before and after."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for pair in pairs:
        was = short_value(pair.running) if pair.running else None
        becomes = short_value(pair.applied or pair.running or pair.declared)
        if becomes != was and (was is None or pair.declared["kind"] != "Namespace"):
            after[title(pair.declared)] = becomes
            before |= {title(pair.declared): was} if was else {}
    return before | {title(item): short_value(item) for item in planned.delete}, after


def absent(module: CollectionModule, kubernetes: Kubernetes) -> dict[str, Any]:
    params = module.params
    rights = PlanRights(kubernetes, params["namespace"], params["name"])
    with ExitStack() as opened, all_missing_named(kubernetes, partial(rights.of_verb, "uninstall"), "uninstall"):
        look = (lambda: ask_servers(kubernetes, params, opened)) if params["delete_data"] else None
        found = facts(kubernetes, params["name"], params["namespace"], look)
        belongings = Belongings(found.owned, found.unlisted)
        going = ours(kubernetes, params["name"], params["namespace"], belongings, params["delete_data"])
    rights.check_uninstall(going)
    return {
        "verb": "delete" if going else "nothing",
        "summary": [
            *losses(found, params["delete_data"]),
            *(f"delete {title(item)}" for item in going),
            *kept_kinds(belongings),
            *(f"not checked: {what}" for what in found.unlisted),
            *rights.remarks,
        ],
        "missing_namespace": not found.namespace_exists,
        "delete": list(map(identity, going)),
        **(module.diff({title(item): short_value(item) for item in going}, {}, "cluster") if module.is_verbose else {}),
    }


def losses(found: ClusterFacts, delete_data: bool) -> list[str]:
    """The streams that are deleted with the data, as far as the running servers say."""
    if not delete_data or found.running is None:
        return []
    known = knowledge(found.running)
    return [
        *(
            f"lose stream {name} of account {account} with {stream['state']['messages']} messages"
            for (account, name), stream in sorted(streams(known.answers).items())
        ),
        *(f"lose what server {server} holds, which could not be asked: {why}" for server, why in known.unseen.items()),
    ]


def main() -> None:
    spec = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "objects": {"type": "list", "elements": "dict", "default": []},
        "secrets": {"type": "str", "default": "[]", "no_log": True},
        "replicas": {"type": "int"},
        "version": {"type": "str", "default": ""},
        "single_replica": {"type": "str", "choices": ["confirm", "move", "accept"], "default": "confirm"},
        "accept_vulnerabilities": {"type": "list", "elements": "str", "default": []},
        "delete_data": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 15},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module:
        kubernetes = Kubernetes(module.params)
        result = (present if module.params["state"] == "present" else absent)(module, kubernetes)
        # A plan itself changes nothing; in check mode `changed` says whether the deployment would.
        place = kubernetes.place(module.params["namespace"], module.params["name"])
        module.exit_json(changed=module.check_mode and result["verb"] != "nothing", place=place, **result)


if __name__ == "__main__":
    main()
