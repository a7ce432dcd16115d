# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What options of a consumer contradict one another, or its stream. PRIVATE to the collection: it can change at any time.

The server refuses the same. It can't be asked about a consumer of a stream that is made by the same task.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Refusal, invalid
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import covered
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

Stream = Mapping[str, Any]
GROUP_NAME = re.compile(r"[a-zA-Z0-9/_=-]{1,16}")
SECOND = 10**9


class Rule(NamedTuple):
    """What must not be, as a function of consumer and stream, and the sentences for a person."""

    broken: Callable[[Config, Stream], Any]
    cause: str
    remedy: str


def _of_policy(config: Config, policy: str) -> bool:
    return bool(config.get("ack_policy", "none") == policy)


def _is_queue(stream: Stream) -> bool:
    return bool(stream.get("retention") == "workqueue")


def _has_priority(config: Config) -> bool:
    return bool(config.get("priority_policy", "none") != "none")


def _stored_delivery(config: Config, stream: Stream) -> bool:
    subject = str(config.get("deliver_subject") or "")
    return bool(subject) and covered(subject, stream.get("subjects") or ())


def _other_replicas(config: Config, stream: Stream) -> bool:
    replicas = config.get("num_replicas") or 0
    return stream.get("retention") in ("interest", "workqueue") and replicas not in (0, stream.get("num_replicas", 1))


RULES = (
    Rule(
        lambda config, _stream: {"*", ">"} & set((config.get("deliver_subject") or "").split(".")),
        "deliver_subject: it has a wildcard, and messages are delivered to one subject",
        "Write a subject without * and >.",
    ),
    Rule(
        _stored_delivery,
        "deliver_subject: its stream stores this subject, so that it would deliver its own deliveries",
        "Write a subject that the stream does not have.",
    ),
    Rule(
        lambda config, _stream: (
            config.get("deliver_subject") and _of_policy(config, "none") and config.get("max_ack_pending", 0) > 0
        ),
        "max_ack_pending: with ack_policy: none nothing is acknowledged",
        "Leave it out, or choose another ack_policy.",
    ),
    Rule(
        lambda config, stream: _is_queue(stream) and config.get("ack_policy") not in ("explicit", "flow_control"),
        "ack_policy: each message of a work queue is acknowledged",
        "Leave it out, or write explicit.",
    ),
    Rule(
        lambda config, stream: _is_queue(stream) and config.get("deliver_policy", "all") != "all",
        "deliver_policy: consumers of a work queue get all messages",
        "Leave it out, or write all.",
    ),
    Rule(
        _other_replicas,
        "num_replicas: a stream with retention interest or workqueue has as many as its consumers",
        "Leave it out.",
    ),
    Rule(
        lambda config, _stream: (
            config.get("deliver_policy") == "last_per_subject"
            and not config.get("filter_subject")
            and not config.get("filter_subjects")
        ),
        "deliver_policy: last_per_subject needs a filter",
        "Write filter_subjects.",
    ),
    Rule(
        lambda config, _stream: (
            config.get("flow_control") and not config.get("idle_heartbeat") and not _of_policy(config, "flow_control")
        ),
        "flow_control needs idle_heartbeat",
        "Write idle_heartbeat, or leave flow_control out.",
    ),
    Rule(
        lambda config, _stream: _has_priority(config) and config.get("deliver_subject"),
        "priority_policy: a push consumer has none",
        "Leave deliver_subject or priority_policy out.",
    ),
    Rule(
        lambda config, _stream: _has_priority(config) and not config.get("priority_groups"),
        "priority_policy needs priority_groups",
        "Write priority_groups.",
    ),
    Rule(
        lambda config, _stream: (
            not _has_priority(config) and (config.get("priority_groups") or config.get("priority_timeout"))
        ),
        "priority_groups and priority_timeout need a priority_policy",
        "Write priority_policy, or leave them out.",
    ),
    Rule(
        lambda config, _stream: [
            name for name in config.get("priority_groups") or () if not GROUP_NAME.fullmatch(name)
        ],
        "priority_groups: a name has 1 to 16 letters, digits and / _ = -",
        "Choose other names.",
    ),
    Rule(
        lambda config, _stream: _of_policy(config, "flow_control") and not config.get("deliver_subject"),
        "ack_policy: flow_control is for push consumers",
        "Write deliver_subject, or choose another ack_policy.",
    ),
    Rule(
        lambda config, _stream: (
            _of_policy(config, "flow_control")
            and (config.get("ack_wait") or config.get("backoff") or config.get("max_deliver", -1) > 0)
        ),
        "ack_policy: flow_control has no ack_wait, backoff or max_deliver",
        "Leave them out.",
    ),
    Rule(
        lambda config, _stream: (
            _of_policy(config, "flow_control")
            and (config.get("idle_heartbeat", SECOND) != SECOND or not config.get("flow_control", True))
        ),
        "ack_policy: flow_control comes with flow_control: true and idle_heartbeat: 1s",
        "Leave these two out.",
    ),
)


def contradictions(after: Config, stream: Stream) -> Iterator[Refusal]:
    for rule in RULES:
        if rule.broken(after, stream):
            yield invalid(rule.cause, rule.remedy)
