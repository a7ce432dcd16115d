# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which limits of an account a declaration would exceed, by the rules of the server."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.account_limits import account_from, in_doubt
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import declared_resources
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.limit_excess import (
    Existing,
    PlannedSteps,
    excesses,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import Place
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Step

UNLIMITED = {
    "max_memory": -1,
    "max_storage": -1,
    "max_streams": -1,
    "max_consumers": -1,
    "memory_max_stream_bytes": -1,
    "storage_max_stream_bytes": -1,
    "max_bytes_required": False,
}
STREAMS, CONSUMERS, STORAGE, MEMORY, LARGE, REQUIRED, TIER = 10027, 10026, 10047, 10028, 10122, 10113, 10120


def info(level=5, streams=0, consumers=0, reserved=0, **limits):
    figures = {"streams": streams, "consumers": consumers, "reserved_storage": reserved, "reserved_memory": 0}
    return {"api": {"level": level}, "limits": UNLIMITED | limits, **figures}


def tiered(level=5, **tiers):
    return {"api": {"level": level}, "tiers": {name: {"limits": UNLIMITED | limits} for name, limits in tiers.items()}}


def config(size=-1, replicas=1, storage="file", **more):
    return {"max_bytes": size, "num_replicas": replicas, "storage": storage, **more}


def new(name, *sizes, **more):
    return name, Step("create", config(*sizes, **more))


def update(name, *sizes, **more):
    return name, Step("update", config(*sizes, **more))


def delete(name):
    return name, Step("delete")


def recreate(name, *sizes):
    return name, Step("delete"), Step("create", config(*sizes))


def consumer(stream, name="c", action="create", **more):
    return Place(stream, name), Step(action, {"name": name, **more})


def exceeded(answer, existing, planned, consumers=()):
    account = account_from(answer)
    assert account is not None
    entries = [
        PlannedSteps(place if isinstance(place, Place) else Place(place), tuple(steps)) for place, *steps in planned
    ]
    return excesses(account, Existing(existing, dict(consumers)), entries)


def codes(*arguments, **more):
    return [excess.err_code for excess in exceeded(*arguments, **more)]


TWO = {"A": config(), "B": config()}
FULL = {"A": config(60), "B": config(40)}


@pytest.mark.parametrize(
    ("limits", "existing", "planned", "expected"),
    [
        ({"max_streams": 3}, TWO, [new("C")], []),
        ({"max_streams": 3}, TWO, [new("C"), new("D")], [STREAMS]),
        ({"max_streams": 3}, TWO, [delete("A"), new("C"), new("D")], []),
        ({"max_streams": 2}, TWO, [update("A", 5), recreate("B", 5)], []),
        # Above a limit that was lowered, a stream may be changed, but would not come back.
        ({"max_streams": 1}, TWO, [update("A", 5)], []),
        ({"max_streams": 1}, TWO, [recreate("A", 5)], [STREAMS]),
        ({"max_storage": 100}, {}, [new("A", 60), new("B", 40)], []),
        ({"max_storage": 100}, {}, [new("A", 60), new("B", 41)], [STORAGE]),
        ({"max_storage": 100}, {}, [new("A", 60), new("B", 41, storage="memory")], []),
        ({"max_memory": 40}, {}, [new("A", 60), new("B", 41, storage="memory")], [MEMORY]),
        ({"max_storage": 100}, {}, [new("A", 34, replicas=3)], [STORAGE]),
        ({"max_storage": 100}, {}, [new("A", 33, replicas=3)], []),
        ({"max_storage": 100}, {"A": config(33, 3)}, [new("B", 2)], [STORAGE]),
        ({"max_storage": 100}, {"A": config(60)}, [update("A", 100)], []),
        ({"max_storage": 100}, {"A": config(60)}, [update("A", 101)], [STORAGE]),
        ({"max_storage": 100}, {"A": config(40)}, [update("A", 40, replicas=3)], [STORAGE]),
        ({"max_storage": 100}, FULL, [update("A", 50), new("C", 10)], []),
        ({"max_storage": 100}, FULL, [new("C", 10)], [STORAGE]),
        ({"max_storage": 100}, FULL, [delete("B"), new("C", 40)], []),
        # A new stream without max_bytes needs room for a byte, one that exists needs none.
        ({"max_storage": 100}, FULL, [new("C")], [STORAGE]),
        ({"max_storage": 100}, FULL | {"C": config()}, [update("C", description="x")], []),
        ({"max_storage": 100}, FULL, [update("B", 39), new("C")], []),
        ({"max_storage": 0}, {}, [new("C")], [STORAGE]),
        ({"max_storage": 0}, {}, [new("C", storage="memory")], []),
        # Above a limit that was lowered, only what fits again is taken.
        ({"max_storage": 50}, FULL, [update("A", 20)], [STORAGE]),
        ({"max_storage": 50}, FULL, [update("A", 10)], []),
        ({"storage_max_stream_bytes": 50}, {}, [new("A", 50), new("B", 51, storage="memory")], []),
        ({"storage_max_stream_bytes": 50}, {}, [new("A", 51), new("B", 52)], [LARGE, LARGE]),
        ({"memory_max_stream_bytes": 50}, {"A": config(9, storage="memory")}, [update("A", 51, storage="memory")], [LARGE]),
        ({"max_bytes_required": True}, {}, [new("A", 5)], []),
        ({"max_bytes_required": True}, {}, [new("A"), new("B", 5), new("C")], [REQUIRED, REQUIRED]),
        ({"max_consumers": 5}, {}, [new("A", max_consumers=5), new("B", max_consumers=-1)], []),
        ({"max_consumers": 5}, {}, [new("A", max_consumers=6)], [CONSUMERS]),
        ({"max_streams": 1, "max_storage": 5}, {}, [new("A", 5), new("B", 5)], [STREAMS, STORAGE]),
    ],
)  # fmt: skip
def test_a_declaration_is_judged_as_the_server_judges_it(limits, existing, planned, expected):
    assert codes(info(**limits), existing, planned) == expected


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ([consumer("A", "c")], []),
        ([consumer("A", "c"), consumer("A", "d")], [CONSUMERS]),
        ([consumer("A", "c"), consumer("B", "d")], []),
        ([consumer("A", "a", action="delete"), consumer("A", "c"), consumer("A", "d")], []),
        ([consumer("A", "a", action="update"), consumer("A", "c")], []),
        ([(Place("A", "a"), Step("delete"), Step("create", {})), consumer("A", "c")], []),
        ([delete("A"), new("A"), *(consumer("A", name) for name in "abc")], []),
    ],
)
def test_each_stream_may_have_so_many_consumers(planned, expected):
    assert codes(info(max_consumers=3), TWO, planned, consumers={"A": 2}) == expected


