# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Known vulnerabilities of nats-server by version. PRIVATE to the collection: it can change at any time.

From the advisories of nats-io as of 2026-06-29; CONTRIBUTING.md says how this is kept up to date. Two of them are left out: 2026-01 is about
the version of Go, which does not follow from that of the server, and 2026-14 about passwords in arguments, where this collection has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import main_name
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import Version, parsed

# What of a configuration decides whether a vulnerability bites.
WEBSOCKET, MQTT, OPERATOR, ROUTES = "websocket", "mqtt", "operator", "routes"
LEAFNODES, LEAFNODE_COMPRESSION = "leafnodes", "leafnode compression"
NO_AUTH_USER, CONNECTION_LIMITS = "no_auth_user", "connection restrictions of users"
VERIFY_AND_MAP, DENY, QUEUE_DENY = "verify_and_map", "deny", "deny of a queue"


class Vulnerability(NamedTuple):
    # The number of nats-io's advisory, and its other name.
    id: str
    alias: str
    # The first version with the correction, of each minor version that has one.
    fixed: tuple[str, ...]
    # What somebody can do, as the end of a sentence.
    what: str
    # It bites only where the configuration has all of one of these; without any, it bites everywhere.
    needs: tuple[frozenset[str], ...] = ()
    # It does not bite where the configuration has one of these.
    unless: frozenset[str] = frozenset()


def _with(*features: str) -> tuple[frozenset[str], ...]:
    return (frozenset(features),)


