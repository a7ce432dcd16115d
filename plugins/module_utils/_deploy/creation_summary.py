# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A new cluster in sentences. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity, show_bytes
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import canonical_config
from ansible_collections.messaging.nats.plugins.module_utils._config.route_tls import route_block
from ansible_collections.messaging.nats.plugins.module_utils._deploy.declared_objects import (
    config_values,
    configuration_of,
    declared_statefulset,
    missing_objects,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    Counterpart,
    Object,
    nats_container,
    title,
)

LOGIN = "kubernetes.io/basic-auth"


def creation_words(pairs: list[Counterpart]) -> Iterator[str]:
    """What is made: the servers, what each of them has, how they are reached and with which credentials; then the objects by name."""
    statefulset = declared_statefulset(pairs)
    missing = missing_objects(pairs)
    if not missing:
        return
    if statefulset is not None and statefulset in missing:
        yield _servers(statefulset, missing)
        yield _each(statefulset, config_values(configuration_of(pairs)))
        yield from _services(missing)
        yield from _routes(statefulset, configuration_of(pairs))
        yield from _credentials(pairs)
        missing = [item for item in missing if item.get("type") != LOGIN]
    yield f"create {', '.join(map(title, missing))}"


def _servers(statefulset: Object, missing: Sequence[Object]) -> str:
    meta, replicas = statefulset["metadata"], int(statefulset["spec"].get("replicas", 1))
    new = any(item["kind"] == "Namespace" for item in missing)
    place = f" in the new namespace {meta.get('namespace', '')}" if new else ""
    names = f"{meta['name']}-0" + (f" to {meta['name']}-{replicas - 1}" if replicas > 1 else "")
    servers = "a single server" if replicas == 1 else f"{replicas} servers"
    image = nats_container(statefulset["spec"]["template"])["image"]
    return f"create {servers}{place}: {names}, of image {image}{_spread(statefulset, replicas)}"


def _spread(statefulset: Object, replicas: int) -> str:
    affinity = (statefulset["spec"]["template"]["spec"].get("affinity") or {}).get("podAntiAffinity") or {}
    apart = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return ", each on another node" if apart and replicas > 1 else ""


def _each(statefulset: Object, conf: Mapping[str, Any]) -> str:
    """What each server gets, and how much of it streams may use."""
    resources = nats_container(statefulset["spec"]["template"]).get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    parts = [f"{requests['cpu']} CPU"] if "cpu" in requests else []
    memory = requests.get("memory") or limits.get("memory")
    if memory:
        most = f" (at most {_size(limits['memory'])})" if "memory" in limits else ""
        parts.append(f"{_size(memory)} of memory{most}")
    parts += [_volume(claim) for claim in statefulset["spec"].get("volumeClaimTemplates") or []] or ["no volume"]
    stores = conf.get("jetstream") if isinstance(conf.get("jetstream"), Mapping) else {}
    used = [
        f"{show_bytes(size)} {where}"
        for key, where in (("max_file_store", "on the volume"), ("max_memory_store", "in memory"))
        if isinstance(size := (stores or {}).get(key), int) and size > 0
    ]
    streams = f"; its streams may use {' and '.join(used)}" if used else ""
    return f"each server gets {', '.join(parts)}{streams}"


def _size(quantity: Any) -> str:
    """A quantity of Kubernetes in the units of the other sizes."""
    try:
        return show_bytes(parse_quantity(str(quantity)))
    except ValueError:
        return str(quantity)  # Kubernetes will say what is wrong with it


def _volume(claim: Object) -> str:
    spec = claim["spec"]
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "")
    named = spec.get("storageClassName")
    return f"a volume of {_size(size)} of {f'storage class {named}' if named else 'the default storage class'}"


def _services(missing: Sequence[Object]) -> Iterator[str]:
    for item in missing:
        if item["kind"] == "Service":
            spec = item["spec"]
            ports = [port for port in spec.get("ports") or [] if port.get("name") in ("client", None)]
            port = str(ports[0].get("nodePort") or ports[0].get("port")) if ports else ""
            kind = spec.get("type", "ClusterIP")
            how = "inside the Kubernetes cluster" if kind == "ClusterIP" else f"from outside, as {kind}"
            yield f"clients reach it {how}: Service {item['metadata']['name']}{', port ' + port if port else ''}"


def _routes(statefulset: Object, configuration: str | None) -> Iterator[str]:
    """How servers talk to one another."""
    if int(statefulset["spec"].get("replicas", 1)) == 1:
        return
    if route_block(canonical_config(configuration or "")):
        yield "servers encrypt what they send to one another, and each verifies the others' certificates"
    else:
        yield "servers talk to one another in clear, and the routes' password keeps others out: nats_cluster_route_tls: on encrypts it"


def _credentials(pairs: Sequence[Counterpart]) -> Iterator[str]:
    logins = [pair for pair in pairs if pair.declared["kind"] == "Secret" and pair.declared.get("type") == LOGIN]
    for what, kept in (("new credentials in", False), ("credentials that exist stay:", True)):
        names = [title(pair.declared) for pair in logins if (pair.running is not None) == kept]
        if names:
            yield f"{what} {', '.join(names)}"
