# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that loses data is refused without allow_data_loss, and a change that loses nothing is not.

Each field of each table is changed in each direction on a real resource with content, alone, in a list, with `exact` and with `unset`;
what the server holds is compared before and after. `make versions` runs this on each server that the modules talk to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import (
    Declaration,
    converge_all,
    declared_resources,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.patterns import Prune
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from tests.support.servers import secret

SECOND_NS = 10**9
SUBJECTS = ("in.a", "in.b")
DELIVERED, ACKNOWLEDGED = 6, 3


@dataclass(frozen=True)
class Content:
    """A resource as it is before the change: its stream, its consumer, and what is published."""

    kind: str
    stream: dict[str, Any]
    consumer: dict[str, Any] | None = None
    subjects: tuple[str, ...] = SUBJECTS
    each: int = 5
    delivered: bool = True

    @property
    def names(self) -> dict[str, str]:
        name = self.stream["name"]
        if self.kind == "consumers":
            return {"stream": name, "name": "c"}
        return {KINDS[self.kind].named: name.removeprefix(KINDS[self.kind].prefix)}


def stream(**more: Any) -> dict[str, Any]:
    return {"name": "S", "subjects": ["in.>"], **more}


def consumer(**more: Any) -> dict[str, Any]:
    return {"name": "c", "durable_name": "c", "ack_policy": "explicit", "ack_wait": SECOND_NS, **more}


BOTH = {"filter_subjects": list(SUBJECTS)}
BUCKET = {"discard": "new", "allow_rollup_hdrs": True, "allow_direct": True}
KV = {"name": "KV_b", "subjects": ["$KV.b.>"], "max_msgs_per_subject": 5, "deny_delete": True, **BUCKET}
OBJECTS = {"name": "OBJ_b", "subjects": ["$O.b.C.>", "$O.b.M.>"], **BUCKET}
CONTENTS = {
    "limits": Content("streams", stream(), consumer()),
    "memory": Content("streams", stream(storage="memory")),
    "full, old goes": Content("streams", stream(max_msgs=10, max_msgs_per_subject=5, max_age=3600 * SECOND_NS)),
    "full, new is refused": Content(
        "streams", stream(discard="new", max_msgs=10, max_bytes=2000, max_msgs_per_subject=5)
    ),
    "interest": Content("streams", stream(retention="interest"), consumer()),
    "work queue": Content("streams", stream(retention="workqueue"), consumer()),
    "bucket": Content("kv", KV, subjects=("$KV.b.one", "$KV.b.two")),
    "full bucket": Content("kv", KV | {"max_bytes": 2000}, subjects=("$KV.b.one", "$KV.b.two")),
    "object store": Content("object_stores", OBJECTS, subjects=("$O.b.C.one", "$O.b.M.one")),
    "consumer": Content("consumers", stream(), consumer(**BOTH)),
    "consumer with a threshold": Content("consumers", stream(), consumer(**BOTH, inactive_threshold=3600 * SECOND_NS)),
    "consumer of interest": Content("consumers", stream(retention="interest"), consumer(**BOTH)),
    "consumer of a work queue": Content("consumers", stream(retention="workqueue"), consumer(**BOTH)),
    "consumer of new": Content("consumers", stream(), consumer(deliver_policy="new"), delivered=False),
    "consumer that nobody used": Content("consumers", stream(), consumer(), delivered=False),
    "consumer without messages": Content("consumers", stream(), consumer(**BOTH), each=0, delivered=False),
}
# The first content of each kind.
FIRST = {content.kind: name for name, content in reversed(CONTENTS.items())}.values()
# Losses that come too late for a test to wait: unacknowledged deliveries keep a consumer for a while.
LATE = {"inactive_threshold", "max_deliver"}
# The contents with which the test waits for them all the same.
PATIENT = {"consumer", "consumer of interest", "consumer that nobody used"}
# Values of options whose type does not say which texts are valid. The values of other options follow from their type.
WORDS: dict[str, list[Any]] = {
    "subjects": [["in.a"], ["in.>", "more"], []],
    "filter_subject": ["", "in.b", "in.>", "other"],
    "filter_subjects": [[], ["in.b"], ["in.a", "in.b", "in.c"], ["other"]],
    "mirror": [{}, {"name": "ORIGIN"}],
    "sources": [[], [{"name": "ORIGIN"}]],
    "placement": [{}],
    "subject_transform": [{}, {"src": "in.>", "dest": "in.moved.>"}],
    "republish": [{}, {"src": "in.>", "dest": "again.>"}],
    "consumer_limits": [{}, {"max_ack_pending": 5000}, {"inactive_threshold": "2h"}],
    "opt_start_time": ["2020-01-01T00:00:00Z"],
    "sample_freq": ["50"],
    "backoff": [[], ["1s", "5s"]],
    "priority_groups": [[], ["a"]],
    "num_replicas": [1],
    "history": [1, 4, 50],
    "metadata": [{}, {"a": "1"}],
    "description": ["", "words"],
    "deliver_subject": [""],
    "deliver_group": [""],
    "idle_heartbeat": ["0s"],
}


SIZES = {"max_bytes", "max_msg_size", "max_value_size"}
TYPES: dict[str, list[Any]] = {
    "bool": [False, True],
    "int": [-1, 1, 4, 100000],
    "str": ["0s", "100ms", "2h"],
    "list": [[]],
    "dict": [{}],
}


def values(name: str, spec: dict[str, Any]) -> list[Any]:
    """The values that a field is changed to: a smaller one, a larger one, and none."""
    if name in WORDS:
        return WORDS[name]
    if "choices" in spec:
        return list(spec["choices"])
    return ["-1", "64", "1MiB"] if name in SIZES else TYPES[spec["type"]]


@dataclass(frozen=True)
class Change:
    content: str
    way: str
    written: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.content}: {self.way} {self.written}"


