# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Read, plan, write, read again: the same for every kind of resource, for one and for thousands.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._api import JetStream, Place, missing_replicas
from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError, UnansweredError
from ansible_collections.messaging.nats.plugins.module_utils._plan import Plan, Policy, Step, plan, remove
from ansible_collections.messaging.nats.plugins.module_utils._progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._resource import Around, Config, Found, Resource
from ansible_collections.messaging.nats.plugins.module_utils._states import STATES, look_at, parse_pause, too_old
from ansible_collections.messaging.nats.plugins.module_utils._stream import SEALED, own_subject

# From so many on, the whole list is read at once.
MANY = 8
APART = 0.05
OVERLAP = 10065


@dataclass(frozen=True)
class Wanted:
    """One resource as it is declared."""

    resource: Resource
    name: str
    place: Place
    state: str
    desired: Config
    policy: Policy
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        own = f"{self.resource.kind} {self.name}"
        return f"{own} of stream {self.place.stream}" if self.place.consumer else own


@dataclass
class Outcome:
    """What became of it."""

    wanted: Wanted
    changed: bool = False
    before: Config = field(default_factory=dict)
    after: Config = field(default_factory=dict)
    # What a state did beside the configuration, as (before, after).
    done: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    error: NatsError | None = None

    @property
    def difference(self) -> tuple[Config, Config]:
        """Before and after, as --diff shows them."""
        old = {key: before for key, (before, _after) in self.done.items() if before is not None}
        new = {key: after for key, (_before, after) in self.done.items() if after is not None}
        return self.before | old, self.after | new


def wanted(resource: Resource, options: Mapping[str, Any], guards: Mapping[str, Any]) -> Wanted:
    """A declaration made of options; `guards` are those that hold for all of a list."""
    name = str(options[resource.named])
    title = f"{resource.kind} {name!r}"
    stream = options.get("stream")
    for given, of in ((name, title), (stream, f"option stream of {title}")):
        pattern, words = resource.forbidden
        if given is not None and not (0 < len(given) < 256 and not re.search(pattern, given)):
            raise NatsError(of, f"a name has {words}, and 1 to 255 characters", "Choose another name.")
    state = options.get("state") or "present"
    arguments = {key: options[key] for key in resource.arguments if options.get(key) is not None}
    look_at(title, state, arguments)
    _check_unset(title, resource, options)
    given = {**guards} | {key: value for key, value in options.items() if value is not None}
    return Wanted(
        resource,
        name,
        Place(stream, name) if stream else Place(resource.prefix + name),
        state,
        resource.parse(options, name) if state != "absent" else {},
        Policy(
            frozenset(guard for guard in ("allow_data_loss", "allow_irreversible", "allow_move") if given.get(guard)),
            bool(given.get("exact")),
            tuple(given.get("unset") or ()),
            given.get("recreate") or "never",
        ),
        arguments,
    )


def _check_unset(title: str, resource: Resource, options: Mapping[str, Any]) -> None:
    written = {entry.name for entry in resource.fields if options.get(entry.name) is not None}
    if both := sorted(written & set(options.get("unset") or ())):
        raise NatsError(title, f"unset: {', '.join(both)} is written as well", "Write it or unset it.")


async def converge(jetstream: JetStream, declared: Sequence[Wanted], check: bool, timeout: float) -> list[Outcome]:
    """Makes each resource what it is declared to be, and tells what it is then."""
    outcomes: dict[int, Outcome] = {}
    going = frozenset(item.place for item in declared if check and item.state == "absent")
    for turn in Turn:
        part = [(number, item) for number, item in enumerate(declared) if _turn(item) == turn]
        if not part:
            continue
        server = await _read(jetstream, [item for _number, item in part], going)
        found = await asyncio.gather(*(_one(jetstream, server, item, check, timeout) for _number, item in part))
        outcomes |= {number: outcome for (number, _item), outcome in zip(part, found, strict=True)}
    return [outcomes[number] for number in range(len(declared))]


class Turn(IntEnum):
    """What goes makes room for what comes, and streams are there before their consumers."""

    CONSUMER_GOES = 0
    STREAM_GOES = 1
    STREAM = 2
    CONSUMER = 3


def _turn(item: Wanted) -> Turn:
    if item.state == "absent":
        return Turn.CONSUMER_GOES if item.place.consumer else Turn.STREAM_GOES
    return Turn.CONSUMER if item.place.consumer else Turn.STREAM