@pytest.mark.parametrize(
    ("tiers", "existing", "planned", "expected"),
    [
        ({"R1": {"max_streams": 1}, "R3": {}}, {}, [new("A"), new("B", replicas=3), new("C", replicas=3)], []),
        ({"R1": {"max_streams": 1}, "R3": {}}, {}, [new("A"), new("B")], [STREAMS]),
        ({"R1": {"max_storage": 50}, "R3": {"max_storage": 100}}, {}, [new("A", 50), new("B", 100, replicas=3)], []),
        ({"R1": {"max_storage": 50}, "R3": {"max_storage": 100}}, {}, [new("A", 51), new("B", 101, replicas=3)], [STORAGE, STORAGE]),
        ({"R1": {}}, {}, [new("A", replicas=3)], [TIER]),
        ({"R1": {}}, {"A": config(replicas=1)}, [update("A", replicas=3)], [TIER]),
        ({"R1": {}, "R3": {"max_streams": 1}}, {"A": config(replicas=3), "B": config()}, [update("B", replicas=3)], [STREAMS]),
        ({"R3": {}}, {"A": config(replicas=3)}, [update("A", replicas=3)], []),
    ],
)  # fmt: skip
def test_a_tier_has_limits_of_its_own(tiers, existing, planned, expected):
    assert codes(tiered(**tiers), existing, planned) == expected


@pytest.mark.parametrize("level", [0, 3, 4])
def test_older_servers_count_replicas_in_several_ways_so_that_one_is_counted(level):
    answer = info(level=level, max_storage=100)
    assert codes(answer, {"A": config(40, 3)}, [new("B", 60, replicas=3)]) == []
    assert codes(answer, {"A": config(40, 3)}, [new("B", 61, replicas=3)]) == [STORAGE]