def changes(name: str) -> Iterator[Change]:
    """Changes of each field to each value, in each way of declaring it."""
    spec = KINDS[CONTENTS[name].kind].argument_spec()
    for option in spec:
        for value in values(option, spec[option]):
            yield Change(name, "alone", {option: value})
            # With `exact` the first content of a kind is enough; ack_wait is reset to 30 s, so that no delivery ends during the test.
            if value and not isinstance(value, bool) and name in FIRST and option != "max_deliver":
                yield Change(name, "exact", {option: value})
        yield Change(name, "alone", {"unset": [option]})
    yield Change(name, "exact")
    yield Change(name, "absent", {"state": "absent"})
    yield from {"streams": stream_changes, "consumers": consumer_changes}.get(CONTENTS[name].kind, no_changes)(name)


def no_changes(_name: str) -> Iterator[Change]:
    return iter(())


def stream_changes(name: str) -> Iterator[Change]:
    """Changes of two fields that depend on each other, and deletions by states and lists."""
    for limit in ({"max_msgs": 4}, {"max_bytes": "100"}):
        for way in ("alone", "list"):
            yield Change(name, way, {"discard": "old", **limit})
            yield Change(name, way, {"discard": "new", **limit})
    yield Change(name, "prune")
    for purge in ({}, {"filter": "in.a"}, {"keep": 2}, {"seq": 3}, {"keep": 100}, {"filter": "in.x"}):
        yield Change(name, "alone", {"state": "purged", "purge": purge})


def consumer_changes(name: str) -> Iterator[Change]:
    """Positions that are set, and consumers that are recreated."""
    for sequence in (1, 9):
        yield Change(name, "alone", {"state": "reset", "reset_seq": sequence})
    anew = {"max_waiting": 100, "replay_policy": "original", "ack_policy": "all", "deliver_policy": "last"}
    for option, value in anew.items():
        for recreate in ("if_empty", "always"):
            yield Change(name, "alone", {option: value, "recreate": recreate})


