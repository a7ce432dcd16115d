# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What a change loses of what a stream, a bucket or a consumer holds. Pure: it sends no request.

Each rule compares the current configuration with the resulting one, whatever options brought the change.
What could not be read counts as lost. PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant, show_duration
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context, Current, Loss
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import covered
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

SECOND_NS = 10**9
# Messages that expire within this time after a change are gone before anybody can undo it.
EXPIRES_SOON_NS = 10 * SECOND_NS
# A consumer with a shorter inactive_threshold does not outlive the restart of its client.
INACTIVE_SOON_NS = 60 * SECOND_NS
# The API level from which on a server can set the position of a consumer.
RESET_LEVEL = 4


def stream_losses(found: Current, after: Config, context: Context) -> Iterator[Loss]:
    yield from _above_limits(found, after, context)
    yield from _above_history(found, after)
    yield from _expiring(found, after)
    yield from _without_interest(found, after)


def bucket_losses(found: Current, after: Config, context: Context) -> Iterator[Loss]:
    """The losses of a stream, and those of a bucket's clients: a full bucket stores nothing more."""
    yield from stream_losses(found, after, context)
    stored, before, most = found.state.get("bytes", 0), _limit(found.config, "max_bytes"), _limit(after, "max_bytes")
    if 0 < most < stored and most != before and not _deletes_above_limits(after, context):
        yield Loss(("max_bytes",), f"leave it full: it holds {stored} bytes, so that nothing more could be stored")
    mirror, messages = found.config.get("mirror"), found.state.get("messages", 0)
    if mirror and not after.get("mirror") and messages and not mirror.get("subject_transforms"):
        origin = str(mirror.get("name", "")).removeprefix("KV_")
        if after["name"].removeprefix("KV_") != origin:
            yield Loss(
                ("mirror",),
                f"leave {messages} messages under the keys of bucket {origin}, where no client of this bucket finds them",
            )


def _limit(config: Mapping[str, Any], key: str) -> int:
    """A limit, where 0 and a missing field mean unlimited."""
    return int(config.get(key) or -1)


def _deletes_above_limits(after: Config, context: Context) -> bool:
    """Whether the server deletes what is above a limit as soon as the limit holds."""
    return after.get("discard", "old") == "old" or context.trims_discard_new


def _above_limits(found: Current, after: Config, context: Context) -> Iterator[Loss]:
    for key, figure in (("max_msgs", "messages"), ("max_bytes", "bytes")):
        stored, most = found.state.get(figure, 0), _limit(after, key)
        if 0 < most < stored and _deletes_above_limits(after, context):
            yield Loss((key, "discard"), f"delete {stored - most} of {stored} {figure}")


def _above_history(found: Current, after: Config) -> Iterator[Loss]:
    key = "max_msgs_per_subject"
    before, most = _limit(found.config, key), _limit(after, key)
    if most < 0 or 0 < before <= most:
        return
    subjects = found.state.get("num_subjects", 0)
    counts = found.info.get("subjects")
    # Without counts: one subject has at most all messages but one for each other subject.
    largest = max(counts.values(), default=0) if counts is not None else found.state.get("messages", 0) - subjects + 1
    if largest > most:
        yield Loss((key,), f"delete all but the last {most} messages of each of {subjects} subjects")


