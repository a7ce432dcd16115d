# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people write, and what the server stores."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common import units
from ansible_collections.messaging.nats.plugins.module_utils._jetstream import field_types as types


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("24h", 86_400 * 10**9),
        ("1h30m", 5_400 * 10**9),
        ("500ms", 500 * 10**6),
        ("1.5s", 1_500 * 10**6),
        ("1.001s", 1_001_000_000),  # a float would lose a nanosecond
        ("2d", 172_800 * 10**9),
        ("7", 7),
        (7, 7),
        ("0s", 0),
    ],
)
def test_a_duration_is_nanoseconds(text, nanoseconds):
    assert units.parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "12x", "h", "1h 30m", "-5s", "1e3s", "0.1ns", "999999999999h"])
def test_what_is_no_duration_is_refused_with_how_to_write_it(text):
    with pytest.raises(ValueError, match="write"):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0s"), (86_400 * 10**9, "24h"), (5_400 * 10**9, "1h30m"), (1_001_000_000, "1s1ms"), (7, "7ns")],
)
def test_a_duration_is_shown_as_people_write_it(nanoseconds, text):
    assert units.show_duration(nanoseconds) == text
    assert units.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10M", 10**7),
        ("10MB", 10 * 2**20),
        ("10MiB", 10 * 2**20),
        ("10mi", 10 * 2**20),
        ("1k", 1000),
        ("5", 5),
        ("-1", -1),
    ],
)
def test_a_size_is_read_as_the_server_reads_it(text, size):
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "5 apples", "1.5G", "10XB", "9999999999T"])
def test_what_is_no_size_is_refused_with_how_to_write_it(text):
    with pytest.raises(ValueError, match="write"):
        units.parse_size(text)


@pytest.mark.parametrize(("size", "shown"), [(10 * 2**20, "10MiB"), (10**7, 10**7), (2**40, "1TiB"), (-1, -1), (0, 0)])
def test_a_size_is_shown_short_where_that_loses_nothing(size, shown):
    assert units.show_size(size) == shown


@pytest.mark.parametrize(("written", "stored"), [(-1, -1), (0, -1), (5, 5)])
def test_a_limit_of_nothing_is_unlimited(written, stored):
    assert types.limit(types.integer).parse(written) == stored


def test_a_limit_below_unlimited_is_refused():
    with pytest.raises(ValueError, match="-1 for unlimited"):
        types.limit(types.integer).parse(-2)


def test_a_nested_table_keeps_only_what_was_written():
    origin = types.record(("name", types.string), ("window", types.duration))
    assert origin.parse({"name": "S", "window": None}) == {"name": "S"}
    assert origin.parse({"window": "1s"}) == {"window": 10**9}


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01T01:30:00+01:30",
        "2020-01-01 00:00:00Z",
        "2020-01-01t00:00:00z",
        "2020-01-01T00:00:00.000Z",
        "2019-12-31T23:00:00-01:00",
    ],
)
def test_one_moment_has_many_spellings(text):
    assert units.instant(text) == units.instant("2020-01-01T00:00:00Z")
    assert units.parse_instant(text)[10] == "T"


@pytest.mark.parametrize(
    "text", ["", "2020-01-01", "2020-01-01T00:00:00", "2020-13-01T00:00:00Z", "0001-01-01T00:00:00+01:00", None, 5]
)
def test_what_is_no_moment_is_none(text):
    assert units.instant(text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00Z"),
        ("2020-01-01T00:00:00.500Z", "2020-01-01T00:00:00.5Z"),
        ("2020-01-01T00:00:00.123456789Z", "2020-01-01T00:00:00.123456789Z"),
    ],
)
def test_a_moment_is_written_as_the_server_writes_it(text, written):
    moment = units.instant(text)
    assert moment is not None
    assert units.utc(*moment) == written


@pytest.mark.parametrize(("text", "stored"), [("50", "50"), ("50%", "50"), (" 5% ", "5"), ("0", "0"), ("100", "100")])
def test_a_percentage_needs_no_sign(text, stored):
    assert types.parse_percentage(text) == stored


@pytest.mark.parametrize("text", ["", "101", "-1", "1.5", "half"])
def test_what_is_no_percentage_is_refused(text):
    with pytest.raises(ValueError, match="write 0 to 100"):
        types.parse_percentage(text)


SPECS: dict[str, dict] = {
    "number": {"type": "int"},
    "word": {"type": "str", "choices": ["a", "b"]},
    "words": {"type": "list", "elements": "str"},
    "table": {"type": "dict", "options": {"on": {"type": "bool"}}},
    "tables": {"type": "list", "elements": "dict", "options": {"on": {"type": "bool"}}},
}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ({"number": "5"}, {"number": 5}),
        ({"words": "a,b"}, {"words": ["a", "b"]}),
        ({"words": [1]}, {"words": ["1"]}),
        ({"table": {"on": "yes"}}, {"table": {"on": True}}),
        ({"tables": [{"on": "no"}]}, {"tables": [{"on": False}]}),
        ({"number": None}, {}),
    ],
)
def test_an_entry_of_a_list_is_read_as_ansible_reads_options(written, found):
    assert types.options(SPECS, written) == found


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"number": "x"}, "number: 'x' is not a whole number"),
        ({"word": "c"}, "word: 'c' is not known: write a or b"),
        ({"other": 1}, "other is not known: write number, table, tables, word, words"),
        ({"table": {"off": 1}}, "table: off is not known: write on"),
        ({"tables": [{"on": "perhaps"}]}, "tables: on: 'perhaps' is not yes or no"),
        ({"table": 5}, "table: 5 is not a dictionary"),
    ],
)
def test_what_is_no_entry_is_refused_by_option(written, sentence):
    with pytest.raises(ValueError, match="^" + sentence):
        types.options(SPECS, written)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": 0, "b": False, "c": "", "d": []}, {}),
        ({"a": {"b": {}}}, {}),
        ([{"a": 0}, {"a": 1}], [{}, {"a": 1}]),
        (0, 0),
    ],
)
def test_what_says_nothing_is_left_out_of_nested_tables(value, said):
    assert types.bare(value) == said
