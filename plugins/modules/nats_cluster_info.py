# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_cluster_info
short_description: Read what a NATS cluster runs with
description:
  - Reads the Secrets of the role P(messaging.nats.nats_cluster#role), with logins and configurations, and what its StatefulSet says.
  - What it returns is secret. Set C(no_log) on the task.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
  - messaging.nats.kubeconfig
options:
  name:
    description: Name of the cluster.
    type: str
    required: true
  namespace:
    description: Namespace of the cluster.
    type: str
    required: true
  node_selector:
    description: Labels that a node of the servers must have.
    type: dict
    default: {}
  tolerations:
    description: Taints that do not keep the servers away, as Kubernetes writes them.
    type: list
    elements: dict
    default: []
requirements:
  - kubernetes >= 24.2
seealso:
  - module: messaging.nats.nats_cluster_plan
"""

EXAMPLES = r"""
- name: Read the logins
  messaging.nats.nats_cluster_info:
    name: nats
    namespace: nats
  register: found
  no_log: true
"""

RETURN = r"""
secrets:
  description: The Secrets as Kubernetes has them; empty if the namespace is missing.
  returned: success
  type: list
  elements: dict
versions:
  description: The versions of the Secrets when they were read, as M(messaging.nats.nats_cluster_apply) takes them.
  returned: success
  type: dict
running:
  description: What the StatefulSet says; C(replicas), C(version), C(image), C(config_secret), C(restarted), C(zoned), C(route_tls) if its pods
    mount certificates of the cluster's own authority, C(pending) if pods are not of the newest revision, and C(seen), a value that differs
    after any change of it. C(restricts_egress) says whether the NetworkPolicy of the same name restricts what servers connect to. C(pods) are
    the pods, with what tells which files their servers have. Empty if there is no StatefulSet.
  returned: success
  type: dict
zones:
  description: The C(names) of the zones that nodes of the servers are in, whether there are C(enough) of them to keep the replicas of a stream
    apart, and the C(reason) why they can't be used, if there is one.
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

from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.module_utils._config.secret_name import route_files_secret
from ansible_collections.messaging.nats.plugins.module_utils._deploy.deploy_rights import PlanRights
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import (
    network_policy,
    owned_objects,
    statefulset,
    where_zones_are,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.zones import is_zoned
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import HAS_KUBERNETES, Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.network_policies import EGRESS, policy_types
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import versions
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    VERSION_LABEL,
    Object,
    config_secret,
    fingerprint,
    mounts_secret,
    nats_container,
    nats_image,
    restarted,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import all_missing_named


def running(found: Object, pods: list[Object], policy: Object | None) -> dict[str, Any]:
    template = found["spec"]["template"]
    return {
        "replicas": found["spec"]["replicas"],
        "version": (found["metadata"].get("labels") or {}).get(VERSION_LABEL, ""),
        "image": nats_image(template),
        "config_secret": config_secret(template["spec"]),
        "pending": found["status"].get("currentRevision") != found["status"].get("updateRevision"),
        "zoned": is_zoned(template["spec"]),
        "route_tls": mounts_secret(template["spec"], route_files_secret(found["metadata"]["name"])),
        "pods": [files_of(pod) for pod in pods],
        "restricts_egress": policy is not None and EGRESS in policy_types(policy),
        "seen": fingerprint(found),
        "restarted": restarted(found),
    }


def files_of(pod: Object) -> Object:
    """As much of a pod as tells which files its server has."""
    container = {key: value for key, value in nats_container(pod).items() if key in ("name", "env", "volumeMounts")}
    spec = {"containers": [container], "volumes": pod["spec"].get("volumes") or []}
    return {"metadata": {"name": pod["metadata"]["name"]}, "spec": spec}


def main() -> None:
    spec = {
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "node_selector": {"type": "dict", "default": {}},
        "tolerations": {"type": "list", "elements": "dict", "default": []},
    }
    with CollectionModule(spec | KUBECONFIG, {"kubernetes": HAS_KUBERNETES}) as module:
        params = module.params
        kubernetes = Kubernetes(params)
        where = params["name"], params["namespace"]
        pod = {"nodeSelector": params["node_selector"], "tolerations": params["tolerations"]}
        rights = PlanRights(kubernetes, params["namespace"], params["name"])
        with all_missing_named(kubernetes, rights.of_deployment, "deploy"):
            found, secrets = statefulset(kubernetes, *where), owned_objects(kubernetes, "v1", "Secret", *where)
            pods = kubernetes.pods(*reversed(where)) if found else []
            offered = where_zones_are(kubernetes, *where, pod)
        module.exit_json(
            secrets=secrets,
            versions=versions(secrets),
            running=running(found, pods, network_policy(kubernetes, *where)) if found else {},
            zones={"names": offered.names, "reason": offered.reason, "enough": offered.are_enough},
        )


if __name__ == "__main__":
    main()
