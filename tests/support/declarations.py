# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generates declarations of resources from the tables of their fields."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS

TEXT = st.sampled_from(["", "a", "with words"])
SUBJECT = st.sampled_from(["", "p.a", "p.b.*", "p.>", "other"])
TIMES = st.sampled_from(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2021-06-01 00:00:00.5+00:00"])
DURATIONS = st.sampled_from(["0s", "100ms", "1s", "1m30s", "2m", "1h", "24h", 5 * 10**9])
SIZES = st.sampled_from(["-1", "0", "1000", "1K", "64KiB", "1MiB"])
NUMBERS = st.sampled_from([-1, 0, 1, 2, 5, 100, 450, 700])
# Values of options whose type does not say which texts are valid.
WORDS: dict[str, st.SearchStrategy[Any]] = {
    "subjects": st.lists(st.sampled_from(["x.a", "x.b", "x.c.>"]), max_size=3, unique=True),
    "filter_subject": SUBJECT,
    "filter_subjects": st.lists(st.sampled_from(["p.a", "p.b", "p.c.>"]), max_size=3, unique=True),
    "tags": st.just([]),
    "cluster": st.just(""),
    "opt_start_time": TIMES,
    "priority_groups": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
    "backoff": st.lists(st.sampled_from(["1s", "5s", "1m"]), max_size=3),
    "sample_freq": st.sampled_from(["0", "50", "50%", "100"]),
    "deliver_subject": st.sampled_from(["", "to.me", "to.you", "p.a", "to.*"]),
    "src": st.sampled_from(["", ">", "p.a", "p.>", "x.a"]),
    "dest": st.sampled_from([">", "y.>", "y.a", "x.a", "X"]),
    "num_replicas": st.sampled_from([0, 1, 1, 3]),
    "name": st.sampled_from(["ORIGIN", "DIRECT", "ELSEWHERE", "X"]),
    "external": st.sampled_from([{}, {"api": "$JS.far.API"}]),
    "consumer": st.sampled_from([{}, {"name": "c", "deliver_subject": "d"}]),
    "metadata": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["", "1", 2]), max_size=2),
    "duplicate_window": st.sampled_from(["0s", "100ms", "1s", "20s", "1m", "5m"]),
}
SIZED = {"max_bytes", "max_msg_size", "max_value_size"}
TIMED = re.compile("age|ttl|wait|window|expires|heartbeat|threshold|timeout")


def of(name: str, spec: dict[str, Any]) -> st.SearchStrategy[Any]:
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


def record(options: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    must = {name for name in ("name", "src", "dest") if name in options}
    return st.fixed_dictionaries(
        {name: of(name, spec) for name, spec in options.items() if name in must},
        optional={name: of(name, spec) for name, spec in options.items() if name not in must},
    )


def declaration(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A few options at a time, because many together would contradict one another."""
    options = KINDS[kind].argument_spec()
    return st.lists(st.sampled_from(sorted(options)), max_size=5, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: of(name, options[name]) for name in names})
    )


def change(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A declaration of a resource that exists: also with exact, unset, recreate, and without the guard."""
    options = sorted(KINDS[kind].argument_spec())
    return st.builds(
        lambda written, more, unset: written | more | {"unset": sorted(set(unset) - written.keys())},
        declaration(kind),
        st.fixed_dictionaries(
            {},
            optional={
                "exact": st.booleans(),
                "recreate": st.sampled_from(["never", "if_empty", "always"]),
                "allow_irreversible": st.booleans(),
                "allow_data_loss": st.booleans(),
            },
        ),
        st.lists(st.sampled_from(options), max_size=2, unique=True),
    )


STREAMS = ("S1", "S2", "S3")
SHARED = st.lists(st.sampled_from(["b.a", "b.b", "b.*", "b.c.>", "b.d"]), min_size=1, max_size=3, unique=True)


def bulk() -> st.SearchStrategy[dict[str, list[dict[str, Any]]]]:
    """Streams that share a space of subjects, and consumers of these streams."""
    stream = st.fixed_dictionaries(
        {"name": st.sampled_from(STREAMS)},
        optional={
            "subjects": SHARED,
            "retention": st.sampled_from(["limits", "interest", "workqueue"]),
            "consumer_limits": st.sampled_from([{}, {"max_ack_pending": 50}, {"inactive_threshold": "1h"}]),
            "state": st.sampled_from(["present", "present", "absent"]),
            "max_age": st.sampled_from(["0s", "1m"]),
            "mirror": st.sampled_from([{}, {"name": "S1"}]),
            "sources": st.sampled_from([[], [{"name": "S2"}], [{"name": "S3"}]]),
            "recreate": st.sampled_from(["never", "if_empty"]),
        },
    )
    consumer = st.fixed_dictionaries(
        {"stream": st.sampled_from(STREAMS), "name": st.sampled_from(["c1", "c2"])},
        optional={
            "filter_subjects": st.lists(st.sampled_from(["b.a", "b.b", "b.d"]), max_size=2, unique=True),
            "max_ack_pending": st.sampled_from([0, 10, 100]),
            "inactive_threshold": st.sampled_from(["0s", "2h"]),
            "ack_policy": st.sampled_from(["explicit", "none", "all"]),
            "deliver_policy": st.sampled_from(["all", "new"]),
            "deliver_subject": st.sampled_from(["to.me", "b.a"]),
            "max_waiting": st.sampled_from([0, 100]),
            "state": st.sampled_from(["present", "present", "absent"]),
            "recreate": st.sampled_from(["never", "if_empty"]),
        },
    )
    return st.fixed_dictionaries(
        {
            "streams": st.lists(stream, max_size=3, unique_by=lambda entry: entry["name"]),
            "consumers": st.lists(consumer, max_size=4, unique_by=lambda entry: (entry["stream"], entry["name"])),
        }
    )
