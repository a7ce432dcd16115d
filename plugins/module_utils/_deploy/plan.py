# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What runs against what is declared. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.messaging.nats.plugins.module_utils._config.encryption import REMEDY, sources
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import version_remarks
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, DeclaredCluster, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.kept_volumes import (
    kept_volumes_problems,
    kept_volumes_remarks,
    takes_over,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.owned_objects import Leftovers, leftovers
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan_summary import (
    TEMPLATE_PATH,
    configuration_of,
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
    storage,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.safeguards import (
    read_configuration,
    what_is_not_known,
    what_is_refused,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.volume_expansion_plan import Growth, growth
from ansible_collections.messaging.nats.plugins.module_utils._deploy.zones import unusable_zones
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import answered
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    REVISION_LABEL,
    Counterpart,
    Object,
    changes,
    config_secret_content,
    only_restarts,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import server_name

# On a configuration that servers read only until they restart.
UNTIL_RESTART = "messaging.nats/until-restart"
# No more servers than anybody would ever run: among these, one that has no pod any more is looked for.
MAX_SERVERS = 32


@dataclass(frozen=True)
class ClusterPlan:
    """What has to happen, in this order: storage, apply, reload, logins, scale in or roll, scale out."""

    verb: str
    summary: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    # Names of Secrets, and all other objects, that are missing or differ.
    apply_secrets: tuple[str, ...] = ()
    # Names of Secrets with logins, which are applied when the servers know these: after the reload.
    apply_logins: tuple[str, ...] = ()
    apply: tuple[Object, ...] = ()
    growth: Growth = field(default_factory=Growth)
    reload: bool = False
    # Servers' pods, in the order in which they move.
    roll: tuple[str, ...] = ()
    scale_in: tuple[str, ...] = ()
    scale_out: tuple[str, ...] = ()
    # Secrets with configurations that no pod reads once all is done.
    obsolete: tuple[str, ...] = ()
    # Objects of the cluster that are no longer declared.
    delete: tuple[Object, ...] = ()
    # Whether it is refused for nothing but answers that are missing: asking again may help.
    lacks_answers: bool = False


def plan(pairs: list[Counterpart], facts: ClusterFacts, wanted: DeclaredCluster) -> ClusterPlan:
    """Nothing, create, converge, or refuse; and why."""
    refusals = [*missing_namespace(pairs, facts), *owned_by_others(pairs, facts)]
    missing = [pair.declared for pair in pairs if pair.running is None]
    statefulset = next((pair.declared for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)
    going = leftovers(
        facts.owned, [pair.declared for pair in pairs], statefulset["metadata"]["name"] if statefulset else ""
    )
    unchecked: list[str] = [*going.left, *(f"not checked: {what}" for what in facts.unlisted)]
    if statefulset:
        refusals += unusable_zones(statefulset, facts)
    if statefulset and takes_over(facts):
        refusals += kept_volumes_problems(facts, wanted, read_configuration(configuration_of(pairs)), statefulset)
        unchecked += kept_volumes_remarks(facts)
    if statefulset and (facts.running is None or facts.running.replicas < wanted.replicas):
        refusals += [*storage(statefulset, facts), *room(statefulset, facts, wanted.replicas)]
        unchecked += _unreadable(facts)
    elif statefulset and facts.running and _schedules_otherwise(pairs, facts.running):
        refusals += room(statefulset, facts, wanted.replicas)
        unchecked += [] if facts.nodes is not None else [NODES_UNREAD]
    remarks = version_remarks(wanted.version)
    if facts.running is not None and not refusals:
        return _converge(pairs, facts, facts.running, wanted, unchecked, remarks, going)
    if refusals:
        return ClusterPlan("refuse", (), tuple(refusals))
    doing = missing or going.delete
    summary = (*(f"create {title(item)}" for item in missing), *_delete_words(going), *unchecked, *remarks)
    # A login that stayed from an earlier cluster may hold another password than the new servers will know.
    secrets = _secrets([pair.declared for pair in pairs if pair.running is None or changes(pair)])
    return ClusterPlan(
        "create" if doing else "nothing",
        summary,
        apply_secrets=secrets,
        apply=_others(missing),
        delete=going.delete,
    )


def _schedules_otherwise(pairs: list[Counterpart], running: Running) -> bool:
    becomes = next((pair.applied for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)
    return becomes is not None and schedules_otherwise(becomes, running.statefulset)


NODES_UNREAD = "not checked: nodes, which may not be read here"


def _unreadable(facts: ClusterFacts) -> list[str]:
    return [
        *([NODES_UNREAD] if facts.nodes is None else []),
        *(["not checked: storage classes, which may not be read here"] if facts.storage_classes is None else []),
    ]


def _delete_words(going: Leftovers) -> Iterator[str]:
    for item in going.delete:
        yield f"delete {title(item)}, which is no longer declared"


def _converge(
    pairs: list[Counterpart],
    facts: ClusterFacts,
    running: Running,
    wanted: DeclaredCluster,
    unchecked: list[str],
    remarks: list[str],
    going: Leftovers,
) -> ClusterPlan:
    differing = {title(pair.declared): changes(pair) for pair in pairs if pair.running is not None}
    missing = [pair.declared for pair in pairs if pair.running is None]
    template = [change for found in differing.values() for change in found if change[0].startswith(TEMPLATE_PATH)]
    growing = growth(pairs, facts)
    leaving = _leaving(running, wanted)
    joining = tuple(_pod(running, ordinal) for ordinal in range(running.replicas, wanted.replicas))
    rolling = _to_roll(running, bool(template))
    declared = configuration_of(pairs)
    refusals = [
        *growing.refusals,
        *what_is_refused(running, wanted, declared, template, bool(rolling)),
        *_changed_key_secrets(pairs, declared),
    ]
    not_known = what_is_not_known(running, wanted, declared, bool(rolling))
    if refusals or not_known:
        return ClusterPlan("refuse", (), (*refusals, *not_known), lacks_answers=not refusals)
    due = [pair for pair in pairs if pair.running is None or changes(pair) or _is_replaced(pair, growing)]
    # To tell pods to restart is what nats_server does before the first of them goes.
    applied = [pair.declared for pair in due if not only_restarts(pair) or _is_replaced(pair, growing)]
    logins = _secrets([item for item in applied if _is_login(item)])
    secrets, others = _secrets([item for item in applied if not _is_login(item)]), _others(applied)
    reload = _to_reload(pairs, running)
    unchecked = [
        *unchecked,
        *(f"not checked: what server {name} runs with: {why}" for name, why in running.loaded.unknown.items()),
    ]
    obsolete = () if leaving else tuple(_obsolete(facts, pairs))
    summary = [
        *growing.summary,
        *reload_words(pairs, running, reload),
        *scale_in_words(running, wanted, leaving),
        *roll_words(rolling, template, restart_keys(pairs, running)),
        *scale_out_words(running, wanted, joining),
        *(f"create {title(item)}" for item in missing),
        *other_words(differing),
        *(f"delete Secret {name}, which no server reads" for name in obsolete),
        *_delete_words(going),
        *unchecked,
    ]
    doing = due or reload or rolling or leaving or joining or obsolete or going.delete
    return ClusterPlan(
        "converge" if doing else "nothing",
        (*summary, *(remarks if doing else ())),
        apply_secrets=secrets,
        apply_logins=logins,
        apply=others,
        growth=growing,
        reload=reload,
        # Servers that leave are not restarted first: the plan is made again when they are gone.
        roll=() if leaving else rolling,
        scale_in=leaving,
        scale_out=joining,
        obsolete=obsolete,
        delete=going.delete,
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
    """Servers above the declared number, the last first; also one that has no pod any more and is still a peer."""
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
    """The pods that are not of the revision that will be declared, the last first, as a StatefulSet moves them."""
    status = running.statefulset.get("status") or {}
    newest = status.get("updateRevision")
    there = {pod["metadata"]["name"]: pod for pod in running.pods}
    old = [
        name
        for name, pod in there.items()
        if template_changes or (pod["metadata"].get("labels") or {}).get(REVISION_LABEL) != newest
    ]
    # One that could not be created comes back as what is proven, which is not what will be declared.
    if template_changes or status.get("currentRevision") != newest:
        old += [name for ordinal in range(running.replicas) if (name := _pod(running, ordinal)) not in there]
    return tuple(sorted(old, key=lambda name: -int(name.rpartition("-")[2])))


def _changed_key_secrets(pairs: list[Counterpart], declared: str | None) -> Iterator[str]:
    """A Secret among the extra objects that an encryption key is read from."""
    conf = read_configuration(declared)
    statefulset = next((pair.declared for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)
    for variable, (name, key) in (sources(conf, statefulset["spec"]["template"]) if statefulset else {}).items():
        for pair in pairs:
            if title(pair.declared) == f"Secret {name}" and any(change[0] == key for change in changes(pair)):
                yield f"nats_cluster_extra_objects: {key} of Secret {name}, which {variable} and so an encryption key is read from, changes: {REMEDY}"


def _to_reload(pairs: list[Counterpart], running: Running) -> bool:
    """A changed configuration in a Secret that pods read already, or a server that does not run with what its Secrets hold."""
    for pair in pairs:
        if config_secret_content(pair.declared) and any(change[0] == "nats.conf" for change in changes(pair)):
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
