# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Carries out the steps of a plan. PRIVATE to the collection: it can change at any time.

What was sent and not answered is looked at before anything is sent again.
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
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy, ResourcePlan, plan
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Current
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import (
    JetStream,
    Place,
    missing_replicas,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

APART_S = 0.05
OVERLAP = 10065
LAST_ORDER = 99


async def carry_out(
    jetstream: JetStream, item: DeclaredResource, planned: ResourcePlan, found: Current | None, timeout: float
) -> Mapping[str, Any] | None:
    """What the resource is after all steps; None where it is deleted."""
    answer: Mapping[str, Any] = {}
    last: Step | None = None
    for planned_step in planned.steps:
        step = rebased(planned_step, last, answer) if last else planned_step
        try:
            answer = await _send(jetstream, item.place, step, found)
        except NatsError as error:
            answer = await _after_error(jetstream, item, planned, step, found, error)
        if step.moves:
            answer = await _settled(jetstream, item, timeout)
        last = step
    if planned.steps[-1].action == "delete":
        return None
    # The answer to a creation or an update says what it is then.
    return answer if "config" in answer else await jetstream.find(item.place)


def rebased(step: Step, last: Step, answer: Mapping[str, Any]) -> Step:
    """The changes of this update on top of what is there by now: others may have changed it while replicas were waited for."""
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
        # Whoever had the subject gave it up in the meantime.
        return await jetstream.write(place, step)


async def _purge(jetstream: JetStream, place: Place, step: Step, found: Current) -> Mapping[str, Any]:
    """A purge that is not answered is sent again only after a look, and never deletes what came after it was planned."""
    seen, over = found.state.get("last_seq", 0), time.monotonic() + jetstream.connection.options.timeout
    while True:
        try:
            return await jetstream.write(place, step)
        except UnansweredError as error:
            info = await jetstream.find(place, **_filtered(step.config))
            if info is None:
                raise
            first = await jetstream.first_of(place.stream, step.config.get("filter") or ">")
            if purged(step.config, info["state"], first, seen):
                return info
            came = info["state"].get("last_seq", 0) - seen
            if time.monotonic() > over or ("keep" in step.config and came):
                raise NatsError(
                    str(place),
                    f"{error.cause}. It holds {info['state'].get('messages', 0)} messages now, {came} of them newer",
                    "Run it again.",
                ) from error
            if "keep" not in step.config:
                step = replace(step, config={"seq": seen + 1} | dict(step.config))


def _filtered(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"subjects_filter": body["filter"]} if body.get("filter") else {}


def purged(body: Mapping[str, Any], state: Mapping[str, Any], first: int, seen: int) -> bool:
    """Whether a purge was carried out: `first` is the first sequence that it is about, `seen` the last one when it was planned."""
    if "keep" in body:
        stored = sum((state.get("subjects") or {}).values()) if body.get("filter") else state.get("messages", 0)
        return bool(stored <= body["keep"] + state.get("last_seq", 0) - seen)
    return first == 0 or first >= body.get("seq", seen + 1)


async def _reset(jetstream: JetStream, place: Place, step: Step, found: Current | None) -> Mapping[str, Any]:
    """A reset that is not answered is sent again only where the consumer is as it was: it may be further by now."""
    over, before = time.monotonic() + jetstream.connection.options.timeout, found.info if found else {}
    while True:
        try:
            return await jetstream.write(place, step)
        except NobodyAnswersError:
            # The leader of a consumer that was just made is not listening yet.
            if time.monotonic() > over:
                raise
            await asyncio.sleep(APART_S)
        except UnansweredError as error:
            info = await jetstream.find(place)
            if info and _at(info, "ack_floor") == _at(info, "delivered") == step.config.get("seq", 0) - 1:
                return info
            same = info and all(_at(info, key) == _at(before, key) for key in ("ack_floor", "delivered"))
            if time.monotonic() > over or not same:
                raise NatsError(str(place), error.cause, "Look at the consumer, and run it again.") from error


def _at(info: Mapping[str, Any], key: str) -> int:
    return int((info.get(key) or {}).get("stream_seq", 0))


async def _after_error(
    jetstream: JetStream,
    item: DeclaredResource,
    planned: ResourcePlan,
    step: Step,
    found: Current | None,
    error: NatsError,
) -> Mapping[str, Any]:
    """What is there after all, or the error with what is known of it."""
    unanswered = isinstance(error, UnansweredError)
    if found and step.action == "create":
        return await _made_anew(jetstream, item, planned, step, found, error)
    if step.action == "reset" and len(planned.steps) > 1:
        raise NatsError(
            item.title,
            f"it was made anew, but its position could not be put back: {error.cause}",
            f"Set it with state: reset and reset_seq: {step.config['seq']}.",
            error.err_code,
        ) from error
    if unanswered and step.action == "delete" and await _gone(jetstream, item.place):
        return {}
    if unanswered:
        raise await _known(jetstream, item, error) from error
    raise await _explained(jetstream, item, planned, error) from error


async def _gone(jetstream: JetStream, place: Place) -> bool:
    try:
        return await jetstream.find(place) is None
    except NatsError:
        return False


async def _made_anew(
    jetstream: JetStream, item: DeclaredResource, planned: ResourcePlan, step: Step, found: Current, error: NatsError
) -> Mapping[str, Any]:
    """A creation that failed after the deletion: what was there is put back, unless the creation was carried out."""
    if isinstance(error, UnansweredError):
        try:
            info = await jetstream.find(item.place)
        except NatsError:
            info = None
        if (
            info
            and not plan(item.resource, item.name, step.config, Current(info["config"]), Policy(), LAST_ORDER).steps
        ):
            return info
    explained = await _explained(jetstream, item, planned, error)
    explained.remedy = f"{await _put_back(jetstream, item, found)} {explained.remedy}".rstrip()
    raise explained from error


async def _put_back(jetstream: JetStream, item: DeclaredResource, found: Current) -> str:
    """What was deleted to be made anew, and could not be."""
    sequence = None
    try:
        await jetstream.write(item.place, Step("create", found.config))
        if item.place.consumer:
            sequence = item.resource.resumes_at(found, found.config, await jetstream.level())
        if sequence is not None:
            await _reset(jetstream, item.place, Step("reset", {"seq": sequence}), None)
    except NatsError as error:
        was = item.resource.show(found.config)
        return f"It was deleted for that, and could not be put back: {error.cause}. It was {was}."
    if sequence is not None:
        return f"It was deleted for that and is back as it was, at sequence {sequence}."
    lost = "without its position" if item.place.consumer else "but empty"
    return f"It was deleted for that and is back as it was, {lost}."


async def _settled(jetstream: JetStream, item: DeclaredResource, timeout: float) -> Mapping[str, Any]:
    """What it is once it has all its replicas: the server mixes up a change with one that is under way."""
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
            )
        waiting(f"{item.title}: {missing}")
        await asyncio.sleep(APART_S)


async def _known(jetstream: JetStream, item: DeclaredResource, error: NatsError) -> NatsError:
    """Whether it was carried out is unknown: reading again may tell what is now true."""
    try:
        info = await jetstream.find(item.place)
    except NatsError:
        return NatsError(item.title, error.cause, error.remedy)
    now = "it does not exist" if info is None else f"it is {item.resource.show(info['config'])}"
    return NatsError(item.title, f"{error.cause}. Now {now}", error.remedy)


async def _explained(
    jetstream: JetStream, item: DeclaredResource, planned: ResourcePlan, error: NatsError
) -> NatsError:
    if error.err_code != OVERLAP:
        return NatsError(item.title, error.cause, error.remedy, error.err_code)
    owners = await jetstream.owners(planned.steps[-1].config.get("subjects") or [item.name], {item.place.stream})
    return NatsError(item.title, f"{error.cause}: {owned(owners)}", error.remedy, error.err_code)


def owned(owners: Mapping[str, list[str]]) -> str:
    return ", ".join(f"{subject} is of stream {' and '.join(names)}" for subject, names in owners.items())
