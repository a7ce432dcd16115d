# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Carries out the steps of a plan. PRIVATE to the collection: it can change at any time.

After a request without an answer the resource is read before anything is sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NatsError,
    NobodyAnswersError,
    UnansweredError,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    Policy,
    ResourceFacts,
    ResourcePlan,
    Wanted,
    plan_resource,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import (
    ERRORS,
    JetStream,
    Place,
    missing_replicas,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

POLL_INTERVAL_S = 0.05
# The server's err_code for subjects that another stream has.
OVERLAP = 10065
# For how many time-outs a resource is looked at after a request without an answer.
ELECTIONS = 2
# An API level that no field is too new for.
ANY_LEVEL = 99


async def carry_out(
    jetstream: JetStream, item: DeclaredResource, plan: ResourcePlan, found: Current | None, timeout: float
) -> Mapping[str, Any] | None:
    """The server's answer about the resource after all steps; None where it is deleted."""
    answer: Mapping[str, Any] = {}
    last: Step | None = None
    for planned_step in plan.steps:
        step = rebased(planned_step, last, answer) if last else planned_step
        try:
            answer = await _send(jetstream, item.place, step, found)
        except NatsError as error:
            answer = await _after_error(jetstream, item, plan, step, found, error)
        if step.moves:
            answer = await _wait_for_replicas(jetstream, item, timeout)
        last = step
    if plan.steps[-1].action == "delete":
        return None
    # The answer to a creation or an update has the new configuration, that to a purge has not.
    return answer if "config" in answer else await jetstream.find(item.place)


def rebased(step: Step, last: Step, answer: Mapping[str, Any]) -> Step:
    """The changes of this update on top of the current configuration, which somebody may have changed during the last step."""
    if step.action != "update" or last.action != "update" or "config" not in answer:
        return step
    config = dict(answer["config"])
    for key in step.config.keys() | last.config.keys():
        if step.config.get(key) != last.config.get(key):
            config.pop(key, None)
            config |= {key: step.config[key]} if key in step.config else {}
    return replace(step, config=config)


async def _send(jetstream: JetStream, place: Place, step: Step, found: Current | None) -> Mapping[str, Any]:
    if step.action == "purge" and found:
        return await _purge(jetstream, place, step, found)
    if step.action == "reset":
        return await _reset(jetstream, place, step, found)
    try:
        return await jetstream.write(place, step)
    except NatsError as error:
        subjects = step.config.get("subjects") or [place.stream]
        if error.err_code != OVERLAP or await jetstream.owners(subjects, {place.stream}):
            raise
        # The stream that had the subject has given it up in the meantime.
        return await jetstream.write(place, step)


async def _purge(jetstream: JetStream, place: Place, step: Step, found: Current) -> Mapping[str, Any]:
    """A purge without an answer is sent again only after the stream was read, and never deletes messages newer than its plan."""
    planned_last = found.state.get("last_seq", 0)
    deadline = time.monotonic() + jetstream.connection.options.timeout
    while True:
        try:
            return await jetstream.write(place, step)
        except UnansweredError as error:
            info = await jetstream.find(place, **_filtered(step.config))
            if info is None:
                raise
            first = await jetstream.first_of(place.stream, step.config.get("filter") or ">")
            if is_purged(step.config, info["state"], first, planned_last):
                return info
            newer = info["state"].get("last_seq", 0) - planned_last
            if time.monotonic() > deadline or ("keep" in step.config and newer):
                raise NatsError(
                    str(place),
                    f"{error.cause}. It holds {info['state'].get('messages', 0)} messages now, {newer} of them newer",
                    "Run it again.",
                    code=error.code,
                ) from error
            if "keep" not in step.config:
                step = replace(step, config={"seq": planned_last + 1} | dict(step.config))


def _filtered(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"subjects_filter": body["filter"]} if body.get("filter") else {}


def is_purged(body: Mapping[str, Any], state: Mapping[str, Any], first: int, planned_last: int) -> bool:
    """Whether a purge was carried out: `first` is the first sequence of its filter, `planned_last` the last one when it was planned."""
    if "keep" in body:
        stored = sum((state.get("subjects") or {}).values()) if body.get("filter") else state.get("messages", 0)
        return bool(stored <= body["keep"] + state.get("last_seq", 0) - planned_last)
    return first == 0 or first >= body.get("seq", planned_last + 1)


async def _reset(jetstream: JetStream, place: Place, step: Step, found: Current | None) -> Mapping[str, Any]:
    """A reset without an answer is sent again only where the consumer has its old position, because it may have moved on since."""
    deadline, before = time.monotonic() + jetstream.connection.options.timeout, found.info if found else {}
    while True:
        try:
            return await jetstream.write(place, step)
        except NobodyAnswersError:
            # The leader of a consumer that was just created does not listen yet.
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(POLL_INTERVAL_S)
        except UnansweredError as error:
            info = await jetstream.find(place)
            if info and _at(info, "ack_floor") == _at(info, "delivered") == step.config.get("seq", 0) - 1:
                return info
            same = info and all(_at(info, key) == _at(before, key) for key in ("ack_floor", "delivered"))
            if time.monotonic() > deadline or not same:
                remedy = "Look at the consumer, and run it again."
                raise NatsError(str(place), error.cause, remedy, code=error.code) from error


def _at(info: Mapping[str, Any], key: str) -> int:
    return int((info.get(key) or {}).get("stream_seq", 0))


async def _after_error(
    jetstream: JetStream,
    item: DeclaredResource,
    plan: ResourcePlan,
    step: Step,
    found: Current | None,
    error: NatsError,
) -> Mapping[str, Any]:
    """The answer about a resource whose step was carried out all the same, or the error with what is known of the resource."""
    unanswered = isinstance(error, UnansweredError)
    if found and step.action == "create":
        return await _after_failed_creation(jetstream, item, plan, step, found, error)
    if step.action == "reset" and len(plan.steps) > 1:
        raise NatsError(
            item.title,
            f"it was recreated, but its position could not be restored: {error.cause}",
            f"Set it with state: reset and reset_seq: {step.config['seq']}.",
            error.err_code,
            code="POSITION_LOST",
        ) from error
    if unanswered and step.action == "delete" and await _is_deleted(jetstream, item.place):
        return {}
    if unanswered and step.action in ("create", "update") and (info := await _as_planned(jetstream, item, step)):
        return info
    if unanswered:
        raise await _unanswered(jetstream, item, error) from error
    raise await _explained(jetstream, item, plan, error) from error


async def _is_deleted(jetstream: JetStream, place: Place) -> bool:
    try:
        return await jetstream.find(place) is None
    except NatsError:
        return False


async def _as_planned(jetstream: JetStream, item: DeclaredResource, step: Step) -> Mapping[str, Any] | None:
    """The resource once it is as the step would have it: the step was carried out, although no answer came.

    After the loss of a server it may have no leader to answer for as long as an election takes.
    """
    deadline = time.monotonic() + ELECTIONS * jetstream.connection.options.timeout
    while True:
        try:
            info = await jetstream.find(item.place)
            break
        except UnansweredError:
            if time.monotonic() > deadline:
                return None
        except NatsError:
            return None
        await asyncio.sleep(POLL_INTERVAL_S)
    if info is None:
        return None
    wanted = Wanted(item.resource, item.name, step.config, Policy())
    left = plan_resource(wanted, ResourceFacts(info, Current(info["config"]), level=ANY_LEVEL))
    return None if left.steps else info


async def _after_failed_creation(
    jetstream: JetStream, item: DeclaredResource, plan: ResourcePlan, step: Step, found: Current, error: NatsError
) -> Mapping[str, Any]:
    """After the deletion the creation failed: the old resource is restored, unless the creation was carried out all the same."""
    if isinstance(error, UnansweredError) and (info := await _as_planned(jetstream, item, step)):
        return info
    explained = await _explained(jetstream, item, plan, error)
    try:
        restored = await _restore(jetstream, item, found)
    except NatsError as failure:
        shown = item.resource.show(found.config)
        restored = f"It was deleted for that, and could not be put back: {failure.cause}. It was {shown}."
        explained.code = "NOT_RESTORED"
    explained.remedy = f"{restored} {explained.remedy}".rstrip()
    raise explained from error


async def _restore(jetstream: JetStream, item: DeclaredResource, found: Current) -> str:
    """Creates the old resource again, and says what of it is back."""
    sequence = None
    await jetstream.write(item.place, Step("create", found.config))
    if item.place.consumer:
        sequence = item.resource.resumes_at(found, found.config, await jetstream.level())
    if sequence is not None:
        await _reset(jetstream, item.place, Step("reset", {"seq": sequence}), None)
    if sequence is not None:
        return f"It was deleted for that and is back as it was, at sequence {sequence}."
    missing = "without its position" if item.place.consumer else "but empty"
    return f"It was deleted for that and is back as it was, {missing}."


async def _wait_for_replicas(jetstream: JetStream, item: DeclaredResource, timeout: float) -> Mapping[str, Any]:
    """The answer once all replicas are current. The server would mix up the next change with one that is not finished."""
    deadline, waiting = time.monotonic() + timeout, Waiting()
    while True:
        info = await jetstream.find(item.place)
        missing = missing_replicas(info) if info else "it can't be read"
        if info and not missing:
            return info
        if time.monotonic() > deadline:
            raise NatsError(
                item.title,
                f"its configuration is stored, but after {timeout:g} s: {missing}",
                "Run it again to wait longer, and look at the cluster with nats_health.",
                code="TIMED_OUT",
            )
        waiting(f"{item.title}: {missing}")
        await asyncio.sleep(POLL_INTERVAL_S)


async def _unanswered(jetstream: JetStream, item: DeclaredResource, error: NatsError) -> NatsError:
    """The error of a request without an answer, with the resource as it is now where it can be read."""
    try:
        info = await jetstream.find(item.place)
    except NatsError:
        return NatsError(item.title, error.cause, error.remedy, code=error.code)
    now = "it does not exist" if info is None else f"it is {item.resource.show(info['config'])}"
    return NatsError(item.title, f"{error.cause}. Now {now}", error.remedy, code=error.code)


async def _explained(jetstream: JetStream, item: DeclaredResource, plan: ResourcePlan, error: NatsError) -> NatsError:
    """The server's refusal with the title of the resource, and the streams that have its subjects."""
    if error.err_code != OVERLAP:
        return NatsError(item.title, error.cause, error.remedy, error.err_code, code=error.code)
    owners = await jetstream.owners(plan.steps[-1].config.get("subjects") or [item.name], {item.place.stream})
    return subjects_taken(item.title, owners)


def subjects_taken(title: str, owners: Mapping[str, list[str]]) -> NatsError:
    """The error of a stream whose subjects other streams have, in the same words whether the server was asked or not."""
    owned = ", ".join(f"{subject} is of stream {' and '.join(names)}" for subject, names in owners.items())
    cause = f"subjects overlap with an existing stream: {owned}"
    return NatsError(title, cause, ERRORS[OVERLAP][1], OVERLAP, code=ERRORS[OVERLAP][0])
