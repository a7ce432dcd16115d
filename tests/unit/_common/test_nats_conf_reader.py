# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nats.conf is parsed, and which is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)

KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True) | TEXTS

NUMBERS = st.integers() | st.decimals(-1000, 1000, places=3, allow_nan=False).map(float)

SCALARS = TEXTS | st.booleans() | NUMBERS

VALUES = st.recursive(
    SCALARS | st.just({"$env": "OF_THE_ENVIRONMENT"}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_a_written_configuration_is_read_back_unchanged_or_refused(data):
    try:
        text = to_nats_conf(data)
    except ValueError:  # nats.conf can't hold it
        return
    try:
        read = read_nats_conf(text)
    except ValueError:  # a key with a backslash
        assert "\\" in text
    else:
        assert to_nats_conf(read) == text


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", {}),
        ('a: 1\nb: -2\nc: 0.5\nd: true\ne: "x"\n', {"a": 1, "b": -2, "c": 0.5, "d": True, "e": "x"}),
        ('a: "new\nline \\\\ \\" # // {"\n', {"a": 'new\nline \\ " # // {'}),
        ("a: $HOME\n", {"a": {"$env": "HOME"}}),
        ("a {\n}\nb {\n  c: []\n}\n", {"a": {}, "b": {"c": []}}),
        ('a: [{ b: "c", d: {} }, 1 ]\n', {"a": [{"b": "c", "d": {}}, 1]}),
        ('a: [\n  "b"\n  "c"\n]\n', {"a": ["b", "c"]}),
        ('"orders.*": 1\n\'say "hi"\': 2\n"include": 3\n', {"orders.*": 1, 'say "hi"': 2, "include": 3}),
    ],
)
def test_each_kind_of_value_is_read_back(text, data):
    assert read_nats_conf(text) == data


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n",
        "a: 1 # a comment\n",
        "// a comment\n",
        "include ./other.conf\n",
        'include "other.conf"\n',
        "a = 1\n",
        "a 1\n",
        "a: 10MB\n",
        "a: 2s\n",
        "a: 1e5\n",
        "a: word\n",
        "a: yes\n",
        "a: 'single'\n",
        'a: "\\n"\n',
        'a: "\\x41"\n',
        "a: (\n block\n)\n",
        "a: 1 b: 2\n",
        'a: ["x" "y"]\n',
        "a: 1\na: 2\n",
        "a: {\n",
        "a: }\n",
        "a: [1\n",
        'a: "open\n',
        "a:\n",
        "}\n",
        "a: 1; b: 2\n",
        "a: [1]\n",  # the server reads the word `1]`
        "a: [1, 2]\n",
        "a: 1,, b: 2\n",  # the server reads the key `,`
        ", a: 1\n",
        "a: 1\n, b: 2\n",
        "a: [1 ,, 2 ]\n",
        '"\0": 1\nb: 2\n',  # the server reads an empty file
        "'\0': 1\n",
        'a: "\0"\n',
        "a: 1\r\n",
        "a: 1\x0b\n",
        "B: 1\na: $B\n",
        '"a\\": 1\nb: "x"\n',
    ],
)
def test_other_syntax_is_refused(text):
    with pytest.raises(ValueError, match=r"^nats\.conf: "):
        read_nats_conf(text)


def test_no_refusal_shows_text_of_the_file():
    with pytest.raises(ValueError, match="line 2") as refused:
        read_nats_conf('a: 1\npassword: S3cret S3cret\n"S3cret": 1\n')
    assert "S3cret" not in str(refused.value)
