# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Read, plan, write, read again: the same for every kind of resource. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._api import STREAM_NOT_FOUND, JetStream
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._plan import Found, Plan, Step, plan
from ansible_collections.messaging.nats.plugins.module_utils._resource import Config
from ansible_collections.messaging.nats.plugins.module_utils._stream import STREAM

Result = dict[str, Any]
FORBIDDEN = frozenset(" \t\r\n.*>/\\")


def converge_stream(
    jetstream: JetStream, name: str, desired: Config | None, allowed: frozenset[str], check: bool, timeout: float
) -> Result:
    """Makes the stream what `desired` says, absent where that is None, and tells what it is then."""
    if not name or set(name) & FORBIDDEN:
        raise NatsError(f"stream {name!r}", "a name has no spaces, dots, slashes or wildcards", "Choose another name.")
    info = jetstream.stream(name)
    found = Found(info["config"], _state(info)) if info else None
    level = jetstream.api_level if desired and any(STREAM.fields[field].api_level for field in desired) else 0
    planned = plan(STREAM, desired, found, allowed, level)
    if planned.refusals:
        raise NatsError(f"stream {name}", "; ".join(planned.refusals))
    if planned.steps and not check:
        info = _carry_out(jetstream, name, planned, timeout)
    return _result(name, planned, found, info, check)


def _carry_out(jetstream: JetStream, name: str, planned: Plan, timeout: float) -> Result | None:
    for step in planned.steps:
        _write(jetstream, name, step)
        if step.action == "delete":
            return None
        jetstream.settled(name, timeout)
    return jetstream.stream(name)


def _write(jetstream: JetStream, name: str, step: Step) -> None:
    call, what = f"STREAM.{step.action.upper()}.{name}", f"stream {name}"
    body = None if step.action == "delete" else {"name": name} | step.config
    try:
        jetstream.ask(call, what, body)
    except UnansweredError:
        # Once more is safe: the same configuration again changes nothing, and what is gone stays gone.
        try:
            jetstream.ask(call, what, body)
        except NatsError as error:
            if step.action != "delete" or error.err_code != STREAM_NOT_FOUND:
                raise


def _result(name: str, planned: Plan, found: Found | None, info: Result | None, check: bool) -> Result:
    before = STREAM.show(found.config) if found else {}
    after = STREAM.show(info["config"]) if info else {}
    if check and planned.steps:
        after = {} if planned.steps[-1].action == "delete" else STREAM.show({"name": name} | planned.steps[-1].config)
    result: Result = {"changed": bool(planned.steps), "stream": after, "before": before}
    if info and not check:
        result["state"] = _state(info)
    return result


def _state(info: Result) -> Result:
    state: Result = info["state"]
    return state
