# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Asks Kubernetes and nats-server whether a plan can be carried out, before anything is changed. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import (
    HAS_CRYPTOGRAPHY,
    sentences,
    stand_in,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import declared_problems, decoded
from ansible_collections.messaging.nats.plugins.module_utils._deploy.config_check import (
    check_configuration,
    check_in_pod,
    has_declared_inputs,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.declared_objects import (
    config_values,
    configuration_of,
    declared_statefulset,
    missing_objects,
    statefulset_pair,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.deploy_rights import READ_FILES
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.loaded_config import varz_by_server
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan import ClusterPlan
from ansible_collections.messaging.nats.plugins.module_utils._deploy.pod_check import (
    check_encryption_key,
    check_names,
    hosts_to_resolve,
    try_pod,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.references import check_references, issued_secrets
from ansible_collections.messaging.nats.plugins.module_utils._deploy.volume_expansion import Volumes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    MANAGER,
    Counterpart,
    Object,
    nats_container,
    nats_image,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import ordinal, runs
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import CHECK_CONF, Line
from ansible_collections.messaging.nats.plugins.module_utils._operations.mounted_config import served_until

# What the API server says before the cause; it names the object as it was tried.
API_PREAMBLE = re.compile(r'^(\S+ "[^"]*" is invalid|\S+ in version "[^"]*" cannot be handled as a \S+): ')


@dataclass(frozen=True)
class ProposedPlan:
    """A plan, and what it was made from."""

    namespace: str
    pairs: list[Counterpart]
    facts: ClusterFacts
    planned: ClusterPlan

    @property
    def declared(self) -> list[Object]:
        return [pair.declared for pair in self.pairs]

    @property
    def pods(self) -> tuple[Object, ...]:
        """The pods of the servers that run."""
        return self.facts.running.pods if self.facts.running else ()


def check_certificates(kubernetes: Kubernetes, proposed: ProposedPlan) -> None:
    """Refuses certificates with which no client could connect, unless the servers present the same expired one already."""
    if proposed.planned.verb not in ("create", "converge"):
        return
    running = proposed.facts.running
    varz = varz_by_server(running.snapshot).values() if running else ()
    problems = [
        problem
        for problem in declared_problems(kubernetes, proposed.declared)
        if not problem.expired or {served_until(of, problem.listener) for of in varz} != {problem.expired}
    ]
    if problems:
        remedy = "Nothing was changed: correct the Secret first."
        raise NatsError("certificates", "\n".join(sentences(problems)), remedy, code="CERTIFICATE_INVALID")


def check_new_objects(kubernetes: Kubernetes, proposed: ProposedPlan) -> list[str]:
    """Has the API server check the objects for a namespace that does not exist yet. Returns what could not be checked.

    Where the namespace exists, the plan itself is made by a dry run of each object.
    """
    unchecked = []
    new = [] if proposed.facts.namespace_exists else proposed.declared
    for item in new:
        if "namespace" not in item["metadata"]:
            continue
        try:
            _try_in_default(kubernetes, item)
        except NatsError as error:
            if error.err_code == HTTPStatus.FORBIDDEN:
                unchecked.append(title(item))
                continue
            cause = API_PREAMBLE.sub("", error.cause)
            remedy = (
                f"{error.remedy if error.code == 'KIND_UNKNOWN' else 'Correct what is declared.'} Nothing was changed."
            )
            raise NatsError(f"{title(item)} as declared", cause, remedy, error.err_code, code=error.code) from error
    return (
        [f"not checked: {', '.join(unchecked)}, since a dry run of them is forbidden in namespace default"]
        if unchecked
        else []
    )


def _try_in_default(kubernetes: Kubernetes, item: Object) -> None:
    """A dry run in a namespace that every cluster has, under a generated name, because there may be an object of this name."""
    meta = {key: value for key, value in item["metadata"].items() if key != "name"}
    tried = item | {"metadata": meta | {"namespace": "default", "generateName": f"{item['metadata']['name']}-"}}
    path = kubernetes.path(tried | {"metadata": {"name": "", "namespace": "default"}}).rstrip("/")
    query = {"dryRun": "All", "fieldManager": MANAGER, "fieldValidation": "Strict"}
    kubernetes.call("POST", path, title(item), tried, **query)


def check_volumes(kubernetes: Kubernetes, proposed: ProposedPlan) -> None:
    """Asks Kubernetes by a dry run whether the volumes can grow, even if their classes may not be read here."""
    statefulset = declared_statefulset(proposed.pairs)
    if proposed.planned.growth.claims and statefulset is not None:
        volumes = Volumes(kubernetes, statefulset)
        for claim in volumes.too_small():
            volumes.ask(claim, dry_run=True)


def check_pod(kubernetes: Kubernetes, proposed: ProposedPlan) -> list[str]:
    """Checks whether a pod can run as it is declared, before the first server goes. Returns what could not be checked."""
    pair, planned = statefulset_pair(proposed.pairs), proposed.planned
    if pair is None:
        return []
    declared = pair.applied or pair.declared
    new_pods = planned.roll or planned.scale_out or (() if pair.running else ("-0",))
    remarks = []
    if new_pods:
        spec = declared["spec"]["template"]["spec"]
        remarks += check_references(kubernetes, proposed.namespace, spec, proposed.declared)
    if not proposed.facts.namespace_exists:
        return remarks
    if new_pods:
        has_account = any(other.declared["kind"] == "ServiceAccount" and other.running for other in proposed.pairs)
        if remark := try_pod(kubernetes, declared, ordinal(new_pods[0]), proposed.pods, has_account):
            remarks.append(remark)
    conf = config_values(configuration_of(proposed.pairs))
    hosts = _new_hosts(proposed.pairs, proposed.facts.running, conf)
    pod = next((pod["metadata"]["name"] for pod in proposed.pods if runs(pod)), None)
    if pod and hosts:
        check_names(kubernetes, proposed.namespace, pod, hosts)
    if pod and new_pods:
        check_encryption_key(kubernetes, proposed.namespace, pod, conf, declared["spec"]["template"])
    if hosts and not pod:
        remarks.append(f"not checked: whether DNS knows {', '.join(hosts)}, since no pod runs to ask in")
    return remarks


def _new_hosts(pairs: list[Counterpart], running: Running | None, conf: Mapping[str, Any]) -> list[str]:
    """The names that DNS has to know, where a running cluster was found by others until now."""
    if running is None:
        return []
    pods = [pod["metadata"]["name"] for pod in running.pods]
    hosts = hosts_to_resolve(conf, _login_urls(pair.declared for pair in pairs), pods)
    before = hosts_to_resolve(
        config_values(running.configuration), _login_urls(pair.running for pair in pairs if pair.running), pods
    )
    return hosts if set(hosts) - set(before) else []


def _login_urls(objects: Iterable[Object]) -> list[str]:
    """The URLs in the Secrets with logins."""
    encoded = [(item.get("data") or {}).get("url") for item in objects if item["kind"] == "Secret"]
    return [base64.b64decode(url).decode() for url in encoded if url]


def check_conf(kubernetes: Kubernetes, proposed: ProposedPlan, may_create_pod: bool) -> None:
    """Has nats-server check a new configuration: in a pod of the declared image that runs, or else in one made for this."""
    conf, statefulset = _conf_to_check(proposed), declared_statefulset(proposed.pairs)
    if conf is None or statefulset is None:
        return
    container = nats_container(statefulset["spec"]["template"])
    if pod := _checks_in(proposed):
        check_in_pod(kubernetes, proposed.namespace, pod["metadata"]["name"], container, conf)
    elif may_create_pod:
        namespace = next((item for item in missing_objects(proposed.pairs) if item["kind"] == "Namespace"), None)
        # The names of a new cluster can be looked up in the same pod.
        hosts = hosts_to_resolve(config_values(conf), _login_urls(proposed.declared), ())
        check_configuration(kubernetes, statefulset, namespace, conf, hosts, _future_secrets(kubernetes, proposed))


def _conf_to_check(proposed: ProposedPlan) -> str | None:
    """The configuration as it is declared; None where the running servers have it, and their image is the declared one."""
    conf, statefulset = configuration_of(proposed.pairs), declared_statefulset(proposed.pairs)
    running = proposed.facts.running
    if statefulset is None or running is None or running.configuration != conf:
        return conf if statefulset else None
    same = nats_image(running.statefulset["spec"]["template"]) == nats_image(statefulset["spec"]["template"])
    return None if same else conf


def _checks_in(proposed: ProposedPlan) -> Object | None:
    """A pod that runs in which the configuration can be checked."""
    statefulset = declared_statefulset(proposed.pairs)
    template = statefulset["spec"]["template"] if statefulset else {}
    image = nats_image(template) if template else ""
    fitting = (pod for pod in proposed.pods if nats_image(pod) == image and has_declared_inputs(pod, template))
    return next((pod for pod in fitting if runs(pod)), None)


def conf_check_rights(proposed: ProposedPlan, may_create_pod: bool) -> tuple[Line, ...]:
    """What checking the configuration needs: nothing, commands in a pod that runs, or a pod of its own."""
    if _conf_to_check(proposed) is None:
        return ()
    return READ_FILES if _checks_in(proposed) else CHECK_CONF if may_create_pod else ()


def _future_secrets(kubernetes: Kubernetes, proposed: ProposedPlan) -> dict[str, dict[str, bytes]]:
    """The data of the Secrets that are declared, and a certificate in place of each that cert-manager has yet to issue."""
    found = {item["metadata"]["name"]: decoded(item) for item in proposed.declared if item["kind"] == "Secret"}
    for name in issued_secrets(proposed.declared) - found.keys():
        path = f"/api/v1/namespaces/{proposed.namespace}/secrets/{name}"
        if HAS_CRYPTOGRAPHY and kubernetes.find(path, f"Secret {name}") is None:
            found[name] = stand_in()
    return found
