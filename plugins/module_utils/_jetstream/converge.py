# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Read, plan, write, read again: the same for every kind of resource, for one and for thousands.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import DeclaredResource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.execute import OVERLAP, carry_out, owned
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.loss_check import closer
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import (
    NO_CONTEXT,
    ResourcePlan,
    plan,
    remove,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context, Current, Resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.states import STATES, parse_pause, too_old
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import SEALED, own_subject
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import (
    Round,
    SubjectChange,
    contested,
    rounds,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import any_overlap
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream, Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config, Step

# From so many on, the whole list is read at once.
LIST_FROM = 8
# What a plan is made of: configuration, figures of a stream, and positions of a consumer.
DECIDING_FIELDS = (
    "config",
    "state",
    "delivered",
    "ack_floor",
    "num_ack_pending",
    "num_pending",
    "num_waiting",
    "paused",
)


@dataclass
class Outcome:
    """What became of it."""

    wanted: DeclaredResource
    changed: bool = False
    before: Config = field(default_factory=dict)
    after: Config = field(default_factory=dict)
    # What a state did beside the configuration, as (before, after).
    done: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    error: NatsError | None = None
    # What somebody else changed between reading and writing, as (before, after).
    meanwhile: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def warning(self) -> str | None:
        """What has to be said of a change that somebody else made at the same time."""
        if not self.meanwhile:
            return None
        fields = ", ".join(f"{key} from {old!r} to {new!r}" for key, (old, new) in self.meanwhile.items())
        return f"{self.wanted.title}: while this was running, somebody else changed {fields}. What is not declared was kept."

    @property
    def difference(self) -> tuple[Config, Config]:
        """Before and after, as --diff shows them."""
        old = {key: before for key, (before, _after) in self.done.items() if before is not None}
        new = {key: after for key, (_before, after) in self.done.items() if after is not None}
        return self.before | old, self.after | new


async def converge(
    jetstream: JetStream, declared: Sequence[DeclaredResource], check: bool, timeout: float
) -> list[Outcome]:
    """Makes each resource what it is declared to be, and tells what it is then."""
    outcomes: dict[int, Outcome] = {}
    going = frozenset(item.place for item in declared if item.state == "absent")
    for turn in Turn:
        part = [(number, item) for number, item in enumerate(declared) if _turn(item) == turn]
        if not part:
            continue
        items = [item for _number, item in part]
        server = await _read(jetstream, items, going if check else frozenset())
        work = _Work(jetstream, server, check, timeout, alone=len(declared) == 1)
        found = await (work.streams(items) if turn is Turn.STREAM else work.all(items))
        outcomes |= {number: outcome for (number, _item), outcome in zip(part, found, strict=True)}
    return [outcomes[number] for number in range(len(declared))]


class Turn(IntEnum):
    """What goes makes room for what comes, and streams are there before their consumers."""

    CONSUMER_GOES = 0
    STREAM_GOES = 1
    STREAM = 2
    CONSUMER = 3


def _turn(item: DeclaredResource) -> Turn:
    if item.state == "absent":
        return Turn.CONSUMER_GOES if item.place.consumer else Turn.STREAM_GOES
    return Turn.CONSUMER if item.place.consumer else Turn.STREAM


@dataclass(frozen=True)
class CurrentState:
    """What was read before anything is written."""

    streams: dict[str, Any]
    # By stream and name; a work queue's are kept up to date.
    consumers: Mapping[str, dict[str, Any]]
    errors: dict[str, NatsError]
    # What is still there in check mode, and would be deleted by now.
    going: frozenset[Place]
    queues: dict[str, asyncio.Lock] = field(default_factory=dict)

    def queue(self, place: Place) -> AbstractAsyncContextManager[Any]:
        """Consumers of a work queue come one after another, so that each sees what the others take."""
        stream = self.streams.get(place.stream) or {"config": {}}
        if place.consumer is None or stream["config"].get("retention") != "workqueue":
            return nullcontext()
        return self.queues.setdefault(place.stream, asyncio.Lock())


async def _read(jetstream: JetStream, items: Sequence[DeclaredResource], going: frozenset[Place]) -> CurrentState:
    names = sorted({item.place.stream for item in items})
    streams: dict[str, Any] = {}
    errors: dict[str, NatsError] = {}
    if len(names) >= LIST_FROM:
        streams = {info["config"]["name"]: info for info in await jetstream.streams()}
        # A list leaves out, for a moment, what is new, and for long what is offline.
        names = [name for name in names if name not in streams]
    infos = await asyncio.gather(*(jetstream.find(Place(name)) for name in names), return_exceptions=True)
    for name, info in zip(names, infos, strict=True):
        if isinstance(info, NatsError):
            errors[name] = info
        elif isinstance(info, BaseException):
            raise info
        else:
            streams[name] = info
    parents = _to_list(items, streams)
    lists = await asyncio.gather(*(jetstream.consumers(name) for name in parents), return_exceptions=True)
    consumers: dict[str, dict[str, Any]] = {}
    for name, found in zip(parents, lists, strict=True):
        if isinstance(found, NatsError):
            errors[name] = found
        elif isinstance(found, BaseException):
            raise found
        else:
            consumers[name] = {info["name"]: info for info in found if info.get("config")}
    return CurrentState(streams, consumers, errors, going)


def _to_list(items: Sequence[DeclaredResource], streams: Mapping[str, Any]) -> list[str]:
    """Streams whose consumers are read together: many of them, or those that must see each other. Not every user may list."""
    counts = Counter(item.place.stream for item in items if item.place.consumer and streams.get(item.place.stream))
    return [
        name
        for name, count in sorted(counts.items())
        if count >= LIST_FROM or streams[name]["config"].get("retention") == "workqueue"
    ]


@dataclass
class _Work:
    """The resources of one turn."""

    jetstream: JetStream
    server: CurrentState
    check: bool
    timeout: float
    # Whether nothing else is done between reading and writing.
    alone: bool
    # The subjects that declared streams will have; check mode does not find them on the server.
    subjects: Mapping[str, SubjectChange] = field(default_factory=dict)
    # What streams were before they gave up subjects for a moment.
    released: dict[str, Any] = field(default_factory=dict)

    async def all(self, items: Sequence[DeclaredResource]) -> list[Outcome]:
        return list(await asyncio.gather(*(self.one(item) for item in items)))

    async def streams(self, items: Sequence[DeclaredResource]) -> list[Outcome]:
        """Who gives up a subject comes before who takes it."""
        changes = await self._subject_changes([item for item in items if self.server.streams.get(item.place.stream)])
        if not self.check and not any(change.given_up for change in changes):
            return await self.all(items)
        new = [item for item in items if not self.server.streams.get(item.place.stream)]
        order = {item.place.stream: number for number, item in enumerate(items)}
        changes = sorted([*changes, *await self._subject_changes(new)], key=lambda change: order[change.stream])
        self.subjects = {change.stream: change for change in changes}
        if self.check:
            return await self.all(items)
        outcomes: dict[str, Outcome] = {}
        first = True
        for turn in rounds(changes):
            await self._release(turn)
            now = [
                item
                for item in items
                if item.place.stream in turn.streams or (first and item.place.stream not in self.subjects)
            ]
            outcomes |= {outcome.wanted.place.stream: outcome for outcome in await self.all(now)}
            first = False
        return [outcomes[item.place.stream] for item in items]

    async def _subject_changes(self, items: Sequence[DeclaredResource]) -> list[SubjectChange]:
        """The subjects of streams that are new, or that are about to change theirs and may."""
        found = []
        for item in items:
            info = self.server.streams.get(item.place.stream)
            before = _subjects(info["config"]) if info else ()
            try:
                if info and not _writes_subjects(item, before):
                    continue
                planned = await _plan(
                    self.jetstream, item, Current(info["config"], info["state"], info) if info else None
                )
            except NatsError:
                continue  # told when it is this stream's turn
            if planned.steps and not planned.refusals and planned.steps[-1].action in ("create", "update"):
                found.append(SubjectChange(item.place.stream, before, _subjects(planned.steps[-1].config)))
        return found

    async def _release(self, turn: Round) -> None:
        """Takes subjects away from a stream that gets others in exchange."""
        for name, subjects in turn.released.items():
            info = await self.jetstream.find(Place(name))
            if info is None:
                continue
            self.released[name] = self.server.streams[name]
            step = Step("update", {**info["config"], "subjects": list(subjects)})
            try:
                self.server.streams[name] = await self.jetstream.write(Place(name), step)
            except NatsError as error:
                self.server.errors[name] = NatsError(f"stream {name}", error.cause, error.remedy, error.err_code)

    async def one(self, item: DeclaredResource) -> Outcome:
        outcome = Outcome(item)
        try:
            async with self.server.queue(item.place):
                await self._converge(item, outcome)
        except NatsError as error:
            outcome.error = error
        return outcome

    async def _converge(self, item: DeclaredResource, outcome: Outcome) -> None:
        place, resource, server = item.place, item.resource, self.server
        if place.stream in server.errors:
            raise server.errors[place.stream]
        info = await _info(self.jetstream, server, item)
        before = self.released.get(place.stream) if not place.consumer else None
        outcome.before = resource.show((before or info)["config"]) if info else {}
        if item.state != "absent" and place.consumer and not server.streams.get(place.stream) and not self.check:
            raise NatsError(
                item.title, f"stream {place.stream} does not exist", "Create the stream first, or check its name."
            )
        planned, found = await self._planned(item, info)
        if info and planned.steps and not self.check and not self.alone:
            info, planned, found = await self._right_before(item, info, planned, found, outcome)
        if planned.refusals:
            raise NatsError(item.title, "; ".join(planned.refusals))
        outcome.changed = bool(planned.steps)
        if place.stream in server.queues and item.state != "absent" and planned.steps:
            server.consumers[place.stream][item.name] = {"name": item.name, "config": _expected(planned, found)}
        if found and item.state in STATES:
            outcome.done = planned.changes
        if not planned.steps:
            _tell(outcome, info)
        elif self.check:
            await self._foresee_overlap(item, planned)
            outcome.after = resource.show(_expected(planned, found))
        else:
            await self._carry_out(item, planned, found, outcome)

    async def _right_before(
        self, item: DeclaredResource, info: Any, planned: ResourcePlan, found: Current | None, outcome: Outcome
    ) -> tuple[Any, ResourcePlan, Current | None]:
        """What is written is made of what is there right before it."""
        resource, fresh = item.resource, await self.jetstream.find(item.place)
        if not _decides_otherwise(info, fresh):
            return info, planned, found
        outcome.meanwhile = _differences(resource, info["config"], fresh["config"] if fresh else {})
        if item.place.stream not in self.released:
            outcome.before = resource.show(fresh["config"]) if fresh else {}
        return fresh, *await self._planned(item, fresh)

    async def _carry_out(
        self, item: DeclaredResource, planned: ResourcePlan, found: Current | None, outcome: Outcome
    ) -> None:
        answer = await carry_out(self.jetstream, item, planned, found, self.timeout)
        if answer and planned.steps[-1].action == "pause":
            # Another server may not know of a pause yet.
            answer = {**answer, "config": _paused(answer["config"], planned)}
        _tell(outcome, answer)

    async def _planned(self, item: DeclaredResource, info: Any) -> tuple[ResourcePlan, Current | None]:
        """The plan; where it would be refused for a loss, made again of what a closer look shows."""
        found = await _found(self.jetstream, item, info) if info else None
        around = await self._around(item.place, found)
        if found and item.place.consumer:
            found = replace(found, info={**found.info, "retention": around.stream.get("retention", "limits")})
        planned = await _plan(self.jetstream, item, found, around)
        if not (found and planned.loses):
            return planned, found
        seen = await closer(self.jetstream, item.place, found, planned, self.server.going)
        return (await _plan(self.jetstream, item, seen, around), seen) if seen is not found else (planned, found)

    async def _around(self, place: Place, found: Current | None) -> Context:
        server = self.server
        leaving = sum(other.consumer is not None and other.stream == place.stream for other in server.going)
        trims = bool(found) and not place.consumer and await self.jetstream.trims_discard_new()
        stream = server.streams.get(place.stream) if place.consumer else None
        others = server.consumers.get(place.stream, {}) if stream else {}
        there = (info["config"] for name, info in others.items() if Place(place.stream, name) not in server.going)
        return Context((stream or {}).get("config", {}), tuple(there), trims, leaving)

    async def _foresee_overlap(self, item: DeclaredResource, planned: ResourcePlan) -> None:
        """Check mode says what would be refused."""
        last = planned.steps[-1]
        if item.place.consumer or not (last.action == "create" or "subjects" in planned.changes):
            return
        subjects = _subjects(last.config)
        besides = {place.stream for place in {item.place, *self.server.going} if not place.consumer}
        owners = await self.jetstream.owners(subjects, besides)
        staying = {
            subject: still
            for subject, names in owners.items()
            if (still := [name for name in names if self._keeps(name, subject)])
        }
        name = item.place.stream
        if name in self.contested:
            subject, others = self.contested[name]
            staying.setdefault(subject, []).extend(other for other in others if other not in staying[subject])
        if staying:
            raise NatsError(
                item.title,
                f"subjects overlap with an existing stream: {owned(staying)}",
                "Change one of the two.",
                OVERLAP,
            )

    def _keeps(self, name: str, subject: str) -> bool:
        change = self.subjects.get(name)
        return change is None or any_overlap((subject,), change.after)

    @cached_property
    def contested(self) -> dict[str, tuple[str, Collection[str]]]:
        return contested(list(self.subjects.values()))


def _subjects(config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(config.get("subjects") or own_subject(dict(config), Context()))


def _writes_subjects(item: DeclaredResource, before: tuple[str, ...]) -> bool:
    """Whether a stream that is there may get other subjects; a bucket's follow from its name."""
    if "subjects" in item.desired:
        return Counter(item.desired["subjects"]) != Counter(before)
    return item.policy.exact or "subjects" in item.policy.unset or "mirror" in item.desired


def _tell(outcome: Outcome, info: Mapping[str, Any] | None) -> None:
    if info:
        outcome.after, outcome.state = outcome.wanted.resource.show(info["config"]), _figures(info)


def _decides_otherwise(before: Mapping[str, Any], now: Mapping[str, Any] | None) -> bool:
    """Whether a plan has to be made again."""
    return now is None or any(now.get(key) != before.get(key) for key in DECIDING_FIELDS)


def _differences(resource: Resource, before: Config, after: Config) -> dict[str, tuple[Any, Any]]:
    """What differs between two configurations, as people write it."""
    old, new = resource.show(before), resource.show(after)
    return {key: (old.get(key), new.get(key)) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


async def _info(jetstream: JetStream, server: CurrentState, item: DeclaredResource) -> Any:
    place = item.place
    if not place.consumer:
        return server.streams.get(place.stream)
    if not server.streams.get(place.stream):
        return None
    # What a list leaves out may be there all the same.
    return server.consumers.get(place.stream, {}).get(place.consumer) or await jetstream.find(place)


async def _found(jetstream: JetStream, item: DeclaredResource, info: Any) -> Current:
    extra: dict[str, Any] = {}
    body = item.arguments.get("purge") or {} if item.state == "purged" else {}
    if body.get("filter"):
        info = await jetstream.find(item.place, subjects_filter=body["filter"]) or info
        if body.get("seq") is not None:
            extra["first_of_filter"] = await jetstream.first_of(item.place.stream, body["filter"])
    return Current(info["config"], info.get("state") or {}, info | extra)


async def _plan(
    jetstream: JetStream, item: DeclaredResource, found: Current | None, around: Context = NO_CONTEXT
) -> ResourcePlan:
    if item.state == "absent":
        return remove(item.resource, found, item.policy, around)
    level = await jetstream.level() if _asks_level(item) else 0
    if item.state == "present" or (item.state in ("paused", "resumed") and found is None):
        desired = dict(item.desired)
        if item.state == "paused":
            desired["pause_until"] = parse_pause(item.arguments)
        planned = plan(item.resource, item.name, desired, found, item.policy, level, around)
        return replace(planned, refusals=(*planned.refusals, *too_old(item.state, level)))
    if found is None:
        raise NatsError(
            item.title, f"it does not exist, so it can't be {item.state}", "Create it first, or check its name."
        )
    # What is sealed had to give up some of what is written.
    given_up = {key: found.config.get(key) for key in SEALED if key in item.desired and found.config.get("sealed")}
    changing = plan(item.resource, item.name, item.desired | given_up, found, item.policy, level, around)
    if changing.steps:
        known = item.resource.by_key
        written = ", ".join(known[key].name if key in known else key for key in changing.changes)
        raise NatsError(
            item.title,
            f"state {item.state} changes no configuration, and {written} would change",
            "Change it with state: present first.",
        )
    return STATES[item.state](item.arguments, found, item.policy, level)


def _asks_level(item: DeclaredResource) -> bool:
    known = item.resource.by_key
    young = (known[key] for key in item.desired if key in known)
    # A consumer that is made anew gets its position back from a server that can do it.
    anew = item.place.consumer is not None and item.policy.recreate != "never"
    return (
        anew
        or item.state in ("paused", "reset")
        or any(entry.api_level or entry.type.level(item.desired[entry.stored]) for entry in young)
    )


def _expected(planned: ResourcePlan, found: Current | None) -> Config:
    """What check mode shows."""
    last = planned.steps[-1]
    if last.action == "delete":
        return {}
    # A position that is put back follows a creation.
    written = [step.config for step in planned.steps if step.action in ("create", "update")]
    if written:
        return written[-1]
    if found and last.action == "pause":
        return _paused(found.config, planned)
    return found.config if found else {}


def _paused(config: Config, planned: ResourcePlan) -> Config:
    return {key: value for key, value in config.items() if key != "pause_until"} | planned.steps[-1].config


def _figures(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stream's own figures, or what a consumer says beside its configuration."""
    if "state" in info:
        state: Mapping[str, Any] = info["state"]
        return state
    return {
        key: value for key, value in info.items() if key not in ("type", "config", "cluster", "stream_name", "name")
    }