class Lab:
    """An account that has one resource at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.jetstream = connection, JetStream(connection)
        # Older servers delete some messages above a limit, or without interest, only when the next message is stored.
        self.prompt = self.ask("INFO").get("api", {}).get("level", 0) >= 5

    def ask(self, call: str, **body: Any) -> Answer:
        return self.connection.request(f"$JS.API.{call}", body or b"")

    def make(self, content: Content) -> None:
        for name in self.ask("STREAM.NAMES").get("streams") or []:
            self.ask(f"STREAM.DELETE.{name}")
        for made in (
            {"name": "ORIGIN", "subjects": ["origin.>"]},
            {"name": "KV_ORIGIN", "subjects": ["$KV.ORIGIN.>"]},
            content.stream,
        ):
            # The server removes a stream's files after it has answered the deletion.
            for _attempt in range(20):
                if "error" not in (answer := self.ask(f"STREAM.CREATE.{made['name']}", **made)):
                    break
                time.sleep(0.05)
            assert "error" not in answer, answer
        name = content.stream["name"]
        if content.consumer:
            body = {"stream_name": name, "action": "create", "config": content.consumer}
            answer = self.ask(f"CONSUMER.CREATE.{name}.c", **body)
            assert "error" not in answer, answer
        self.connection.run(self._fill(content))

    async def _fill(self, content: Content) -> None:
        client = await self.connection.client()
        # The subjects alternate, so that each has messages that are acknowledged, that are delivered, and that are neither.
        for _round in range(content.each):
            for subject in content.subjects:
                await client.request(subject, b"x" * 20, timeout=20)
        if content.consumer and content.delivered:
            inbox = client.new_inbox()
            listening = await client.subscribe(inbox)
            await client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{content.stream['name']}.c", str(DELIVERED).encode(), reply=inbox
            )
            for number in range(DELIVERED):
                message = await listening.next_msg(timeout=20)
                if number < ACKNOWLEDGED:
                    await client.request(message.reply, b"+ACK", timeout=20)
            await listening.unsubscribe()

    def apply(self, change: Change, check: bool = False, **guards: Any) -> Any:
        """The outcome of a change, or its error."""
        content = CONTENTS[change.content]
        options = {**content.names, "allow_irreversible": True, "allow_move": True, **change.written, **guards}
        if change.way == "exact":
            options["exact"] = True
        try:
            if change.way in ("list", "prune"):
                lists = {} if change.way == "prune" else {content.kind: [options]}
                prune = Prune("S", 1) if change.way == "prune" else None
                policy = Policy(frozenset(name for name in guards if guards[name]))
                declaration = Declaration(declared_resources(lists, {}), prune, policy)
                work = converge_all(self.jetstream, declaration, Mode(check, 5))
                (outcome,) = self.connection.run(work).outcomes
            else:
                single = converge(self.jetstream, [declared_resource(KINDS[content.kind], options, {})], Mode(check, 5))
                (outcome,) = self.connection.run(single)
        except NatsError as error:
            return error
        return outcome.error or outcome

    def held(self, content: Content) -> dict[str, Any]:
        """The messages by subject, and the position of the consumer."""
        name = content.stream["name"]
        info = self.ask(f"STREAM.INFO.{name}", subjects_filter=">")
        if "error" in info:
            return {"stream": 0}
        state, config = info["state"], info["config"]
        found: dict[str, Any] = {
            "stream": 1,
            **{f"messages of {key}": count for key, count in (state.get("subjects") or {}).items()},
        }
        if content.kind in ("kv", "object_stores"):
            found["room"] = int(config.get("max_bytes", -1) <= 0 or state["bytes"] <= config["max_bytes"])
        if content.consumer:
            told = self.ask(f"CONSUMER.INFO.{name}.c")
            found["consumer"] = int("error" not in told)
            if found["consumer"]:
                found["not processed"] = told["num_pending"] + told["num_ack_pending"]
                if config["retention"] == "limits":
                    found["floor"] = told["ack_floor"]["stream_seq"]
                    # A new consumer with `deliver_policy: new` begins at the end of the stream.
                    found["floor"] = min(found["floor"], ACKNOWLEDGED) if content.delivered else 0
        return found

    def settled(self, content: Content, change: Change) -> dict[str, Any]:
        """The messages and the position once the server has carried out the change."""
        slow = change.written.get("inactive_threshold") == "100ms" or change.written.get("max_deliver") == 1
        if slow and change.content in PATIENT:
            time.sleep(1.6)
        elif "100ms" in (change.written.get("max_age"), change.written.get("ttl")):
            time.sleep(0.5)
        return self.held(content)

    def loses(self, change: Change, before: dict[str, Any]) -> bool:
        """Whether something is lost soon: the server deletes some data in the background."""
        for _look in range(100):
            if lost(change, before, self.settled(CONTENTS[change.content], change)):
                return True
            time.sleep(0.1)
        return False


def lost(change: Change, before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What has been lost, without what the declared state is meant to delete."""
    found = {key: (value, after.get(key, 0)) for key, value in before.items() if after.get(key, 0) < value}
    if change.written.get("state") == "reset":
        found.pop("floor", None)
        if CONTENTS[change.content].stream.get("retention", "limits") == "limits":
            found.pop("not processed", None)
    if change.way == "absent" and change.content in ("consumer that nobody used", "consumer without messages"):
        # A new consumer is delivered the same messages.
        found = {key: values for key, values in found.items() if key not in ("consumer", "not processed")}
    return found


@pytest.fixture(scope="module")
def lab(single, accounts) -> Iterator[Lab]:
    user = next(accounts, "")  # there are more than are used
    with Connection(Options([single[0].url], user=user, password=secret(user))) as connection:
        yield Lab(connection)


@pytest.mark.parametrize("name", CONTENTS)
def test_what_a_change_loses_is_refused_without_its_guard_and_nothing_else_is(lab, name):
    content, wrong = CONTENTS[name], []
    done = {"refused": 0, "harmless": 0, "other": 0}
    for change in changes(name):
        lab.make(content)
        before = lab.held(content)
        foreseen, real = lab.apply(change, check=True), lab.apply(change)
        if isinstance(foreseen, NatsError) != isinstance(real, NatsError) and not getattr(real, "err_code", None):
            wrong.append(f"{change}: check mode says {foreseen}, and real {real}")
        if not isinstance(real, NatsError):
            done["harmless"] += 1
            if real.changed and (gone := lost(change, before, lab.settled(content, change))):
                wrong.append(f"{change}: lost {gone}")
            continue
        if kept := lost(change, before, lab.held(content)):
            wrong.append(f"{change}: refused, and lost {kept}: {real}")
        if "allow_data_loss" not in str(real):
            done["other"] += 1
            continue
        done["refused"] += 1
        allowed = lab.apply(change, allow_data_loss=True)
        if isinstance(allowed, NatsError):
            if "allow_data_loss" in str(allowed) and "if_empty" not in str(allowed):
                wrong.append(f"{change}: refused with its guard: {allowed}")
        elif lab.prompt and not LATE & change.written.keys() and not lab.loses(change, before):
            wrong.append(f"{change}: lost nothing, and was refused: {real}")
    print(name, done)  # noqa: T201
    assert not wrong, "\n".join(wrong)
