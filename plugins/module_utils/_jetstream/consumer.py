# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The consumer as a table: every field of the server's ConsumerConfig. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import show_duration
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer_rules import contradictions
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import (
    Type,
    at_least,
    boolean,
    byte_size,
    choice,
    duration,
    durations,
    integer,
    labels,
    limit,
    not_negative,
    percentage,
    string,
    strings,
    subject,
    subjects,
    time,
    within,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import (
    consumer_losses,
    consumer_position,
    filters,
    lost_by_recreation,
    resumes_at,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import (
    Ceiling,
    Context,
    Field,
    Mutability,
    Refusal,
    Resource,
    invalid,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import (
    MILLISECOND,
    SECOND,
    server_metadata,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import overlap
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

DEFAULT_ACK_WAIT_NS = 30 * SECOND
DEFAULT_MAX_ACK_PENDING = 1000
MOST_BATCH = 2**31 - 1
# The server's errors for values above its limits.
TOO_MANY_PENDING, TOO_LARGE_BATCH = 10121, 10125


def deliver_subject_change(before: str, after: str) -> Mutability:
    """A push consumer may deliver to another subject, but push and pull consumers never become one another."""
    return Mutability.FREELY if before and after else Mutability.NEVER


def default_ack_wait(config: Config, _context: Context) -> int:
    if config.get("backoff"):
        return int(config["backoff"][0])
    return 0 if config.get("ack_policy") in ("none", "flow_control") else DEFAULT_ACK_WAIT_NS


def default_max_ack_pending(config: Config, context: Context) -> int:
    limit_of_stream = int(context.stream.get("consumer_limits", {}).get("max_ack_pending") or 0)
    if limit_of_stream or config.get("ack_policy") == "none":
        return limit_of_stream
    return context.ceilings.get("max_ack_pending", DEFAULT_MAX_ACK_PENDING)


def limits_of_stream(config: Config, context: Context) -> Config:
    """Up to 2.10.5 the server gives a consumer its own default, and then refuses it where the stream allows less."""
    most = context.stream.get("consumer_limits", {}).get("max_ack_pending") or 0
    return (
        {"max_ack_pending": most} if 0 < most < DEFAULT_MAX_ACK_PENDING and config.get("ack_policy") != "none" else {}
    )


def default_max_batch(config: Config, context: Context) -> int:
    """The server's max_request_batch, where it has one."""
    most = context.ceilings.get("max_batch", MOST_BATCH)
    return most if most < MOST_BATCH and not config.get("deliver_subject") else 0


def default_inactive_threshold(_config: Config, context: Context) -> int:
    return int(context.stream.get("consumer_limits", {}).get("inactive_threshold") or 0)


def default_max_waiting(config: Config, _context: Context) -> int:
    return 0 if config.get("deliver_subject") else 512


def default_idle_heartbeat(config: Config, _context: Context) -> int:
    return SECOND if config.get("ack_policy") == "flow_control" else 0


def default_flow_control(config: Config, _context: Context) -> bool:
    return config.get("ack_policy") == "flow_control"


def default_priority_timeout(config: Config, _context: Context) -> int:
    return 120 * SECOND if config.get("priority_policy") == "pinned_client" else 0


# The options for where a consumer starts, and the deliver_policy that each belongs to.
DELIVER_POLICY_OF = {"opt_start_seq": "by_start_sequence", "opt_start_time": "by_start_time"}


def complete_consumer(desired: Config, actual: Config) -> Config:
    """The declared fields and those that follow: one of the two filter options, ack_wait from backoff, no start of another policy."""
    desired = dict(desired)
    if actual and not actual.get("durable_name"):
        desired["durable_name"] = actual["name"]  # an ephemeral consumer goes when its client does
    policy = desired.get("deliver_policy")
    if policy and policy != actual.get("deliver_policy", "all"):
        for option, belongs in DELIVER_POLICY_OF.items():
            if policy != belongs and actual.get(option):
                desired.setdefault(option, 0 if option == "opt_start_seq" else "")
    # A consumer has one of the two, so what is written of one holds for both, also that there is none.
    if desired.get("filter_subject") or ("filter_subject" in desired and "filter_subjects" not in desired):
        desired.setdefault("filter_subjects", [])
    elif "filter_subjects" in desired:
        desired.setdefault("filter_subject", "")
    if desired.get("backoff"):
        desired.setdefault("ack_wait", desired["backoff"][0])
    return desired


def consumer_objections(after: Config, context: Context) -> Iterator[Refusal]:
    """What the server would refuse of a consumer, or store otherwise than it is written."""
    if after.get("filter_subject") and after.get("filter_subjects"):
        yield invalid("filter_subject and filter_subjects: a consumer has one of them", "Write filter_subjects alone.")
    yield from _start_of_another_policy(after)
    for one, other in combinations(after.get("filter_subjects") or [], 2):
        if overlap(one, other):
            yield invalid(f"filter_subjects: {one} and {other} overlap", "Write filters that share no subject.")
    yield from _backoff_mismatch(after)
    pushes = bool(after.get("deliver_subject"))
    kind = "push" if pushes else "pull"
    for key in ("max_waiting",) if pushes else ("flow_control", "idle_heartbeat", "rate_limit_bps"):
        if after.get(key):
            yield invalid(f"{key}: a {kind} consumer has none", "Leave it out, or write 0 or false.")
    yield from contradictions(after, context.stream)
    yield from _above_the_stream(after, context.stream)
    if context.stream.get("retention") == "workqueue":
        yield from _filters_of_others(after, context)


def _above_the_stream(after: Config, stream: Mapping[str, Any]) -> Iterator[Refusal]:
    """Limits and replicas of the stream that a consumer can't exceed."""
    limits, name = stream.get("consumer_limits") or {}, stream.get("name")
    for key, show in (("max_ack_pending", str), ("inactive_threshold", show_duration)):
        most = limits.get(key) or 0
        if 0 < most < after.get(key, 0):
            yield invalid(
                f"{key}: {show(after[key])} is more than the consumer_limits of stream {name} allow, {show(most)}",
                f"Lower it, or raise consumer_limits.{key} of the stream.",
            )
    replicas, most = after.get("num_replicas", 0), stream.get("num_replicas") or 1
    if stream and replicas > most:
        yield invalid(
            f"num_replicas: {replicas} is more than stream {name} has, {most}", "Lower it, or leave it out for as many."
        )


def _backoff_mismatch(after: Config) -> Iterator[Refusal]:
    backoff = after.get("backoff") or []
    if backoff and after.get("ack_wait") != backoff[0]:
        yield invalid(
            f"ack_wait: the consumer has a backoff, whose first value {show_duration(backoff[0])} counts",
            "Leave ack_wait out or make the two equal.",
        )
    if 0 < after.get("max_deliver", -1) < len(backoff):
        yield invalid(
            f"max_deliver: {after['max_deliver']} deliveries are fewer than the values of backoff",
            "Raise max_deliver or shorten backoff.",
        )


def _start_of_another_policy(after: Config) -> Iterator[Refusal]:
    policy = after.get("deliver_policy", "all")
    for option, belongs in DELIVER_POLICY_OF.items():
        if policy == belongs and not after.get(option):
            yield invalid(f"deliver_policy: {policy} needs {option}", f"Write {option}.")
        elif policy != belongs and after.get(option):
            yield invalid(
                f"{option} belongs to deliver_policy: {belongs}, and this is {policy}",
                "Leave it out or change the policy.",
            )


def _filters_of_others(after: Config, context: Context) -> Iterator[Refusal]:
    """Filters of a work queue that another consumer has.

    This is refused before the server is asked: after its refusal the server lists a consumer that does not exist.
    """
    for other in context.consumers:
        if other.get("name") == after["name"]:
            continue
        for mine in filters(after):
            for theirs in filters(other):
                if overlap(mine, theirs):
                    yield Refusal(
                        "SUBJECTS_TAKEN",
                        f"filter {mine}: consumer {other['name']} takes {theirs} of this work queue already, "
                        "and each message has one consumer",
                        "Write filters that share no subject.",
                    )


span: Type = not_negative(duration)
heartbeat: Type = at_least(100 * MILLISECOND, duration)

CONSUMER = Resource(
    "consumer",
    fields=(
        Field("description", string),
        Field(
            "deliver_policy",
            choice("all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"),
            Mutability.NEVER,
            echoed=True,
        ),
        Field("opt_start_seq", not_negative(integer), Mutability.NEVER),
        Field("opt_start_time", time, Mutability.NEVER),
        Field(
            "ack_policy",
            choice("explicit", "all", "none", "flow_control", since={"flow_control": 4}),
            Mutability.NEVER,
            echoed=True,
        ),
        Field("ack_wait", span, default=default_ack_wait),
        Field("max_deliver", limit(integer), echoed=True),
        Field("backoff", durations),
        Field("filter_subject", subject),
        Field("filter_subjects", subjects),
        Field("replay_policy", choice("instant", "original"), Mutability.NEVER, echoed=True),
        Field("rate_limit_bps", not_negative(integer)),
        Field("sample_freq", percentage),
        Field("max_waiting", not_negative(integer), Mutability.NEVER, default=default_max_waiting),
        Field(
            "max_ack_pending",
            at_least(-1, integer),
            default=default_max_ack_pending,
            ceiling=Ceiling(TOO_MANY_PENDING, 1, DEFAULT_MAX_ACK_PENDING),
        ),
        Field("headers_only", boolean),
        Field(
            "max_batch",
            not_negative(integer),
            default=default_max_batch,
            ceiling=Ceiling(TOO_LARGE_BATCH, 1, MOST_BATCH),
        ),
        Field("max_expires", span),
        Field("max_bytes", not_negative(byte_size)),
        Field("deliver_subject", subject, deliver_subject_change),
        Field("deliver_group", string),
        Field("idle_heartbeat", heartbeat, Mutability.NEVER, default=default_idle_heartbeat),
        Field("flow_control", boolean, Mutability.NEVER, default=default_flow_control),
        Field("inactive_threshold", span, default=default_inactive_threshold),
        Field("num_replicas", within(0, 5, absent=0), echoed=True),
        Field("mem_storage", boolean, Mutability.NEVER),
        Field(
            "priority_policy",
            choice(
                "none",
                "overflow",
                "pinned_client",
                "prioritized",
                since={"overflow": 1, "pinned_client": 1, "prioritized": 2},
            ),
        ),
        Field("priority_groups", strings, api_level=1),
        Field("priority_timeout", span, api_level=1, default=default_priority_timeout),
        Field("metadata", labels, default=server_metadata),
    ),
    hidden=(Field("durable_name", string, Mutability.NEVER),),
    # Clients create consumers with explicit acknowledgement, although the server's own default is none.
    creates=lambda name: {"name": name, "durable_name": name, "ack_policy": "explicit"},
    inherits=limits_of_stream,
    completes=complete_consumer,
    objects=consumer_objections,
    loses=consumer_losses,
    holds=consumer_position,
    loses_recreated=lost_by_recreation,
    resumes_at=resumes_at,
    states=("present", "absent", "paused", "resumed", "reset"),
    arguments={"pause_until": {"type": "str"}, "reset_seq": {"type": "int"}},
)
