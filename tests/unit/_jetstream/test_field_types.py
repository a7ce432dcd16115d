# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people write, and what the server stores."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream import field_types as types


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
