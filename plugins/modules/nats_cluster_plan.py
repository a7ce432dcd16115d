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
  - Differences are sorted into what the servers take over as they run, what they must restart for, servers that join or leave, and volumes that grow.
    What would lose something, or can't be done in place, is refused with the reason.
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
  replicas:
    description: The declared number of servers. That of the declared StatefulSet unless said, which the role renders with what runs.
    type: int
  version:
    description: The declared version of nats-server.
    type: str
    default: ""
  single_replica:
    description:
      - What happens to streams with one replica when their server restarts. V(confirm) refuses what empties them, or an upgrade that they are away for.
        V(move) and V(accept) do not.
    type: str
    choices: [confirm, move, accept]
    default: confirm
  delete_data:
    description: Whether volumes and credentials are deleted too.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds within which servers that do not answer are asked again, where the plan would take away what only they know.
        It is refused then. Other plans need no answer.
    type: float
    default: 15
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
  description: What has to happen; V(nothing), V(create), V(converge) or V(delete).
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
    - All other objects that are missing or differ, but for the namespace; C(apiVersion), C(kind) and C(metadata) with name and namespace.
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
  description: Whether the servers take over a configuration as they run.
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

import base64
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import sentences
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import declared_problems
from ansible_collections.messaging.nats.plugins.module_utils._deploy.config_check import (
    check_configuration,
    check_in_pod,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, DeclaredCluster, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.knowledge import knowledge
from ansible_collections.messaging.nats.plugins.module_utils._deploy.loaded_config import varz_by_server
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan import ClusterPlan, plan
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan_summary import configuration_of
from ansible_collections.messaging.nats.plugins.module_utils._deploy.pod_check import (
    check_encryption_key,
    check_names,
    hosts_to_resolve,
    try_pod,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import (
    Belongings,
    counterparts,
    facts,
    kept_kinds,
    ours,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.safeguards import read_configuration
from ansible_collections.messaging.nats.plugins.module_utils._deploy.volume_expansion import Volumes
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import streams
from ansible_collections.messaging.nats.plugins.module_utils._health.monitoring_port import with_monitoring
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import HAS_KUBERNETES, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import versions
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    Counterpart,
    identity,
    nats_container,
    nats_image,
    short_value,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import runs
from ansible_collections.messaging.nats.plugins.module_utils._operations.mounted_config import served_until

ASK_AGAIN_S = 1.0


def present(module: CollectionModule, kubernetes: Kubernetes) -> dict[str, Any]:
    params = module.params
    secrets = json.loads(params["secrets"])
    deadline, pairs = time.monotonic() + params["wait_timeout"], None
    while True:
        with ExitStack() as opened:
            offered = facts(
                kubernetes, params["name"], params["namespace"], lambda: servers(kubernetes, params, opened)
            )
        pairs = pairs or counterparts(kubernetes, params["objects"] + secrets, offered.namespace_exists)
        declared = {pair.declared["kind"]: pair.declared for pair in pairs}
        replicas = params["replicas"] or declared.get("StatefulSet", {"spec": {}})["spec"].get("replicas", 0)
        planned = plan(pairs, offered, DeclaredCluster(replicas, params["version"], params["single_replica"]))
        # Who does not answer now may have just started, or the meta leader is elected.
        if not planned.lacks_answers or time.monotonic() > deadline:
            break
        time.sleep(ASK_AGAIN_S)
    check_certificates(kubernetes, pairs, planned, offered)
    if planned.refusals:
        # Where servers that do not answer are the only reason, the same plan may be possible once they do.
        code = "SERVER_NOT_ANSWERING" if planned.lacks_answers else "PLAN_REFUSED"
        what = f"cluster {params['name']} in namespace {params['namespace']}"
        raise NatsError(what, "\n".join(planned.refusals), code=code)
    check_volumes(kubernetes, pairs, planned)
    remarks = check_pod(module, kubernetes, pairs, offered, planned)
    check_conf(module, kubernetes, pairs, offered)
    return told(planned, remarks) | {
        "missing_namespace": not offered.namespace_exists,
        "versions": versions(pair.running for pair in pairs if pair.running),
        **module.diff(*difference(pairs, planned), "cluster"),
    }


def servers(kubernetes: Kubernetes, params: Mapping[str, Any], opened: ExitStack) -> Snapshot:
    """What the servers that run say, those that take no login by their monitoring ports."""
    target = {key: params[key] for key in (*KUBECONFIG, "namespace")} | {"cluster": params["name"]}
    source = ThroughKubernetes(target | {"account": None}, 5, opened, look_inside=False)
    return with_monitoring(kubernetes, params["namespace"], source.running(), source.take())


def check_certificates(
    kubernetes: Kubernetes, pairs: list[Counterpart], planned: ClusterPlan, offered: ClusterFacts
) -> None:
    """What the servers would load and nobody could connect with; but not that they present an expired certificate already."""
    if planned.verb not in ("create", "converge"):
        return
    there = varz_by_server(offered.running.snapshot) if offered.running else {}
    problems = [
        problem
        for problem in declared_problems(kubernetes, [pair.declared for pair in pairs])
        if not problem.expired or {served_until(varz, problem.listener) for varz in there.values()} != {problem.expired}
    ]
    if problems:
        remedy = "Nothing was changed: correct the Secret first."
        raise NatsError("certificates", "\n".join(sentences(problems)), remedy, code="CERTIFICATE_INVALID")


def check_volumes(kubernetes: Kubernetes, pairs: list[Counterpart], planned: ClusterPlan) -> None:
    """Kubernetes' own word about volumes that grow, also where the classes may not be read here."""
    if planned.growth.claims:
        volumes = Volumes(kubernetes, next(pair.declared for pair in pairs if pair.declared["kind"] == "StatefulSet"))
        for claim in volumes.too_small():
            volumes.ask(claim, dry_run=True)


def check_pod(
    module: CollectionModule,
    kubernetes: Kubernetes,
    pairs: list[Counterpart],
    offered: ClusterFacts,
    planned: ClusterPlan,
) -> list[str]:
    """What a pod would meet that is made as declared, before the first server goes. Returns what could not be checked."""
    pair = next((pair for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)
    if pair is None or not offered.namespace_exists:
        return []
    running, becomes, remarks = offered.running, pair.applied or pair.declared, []
    pods = running.pods if running else ()
    moving = planned.roll or planned.scale_out or (() if pair.running else ("-0",))
    if moving:
        has_account = any(other.declared["kind"] == "ServiceAccount" and other.running for other in pairs)
        remark = try_pod(kubernetes, becomes, int(moving[0].rpartition("-")[2]), pods, has_account)
        remarks = [remark] if remark else []
    conf = read_configuration(configuration_of(pairs))
    hosts = new_hosts(pairs, running, conf)
    pod = next((pod["metadata"]["name"] for pod in pods if runs(pod)), None)
    if pod:
        if hosts:
            check_names(kubernetes, module.params["namespace"], pod, hosts)
        if moving:
            check_encryption_key(kubernetes, module.params["namespace"], pod, conf, becomes["spec"]["template"])
    elif hosts:
        remarks.append(f"not checked: whether {', '.join(hosts)} are known in DNS, since no pod runs to ask in")
    return remarks


def new_hosts(pairs: list[Counterpart], running: Running | None, conf: Mapping[str, Any]) -> list[str]:
    """Names that differ from those by which a running cluster was found until now."""
    if running is None:
        return []
    there = [pod["metadata"]["name"] for pod in running.pods]
    hosts = hosts_to_resolve(conf, urls([pair.declared for pair in pairs]), there)
    before = hosts_to_resolve(
        read_configuration(running.configuration), urls([pair.running for pair in pairs if pair.running]), there
    )
    return hosts if set(hosts) - set(before) else []


def urls(objects: list[dict[str, Any]]) -> list[str]:
    """Those of the logins among them."""
    encoded = [(item.get("data") or {}).get("url") for item in objects if item["kind"] == "Secret"]
    return [base64.b64decode(url).decode() for url in encoded if url]


def check_conf(
    module: CollectionModule, kubernetes: Kubernetes, pairs: list[Counterpart], offered: ClusterFacts
) -> None:
    """The server's own word about a configuration that is new, before anything is touched."""
    conf = configuration_of(pairs)
    statefulset = next((pair.declared for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)
    running = offered.running
    if conf is None or statefulset is None:
        return
    container = nats_container(statefulset["spec"]["template"])
    image = container["image"]
    pod = next((pod for pod in (running.pods if running else ()) if runs(pod) and nats_image(pod) == image), None)
    template = running.statefulset["spec"]["template"] if running else None
    if running and running.configuration == conf and template and nats_image(template) == image:
        return
    if pod:
        check_in_pod(kubernetes, module.params["namespace"], pod["metadata"]["name"], container, conf)
    elif not module.check_mode:
        missing = [pair.declared for pair in pairs if pair.running is None]
        namespace = next((item for item in missing if item["kind"] == "Namespace"), None)
        # A cluster that was never there: its names can be looked up in the pod that checks its configuration.
        hosts = hosts_to_resolve(read_configuration(conf), urls([pair.declared for pair in pairs]), ())
        check_configuration(kubernetes, statefulset, namespace, conf, hosts)


def told(planned: ClusterPlan, remarks: list[str]) -> dict[str, Any]:
    """The plan as a result has it."""
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
    with ExitStack() as opened:
        look = (lambda: servers(kubernetes, params, opened)) if params["delete_data"] else None
        offered = facts(kubernetes, params["name"], params["namespace"], look)
    belongings = Belongings(offered.owned, offered.unlisted)
    going = ours(kubernetes, params["name"], params["namespace"], belongings, params["delete_data"])
    return {
        "verb": "delete" if going else "nothing",
        "summary": [
            *lost_with(offered, params["delete_data"]),
            *(f"delete {title(item)}" for item in going),
            *kept_kinds(belongings),
            *(f"not checked: {what}" for what in offered.unlisted),
        ],
        "missing_namespace": not offered.namespace_exists,
        "delete": list(map(identity, going)),
        **module.diff({title(item): short_value(item) for item in going}, {}, "cluster"),
    }


def lost_with(offered: ClusterFacts, delete_data: bool) -> list[str]:
    """What goes with the data, where servers run that can tell."""
    if not delete_data or offered.running is None:
        return []
    known = knowledge(offered.running)
    return [
        *(
            f"lose stream {name} of account {account} with {stream['state']['messages']} messages"
            for (account, name), stream in sorted(streams(known.answers).items())
        ),
        *(f"lose what {server} holds, which could not be asked: {why}" for server, why in known.unseen.items()),
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
        "delete_data": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 15},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module:
        kubernetes = Kubernetes(module.params)
        result = (present if module.params["state"] == "present" else absent)(module, kubernetes)
        # A plan changes nothing; in check mode it stands for what would be done.
        module.exit_json(changed=module.check_mode and result["verb"] != "nothing", **result)


if __name__ == "__main__":
    main()
