# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a new deployment may take over volumes that an earlier one left. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import ROUTES_USER, secret_name
from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import DeploymentRecord, cipher
from ansible_collections.messaging.nats.plugins.module_utils._config.login_rotation import base_name
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import level, version_problems
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, DeclaredCluster
from ansible_collections.messaging.nats.plugins.module_utils._deploy.safeguards import SERVER_NAME_VARIABLE
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import ordinal

SIZES = (1, 3, 5, 7)


def takes_over(facts: ClusterFacts) -> bool:
    """Whether there are volumes, and no servers that run on them."""
    return bool(facts.claims) and (facts.running is None or not facts.running.replicas)


def kept_volumes_problems(
    facts: ClusterFacts, wanted: DeclaredCluster, conf: Mapping[str, Any], statefulset: Object
) -> Iterator[str]:
    """Sentences that begin with the variable, say which volumes there are and end in what to do."""
    cluster = statefulset["metadata"]["name"]
    name = f"{len(facts.claims)} volumes, {', '.join(sorted(claim['metadata']['name'] for claim in facts.claims))},"
    if not statefulset["spec"].get("volumeClaimTemplates"):
        yield (
            f"nats_cluster_max_file_store: {name} are left, and servers without a volume would start without what is stored there. Write a size, or delete "
            "the volumes with nats_cluster_state: absent and nats_cluster_delete_data: true"
        )
        return
    yield from _size(facts, wanted, name)
    record = facts.record
    accounts = set(record.accounts) if record else accounts_with_logins(facts.logins, cluster)
    # The name of a login is that of its account in lower case.
    declared = {str(account) if record else str(account).lower() for account in conf.get("accounts") or ()}
    if "accounts" in conf and (undeclared := sorted(accounts - declared)):
        held = "were written with" if record else "are beside the logins of"
        yield (
            f"nats_cluster_accounts: {name} {held} the accounts {', '.join(sorted(accounts))}, but {', '.join(undeclared)} is not declared, and its streams "
            f"would be deleted. Declare it, deploy, and leave it out once its streams are deleted"
            + ("" if record else f"; or delete Secret {secret_name(cluster, undeclared[0])} if it had no streams")
        )
    if record:
        yield from _written_otherwise(record, wanted, conf, statefulset, name)


def _size(facts: ClusterFacts, wanted: DeclaredCluster, name: str) -> Iterator[str]:
    count = facts.record.replicas if facts.record else number_of_servers(facts.claims)
    if count == wanted.replicas:
        return
    remedy = f"Deploy with nats_cluster_replicas: {count}, then change it"
    if 1 in (count, wanted.replicas):
        remedy = f"Deploy with nats_cluster_replicas: {count}: a single server and a cluster keep their data in different ways"
    if not facts.record:
        remedy += ", or delete the volumes that are left from servers that were taken out"
    yield f"nats_cluster_replicas: {name} are those of {count} servers, and {wanted.replicas} are declared. {remedy}"


def _written_otherwise(
    record: DeploymentRecord, wanted: DeclaredCluster, conf: Mapping[str, Any], statefulset: Object, name: str
) -> Iterator[str]:
    prefix = _server_prefix(statefulset)
    if prefix is not None and prefix != record.server_prefix:
        yield (
            f"nats_cluster_server_prefix: {name} were written by servers with the prefix {record.server_prefix!r}, and {prefix!r} is declared: "
            f"the data belongs to servers of these names. Write nats_cluster_server_prefix: {record.server_prefix!r}"
        )
    declared = (conf.get("cluster") or {}).get("name")
    if declared is not None and record.replicas > 1 and declared != record.cluster_name:
        yield (
            f"nats_cluster_cluster_name: {name} were written by the cluster {record.cluster_name}, and {declared} is declared: "
            f"servers of another name are another cluster. Write nats_cluster_cluster_name: {record.cluster_name}"
        )
    for problem in version_problems([record.version], wanted.version, {}):
        yield f"{problem} ({name} were written by {record.version})"
    if level(wanted.version) < level(record.version):
        yield (
            f"nats_cluster_version: {name} were written by {record.version}, and {wanted.version} can't read every setting that it may have "
            f"stored. Deploy {record.version} first: once the servers run, the plan can ask them which settings their streams have"
        )
    if conf and cipher(conf) != record.cipher:
        yield (
            f"nats_cluster_config: {name} were written with jetstream.cipher {record.cipher or 'none'}, and {cipher(conf) or 'none'} is declared: "
            "the servers could not read their store. Declare it as it was, with the same key"
        )


def kept_volumes_remarks(facts: ClusterFacts) -> Iterator[str]:
    """What can't be compared, a sentence each."""
    if facts.record is None:
        yield (
            "not checked: with which server prefix, cluster name, version and encryption the volumes were written, "
            "because there is no note of the last deploy"
        )
    elif facts.record.cipher:
        yield "not checked: whether the encryption key is the one that the volumes were written with"


def number_of_servers(claims: Iterable[Object]) -> int:
    """The smallest cluster that can have left these volumes."""
    last = max(ordinal(claim["metadata"]["name"]) for claim in claims)
    return next((size for size in SIZES if size > last), last + 1)


def accounts_with_logins(logins: Iterable[Object], cluster: str) -> set[str]:
    """The accounts that there is a login for. A Secret of another user is left out, whose name begins with the account's too."""
    found = set()
    for secret in logins:
        encoded = (secret.get("data") or {}).get("username")
        user = base_name(base64.b64decode(encoded).decode(errors="replace")) if encoded else ""
        if user and user != ROUTES_USER and secret["metadata"]["name"] == secret_name(cluster, user):
            found.add(user)
    return found


def _server_prefix(statefulset: Object) -> str | None:
    entries = [
        entry for found in statefulset["spec"]["template"]["spec"]["containers"] for entry in found.get("env") or []
    ]
    value = next((str(entry.get("value")) for entry in entries if entry["name"] == SERVER_NAME_VARIABLE), None)
    return value.removesuffix("$(POD_NAME)") if value and value.endswith("$(POD_NAME)") else None
