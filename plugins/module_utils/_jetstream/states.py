# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The states that are neither present nor absent: what they take. Pure: talks to nobody.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant, parse_instant, utc
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy, ResourcePlan, lost, needs
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import SEALED
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

Arguments = Mapping[str, Any]
# The state that an option is for, and the API level that a state needs.
STATE_OF_OPTION = {"purge": "purged", "pause_until": "paused", "reset_seq": "reset"}
LEVEL_OF_STATE = {"paused": 1, "reset": 4}


def validate_state(title: str, state: str, arguments: Arguments) -> None:
    """Refuses what makes no sense whatever is there."""
    purge = {key: value for key, value in (arguments.get("purge") or {}).items() if value is not None}
    if "seq" in purge and "keep" in purge:
        raise NatsError(title, "purge: seq and keep exclude one another", "Write one of them.")
    for key in ("seq", "keep"):
        if purge.get(key, 0) < 0:
            raise NatsError(title, f"purge.{key}: {purge[key]} is negative", "Write 0 or more.")
    if state == "present" and (lost := sorted(arguments.keys() & STATE_OF_OPTION.keys())):
        raise NatsError(
            title, f"{lost[0]}: it belongs to state: {STATE_OF_OPTION[lost[0]]}", "Set that state, or leave it out."
        )
    if arguments.get("reset_seq", 1) < 1:
        raise NatsError(title, f"reset_seq: {arguments['reset_seq']} is no sequence", "Write 1 or more.")
    if state == "paused":
        parse_pause(arguments)


def purged(arguments: Arguments, found: Current, policy: Policy, _level: int) -> ResourcePlan:
    """No messages but those that are kept."""
    body = {key: value for key, value in (arguments.get("purge") or {}).items() if value not in (None, "")}
    going = _going(body, found)
    if not going:
        return ResourcePlan()
    refused = lost("purging it", f"delete {going} messages", policy)
    return ResourcePlan(
        (Step("purge", body),), {"messages": (found.state["messages"], found.state["messages"] - going)}, refused
    )


def _going(body: Mapping[str, Any], found: Current) -> int:
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
    """Nothing comes in or goes any more."""
    if found.config.get("sealed"):
        return ResourcePlan()
    refused = (
        ()
        if "allow_irreversible" in policy.allowed
        else ("sealing it can't be undone. Set allow_irreversible: true if it shall be",)
    )
    return ResourcePlan((Step("update", found.config | SEALED),), {"sealed": (False, True)}, refused)


def paused(arguments: Arguments, found: Current, _policy: Policy, level: int) -> ResourcePlan:
    """Nothing is delivered until then."""
    until = parse_pause(arguments)
    before = found.config.get("pause_until")
    if found.info.get("paused") and instant(before) == instant(until):
        return ResourcePlan()
    return ResourcePlan(
        (Step("pause", {"pause_until": until}),), {"pause_until": (before, until)}, too_old("paused", level)
    )


def parse_pause(arguments: Arguments) -> str:
    until = arguments.get("pause_until")
    if not until:
        raise NatsError("state paused", "pause_until is missing", "Write until when, as in 2030-01-31T12:00:00Z.")
    try:
        until = parse_instant(until)
    except ValueError as error:
        raise NatsError("state paused", f"pause_until: {error}") from error
    moment = instant(until)
    if moment is None or moment[0] <= datetime.now(timezone.utc):
        raise NatsError("state paused", f"pause_until: {until} is over", "Write a time to come, or state: resumed.")
    return utc(*moment)


def resumed(_arguments: Arguments, found: Current, _policy: Policy, _level: int) -> ResourcePlan:
    """Delivered again."""
    if not found.info.get("paused"):
        return ResourcePlan()
    return ResourcePlan((Step("pause", {}),), {"pause_until": (found.config.get("pause_until"), None)})


def reset(arguments: Arguments, found: Current, policy: Policy, level: int) -> ResourcePlan:
    """Delivered from a sequence on, or from what nobody has acknowledged."""
    wanted = arguments.get("reset_seq")
    delivered = found.info.get("delivered", {}).get("stream_seq", 0)
    floor = found.info.get("ack_floor", {}).get("stream_seq", 0)
    target = floor if wanted is None else wanted - 1
    if delivered == floor == target:
        return ResourcePlan()
    body = {} if wanted is None else {"seq": wanted}
    refused = lost("resetting it", _passed_over(found, target, delivered, floor), policy)
    return ResourcePlan(
        (Step("reset", body),),
        {"next": (delivered + 1, target + 1)},
        (*too_old("reset", level), *refused),
        bool(refused),
    )


def _passed_over(found: Current, target: int, delivered: int, floor: int) -> str | None:
    """What is lost of a stream that keeps messages for its consumers; in others a reset to an earlier sequence gets it back."""
    left = found.info.get("num_ack_pending", 0) + (found.info.get("num_pending", 0) if target > delivered else 0)
    passed = min(left, target - floor)
    if passed <= 0 or found.info.get("retention", "limits") == "limits":
        return None
    what = "delete" if found.info["retention"] == "interest" else "leave undelivered"
    return f"{what} up to {passed} messages that it has not processed"


def too_old(state: str, level: int) -> tuple[str, ...]:
    needed = LEVEL_OF_STATE.get(state, 0)
    return () if level >= needed else (needs(f"state {state}", needed, level),)


STATES: Mapping[str, Callable[[Arguments, Current, Policy, int], ResourcePlan]] = {
    "purged": purged,
    "sealed": sealed,
    "paused": paused,
    "resumed": resumed,
    "reset": reset,
}
