# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The plans for the states that are neither present nor absent. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant, parse_instant, utc
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    Policy,
    ResourcePlan,
    irreversible,
    server_too_old,
    would_lose,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current, Refusal
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import SEALED
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

Arguments = Mapping[str, Any]
# The state that each option belongs to.
STATE_OF_OPTION = {"purge": "purged", "pause_until": "paused", "reset_seq": "reset"}
# The API level that a state needs.
LEVEL_OF_STATE = {"paused": 1, "reset": 4}


def validate_state(title: str, state: str, arguments: Arguments) -> None:
    """Refuses options that are wrong whatever the server has."""

    def refuse(cause: str, remedy: str) -> NatsError:
        return NatsError(title, cause, remedy, code="INVALID_VALUE")

    purge = {key: value for key, value in (arguments.get("purge") or {}).items() if value is not None}
    if "seq" in purge and "keep" in purge:
        raise refuse("purge: seq and keep exclude one another", "Write one of them.")
    for key in ("seq", "keep"):
        if purge.get(key, 0) < 0:
            raise refuse(f"purge.{key}: {purge[key]} is negative", "Write 0 or more.")
    if state == "present" and (others := sorted(arguments.keys() & STATE_OF_OPTION.keys())):
        option = others[0]
        raise refuse(f"{option} belongs to state: {STATE_OF_OPTION[option]}", "Set that state, or leave it out.")
    if arguments.get("reset_seq", 1) < 1:
        raise refuse(f"reset_seq: {arguments['reset_seq']} is not a sequence", "Write 1 or more.")
    if state == "paused":
        parse_pause(arguments)


def purged(arguments: Arguments, found: Current, policy: Policy, _level: int) -> ResourcePlan:
    """The plan that deletes all messages but those that the purge keeps."""
    body = {key: value for key, value in (arguments.get("purge") or {}).items() if value not in (None, "")}
    count = _messages_to_purge(body, found)
    if not count:
        return ResourcePlan()
    stored = found.state["messages"]
    refusals = would_lose("purging it", f"delete {count} messages", policy)
    return ResourcePlan((Step("purge", body),), {"messages": (stored, stored - count)}, refusals)


def _messages_to_purge(body: Mapping[str, Any], found: Current) -> int:
    """How many messages a purge deletes, at most."""
    state = found.state
    stored = state.get("messages", 0)
    if "filter" in body:
        stored = sum((state.get("subjects") or {}).values())
    if "keep" in body:
        return int(max(0, stored - body["keep"]))
    if "seq" in body:
        first = found.info.get("first_of_filter", state.get("first_seq", 0))
        return int(min(stored, max(0, body["seq"] - first)))
    return int(stored)


def sealed(_arguments: Arguments, found: Current, policy: Policy, _level: int) -> ResourcePlan:
    """The plan after which no message can be stored or deleted any more."""
    if found.config.get("sealed"):
        return ResourcePlan()
    step = Step("update", found.config | SEALED)
    return ResourcePlan((step,), {"sealed": (False, True)}, irreversible("sealing it", policy))


def paused(arguments: Arguments, found: Current, _policy: Policy, level: int) -> ResourcePlan:
    """The plan after which the consumer delivers nothing until pause_until."""
    until = parse_pause(arguments)
    before = found.config.get("pause_until")
    if found.info.get("paused") and instant(before) == instant(until):
        return ResourcePlan()
    step = Step("pause", {"pause_until": until})
    return ResourcePlan((step,), {"pause_until": (before, until)}, state_too_new("paused", level))


def parse_pause(arguments: Arguments) -> str:
    """pause_until as the server writes it, which must be in the future."""
    until = arguments.get("pause_until")
    if not until:
        raise _invalid_pause("pause_until is missing", "Write until when, as in 2030-01-31T12:00:00Z.")
    try:
        until = parse_instant(until)
    except ValueError as error:
        raise _invalid_pause(f"pause_until: {error}") from error
    moment = instant(until)
    if moment is None or moment[0] <= datetime.now(timezone.utc):
        raise _invalid_pause(f"pause_until: {until} is in the past", "Write a future time, or state: resumed.")
    return utc(*moment)


def _invalid_pause(cause: str, remedy: str = "") -> NatsError:
    return NatsError("state paused", cause, remedy, code="INVALID_VALUE")


def resumed(_arguments: Arguments, found: Current, _policy: Policy, _level: int) -> ResourcePlan:
    """The plan after which a paused consumer delivers again."""
    if not found.info.get("paused"):
        return ResourcePlan()
    return ResourcePlan((Step("pause", {}),), {"pause_until": (found.config.get("pause_until"), None)})


def reset(arguments: Arguments, found: Current, policy: Policy, level: int) -> ResourcePlan:
    """The plan after which the consumer delivers from reset_seq on, or everything that is not acknowledged."""
    sequence = arguments.get("reset_seq")
    delivered = found.info.get("delivered", {}).get("stream_seq", 0)
    floor = found.info.get("ack_floor", {}).get("stream_seq", 0)
    target = floor if sequence is None else sequence - 1
    if delivered == floor == target:
        return ResourcePlan()
    body = {} if sequence is None else {"seq": sequence}
    loss = _passed_over(found, target, delivered, floor)
    refusals = (*state_too_new("reset", level), *would_lose("resetting it", loss, policy))
    return ResourcePlan((Step("reset", body),), {"next": (delivered + 1, target + 1)}, refusals)


def _passed_over(found: Current, target: int, delivered: int, floor: int) -> str | None:
    """The unprocessed messages that a reset skips in a stream that keeps them for its consumers only.

    In a stream with retention limits nothing is lost: a reset to an earlier sequence delivers them again.
    """
    unprocessed = found.info.get("num_ack_pending", 0)
    if target > delivered:
        unprocessed += found.info.get("num_pending", 0)
    skipped = min(unprocessed, target - floor)
    if skipped <= 0 or found.info.get("retention", "limits") == "limits":
        return None
    effect = "delete" if found.info["retention"] == "interest" else "leave undelivered"
    return f"{effect} up to {skipped} messages that it has not processed"


def state_too_new(state: str, level: int) -> tuple[Refusal, ...]:
    """Why a state is refused by a server whose API level is too low for it."""
    needed = LEVEL_OF_STATE.get(state, 0)
    return () if level >= needed else (server_too_old(f"state {state}", needed, level, "Upgrade the server."),)


STATES: Mapping[str, Callable[[Arguments, Current, Policy, int], ResourcePlan]] = {
    "purged": purged,
    "sealed": sealed,
    "paused": paused,
    "resumed": resumed,
    "reset": reset,
}