FIXED_MARCH = ("2.11.15", "2.12.6")
FIXED_APRIL = ("2.11.16", "2.12.7", "2.14.0")
FIXED_JUNE = ("2.12.12", "2.14.3")
VULNERABILITIES = (
    Vulnerability(
        "2025-01", "CVE-2025-30215", ("2.10.27", "2.11.1"), "a user of one account can delete JetStream data of others"
    ),
    Vulnerability(
        "2026-02",
        "CVE-2026-27571",
        ("2.11.12", "2.12.3"),
        "anybody who reaches the websocket port can exhaust the memory",
        _with(WEBSOCKET),
    ),
    Vulnerability(
        "2026-03",
        "CVE-2026-27889",
        ("2.11.14", "2.12.5"),
        "anybody who reaches the websocket port can crash the server",
        _with(WEBSOCKET),
    ),
    Vulnerability(
        "2026-04",
        "CVE-2026-29785",
        ("2.11.14", "2.12.5"),
        "anybody who reaches the leaf node port can crash the server",
        _with(LEAFNODE_COMPRESSION),
    ),
    Vulnerability("2026-05", "CVE-2026-33216", FIXED_MARCH, "monitoring shows passwords of MQTT clients", _with(MQTT)),
    Vulnerability(
        "2026-06", "CVE-2026-33215", FIXED_MARCH, "an MQTT client can take over the session of another one", _with(MQTT)
    ),
    Vulnerability("2026-07", "CVE-2026-33217", FIXED_MARCH, "MQTT clients pass by permissions", _with(MQTT)),
    Vulnerability(
        "2026-08",
        "CVE-2026-33246",
        FIXED_MARCH,
        "a leaf node can pretend to be another user in Nats-Request-Info",
        _with(LEAFNODES),
    ),
    Vulnerability(
        "2026-09", "CVE-2026-33223", FIXED_MARCH, "a user can pretend to be another one in Nats-Request-Info"
    ),
    Vulnerability(
        "2026-10",
        "CVE-2026-33218",
        FIXED_MARCH,
        "anybody who reaches the leaf node port can crash the server",
        _with(LEAFNODES),
    ),
    Vulnerability(
        "2026-11",
        "CVE-2026-33219",
        FIXED_MARCH,
        "anybody who reaches the websocket port can exhaust the memory",
        _with(WEBSOCKET),
    ),
    Vulnerability(
        "2026-12", "CVE-2026-33222", FIXED_MARCH, "a user who may restore one stream can restore over other ones"
    ),
    Vulnerability(
        "2026-13",
        "CVE-2026-33248",
        FIXED_MARCH,
        "some names in client certificates are taken for another user",
        _with(VERIFY_AND_MAP),
    ),
    Vulnerability(
        "2026-15", "CVE-2026-33249", FIXED_MARCH, "a user can have traces sent to subjects where it may not publish"
    ),
    Vulnerability(
        "2026-16",
        "GHSA-38x3-76xf-cq45",
        FIXED_APRIL,
        "anybody who reaches the route or leaf node port can join without credentials",
        (frozenset({NO_AUTH_USER, ROUTES}), frozenset({NO_AUTH_USER, LEAFNODES})),
    ),
    Vulnerability(
        "2026-17",
        "GHSA-wh7g-5m82-pmhr",
        FIXED_APRIL,
        "a user can subscribe to denied subjects by an overlapping wildcard",
        _with(DENY),
    ),
    Vulnerability(
        "2026-18",
        "GHSA-jx8g-9g95-6322",
        FIXED_APRIL,
        "a user can subscribe to denied subjects in a queue group",
        _with(QUEUE_DENY),
    ),
    Vulnerability(
        "2026-19",
        "GHSA-3g5q-cfh2-cq67",
        ("2.11.17", "2.12.8"),
        "anybody who reaches the leaf node port can crash the server",
        _with(LEAFNODE_COMPRESSION),
    ),
    Vulnerability(
        "2026-20",
        "GHSA-p3j5-5hrq-p75h",
        FIXED_JUNE,
        "a leaf node can have traces sent anywhere and keep messages from being stored",
        _with(LEAFNODES),
    ),
    Vulnerability(
        "2026-21",
        "GHSA-4g68-3pwx-5vfj",
        FIXED_JUNE,
        "an MQTT client can read metadata of the sessions of its account",
        _with(MQTT),
    ),
    Vulnerability(
        "2026-22",
        "GHSA-qrcv-3558-gj4f",
        ("2.12.9", "2.14.1"),
        "an MQTT client can inject commands into routes and leaf nodes",
        _with(MQTT),
    ),
    Vulnerability(
        "2026-23",
        "GHSA-g33f-6538-grxh",
        ("2.12.10", "2.14.2"),
        "anybody who reaches the client port can crash the server by a malformed JWT",
        _with(OPERATOR),
    ),
    Vulnerability(
        "2026-24",
        "GHSA-hmmp-q8cx-v964",
        FIXED_JUNE,
        "a client without credentials passes by the restrictions of no_auth_user's connections",
        _with(NO_AUTH_USER, CONNECTION_LIMITS),
    ),
    Vulnerability(
        "2026-25",
        "GHSA-r72h-j7qq-v6qg",
        FIXED_JUNE,
        "anybody who reaches the MQTT port can exhaust the memory",
        _with(MQTT),
    ),
    Vulnerability(
        "2026-26",
        "GHSA-7qmq-8cc4-hxwg",
        FIXED_JUNE,
        "an MQTT client gets retained messages of denied topics",
        _with(MQTT),
    ),
    Vulnerability(
        "2026-27",
        "GHSA-p957-7v2w-g93g",
        FIXED_JUNE,
        "anybody who reaches the websocket port can crash the server",
        _with(WEBSOCKET),
        frozenset({MQTT}),
    ),
    Vulnerability(
        "2026-28", "GHSA-q59r-vq66-pxc2", FIXED_JUNE, "a user of an account can crash the server by a request for CONNZ"
    ),
)
IDS = frozenset(found.id for found in VULNERABILITIES)


def affects(found: Vulnerability, version: str) -> bool:
    """Whether this version has it. A minor version without a correction has it, unless it is newer than all that have one."""
    numbers, before_release = parsed(version), "-" in version
    fixes = {fix[:2]: fix for fix in map(parsed, found.fixed)}
    correction = fixes.get(numbers[:2]) or max(fixes.values())
    return numbers < correction or (numbers == correction and before_release)


