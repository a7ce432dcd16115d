# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What runs against what is declared. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.messaging.nats.plugins.module_utils._growth import Growth, growth
from ansible_collections.messaging.nats.plugins.module_utils._health import answered
from ansible_collections.messaging.nats.plugins.module_utils._objects import (
    REVISION,
    VERSION,
    Change,
    Counterpart,
    Object,
    changes,
    config_secret,
    configuration,
    configuration_changes,
    only_restarts,
    sentence,
    title,
)
from ansible_collections.messaging.nats.plugins.module_utils._observation_kubernetes import server_name
from ansible_collections.messaging.nats.plugins.module_utils._preconditions import (
    Facts,
    Running,
    missing_namespace,
    owned_by_others,
    room,
    storage,
)
from ansible_collections.messaging.nats.plugins.module_utils._promises import Wanted, broken_promises
from ansible_collections.messaging.nats.plugins.module_utils._reload import needs_restart
from ansible_collections.messaging.nats.plugins.module_utils._upgrade import version_remarks
from ansible_collections.messaging.nats.plugins.module_utils._zones import unusable_zones

TEMPLATE, UPDATE = "spec.template.", "spec.updateStrategy."
CONFIG = ".volumes[config].secret.secretName"
# On a configuration that servers read only until they restart.
UNTIL_RESTART = "messaging.nats/until-restart"
# No more servers than anybody would ever run: among these, one that has no pod any more is looked for.
MOST = 32


@dataclass(frozen=True)
class Plan:
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


