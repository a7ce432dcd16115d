# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a NetworkPolicy may restrict what servers connect to. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import tls_blocks
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import canonical

# Values of an annotation or a label by which a webhook adds no container.
NOT_INJECTED = ("false", "disabled", "disable", "no")


def restricts_egress(
    config: Mapping[str, Any],
    rules: Sequence[Mapping[str, Any]],
    running: Mapping[str, Any],
    template: Mapping[str, Any],
) -> bool:
    """Whether servers may connect to one another, to DNS and to what `rules` allow, and to nothing else.

    Declared rules say what else is needed. Without them, a new cluster is restricted unless something declared connects elsewhere; a
    running one stays as it is, because only its operators know what they have added to it.
    """
    if rules:
        return True
    if outgoing(config, template):
        return False
    return bool(running.get("restricts_egress")) if running else True


def outgoing(config: Mapping[str, Any], template: Mapping[str, Any]) -> list[str]:
    """What servers of this configuration, in pods of this template, connect to beside one another and DNS."""
    config = canonical(config)
    found = [
        *_leaf_node_remotes(config.get("leafnodes")),
        *_gateways(config.get("gateway")),
        *_ocsp(config),
        *_syslog(config),
        *_sidecars(template),
        *_injected(template.get("metadata") or {}),
    ]
    return list(dict.fromkeys(found))


def _leaf_node_remotes(block: Any) -> Iterator[str]:
    for remote in _items(block, "remotes"):
        for url in _urls(remote):
            yield f"leaf node remote {url}"


def _gateways(block: Any) -> Iterator[str]:
    """Gateways connect to each cluster that is named, and to each that connects to them."""
    if not isinstance(block, Mapping):
        return
    names = [str(item.get("name")) for item in _items(block, "gateways")]
    others = [name for name in names if name != str(block.get("name"))]
    yield from (f"gateway {name}" for name in others)
    if not others:
        yield "the gateways of clusters that connect"


def _ocsp(config: Mapping[str, Any]) -> Iterator[str]:
    """A server asks the responder for its own certificate's status, and with `ocsp_peer` for that of others."""
    declared = config.get("ocsp")
    mode = declared.get("mode", "auto") if isinstance(declared, Mapping) else declared
    peers = any(_is_on(block.get("ocsp_peer")) for _name, block in tls_blocks(config))
    if (mode and str(mode).lower() not in ("never", "false")) or peers:
        yield "an OCSP responder"


def _is_on(ocsp_peer: Any) -> bool:
    return ocsp_peer.get("verify") is True if isinstance(ocsp_peer, Mapping) else ocsp_peer is True


def _syslog(config: Mapping[str, Any]) -> Iterator[str]:
    if config.get("remote_syslog"):
        yield f"syslog server {_host(config['remote_syslog'])}"


def _sidecars(template: Mapping[str, Any]) -> Iterator[str]:
    spec = template.get("spec") or {}
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        if container.get("name") != "nats":
            yield f"container {container.get('name')}"


def _injected(metadata: Mapping[str, Any]) -> Iterator[str]:
    """Annotations and labels by which a service mesh or a secrets manager adds a container to each pod."""
    for kind in ("annotation", "label"):
        for key, value in (metadata.get(f"{kind}s") or {}).items():
            if str(key).rpartition("/")[2].endswith("inject") and str(value).lower() not in NOT_INJECTED:
                yield f"the container that {kind} {key} adds"


def _items(block: Any, key: str) -> list[dict[str, Any]]:
    """The mappings of a list, with their keys in lower case, as the server reads them."""
    found = block.get(key) if isinstance(block, Mapping) else None
    return [
        {str(name).lower(): value for name, value in item.items()} for item in found or [] if isinstance(item, Mapping)
    ]


def _urls(remote: Mapping[str, Any]) -> list[str]:
    urls = remote.get("urls") or remote.get("url") or []
    return [_host(url) for url in (urls if isinstance(urls, list) else [urls])]


def _host(url: Any) -> str:
    """Host and port of a URL, which may hold a password; the variable's name where it is in one."""
    if isinstance(url, Mapping):
        return f"${url.get('$env')}"
    return str(url).rpartition("@")[2].rpartition("//")[2]
