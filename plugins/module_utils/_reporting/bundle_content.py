# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The files of a support bundle. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import (
    masked_conf,
    masked_log,
    masked_object,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import surveys
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import configuration, short_value
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._reporting.evidence import Evidence, object_name
from ansible_collections.messaging.nats.plugins.module_utils._reporting.support_bundle import Bundle

# What `nats audit gather` asks of each server: the name in the archive, the endpoint and its options.
SERVER: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("health", "HEALTHZ", {"details": True}),
    ("variables", "VARZ", {}),
    ("exp_variables", "EXPVARZ", {}),
    ("connections", "CONNZ", {"subscriptions": True, "subscriptions_detail": True, "limit": 1024}),
    ("routes", "ROUTEZ", {"subscriptions": True, "subscriptions_detail": True}),
    ("gateways", "GATEWAYZ", {"accounts": True}),
    ("leafs", "LEAFZ", {"subscriptions": True}),
    ("subs", "SUBSZ", {"subscriptions": True, "limit": 1024}),
    ("jetstream_info", "JSZ", {"accounts": True, "streams": True, "consumer": True, "config": True, "raft": True}),
    ("accounts", "ACCOUNTZ", {}),
)
# What it asks of each account: the name in the archive, the endpoint, and the option that has the account's name.
# Without an option, the account has a subject of its own.
ACCOUNT = (
    ("account_connections", "CONNZ", None),
    ("account_leafs", "LEAFZ", None),
    ("account_subs", "SUBSZ", None),
    ("account_info", "INFO", None),
    ("account_jetstream_info", "JSZ", None),
    ("account_raftz", "RAFTZ", "account"),
    ("account_ipqueues", "IPQUEUESZ", "filter"),
)
REQUEST_TIMEOUT_S = 3


def capture(bundle: Bundle, connection: Connection, expected: int) -> None:
    """Adds what the servers answer, as the nats CLI would have gathered it."""
    questions = [(f"$SYS.REQ.SERVER.PING.{endpoint}", options) for _artifact, endpoint, options in SERVER]
    by_question = surveys(connection, questions, expected, REQUEST_TIMEOUT_S)
    for (artifact, _endpoint, _options), answers in zip(SERVER, by_question, strict=True):
        for answer in answers:
            bundle.capture(artifact, answer["server"], _as_sent(answer))
    by_endpoint = dict(zip((endpoint for _artifact, endpoint, _options in SERVER), by_question, strict=True))
    accounts = {name for answer in by_endpoint["ACCOUNTZ"] for name in answer["data"].get("accounts") or ()}
    system = {answer["data"].get("system_account") for answer in by_endpoint["ACCOUNTZ"]}
    for account in sorted(accounts):
        _account(bundle, connection, account, len(by_endpoint["ACCOUNTZ"]))
    for server, account, stream in _streams(by_endpoint["JSZ"]):
        if account not in system:
            bundle.capture("stream_info", server, stream, account, stream["name"])


def _account(bundle: Bundle, connection: Connection, account: str, expected: int) -> None:
    questions = [
        (f"$SYS.REQ.SERVER.PING.{endpoint}", {option: account})
        if option
        else (f"$SYS.REQ.ACCOUNT.{account}.{endpoint}", {})
        for _artifact, endpoint, option in ACCOUNT
    ]
    by_question = surveys(connection, questions, expected, REQUEST_TIMEOUT_S)
    for (artifact, _endpoint, _option), answers in zip(ACCOUNT, by_question, strict=True):
        for answer in answers:
            if "data" in answer:
                bundle.capture(artifact, answer["server"], _as_sent(answer), account)


def _as_sent(answer: Answer) -> Answer:
    """Without the offset of the server's clock, which our connection adds."""
    return {key: value for key, value in answer.items() if key != "offset"}


def _streams(answers: Sequence[Answer]) -> Iterator[tuple[Answer, str, Answer]]:
    for answer in answers:
        for account in answer["data"].get("account_details") or ():
            for stream in account.get("stream_detail") or ():
                yield answer["server"], account["name"], stream


def metadata(connection: Connection | None, moment: datetime, version: str) -> Answer:
    """The time, the server and the version of the capture, as the nats CLI notes them."""
    server = connection.server() if connection else {}
    return {
        "capture_timestamp": moment.isoformat(),
        "connected_server_name": server.get("server_name", ""),
        "connected_server_version": server.get("version", ""),
        "connect_url": "",
        "user_name": "messaging.nats",
        "version": version,
    }


def kubernetes_facts(bundle: Bundle, facts: Evidence, configurations: Sequence[Mapping[str, Any]]) -> None:
    """Adds manifests, events, logs and configurations; `configurations` are the cluster's Secrets."""
    single = [item for item in (facts.statefulset, facts.service) if item]
    kinds = {
        "objects": single,
        "pods": facts.pods,
        "volumes": facts.claims,
        "networkpolicies": facts.policies,
        "storageclasses": facts.classes,
        "nodes": facts.nodes,
        "events": facts.events,
    }
    for kind, items in kinds.items():
        if items:
            bundle.beside(f"kubernetes/{kind}.json", masked_object(list(items)))
    for folder, logs in (("logs", facts.logs), ("logs-of-ended", facts.ended)):
        for pod, log in logs.items():
            bundle.beside(f"kubernetes/{folder}/{pod}.log", masked_log(log))
    for secret in configurations:
        if text := configuration(dict(secret)):
            bundle.beside(f"kubernetes/{object_name(secret)}.conf", masked_conf(text))
        bundle.beside(f"kubernetes/secrets/{object_name(secret)}.json", short_value(dict(secret)))
    for pod, inside in facts.inside.items():
        bundle.beside(f"kubernetes/inside/{pod}.txt", str(inside))