def bites(found: Vulnerability, features: Collection[str]) -> bool:
    """Whether the configuration exposes it."""
    return not frozenset(features) & found.unless and (not found.needs or bool(exposing(found, features)))


def exposing(found: Vulnerability, features: Collection[str]) -> frozenset[str]:
    """What of the configuration exposes it; empty where every configuration does."""
    there = frozenset(features)
    return next((needed for needed in found.needs if needed <= there), frozenset())


def vulnerabilities(version: str, features: Collection[str]) -> list[Vulnerability]:
    """Those that a server of this version has, and that its configuration exposes."""
    return [found for found in VULNERABILITIES if affects(found, version) and bites(found, features)]


def corrected_in(found: Collection[Vulnerability], version: str) -> str:
    """The version to upgrade to: of the same minor version, where it has all corrections, else the lowest that has them all."""
    minor = parsed(version)[:2]
    candidates = sorted({parsed(fix) for each in found for fix in each.fixed})
    usable = [_name(fix) for fix in candidates if not any(affects(each, _name(fix)) for each in found)]
    same = [fix for fix in usable if parsed(fix)[:2] == minor]
    return (same or usable)[0]


def features_of_conf(conf: Mapping[str, Any]) -> set[str]:
    """What a nats.conf has that a vulnerability needs."""
    top = {main_name(str(key).lower(), ""): value for key, value in conf.items()}
    found = {
        feature
        for key, feature in (("websocket", WEBSOCKET), ("mqtt", MQTT), ("cluster", ROUTES), ("operator", OPERATOR))
        if top.get(key)
    }
    found |= _leafnode_features(top.get("leafnodes"))
    words = {key for key, value in _entries(conf) if value not in (False, None, "")}
    found |= {
        feature
        for keys, feature in (
            (("no_auth_user",), NO_AUTH_USER),
            (("allowed_connection_types", "proxy_required"), CONNECTION_LIMITS),
            (("verify_and_map",), VERIFY_AND_MAP),
        )
        if words & set(keys)
    }
    denied = [subject for key, value in _entries(conf) if key in ("subscribe", "sub") for subject in _denied(value)]
    if denied:
        found.add(DENY)
    if any(" " in str(subject).strip() for subject in denied):
        found.add(QUEUE_DENY)
    return found


def _leafnode_features(leafnodes: Any) -> set[str]:
    """Whether others may connect as leaf nodes, and with compression, which is on by default."""
    block = {str(key).lower(): value for key, value in leafnodes.items()} if isinstance(leafnodes, Mapping) else {}
    if not {"port", "listen"} & block.keys():
        return set()
    compression = block.get("compression", "on")
    if isinstance(compression, Mapping):
        compression = next((value for key, value in compression.items() if str(key).lower() == "mode"), "on")
    is_off = str(compression).lower() in ("off", "false", "disabled", "not_supported", "not supported")
    return {LEAFNODES} if is_off else {LEAFNODES, LEAFNODE_COMPRESSION}


def features_of_varz(varz: Mapping[str, Any]) -> set[str]:
    """The same of a server that runs, as far as VARZ tells."""
    leaf = varz.get("leaf") or {}
    parts = {
        WEBSOCKET: (varz.get("websocket") or {}).get("port"),
        MQTT: (varz.get("mqtt") or {}).get("port"),
        LEAFNODES: leaf.get("port"),
        LEAFNODE_COMPRESSION: leaf.get("port"),
        ROUTES: (varz.get("cluster") or {}).get("cluster_port"),
        OPERATOR: varz.get("trusted_operators_claim"),
    }
    return {feature for feature, there in parts.items() if there}


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of a configuration with their values, however deep, in small letters."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key).lower(), inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def _denied(permission: Any) -> list[Any]:
    """The subjects that a permission to subscribe denies."""
    if not isinstance(permission, Mapping):
        return []
    found = next((value for key, value in permission.items() if str(key).lower() == "deny"), None) or []
    return found if isinstance(found, list) else [found]


def _name(version: Version) -> str:
    return ".".join(map(str, version))
