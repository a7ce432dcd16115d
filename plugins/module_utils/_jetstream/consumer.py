# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The consumer as a table: every field of the server's ConsumerConfig. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ansible_collections.messaging.nats.plugins.module_utils._common.units import show_duration
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
    time,
    within,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.losses import (
    consumer_losses,
    filters,
    not_restored,
    position,
    resumes_at,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import (
    Context,
    Field,
    Mutability,
    Resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import MILLISECOND, SECOND, servers_own
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import overlap
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

DEFAULT_ACK_WAIT_NS = 30 * SECOND


def delivered(before: str, after: str) -> Mutability:
    """A pull consumer stays one, a push consumer may deliver elsewhere."""
    return Mutability.FREELY if before and after else Mutability.NEVER


def waits(config: Config, _around: Context) -> int:
    if config.get("backoff"):
        return int(config["backoff"][0])
    return 0 if config.get("ack_policy") in ("none", "flow_control") else DEFAULT_ACK_WAIT_NS


def unacknowledged(config: Config, around: Context) -> int:
    if config.get("ack_policy") == "none":
        return 0
    return int(around.stream.get("consumer_limits", {}).get("max_ack_pending") or 1000)


def threshold(_config: Config, around: Context) -> int:
    return int(around.stream.get("consumer_limits", {}).get("inactive_threshold") or 0)


def pulls(config: Config, _around: Context) -> int:
    return 0 if config.get("deliver_subject") else 512


def beats(config: Config, _around: Context) -> int:
    return SECOND if config.get("ack_policy") == "flow_control" else 0


def controlled(config: Config, _around: Context) -> bool:
    return config.get("ack_policy") == "flow_control"


def pins(config: Config, _around: Context) -> int:
    return 120 * SECOND if config.get("priority_policy") == "pinned_client" else 0


# Where a consumer starts, and the policy that the option belongs to.
DELIVER_POLICY_OF = {"opt_start_seq": "by_start_sequence", "opt_start_time": "by_start_time"}


def complete(desired: Config, actual: Config) -> Config:
    """One filter or several, a first wait that a backoff decides, and no start of another policy."""
    desired = dict(desired)
    policy = desired.get("deliver_policy")
    if policy and policy != actual.get("deliver_policy", "all"):
        for option, belongs in DELIVER_POLICY_OF.items():
            if policy != belongs and actual.get(option):
                desired.setdefault(option, 0 if option == "opt_start_seq" else "")
    if desired.get("filter_subject"):
        desired.setdefault("filter_subjects", [])
    elif desired.get("filter_subjects"):
        desired.setdefault("filter_subject", "")
    if desired.get("backoff"):
        desired.setdefault("ack_wait", desired["backoff"][0])
    return desired


def objections(after: Config, around: Context) -> Iterator[str]:
    if after.get("filter_subject") and after.get("filter_subjects"):
        yield "filter_subject and filter_subjects: a consumer has one of them. Write filter_subjects alone"
    yield from _start_of_another_policy(after)
    for one, other in combinations(after.get("filter_subjects") or [], 2):
        if overlap(one, other):
            yield f"filter_subjects: {one} and {other} overlap. Write filters that share no subject"
    if after.get("backoff") and after.get("ack_wait") != after["backoff"][0]:
        yield (
            f"ack_wait: the consumer has a backoff, whose first value {show_duration(after['backoff'][0])} counts. "
            "Leave ack_wait out or make the two equal"
        )
    if 0 < after.get("max_deliver", -1) < len(after.get("backoff") or []):
        yield f"max_deliver: {after['max_deliver']} deliveries are fewer than the values of backoff. Raise it or shorten backoff"
    pushes = bool(after.get("deliver_subject"))
    for key in ("max_waiting",) if pushes else ("flow_control", "idle_heartbeat", "rate_limit_bps"):
        if after.get(key):
            yield f"{key}: a {'push' if pushes else 'pull'} consumer has none. Leave it out or write it as nothing"
    if around.stream.get("retention") == "workqueue":
        yield from _not_alone(after, around)


def _start_of_another_policy(after: Config) -> Iterator[str]:
    policy = after.get("deliver_policy", "all")
    for option, belongs in DELIVER_POLICY_OF.items():
        if policy == belongs and not after.get(option):
            yield f"deliver_policy: {policy} needs {option}. Write it"
        elif policy != belongs and after.get(option):
            yield f"{option}: it belongs to deliver_policy: {belongs}, and this is {policy}. Leave it out or change the policy"


def _not_alone(after: Config, around: Context) -> Iterator[str]:
    """Found out by trying, it leaves a consumer that is listed and not there."""
    for other in around.consumers:
        if other.get("name") == after["name"]:
            continue
        for mine in filters(after):
            for theirs in filters(other):
                if overlap(mine, theirs):
                    yield (
                        f"filter {mine}: consumer {other['name']} takes {theirs} of this work queue already, "
                        "and each message has one consumer. Write filters that share no subject"
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
        ),
        Field("opt_start_seq", not_negative(integer), Mutability.NEVER),
        Field("opt_start_time", time, Mutability.NEVER),
        Field(
            "ack_policy", choice("explicit", "all", "none", "flow_control", since={"flow_control": 4}), Mutability.NEVER
        ),
        Field("ack_wait", span, default=waits),
        Field("max_deliver", limit(integer)),
        Field("backoff", durations),
        Field("filter_subject", string),
        Field("filter_subjects", strings),
        Field("replay_policy", choice("instant", "original"), Mutability.NEVER),
        Field("rate_limit_bps", not_negative(integer)),
        Field("sample_freq", percentage),
        Field("max_waiting", not_negative(integer), Mutability.NEVER, default=pulls),
        Field("max_ack_pending", at_least(-1, integer), default=unacknowledged),
        Field("headers_only", boolean),
        Field("max_batch", not_negative(integer)),
        Field("max_expires", span),
        Field("max_bytes", not_negative(byte_size)),
        Field("deliver_subject", string, delivered),
        Field("deliver_group", string),
        Field("idle_heartbeat", heartbeat, Mutability.NEVER, default=beats),
        Field("flow_control", boolean, Mutability.NEVER, default=controlled),
        Field("inactive_threshold", span, default=threshold),
        Field("num_replicas", within(0, 5, absent=0)),
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
        Field("priority_timeout", span, api_level=1, default=pins),
        Field("metadata", labels, default=servers_own),
    ),
    # Clients acknowledge explicitly; the server's own default is that nobody does.
    creates=lambda name: {"name": name, "durable_name": name, "ack_policy": "explicit"},
    completes=complete,
    objects=objections,
    loses=consumer_losses,
    holds=position,
    loses_anew=not_restored,
    resumes_at=resumes_at,
    states=("present", "absent", "paused", "resumed", "reset"),
    arguments={"pause_until": {"type": "str"}, "reset_seq": {"type": "int"}},
)
