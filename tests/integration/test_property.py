# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of any two declarations, one after the other: check mode tells what the real run does, and the second run changes nothing.

PROPERTY_EXAMPLES is the number of pairs of each kind; the campaign of a release has 2000.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import declared_resources
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.export import export_declarations
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from tests.support.declarations import STREAMS, bulk, change, declaration
from tests.support.limited import one_server

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "25"))
GENERATED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    # Each problem is found with its first example; these are small enough to be read as they are.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Streams of each retention, and one with limits for its consumers.
PARENTS: dict[str, dict] = {
    "PARENT": {},
    "QUEUE": {"retention": "workqueue"},
    "INTEREST": {"retention": "interest"},
    "LIMITED": {"consumer_limits": {"max_ack_pending": 50, "inactive_threshold": 10**12}},
}


class Account:
    """Declares resources as the modules do."""

    def __init__(self, connection):
        self.connection, self.jetstream = connection, JetStream(connection)

    def ask(self, call, body=None):
        return self.connection.run(self.jetstream.ask(call, call, body))

    def apply(self, lists, check=False, **defaults):
        items = declared_resources(lists, defaults)
        return self.connection.run(converge(self.jetstream, items, Mode(check, 5)))

    def read(self, pattern):
        return self.connection.run(export_declarations(self.jetstream, pattern, True)).declarations

    def verdict(self, lists, check=False, **defaults):
        """What a task says of each of its resources: how it is refused, or whether it is changed and how."""
        outcomes = self.apply(lists, check, **defaults)
        return {outcome.item.title: said(outcome) for outcome in outcomes}


def said(outcome):
    if outcome.error:
        return outcome.error.code, str(outcome.error)
    return outcome.changed, outcome.difference if outcome.changed else None


@pytest.fixture(scope="module", params=["free", "limited"])
def account(request, tmp_path_factory):
    """An account on a server without limits, and one where server and account have some."""
    with (
        one_server(tmp_path_factory.mktemp(request.param), request.param == "limited") as made,
        Connection(made.user("t0")) as connection,
    ):
        account = Account(connection)
        for number, (name, config) in enumerate(PARENTS.items()):
            subjects = ["p.>"] if not number else [f"{name}.>"]
            account.ask(f"STREAM.CREATE.{name}", {"name": name, "subjects": subjects, **config})
        for name in ("ORIGIN", "KV_ORIGIN", "DIRECT"):
            config = {"name": name, "subjects": [name], "allow_direct": name == "DIRECT"}
            account.ask(f"STREAM.CREATE.{name}", config)
        yield account


class Problems:
    """What does not hold, each kind of problem with its smallest example."""

    def __init__(self):
        self.found = {}

    def note(self, what, example, *facts):
        if what not in self.found or len(str(example)) < len(str(self.found[what][0])):
            self.found[what] = (example, *facts)

    def __str__(self):
        return "\n\n".join(
            "\n  ".join(str(part) for part in (what, *facts)) for what, facts in sorted(self.found.items(), key=str)
        )


def disagreement(foreseen, done):
    """In which way check mode and the real run differ about one resource."""
    if not isinstance(foreseen[0], bool) or not isinstance(done[0], bool):
        return foreseen[0], done[0], "words" if foreseen[0] == done[0] else ""
    if foreseen[0] != done[0] or not foreseen[1] or not done[1]:
        return "changed", foreseen[0], done[0]
    keys = {
        key
        for one, other in zip(foreseen[1], done[1], strict=True)
        for key in one.keys() | other.keys()
        if (key in one, one.get(key)) != (key in other, other.get(key))
    }
    return "diff", *sorted(keys)


def settles(account, problems, lists, example, pattern):
    """Applies lists in check mode, for real and again. Whether nothing was refused."""
    try:
        foreseen = account.verdict(lists, check=True)
    except NatsError as error:
        if error.code != "INVALID_VALUE":
            raise
        return False
    done = account.verdict(lists)
    for title in done:
        if foreseen[title] != done[title]:
            problems.note(("check", *disagreement(foreseen[title], done[title])), example, foreseen[title], done[title])
    refused = [entry for entry in done.values() if not isinstance(entry[0], bool)]
    for title, entry in account.verdict(lists).items():
        if entry[0] is True:
            problems.note(("again", title.split()[0], "after a refusal" if refused else ""), example, entry)
    changes_nothing(account, problems, account.read(pattern), example)
    return not refused


def changes_nothing(account, problems, lists, example):
    """What is read is applied again, also with exact."""
    for exact in (False, True):
        for title, entry in account.verdict(lists, check=True, exact=exact).items():
            if entry[0] is not False:
                problems.note(("read", exact, entry[0]), example, title, entry)


@pytest.mark.parametrize("kind", KINDS)
def test_check_mode_tells_what_is_done_and_the_second_run_changes_nothing(account, kind):
    problems, applied = Problems(), []
    named = {KINDS[kind].named: "X"}

    def clear():
        account.apply({kind: [{**named, "state": "absent", **own} for own in places]}, allow_data_loss=True)

    places = [{"stream": name} for name in PARENTS] if kind == "consumers" else [{}]
    pattern = "*" if kind == "consumers" else "*X"

    @GENERATED
    @given(st.sampled_from(places), declaration(kind), change(kind))
    def examples(place, one, other):
        clear()
        first = {kind: [{**named, **place, **one, "allow_irreversible": True}]}
        if settles(account, problems, first, (place, one), pattern):
            applied.append(one)
            settles(account, problems, {kind: [{**named, **place, **other}]}, (place, one, other), pattern)

    examples()
    clear()
    assert not problems.found, str(problems)
    assert len(applied) > EXAMPLES // 4


def test_a_task_of_several_resources_is_one_plan(account):
    problems, applied = Problems(), []

    @GENERATED
    @given(bulk(), bulk())
    def examples(one, other):
        account.apply({"streams": [{"name": name, "state": "absent"} for name in STREAMS]}, allow_data_loss=True)
        for lists in (one, other):
            if settles(account, problems, lists, (one, other), "S?"):
                applied.append(lists)

    examples()
    assert not problems.found, str(problems)
    assert len(applied) > EXAMPLES // 4
