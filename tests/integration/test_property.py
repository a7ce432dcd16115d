# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any configuration that the field tables allow changes something only the first time it is applied."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.converge import converge
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.declaration import declared_resource
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._nats.connection import Connection, Options
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream

TEXT = st.sampled_from(["", "a", "with words"])
SUBJECT = st.sampled_from(["", "p.a", "p.b.*", "p.>", "other"])
TIMES = st.sampled_from(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2021-06-01 00:00:00.5+00:00"])
DURATIONS = st.sampled_from(["0s", "100ms", "1s", "1m30s", "2m", "1h", "24h", 5 * 10**9])
SIZES = st.sampled_from(["-1", "0", "1000", "1K", "64KiB", "1MiB"])
NUMBERS = st.sampled_from([-1, 0, 1, 2, 5, 100])
# Values of options whose type does not say which texts are valid.
WORDS: dict[str, st.SearchStrategy] = {
    "subjects": st.lists(st.sampled_from(["p.a", "p.b", "p.c.>"]), max_size=3, unique=True),
    "filter_subject": SUBJECT,
    "filter_subjects": st.lists(st.sampled_from(["p.a", "p.b", "p.c.>"]), max_size=3, unique=True),
    "tags": st.just([]),
    "cluster": st.just(""),
    "opt_start_time": TIMES,
    "priority_groups": st.lists(st.sampled_from(["a", "b"]), max_size=1),
    "backoff": st.lists(st.sampled_from(["1s", "5s", "1m"]), max_size=3),
    "sample_freq": st.sampled_from(["0", "50", "50%", "100"]),
    "deliver_subject": st.sampled_from(["", "to.me", "to.you"]),
    "src": st.sampled_from([">", "p.a", "p.>"]),
    "dest": st.sampled_from(["x.>", "x.a"]),
    "num_replicas": st.sampled_from([0, 1]),
    "name": st.sampled_from(["ORIGIN", "ELSEWHERE"]),
    "external": st.sampled_from([{}, {"api": "$JS.far.API"}]),
    "consumer": st.just({}),
    "metadata": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["", "1", 2]), max_size=2),
    "duplicate_window": st.sampled_from(["0s", "100ms", "1s"]),
}
SIZED = {"max_bytes", "max_msg_size", "max_value_size"}
TIMED = re.compile("age|ttl|wait|window|expires|heartbeat|threshold|timeout")


def of(name, spec):
    """The values that a person may write for an option."""
    if name in WORDS:
        return WORDS[name]
    if "choices" in spec:
        return st.sampled_from(spec["choices"])
    if spec["type"] == "dict":
        return st.one_of(st.just({}), record(spec["options"]))
    if spec["type"] == "list":
        return st.lists(record(spec["options"]), max_size=2)
    if spec["type"] == "bool":
        return st.booleans()
    if spec["type"] == "int":
        return NUMBERS
    if name in SIZED:
        return SIZES
    return DURATIONS if TIMED.search(name) else TEXT


def record(options):
    must = {name for name in ("name", "src", "dest") if name in options}
    return st.fixed_dictionaries(
        {name: of(name, spec) for name, spec in options.items() if name in must},
        optional={name: of(name, spec) for name, spec in options.items() if name not in must},
    )


def declaration(kind):
    """A few options at a time, because many together would contradict one another."""
    options = KINDS[kind].argument_spec()
    return st.lists(st.sampled_from(sorted(options)), max_size=5, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: of(name, options[name]) for name in names})
    )


@pytest.fixture(scope="module")
def user(accounts):
    return next(accounts)


@pytest.fixture(scope="module")
def apply(single, user):
    """Declares one resource of a kind as a module does, in an account of this file."""
    with Connection(Options([single[0].url], user=user, password=f"{user}-S3cret")) as connection:
        jetstream = JetStream(connection)
        for name in ("ORIGIN", "PARENT", "KV_ORIGIN"):
            subjects = ["p.>"] if name == "PARENT" else [name]
            connection.run(jetstream.ask(f"STREAM.CREATE.{name}", name, {"name": name, "subjects": subjects}))

        def run(kind, name, check=False, **written):
            options = {KINDS[kind].named: name, "exact": False, **written}
            if kind == "consumers":
                options["stream"] = "PARENT"
            item = declared_resource(KINDS[kind], options, {"allow_irreversible": True})
            (outcome,) = connection.run(converge(jetstream, [item], check, 5))
            if outcome.error:
                raise outcome.error
            return outcome

        yield run


@pytest.mark.parametrize("kind", KINDS)
def test_any_declaration_changes_once_and_then_nothing(apply, kind):
    options = KINDS[kind].argument_spec()
    done = {"applied": 0, "refused": 0}

    def settles(written, **more):
        """Applies a configuration twice. False where the server refused it for a known reason."""
        try:
            apply(kind, "X", check=True, **written, **more)
            first = apply(kind, "X", **written, **more)
        except NatsError as error:
            done["refused"] += 1
            known_reason = error.err_code or any(name in str(error) for name in options)
            if not known_reason:
                raise
            return False
        done["applied"] += 1
        again = apply(kind, "X", check=True, **written)
        assert not again.changed, (written, first.after, again.before, again.after)
        exact = apply(kind, "X", check=True, **written, exact=True) if not first.before else again
        assert not exact.changed, ("exact", written, exact.before, exact.after)
        return True

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(declaration(kind), declaration(kind))
    def examples(one, other):
        apply(kind, "X", state="absent")
        if settles(one):
            settles(other)

    examples()
    assert done["applied"] > 30, done