@dataclass(frozen=True)
class Server:
    """What was read before anything is written."""

    streams: Mapping[str, Any]
    # By stream and name; a work queue's are kept up to date.
    consumers: Mapping[str, dict[str, Any]]
    errors: Mapping[str, NatsError]
    # What is still there in check mode, and would be deleted by now.
    going: frozenset[Place]
    queues: dict[str, asyncio.Lock] = field(default_factory=dict)

    def queue(self, place: Place) -> AbstractAsyncContextManager[Any]:
        """Consumers of a work queue come one after another, so that each sees what the others take."""
        stream = self.streams.get(place.stream) or {"config": {}}
        if place.consumer is None or stream["config"].get("retention") != "workqueue":
            return nullcontext()
        return self.queues.setdefault(place.stream, asyncio.Lock())


async def _read(jetstream: JetStream, items: Sequence[Wanted], going: frozenset[Place]) -> Server:
    names = sorted({item.place.stream for item in items})
    streams: dict[str, Any] = {}
    errors: dict[str, NatsError] = {}
    if len(names) >= MANY:
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
    return Server(streams, consumers, errors, going)


def _to_list(items: Sequence[Wanted], streams: Mapping[str, Any]) -> list[str]:
    """Streams whose consumers are read together: many of them, or those that must see each other. Not every user may list."""
    counts = Counter(item.place.stream for item in items if item.place.consumer and streams.get(item.place.stream))
    return [
        name
        for name, count in sorted(counts.items())
        if count >= MANY or streams[name]["config"].get("retention") == "workqueue"
    ]


async def _one(jetstream: JetStream, server: Server, item: Wanted, check: bool, timeout: float) -> Outcome:
    outcome = Outcome(item)
    try:
        async with server.queue(item.place):
            await _converge_one(jetstream, server, item, check, timeout, outcome)
    except NatsError as error:
        outcome.error = error
    return outcome


async def _converge_one(
    jetstream: JetStream, server: Server, item: Wanted, check: bool, timeout: float, outcome: Outcome
) -> None:
    place, resource = item.place, item.resource
    if place.stream in server.errors:
        raise server.errors[place.stream]
    info = await _info(jetstream, server, item)
    found = await _found(jetstream, item, info) if info else None
    around = _around(server, place)
    outcome.before = resource.show(found.config) if found else {}
    if item.state != "absent" and place.consumer and not server.streams.get(place.stream):
        if not check:
            raise NatsError(
                item.title, f"stream {place.stream} does not exist", "Create the stream first, or check its name."
            )
        around = Around()
    planned = await _plan(jetstream, item, found, around)
    if planned.refusals:
        raise NatsError(item.title, "; ".join(planned.refusals))
    outcome.changed = bool(planned.steps)
    if place.stream in server.queues and item.state != "absent" and planned.steps:
        server.consumers[place.stream][item.name] = {"name": item.name, "config": _expected(planned, found)}
    if found and item.state in STATES:
        outcome.done = planned.changes
    if check or not planned.steps:
        if check and planned.steps:
            await _foresee_overlap(jetstream, server, item, planned)
            outcome.after = resource.show(_expected(planned, found))
        else:
            outcome.after, outcome.state = outcome.before, _figures(info) if info else None
        return
    info = await _carry_out(jetstream, item, planned, found, timeout)
    if info:
        # Another server may not know of a pause yet.
        config = _paused(info["config"], planned) if planned.steps[-1].action == "pause" else info["config"]
        outcome.after, outcome.state = resource.show(config), _figures(info)


async def _info(jetstream: JetStream, server: Server, item: Wanted) -> Any:
    place = item.place
    if not place.consumer:
        return server.streams.get(place.stream)
    if not server.streams.get(place.stream):
        return None
    # What a list leaves out may be there all the same.
    return server.consumers.get(place.stream, {}).get(place.consumer) or await jetstream.find(place)


async def _found(jetstream: JetStream, item: Wanted, info: Any) -> Found:
    extra: dict[str, Any] = {}
    body = item.arguments.get("purge") or {} if item.state == "purged" else {}
    if body.get("filter"):
        info = await jetstream.find(item.place, subjects_filter=body["filter"]) or info
        if body.get("seq") is not None:
            extra["first_of_filter"] = await jetstream.first_of(item.place.stream, body["filter"])
    return Found(info["config"], info.get("state") or {}, info | extra)


