# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What has to change until what runs is what is declared. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ansible_collections.messaging.nats.plugins.module_utils._config.encryption import REMEDY, references, sources
from ansible_collections.messaging.nats.plugins.module_utils._config.secret_name import UNTIL_RESTART
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import version_remarks
from ansible_collections.messaging.nats.plugins.module_utils._deploy.creation_summary import creation_words
from ansible_collections.messaging.nats.plugins.module_utils._deploy.declared_objects import (
    config_values,
    configuration_of,
    declared_statefulset,
    missing_objects,
    statefulset_pair,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, DeclaredCluster, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.kept_volumes import (
    kept_volumes_problems,
    kept_volumes_remarks,
    takes_over,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.listeners import listener_remarks
from ansible_collections.messaging.nats.plugins.module_utils._deploy.network_access import (
    egress_remarks,
    external_remarks,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.owned_objects import Leftovers, leftovers
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan_summary import (
    TEMPLATE_PATH,
    other_words,
    reload_words,
    restart_keys,
    roll_words,
    scale_in_words,
    scale_out_words,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.preconditions import (
    missing_namespace,
    owned_by_others,
    room,
    schedules_otherwise,
    storage_refusals,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.safeguards import (
    what_is_not_known,
    what_is_refused,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.volume_expansion_plan import Growth, growth
from ansible_collections.messaging.nats.plugins.module_utils._deploy.vulnerability_check import (
    vulnerability_refusals,
    vulnerability_remarks,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.zones import unusable_zones
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import answered
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    REVISION_LABEL,
    Counterpart,
    FieldChange,
    Object,
    changes,
    config_secret_content,
    mounts_secret,
    only_restarts,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import ordinal, server_name

# A removed server that has no pod any more is looked for among so many ordinals: more than any cluster has.
MAX_SERVERS = 32


@dataclass(frozen=True)
class ClusterPlan:
    """What has to happen, in this order: storage, apply, reload, logins, scale in or roll, scale out."""

    verb: str
    summary: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    # Names of Secrets, and all other objects, that are missing or differ.
    apply_secrets: tuple[str, ...] = ()
    # Names of Secrets with logins. They are applied after the reload, when the servers know the logins.
    apply_logins: tuple[str, ...] = ()
    apply: tuple[Object, ...] = ()
    growth: Growth = field(default_factory=Growth)
    reload: bool = False
    # Pods that restart, in their order.
    roll: tuple[str, ...] = ()
    scale_in: tuple[str, ...] = ()
    scale_out: tuple[str, ...] = ()
    # Secrets with configurations that no pod reads once all is done.
    obsolete: tuple[str, ...] = ()
    # Objects of the cluster that are no longer declared.
    delete: tuple[Object, ...] = ()
    # Whether missing answers of servers are the only reason for the refusal, so that asking again may help.
    lacks_answers: bool = False


def plan(pairs: list[Counterpart], facts: ClusterFacts, wanted: DeclaredCluster) -> ClusterPlan:
    """What has to happen: nothing, create or converge; or why it is refused."""
    statefulset, running = declared_statefulset(pairs), facts.running
    going = leftovers(
        facts.owned, [pair.declared for pair in pairs], statefulset["metadata"]["name"] if statefulset else ""
    )
    conf = config_values(configuration_of(pairs))
    refusals = [*missing_namespace(pairs, facts), *owned_by_others(pairs, facts)]
    unchecked = [*going.kept, *(f"not checked: {what}" for what in facts.unlisted)]
    if statefulset:
        refusals += _preconditions(statefulset, pairs, facts, wanted)
        refusals += vulnerability_refusals(wanted, conf)
        unchecked += _unchecked(pairs, facts, wanted)
        # They are said in each plan, also where nothing has to change.
        unchecked += vulnerability_remarks(wanted, conf)
        if not conf and configuration_of(pairs):
            unchecked.append("not checked: what nats.conf exposes of known vulnerabilities, because it can't be read")
        unchecked += _network_remarks(statefulset, pairs, facts)
    if refusals:
        return ClusterPlan("refuse", (), tuple(refusals))
    remarks = version_remarks(wanted.version)
    if running is not None:
        return _converge(pairs, facts, running, wanted, going, unchecked, remarks)
    missing = missing_objects(pairs)
    return ClusterPlan(
        "create" if missing or going.delete else "nothing",
        (*creation_words(pairs), *_delete_words(going), *unchecked, *remarks),
        # A login that stayed from an earlier cluster may hold another password than the new servers will know.
        apply_secrets=_secrets([pair.declared for pair in pairs if pair.running is None or changes(pair)]),
        apply=_others(missing),
        delete=going.delete,
    )


def _network_remarks(statefulset: Object, pairs: list[Counterpart], facts: ClusterFacts) -> Iterator[str]:
    """Who does not reach the servers, and who does although it may not seem so."""
    text, declared = configuration_of(pairs), [pair.declared for pair in pairs]
    yield from listener_remarks(text, declared)
    yield from egress_remarks(text, statefulset, declared, facts.running is not None)
    yield from external_remarks(statefulset, declared)


def _preconditions(
    statefulset: Object, pairs: list[Counterpart], facts: ClusterFacts, wanted: DeclaredCluster
) -> Iterator[str]:
    """Why the servers can't be created where they are declared, or take over the volumes that there are."""
    yield from unusable_zones(statefulset, facts)
    if takes_over(facts):
        yield from kept_volumes_problems(facts, wanted, config_values(configuration_of(pairs)), statefulset)
        yield from _keys_of_kept_volumes(pairs, facts, statefulset)
    if _creates_servers(facts, wanted):
        yield from storage_refusals(statefulset, facts, wanted.replicas)
        yield from room(statefulset, facts, wanted.replicas)
    elif facts.running and _schedules_otherwise(pairs, facts.running):
        yield from room(statefulset, facts, wanted.replicas)


def _keys_of_kept_volumes(pairs: list[Counterpart], facts: ClusterFacts, statefulset: Object) -> Iterator[str]:
    """Refuses a new key for volumes that were written with another one, or of which that is not known."""
    if facts.record and not facts.record.cipher:
        return
    written = "were written" if facts.record else "may have been written"
    for name, key in sources(config_values(configuration_of(pairs)), statefulset["spec"]["template"]).values():
        if any(title(pair.declared) == f"Secret {name}" and pair.running is None for pair in pairs):
            yield (
                f"nats_cluster_encryption: the volumes {written} with a key, and Secret {name} does not exist: make it with that key under {key}, "
                f"and write nats_cluster_encryption.secret: {name}, or delete the volumes with nats_cluster_state: absent and nats_cluster_delete_data: true"
            )


def _unchecked(pairs: list[Counterpart], facts: ClusterFacts, wanted: DeclaredCluster) -> Iterator[str]:
    """Which preconditions could not be checked."""
    if takes_over(facts):
        yield from kept_volumes_remarks(facts)
    creates = _creates_servers(facts, wanted)
    if facts.nodes is None and (creates or (facts.running and _schedules_otherwise(pairs, facts.running))):
        yield "not checked: nodes, which may not be read here"
    if facts.storage_classes is None and creates:
        yield "not checked: storage classes, which may not be read here"
    if facts.static_volumes is None and creates:
        yield "not checked: whether there are volumes of the declared storage class, since volumes may not be read here"
    if facts.running:
        for name, why in facts.running.loaded.unknown.items():
            yield f"not checked: what server {name} runs with: {why}"


def _creates_servers(facts: ClusterFacts, wanted: DeclaredCluster) -> bool:
    return facts.running is None or facts.running.replicas < wanted.replicas


def _schedules_otherwise(pairs: list[Counterpart], running: Running) -> bool:
    pair = statefulset_pair(pairs)
    return pair is not None and pair.applied is not None and schedules_otherwise(pair.applied, running.statefulset)


def _delete_words(going: Leftovers) -> Iterator[str]:
    for item in going.delete:
        yield f"delete {title(item)}, which is no longer declared"


def _converge(
    pairs: list[Counterpart],
    facts: ClusterFacts,
    running: Running,
    wanted: DeclaredCluster,
    going: Leftovers,
    unchecked: list[str],
    remarks: list[str],
) -> ClusterPlan:
    """From a cluster that runs to the declared one."""
    differing = {title(pair.declared): changes(pair) for pair in pairs if pair.running is not None}
    template = [change for found in differing.values() for change in found if change[0].startswith(TEMPLATE_PATH)]
    growing, rolling = growth(pairs, facts), _to_roll(running, bool(template))
    if refused := _refused(pairs, running, wanted, growing, template, rolling):
        return refused
    planned = _steps(pairs, facts, running, wanted, growing, rolling)
    summary = [
        *growing.summary,
        *reload_words(pairs, running, planned.reload),
        *scale_in_words(running, wanted, planned.scale_in),
        *roll_words(rolling, template, restart_keys(pairs, running)),
        *scale_out_words(running, wanted, planned.scale_out),
        *(f"create {title(item)}" for item in missing_objects(pairs)),
        *other_words(differing),
        *(f"delete Secret {name}, which no server reads" for name in planned.obsolete),
        *_delete_words(going),
        *unchecked,
    ]
    due = any(pair.running is None or changes(pair) for pair in pairs) or growing.needed
    steps = (
        due or rolling or going.delete or planned.reload or planned.scale_in or planned.scale_out or planned.obsolete
    )
    verb, shown_remarks = ("converge", remarks) if steps else ("nothing", [])
    return replace(planned, verb=verb, delete=going.delete, summary=(*summary, *shown_remarks))


def _steps(
    pairs: list[Counterpart],
    facts: ClusterFacts,
    running: Running,
    wanted: DeclaredCluster,
    growing: Growth,
    rolling: tuple[str, ...],
) -> ClusterPlan:
    """What is applied, grown, reloaded, restarted, added and taken out."""
    leaving = _leaving(running, wanted)
    return replace(
        _to_apply(pairs, growing),
        growth=growing,
        reload=_to_reload(pairs, running),
        # Servers that leave are not restarted first: the plan is made again when they are gone.
        roll=() if leaving else rolling,
        scale_in=leaving,
        scale_out=tuple(_pod(running, ordinal) for ordinal in range(running.replicas, wanted.replicas)),
        obsolete=() if leaving else tuple(_obsolete(facts, pairs)),
    )


def _refused(
    pairs: list[Counterpart],
    running: Running,
    wanted: DeclaredCluster,
    growing: Growth,
    template: list[FieldChange],
    rolling: tuple[str, ...],
) -> ClusterPlan | None:
    """The plan that says why this change must not be made; None where it may."""
    declared = configuration_of(pairs)
    refusals = [
        *growing.refusals,
        *what_is_refused(running, wanted, declared, template, bool(rolling)),
        *_changed_key_secrets(pairs, declared),
        *_lost_key_secrets(pairs, running, declared),
    ]
    not_known = what_is_not_known(running, wanted, declared, bool(rolling))
    if refusals or not_known:
        return ClusterPlan("refuse", (), (*refusals, *not_known), lacks_answers=not refusals)
    return None


def _to_apply(pairs: list[Counterpart], growing: Growth) -> ClusterPlan:
    """The objects that are missing or differ, in the stages in which they are applied."""
    applied = [
        pair.declared
        for pair in pairs
        if _is_replaced(pair, growing)
        # To tell pods to restart is what nats_server does before the first of them goes.
        or ((pair.running is None or changes(pair)) and not only_restarts(pair))
    ]
    return ClusterPlan(
        "converge",
        apply_secrets=_secrets([item for item in applied if not _is_login(item)]),
        apply_logins=_secrets([item for item in applied if _is_login(item)]),
        apply=_others(applied),
    )


def _secrets(due: list[Object]) -> tuple[str, ...]:
    return tuple(item["metadata"]["name"] for item in due if item["kind"] == "Secret")


def _is_login(item: Object) -> bool:
    return bool(item["kind"] == "Secret" and item.get("type") == "kubernetes.io/basic-auth")


def _others(due: list[Object]) -> tuple[Object, ...]:
    return tuple(item for item in due if item["kind"] not in ("Secret", "Namespace"))


def _is_replaced(pair: Counterpart, growing: Growth) -> bool:
    return growing.needed and pair.declared["kind"] == "StatefulSet"


def _pod(running: Running, ordinal: int) -> str:
    return f"{running.statefulset['metadata']['name']}-{ordinal}"


def _leaving(running: Running, wanted: DeclaredCluster) -> tuple[str, ...]:
    """Servers above the declared number, the last first, including one that has no pod any more and is still a peer."""
    peers = {
        peer["name"]
        for answer in answered(running.snapshot).values()
        for peer in (answer["data"].get("meta_cluster") or {}).get("replicas") or []
    }
    template = running.statefulset["spec"]["template"]["spec"]
    pods = {
        server_name({"metadata": {"name": _pod(running, ordinal)}, "spec": template}): ordinal
        for ordinal in range(wanted.replicas, MAX_SERVERS)
    }
    ordinals = {*range(wanted.replicas, running.replicas), *(pods[peer] for peer in peers if peer in pods)}
    return tuple(_pod(running, ordinal) for ordinal in sorted(ordinals, reverse=True))


def _to_roll(running: Running, template_changes: bool) -> tuple[str, ...]:
    """The pods that are not of the declared revision, the last first, as a StatefulSet moves them."""
    status = running.statefulset.get("status") or {}
    newest = status.get("updateRevision")
    pods = {pod["metadata"]["name"]: pod for pod in running.pods}
    old = [
        name
        for name, pod in pods.items()
        if template_changes or (pod["metadata"].get("labels") or {}).get(REVISION_LABEL) != newest
    ]
    # A pod that could not be created comes back with the revision that ran before, so it has to restart too.
    if template_changes or status.get("currentRevision") != newest:
        old += [name for ordinal in range(running.replicas) if (name := _pod(running, ordinal)) not in pods]
    return tuple(sorted(old, key=lambda name: -ordinal(name)))


def _changed_key_secrets(pairs: list[Counterpart], declared: str | None) -> Iterator[str]:
    """Refuses another value in a Secret among the extra objects that an encryption key is read from."""
    conf = config_values(declared)
    statefulset = declared_statefulset(pairs)
    for variable, (name, key) in (sources(conf, statefulset["spec"]["template"]) if statefulset else {}).items():
        for pair in pairs:
            if title(pair.declared) == f"Secret {name}" and any(change[0] == key for change in changes(pair)):
                yield f"nats_cluster_extra_objects: {key} of Secret {name}, which {variable} and so an encryption key is read from, changes: {REMEDY}"


def _lost_key_secrets(pairs: list[Counterpart], running: Running, declared: str | None) -> Iterator[str]:
    """Refuses a new key in place of one that servers run with, and that no Secret has any more. What can't be read may name the key."""
    was = config_values(running.configuration)
    statefulset = declared_statefulset(pairs)
    of_variables = sources(config_values(declared), statefulset["spec"]["template"]) if statefulset else {}
    for variable, (name, key) in of_variables.items():
        gone = any(title(pair.declared) == f"Secret {name}" and pair.running is None for pair in pairs)
        if gone and (not was or variable in references(was).values()):
            yield (
                f"nats_cluster_encryption: Secret {name} with the key of the store does not exist any more, and a server that restarts could not read its "
                f"store. Make it again with the value that a server has, under the key {key}: kubectl exec <pod> -- printenv {variable}; "
                f"and write nats_cluster_encryption.secret: {name}"
            )


def _to_reload(pairs: list[Counterpart], running: Running) -> bool:
    """Whether a Secret that pods read already gets another content, or a server has not loaded what its Secrets hold."""
    spec = running.statefulset["spec"]["template"]["spec"]
    for pair in pairs:
        if config_secret_content(pair.declared):
            if any(change[0] == "nats.conf" for change in changes(pair)):
                return True
        elif pair.declared["kind"] == "Secret" and mounts_secret(spec, pair.declared["metadata"]["name"]):
            data = (pair.declared.get("data") or {}).keys()
            if pair.running is None or any(change[0] in data for change in changes(pair)):
                return True
    return bool(running.loaded.missing)


def _obsolete(facts: ClusterFacts, pairs: list[Counterpart]) -> Iterator[str]:
    stays = {
        pair.declared["metadata"]["name"]
        for pair in pairs
        if pair.declared["kind"] == "Secret"
        and UNTIL_RESTART not in (pair.declared["metadata"].get("annotations") or {})
    }
    for name in facts.configurations:
        if name not in stays:
            yield name
