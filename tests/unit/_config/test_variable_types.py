# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types of a role's variables: one sentence for each wrong value, without a secret."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.variable_types import type_problems

OPTIONS: dict[str, dict] = {
    "count": {"type": "int"},
    "size": {"type": "int", "choices": [1, 3, 5]},
    "mode": {"type": "str", "choices": ["", "on", "off"]},
    "switch": {"type": "bool"},
    "rate": {"type": "float"},
    "nested": {
        "type": "dict",
        "options": {
            "port": {"type": "int"},
            "key": {"type": "str", "no_log": True},
            "names": {"type": "list", "elements": "str"},
        },
    },
    "items": {"type": "list", "elements": "dict"},
    "families": {"type": "list", "elements": "str", "choices": ["IPv4", "IPv6"]},
    "any": {"type": "raw"},
    "free": {"type": "dict"},
}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"count": "three"}, "count: three is not a whole number: write one, as in 3"),
        ({"count": [3]}, "count: this is not a whole number: write one, as in 3"),
        ({"count": ""}, "count: an empty text is not a whole number: write one, as in 3"),
        ({"size": 4}, "size: 4 is not possible: write 1, 3 or 5"),
        ({"size": "many"}, "size: many is not a whole number: write 1, 3 or 5"),
        ({"mode": "auto"}, "mode: auto is not possible: write nothing, on or off"),
        ({"switch": "perhaps"}, "switch: perhaps is neither true nor false: write true or false"),
        ({"rate": "fast"}, "rate: fast is not a number: write one, as in 1.5"),
        ({"nested": {"port": "http"}}, "nested.port: http is not a whole number: write one, as in 3"),
        ({"nested": {"prot": 1}}, "nested.prot: there is no such key: write key, names or port"),
        ({"nested": [1]}, "nested: this is not a mapping: write its keys below it"),
        (
            {"nested": {"names": {"a": 1}}},
            "nested.names: this is not a list: write its items below it, each after a dash",
        ),
        ({"items": [{}, "hidden"]}, "items[1]: this is not a mapping: write its keys below it"),
        ({"families": ["IPv4", "IPv5"]}, "families[1]: IPv5 is not possible: write IPv4 or IPv6"),
        ({"families": "IPv4"}, "families: this is not a list: write its items below it, each after a dash"),
        ({"free": "hidden=1,"}, "free: this is not a mapping: write its keys below it"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_how_to_write_it(values, sentence):
    assert type_problems(values, OPTIONS) == [sentence]


@pytest.mark.parametrize(
    "values",
    [
        {"count": "3", "size": "5", "switch": "yes", "rate": 2},
        {"count": None, "nested": None},
        {"nested": {"port": "4222", "key": "k", "names": ["a"]}},
        {"items": [], "any": object(), "families": ["IPv6"], "mode": ""},
        {"unknown": 1},
        # YAML reads a bare on or off as a boolean.
        {"mode": False},
        {"mode": True},
    ],
)
def test_what_ansible_takes_for_the_type_is_accepted(values):
    assert type_problems(values, OPTIONS) == []