def _around(server: Server, place: Place) -> Around:
    if not place.consumer:
        return Around()
    stream = server.streams.get(place.stream) or {}
    others = server.consumers.get(place.stream, {})
    there = (info["config"] for name, info in others.items() if Place(place.stream, name) not in server.going)
    return Around(stream.get("config", {}), tuple(there))


async def _plan(jetstream: JetStream, item: Wanted, found: Found | None, around: Around) -> Plan:
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


def _asks_level(item: Wanted) -> bool:
    known = item.resource.by_key
    young = (known[key] for key in item.desired if key in known)
    return item.state in ("paused", "reset") or any(
        entry.api_level or entry.type.level(item.desired[entry.stored]) for entry in young
    )


async def _carry_out(jetstream: JetStream, item: Wanted, planned: Plan, found: Found | None, timeout: float) -> Any:
    answer: Mapping[str, Any] = {}
    for step in planned.steps:
        try:
            answer = await jetstream.write(item.place, step)
        except UnansweredError as error:
            raise await _known(jetstream, item, error) from error
        except NatsError as error:
            explained = await _explained(jetstream, item, planned, error)
            if step.action == "create" and found:
                explained.remedy = f"{await _put_back(jetstream, item.place, found)} {explained.remedy}".rstrip()
            raise explained from error
        if step.moves:
            answer = await _settled(jetstream, item, timeout)
    if planned.steps[-1].action == "delete":
        return None
    # The answer to a creation or an update says what it is then.
    return answer if "config" in answer else await jetstream.find(item.place)


async def _put_back(jetstream: JetStream, place: Place, found: Found) -> str:
    """What was deleted to be made anew, and could not be."""
    try:
        await jetstream.write(place, Step("create", found.config))
    except NatsError as error:
        return f"It was deleted for that, and could not be put back: {error.cause}."
    return "It was deleted for that and is back as it was, but empty."


async def _settled(jetstream: JetStream, item: Wanted, timeout: float) -> Mapping[str, Any]:
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
        await asyncio.sleep(APART)


async def _known(jetstream: JetStream, item: Wanted, error: NatsError) -> NatsError:
    """Whether it was carried out is unknown: reading again may tell what is now true."""
    try:
        info = await jetstream.find(item.place)
    except NatsError:
        return NatsError(item.title, error.cause, error.remedy)
    now = "it does not exist" if info is None else f"it is {item.resource.show(info['config'])}"
    return NatsError(item.title, f"{error.cause}. Now {now}", error.remedy)


async def _explained(jetstream: JetStream, item: Wanted, planned: Plan, error: NatsError) -> NatsError:
    if error.err_code != OVERLAP:
        return NatsError(item.title, error.cause, error.remedy, error.err_code)
    owners = await jetstream.owners(planned.steps[-1].config.get("subjects") or [item.name], {item.place.stream})
    return NatsError(item.title, f"{error.cause}: {_owned(owners)}", error.remedy, error.err_code)


async def _foresee_overlap(jetstream: JetStream, server: Server, item: Wanted, planned: Plan) -> None:
    """Check mode says what would be refused."""
    last = planned.steps[-1]
    if item.place.consumer or not (last.action == "create" or "subjects" in planned.changes):
        return
    subjects = last.config.get("subjects") or own_subject(last.config, Around())
    if owners := await jetstream.owners(
        subjects, {place.stream for place in {item.place, *server.going} if not place.consumer}
    ):
        raise NatsError(
            item.title, f"subjects overlap with an existing stream: {_owned(owners)}", "Change one of the two.", OVERLAP
        )


def _owned(owners: Mapping[str, list[str]]) -> str:
    return ", ".join(f"{subject} is of stream {' and '.join(names)}" for subject, names in owners.items())


def _expected(planned: Plan, found: Found | None) -> Config:
    """What check mode shows."""
    last = planned.steps[-1]
    if last.action == "delete":
        return {}
    if last.action in ("create", "update"):
        return last.config
    if found and last.action == "pause":
        return _paused(found.config, planned)
    return found.config if found else {}


def _paused(config: Config, planned: Plan) -> Config:
    return {key: value for key, value in config.items() if key != "pause_until"} | planned.steps[-1].config


def _figures(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stream's own figures, or what a consumer says beside its configuration."""
    if "state" in info:
        state: Mapping[str, Any] = info["state"]
        return state
    return {
        key: value for key, value in info.items() if key not in ("type", "config", "cluster", "stream_name", "name")
    }