def _expiring(found: Current, after: Config) -> Iterator[Loss]:
    before, most = found.config.get("max_age") or 0, after.get("max_age") or 0
    if not most or 0 < before <= most or not found.state.get("messages"):
        return
    first, now = instant(found.state.get("first_ts")), instant(found.info.get("ts"))
    if first is None:
        yield Loss(("max_age",), "delete messages whose age is not known")
        return
    # The server's own clock, where its answer has the time.
    moment = now or (datetime.now(timezone.utc), 0)
    age = (moment[0] - first[0]) // timedelta(microseconds=1) * 1000 + moment[1] - first[1]
    if age + EXPIRES_SOON_NS > most:
        shown = show_duration(max(0, age) // SECOND_NS * SECOND_NS)
        soon = "" if age > most else f" within {show_duration(EXPIRES_SOON_NS)}"
        yield Loss(("max_age",), f"delete messages up to {shown} old{soon}")


def _without_interest(found: Current, after: Config) -> Iterator[Loss]:
    stored = found.state.get("messages", 0)
    if after.get("retention") != "interest" or found.config.get("retention") == "interest" or not stored:
        return
    consumers = found.info.get("consumers")
    if consumers and any(_has_all_unprocessed(consumer, stored) for consumer in consumers):
        return
    if found.state.get("consumer_count"):
        yield Loss(("retention",), f"delete those of its {stored} messages that every consumer has acknowledged")
    else:
        yield Loss(("retention",), f"delete all {stored} messages, because no consumer is interested")


def _has_all_unprocessed(consumer: Mapping[str, Any], stored: int) -> bool:
    return unprocessed_count(consumer) == stored and consumer.get("config", {}).get("ack_policy") != "none"


def stream_content(found: Current, context: Context) -> str | None:
    """What is lost with a stream: its messages, and its durable consumers with their positions."""
    messages = found.state.get("messages", 0)
    durable = found.info.get("durables")
    consumers = found.state.get("consumer_count", 0) - context.leaving if durable is None else len(durable)
    parts = [f"{messages} messages"] if messages else []
    parts += [f"{consumers} consumers"] if consumers > 0 else []
    return f"delete {' and '.join(parts)}" if parts else None


def filters(config: Mapping[str, Any]) -> list[str]:
    """The subjects that a consumer takes; all of them where no filter is written."""
    one = config.get("filter_subject")
    return list(config.get("filter_subjects") or ([one] if one else [">"]))


def unprocessed_count(info: Mapping[str, Any]) -> int:
    """How many messages a consumer has not processed: to be delivered, or delivered and not acknowledged."""
    return int(info.get("num_pending", 0) + info.get("num_ack_pending", 0))


def consumer_losses(found: Current, after: Config, context: Context) -> Iterator[Loss]:
    yield from _filtered_out(found, after, context)
    yield from _deliveries_exhausted(found, after)
    yield from _soon_inactive(found, after, context)


def _filtered_out(found: Current, after: Config, context: Context) -> Iterator[Loss]:
    """Messages that the consumer has not processed, and that its new filters no longer take."""
    unprocessed, new_filters = unprocessed_count(found.info), filters(after)
    dropped = [subject for subject in filters(found.config) if not covered(subject, new_filters)]
    if not unprocessed or not dropped:
        return
    counts = found.info.get("unprocessed")
    most = unprocessed if counts is None else min(unprocessed, sum(counts.values()))
    if not most:
        return
    keys, what = ("filter_subjects", "filter_subject"), " and ".join(counts or dropped)
    retention = context.stream.get("retention", "limits")
    if retention == "interest":
        yield Loss(keys, f"delete up to {most} messages of {what} that this consumer has not acknowledged")
    elif retention != "workqueue":
        yield Loss(keys, f"skip up to {most} messages of {what} that this consumer has not processed")
    elif not all(_taken_by_others(subject, found, context) for subject in counts or dropped):
        yield Loss(keys, f"leave up to {most} messages of {what} that no other consumer takes")


def _taken_by_others(subject: str, found: Current, context: Context) -> bool:
    """Whether another consumer of the work queue takes these subjects."""
    others = (entry for entry in context.consumers if entry.get("name") != found.config.get("name"))
    return any(covered(subject, filters(entry)) for entry in others)


def _deliveries_exhausted(found: Current, after: Config) -> Iterator[Loss]:
    before, most = _limit(found.config, "max_deliver"), _limit(after, "max_deliver")
    if most < 0 or 0 < before <= most:
        return
    unacknowledged = found.info.get("num_ack_pending", 0)
    # The server says how many were delivered more than once, but not how often each was delivered.
    exhausted = unacknowledged if most == 1 else min(unacknowledged, found.info.get("num_redelivered", 0))
    if exhausted:
        yield Loss(("max_deliver",), f"give up {exhausted} messages that are delivered and not acknowledged")


def _soon_inactive(found: Current, after: Config, context: Context) -> Iterator[Loss]:
    """A consumer that the server will delete soon. Without an inactive_threshold of its own it gets the stream's."""
    limit = context.stream.get("consumer_limits", {}).get("inactive_threshold") or 0
    before, most = found.config.get("inactive_threshold") or 0, after.get("inactive_threshold") or limit
    used = found.info.get("num_waiting", 0) or found.info.get("push_bound")
    if not 0 < most < INACTIVE_SOON_NS or 0 < before <= most or used:
        return
    yield Loss(
        ("inactive_threshold",),
        f"have the server delete it with its position once no client has used it for {show_duration(most)}",
    )


def consumer_position(found: Current, context: Context) -> str | None:
    """What is lost with a consumer: the messages that only this consumer takes, and its position."""
    unprocessed, retention = unprocessed_count(found.info), context.stream.get("retention", "limits")
    if unprocessed and retention == "interest":
        return f"delete up to {unprocessed} messages that only this consumer waits for"
    if retention == "workqueue":
        # Acknowledged messages are deleted, so that a new consumer continues where this one stopped.
        taken = all(_taken_by_others(subject, found, context) for subject in filters(found.config))
        return f"leave {unprocessed} messages that no other consumer takes" if unprocessed and not taken else None
    if has_progress(found):
        return f"lose its position, sequence {ack_floor(found)}"
    if unprocessed and found.config.get("deliver_policy", "all") in ("new", "last", "last_per_subject"):
        return f"skip {unprocessed} messages that it has not processed"
    return None


def has_progress(found: Current) -> bool:
    """Whether a consumer has processed messages that a new one with the same configuration would deliver again."""
    delivered, acknowledged = found.info.get("delivered", {}), found.info.get("ack_floor", {})
    return bool(
        acknowledged.get("consumer_seq", 0) or delivered.get("consumer_seq", 0) > found.info.get("num_ack_pending", 0)
    )


def ack_floor(found: Current) -> int:
    """The stream sequence up to which all messages are acknowledged, or delivered where nobody acknowledges."""
    none = found.config.get("ack_policy") == "none"
    return int(found.info.get("delivered" if none else "ack_floor", {}).get("stream_seq", 0))


def acked_above_floor(found: Current) -> int:
    """How many messages above the ack floor are acknowledged. A reset to the floor delivers them again."""
    delivered, acknowledged = found.info.get("delivered", {}), found.info.get("ack_floor", {})
    if found.config.get("ack_policy") == "none":
        return 0
    above = delivered.get("consumer_seq", 0) - acknowledged.get("consumer_seq", 0)
    return max(0, int(above - found.info.get("num_ack_pending", 0)))


START_FIELDS = ("deliver_policy", "opt_start_seq", "opt_start_time")


def _same_start(found: Current, after: Config) -> bool:
    return all((found.config.get(key) or None) == (after.get(key) or None) for key in START_FIELDS)


def resumes_at(found: Current, after: Config, level: int) -> int | None:
    """The sequence at which a recreated consumer continues where it was; None where the server can't set it, or need not."""
    resettable = after.get("deliver_policy", "all") in ("all", "by_start_sequence", "by_start_time")
    if level < RESET_LEVEL or not resettable or not _same_start(found, after) or not has_progress(found):
        return None
    return ack_floor(found) + 1 if ack_floor(found) else None


def lost_by_recreation(found: Current, after: Config, context: Context, level: int) -> str | None:
    """What is lost when a consumer is recreated, and its position restored where the server can set it."""
    retention = context.stream.get("retention", "limits")
    if retention == "interest":
        return consumer_position(found, context)
    filtered = next((loss.sentence for loss in _filtered_out(found, after, context)), None)
    if filtered or retention == "workqueue":
        return filtered
    unprocessed = unprocessed_count(found.info)
    if unprocessed and not _same_start(found, after) and after.get("deliver_policy", "all") != "all":
        return f"skip up to {unprocessed} messages that it has not processed"
    if resumes_at(found, after, level) is None:
        return consumer_position(found, context)
    redelivered = acked_above_floor(found)
    return f"deliver up to {redelivered} acknowledged messages again" if redelivered else None
