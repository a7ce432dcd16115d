# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The plans for the states that are neither present nor absent. Pure: it sends no request.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

# The state that each option belongs to.
STATE_OF_OPTION = {"purge": "purged", "pause_until": "paused", "reset_seq": "reset"}
# The API level that a state needs.
LEVEL_OF_STATE = {"paused": 1, "reset": 4}


@dataclass(frozen=True)
class Purge:
    """Which messages state purged deletes: all of them where nothing is written."""

    filter: str = ""
    seq: int | None = None
    keep: int | None = None

    def request(self) -> dict[str, Any]:
        """The body of the server's request."""
        written = {"filter": self.filter, "seq": self.seq, "keep": self.keep}
        return {key: value for key, value in written.items() if value not in (None, "")}


ALL_MESSAGES = Purge()


@dataclass(frozen=True)
class StateOptions:
    """The options of the states other than present and absent."""

    purge: Purge = ALL_MESSAGES
    # As the server writes a time.
    pause_until: str | None = None
    reset_seq: int | None = None


NO_STATE_OPTIONS = StateOptions()


def parse_state_options(title: str, state: str, written: Mapping[str, Any]) -> StateOptions:
    """The options of a state as they are written, unless they are wrong whatever the server has."""
    if state == "present" and (others := sorted(written.keys() & STATE_OF_OPTION.keys())):
        option = others[0]
        belongs = f"{option} belongs to state: {STATE_OF_OPTION[option]}"
        raise _invalid(title, belongs, "Set that state, or leave it out.")
    sequence = written.get("reset_seq")
    if sequence is not None and sequence < 1:
        raise _invalid(title, f"reset_seq: {sequence} is not a sequence", "Write 1 or more.")
    until = _parse_pause(title, written.get("pause_until")) if state == "paused" else None
    return StateOptions(_parse_purge(title, written.get("purge") or {}), until, sequence)


def _parse_purge(title: str, written: Mapping[str, Any]) -> Purge:
    if written.get("filter") == "":
        # Perhaps a variable that has no value; all messages would be deleted.
        raise _invalid(title, "purge.filter is empty", "Write a subject, or leave it out to delete all messages.")
    purge = Purge(written.get("filter") or "", written.get("seq"), written.get("keep"))
    if purge.seq is not None and purge.keep is not None:
        raise _invalid(title, "purge: seq and keep exclude one another", "Write one of them.")
    for key, number in (("seq", purge.seq), ("keep", purge.keep)):
        if number is not None and number < 0:
            raise _invalid(title, f"purge.{key}: {number} is negative", "Write 0 or more.")
    return purge


def _parse_pause(title: str, written: str | None) -> str:
    """pause_until as the server writes it, which must be in the future."""
    if not written:
        raise _invalid(title, "pause_until is missing", "Write until when, as in 2030-01-31T12:00:00Z.")
    try:
        until = parse_instant(written)
    except ValueError as error:
        raise _invalid(title, f"pause_until: {error}") from error
    moment = instant(until)
    if moment is None or moment[0] <= datetime.now(timezone.utc):
        raise _invalid(title, f"pause_until: {until} is in the past", "Write a future time, or state: resumed.")
    return utc(*moment)


def _invalid(title: str, cause: str, remedy: str = "") -> NatsError:
    return NatsError(title, cause, remedy, code="INVALID_VALUE")


def plan_purge(options: StateOptions, found: Current, policy: Policy, _level: int) -> ResourcePlan:
    """The plan that deletes all messages but those that the purge keeps."""
    count = _messages_to_purge(options.purge, found)
    if not count:
        return ResourcePlan()
    stored = found.state["messages"]
    refusals = would_lose("purging it", f"delete {count} messages", policy)
    return ResourcePlan((Step("purge", options.purge.request()),), {"messages": (stored, stored - count)}, refusals)


def _messages_to_purge(purge: Purge, found: Current) -> int:
    """How many messages a purge deletes, at most."""
    state = found.state
    stored = state.get("messages", 0)
    if purge.filter:
        stored = sum((state.get("subjects") or {}).values())
    if purge.keep is not None:
        return int(max(0, stored - purge.keep))
    if purge.seq is not None:
        first = found.info.get("first_of_filter", state.get("first_seq", 0))
        return int(min(stored, max(0, purge.seq - first)))
    return int(stored)


def sealed(_options: StateOptions, found: Current, policy: Policy, _level: int) -> ResourcePlan:
    """The plan after which no message can be stored or deleted any more."""
    if found.config.get("sealed"):
        return ResourcePlan()
    step = Step("update", found.config | SEALED)
    return ResourcePlan((step,), {"sealed": (False, True)}, irreversible("sealing it", policy))


def paused(options: StateOptions, found: Current, _policy: Policy, level: int) -> ResourcePlan:
    """The plan after which the consumer delivers nothing until pause_until."""
    until = options.pause_until
    before = found.config.get("pause_until")
    if found.info.get("paused") and instant(before) == instant(until):
        return ResourcePlan()
    step = Step("pause", {"pause_until": until})
    return ResourcePlan((step,), {"pause_until": (before, until)}, state_too_new("paused", level))


def resumed(_options: StateOptions, found: Current, _policy: Policy, _level: int) -> ResourcePlan:
    """The plan after which a paused consumer delivers again."""
    if not found.info.get("paused"):
        return ResourcePlan()
    return ResourcePlan((Step("pause", {}),), {"pause_until": (found.config.get("pause_until"), None)})


def reset(options: StateOptions, found: Current, policy: Policy, level: int) -> ResourcePlan:
    """The plan after which the consumer delivers from reset_seq on, or everything that is not acknowledged."""
    sequence = options.reset_seq
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


STATES: Mapping[str, Callable[[StateOptions, Current, Policy, int], ResourcePlan]] = {
    "purged": plan_purge,
    "sealed": sealed,
    "paused": paused,
    "resumed": resumed,
    "reset": reset,
}