@pytest.mark.parametrize(
    ("answer", "existing", "planned", "cause", "remedy"),
    [
        (
            info(max_streams=3), TWO, [new("C"), new("D")],
            "max_streams of the account is 3: it has 2, and 2 more would be added",
            "Delete streams, or raise max_streams of the account.",
        ),
        (
            info(max_storage=10 * 2**20), {"A": config(6 * 2**20)}, [new("B", 1000, replicas=3), new("C", 6 * 2**20)],
            "max_storage of the account is 10MiB: its streams reserve 6MiB by max_bytes and num_replicas, and 6294456 bytes more would be added",
            "Lower max_bytes, delete streams, or raise max_storage of the account.",
        ),
        (
            tiered(R3={"max_memory": 10}), {}, [new("B", 11, replicas=3, storage="memory")],
            "max_memory of tier R3 of the account is 10 bytes: its streams reserve 0 bytes by max_bytes and num_replicas, and 11 bytes more would be added",
            "Lower max_bytes, delete streams, or raise max_memory of the account.",
        ),
        (
            info(storage_max_stream_bytes=2048), {}, [new("B", 4096)],
            "stream B: max_bytes: 4KiB is more than storage_max_stream_bytes of the account, 2KiB",
            "Lower it, or raise that of the account.",
        ),
        (
            info(max_consumers=1), TWO, [consumer("A"), consumer("A", "d")],
            "max_consumers of the account is 1 for each stream: stream A has 0, and 2 more would be added",
            "Delete consumers, or raise max_consumers of the account.",
        ),
        (info(max_bytes_required=True), {}, [new("B")], "stream B: the account requires max_bytes on every stream", "Write max_bytes for it."),
        (
            info(max_storage=100), FULL, [new("C")],
            "max_storage of the account is 100 bytes: its streams reserve 100 bytes by max_bytes and num_replicas, and 1 byte more would be added",
            "Lower max_bytes, delete streams, or raise max_storage of the account.",
        ),
    ],
)  # fmt: skip
def test_the_sentence_names_the_limit_what_is_used_and_what_would_be_added(answer, existing, planned, cause, remedy):
    ((_code, told, todo),) = exceeded(answer, existing, planned)
    assert (told, todo) == (cause, remedy)


def test_an_account_without_limits_is_not_looked_at():
    assert account_from(info()) is None


S, C = "streams", "consumers"


@pytest.mark.parametrize(
    ("answer", "lists", "doubt"),
    [
        (info(streams=2, max_streams=3), {S: [{"name": "A"}]}, False),
        (info(streams=2, max_streams=3), {S: [{"name": "A"}, {"name": "B"}]}, True),
        (info(streams=2, max_streams=3), {S: [{"name": "A"}, {"name": "B", "state": "absent"}]}, False),
        (info(streams=2, max_streams=3), {"kv": [{"bucket": "a"}], "object_stores": [{"bucket": "b"}]}, True),
        (info(consumers=2, max_consumers=3), {C: [{"stream": "A", "name": "c"}]}, False),
        (info(consumers=3, max_consumers=3), {C: [{"stream": "A", "name": "c"}]}, True),
        (info(max_storage=1000), {S: [{"name": "A", "max_bytes": 200}]}, False),
        (info(max_storage=1000), {S: [{"name": "A", "max_bytes": 201}]}, True),
        (info(max_storage=1000), {S: [{"name": "A", "max_bytes": 201, "num_replicas": 3}]}, False),
        (info(max_storage=1000, reserved=100), {S: [{"name": "A", "max_bytes": 100}]}, False),
        (info(max_storage=1000, reserved=101), {S: [{"name": "A", "max_bytes": 100}]}, True),
        (info(max_storage=1000, reserved=199), {S: [{"name": "A"}]}, False),
        (info(max_storage=1000, reserved=200), {S: [{"name": "A"}]}, True),
        (info(max_bytes_required=True), {S: [{"name": "A"}]}, True),
        (info(max_bytes_required=True), {S: [{"name": "A", "max_bytes": 5}]}, False),
        (info(storage_max_stream_bytes=50), {S: [{"name": "A", "max_bytes": 50}]}, False),
        (info(storage_max_stream_bytes=50), {S: [{"name": "A", "max_bytes": 51}]}, True),
        # An existing stream may be larger, and the server would refuse any change to it.
        (info(storage_max_stream_bytes=50), {S: [{"name": "A", "description": "x"}]}, True),
        (tiered(R1={}), {S: [{"name": "A"}]}, True),
        (tiered(R1={}), {S: [{"name": "A", "state": "absent"}]}, False),
    ],
)  # fmt: skip
def test_the_streams_are_read_only_where_a_limit_may_be_exceeded(answer, lists, doubt):
    account = account_from(answer)
    assert account is not None
    assert in_doubt(account, declared_resources(lists, {})) is doubt