def plan(pairs: list[Counterpart], facts: Facts, wanted: Wanted) -> Plan:
    """Nothing, create, converge, or refuse; and why."""
    refusals = [*missing_namespace(pairs, facts), *owned_by_others(pairs, facts)]
    missing = [pair.declared for pair in pairs if pair.running is None]
    statefulset = next((pair.declared for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)
    unchecked: list[str] = []
    if statefulset:
        refusals += unusable_zones(statefulset, facts)
    if statefulset and (facts.running is None or facts.running.replicas < wanted.replicas):
        refusals += [*storage(statefulset, facts), *room(statefulset, facts, wanted.replicas)]
        unchecked = [
            f"not checked: {what}, which may not be read here"
            for what, known in (("nodes", facts.nodes), ("storage classes", facts.storage_classes))
            if known is None
        ]
    unchecked += version_remarks(wanted.version)
    if facts.running is not None and not refusals:
        return _converge(pairs, facts, facts.running, wanted, unchecked)
    if refusals:
        return Plan("refuse", (), tuple(refusals))
    summary = (*(f"create {title(item)}" for item in missing), *unchecked)
    # A login that stayed from an earlier cluster may hold another password than the new servers will know.
    secrets = _secrets([pair.declared for pair in pairs if pair.running is None or changes(pair)])
    return Plan("create" if missing else "nothing", summary, apply_secrets=secrets, apply=_others(missing))


def _converge(pairs: list[Counterpart], facts: Facts, running: Running, wanted: Wanted, unchecked: list[str]) -> Plan:
    differing = {title(pair.declared): changes(pair) for pair in pairs if pair.running is not None}
    missing = [pair.declared for pair in pairs if pair.running is None]
    template = [change for found in differing.values() for change in found if change[0].startswith(TEMPLATE)]
    growing = growth(pairs, facts)
    leaving = _leaving(running, wanted)
    joining = tuple(_pod(running, ordinal) for ordinal in range(running.replicas, wanted.replicas))
    rolling = _to_roll(running, bool(template))
    refusals = [*growing.refusals, *broken_promises(running, wanted, _configuration(pairs), template, bool(rolling))]
    if refusals:
        return Plan("refuse", (), tuple(refusals))
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
        *_reload_words(pairs, running, reload),
        *_scale_in_words(running, wanted, leaving),
        *_roll_words(rolling, template, _restart_keys(pairs, running)),
        *_scale_out_words(running, wanted, joining),
        *(f"create {title(item)}" for item in missing),
        *_other_words(differing),
        *(f"delete Secret {name}, which no server reads" for name in obsolete),
    ]
    doing = due or reload or rolling or leaving or joining or obsolete
    return Plan(
        "converge" if doing else "nothing",
        (*summary, *(unchecked if doing else ())),
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


def _scale_in_words(running: Running, wanted: Wanted, leaving: tuple[str, ...]) -> Iterator[str]:
    if leaving:
        count = max(running.replicas, *(int(name.rpartition("-")[2]) + 1 for name in leaving))
        how = f"{', '.join(leaving)}, one at a time, each emptied first"
        yield f"scale in from {count} to {wanted.replicas} servers: {how}"


def _scale_out_words(running: Running, wanted: Wanted, joining: tuple[str, ...]) -> Iterator[str]:
    if joining:
        yield f"scale out from {running.replicas} to {wanted.replicas} servers: {', '.join(joining)} join"


def _leaving(running: Running, wanted: Wanted) -> tuple[str, ...]:
    """Servers above the declared number, the last first; also one that has no pod any more and is still a peer."""
    peers = {
        peer["name"]
        for answer in answered(running.snapshot).values()
        for peer in (answer["data"].get("meta_cluster") or {}).get("replicas") or []
    }
    template = running.statefulset["spec"]["template"]["spec"]
    pods = {
        server_name({"metadata": {"name": _pod(running, ordinal)}, "spec": template}): ordinal
        for ordinal in range(wanted.replicas, MOST)
    }
    ordinals = {*range(wanted.replicas, running.replicas), *(pods[peer] for peer in peers if peer in pods)}
    return tuple(_pod(running, ordinal) for ordinal in sorted(ordinals, reverse=True))


def _to_roll(running: Running, template_changes: bool) -> tuple[str, ...]:
    """The pods that are not of the revision that will be declared, the last first, as a StatefulSet moves them."""
    newest = (running.statefulset.get("status") or {}).get("updateRevision")
    old = [
        pod["metadata"]["name"]
        for pod in running.pods
        if template_changes or (pod["metadata"].get("labels") or {}).get(REVISION) != newest
    ]
    return tuple(sorted(old, key=lambda name: -int(name.rpartition("-")[2])))


def _configuration(pairs: list[Counterpart]) -> str | None:
    """The declared nats.conf, beside which those may be that servers run with until they restart."""
    named = _declared_secret(pairs)
    found = {pair.declared["metadata"]["name"]: text for pair in pairs if (text := configuration(pair.declared))}
    return found.get(named) if named in found else next(iter(found.values()), None)


def _declared_secret(pairs: list[Counterpart]) -> str:
    """The Secret that the declared template reads nats.conf from."""
    statefulset = next((pair.declared for pair in pairs if pair.declared["kind"] == "StatefulSet"), None)
    return (config_secret(statefulset["spec"]["template"]["spec"]) if statefulset else None) or ""


def _to_reload(pairs: list[Counterpart], running: Running) -> bool:
    """A changed configuration in a Secret that pods read already, or a server that does not run with what its Secrets hold."""
    for pair in pairs:
        if pair.running is not None and configuration(pair.declared) and changes(pair):
            return True
    return bool(running.loaded.missing)


def _reload_words(pairs: list[Counterpart], running: Running, reload: bool) -> Iterator[str]:
    if reload:
        yield "reload nats.conf on every server, without a restart"
        by_reason: dict[tuple[str, ...], list[str]] = {}
        for name, reasons in running.loaded.missing.items():
            by_reason.setdefault(reasons, []).append(name)
        for reasons, names in by_reason.items():
            yield f"not loaded on {', '.join(names)}: {'; '.join(reasons)}"
    declared = _configuration(pairs)
    if running.configuration and declared:
        for line in configuration_changes(running.configuration, declared):
            yield f"nats.conf: {line}"


def _restart_keys(pairs: list[Counterpart], running: Running) -> list[str]:
    declared = _configuration(pairs)
    version = (running.statefulset["metadata"].get("labels") or {}).get(VERSION, "")
    return needs_restart(running.configuration, declared, version) if running.configuration and declared else []


def _roll_words(rolling: tuple[str, ...], template: list[Change], keys: list[str]) -> Iterator[str]:
    if not rolling:
        return
    why = [sentence((path.removeprefix(TEMPLATE), *rest)) for path, *rest in template if not path.endswith(CONFIG)]
    if keys:
        why.append(f"nats.conf: a running server does not take over {', '.join(keys)}")
    yield f"restart {', '.join(rolling)}, one at a time: {'; '.join(why) or 'they are not of the newest revision yet'}"


def _other_words(differing: dict[str, list[Change]]) -> Iterator[str]:
    for name, found in differing.items():
        for change in found:
            if not change[0].startswith((TEMPLATE, UPDATE)) and change[0] != "nats.conf":
                yield f"change {name}: {sentence(change)}"


def _obsolete(facts: Facts, pairs: list[Counterpart]) -> Iterator[str]:
    stays = {
        pair.declared["metadata"]["name"]
        for pair in pairs
        if pair.declared["kind"] == "Secret"
        and UNTIL_RESTART not in (pair.declared["metadata"].get("annotations") or {})
    }
    for name in facts.configurations:
        if name not in stays:
            yield name
