# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control characters and direction marks are shown as escapes."""

from __future__ import annotations

import unicodedata

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import (
    displayable,
    displayable_data,
    displayable_line,
)
from ansible_collections.messaging.nats.plugins.module_utils._reporting.markup import element

BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = {0x061C, 0x200E, 0x200F}


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)], ids=hex)
def test_control_characters_are_escaped(code):
    assert displayable(f"a{chr(code)}b") == (
        f"a{chr(code)}b" if chr(code) in "\t\n" else displayable_line(f"a{chr(code)}b")
    )
    assert displayable_line(f"a{chr(code)}b").isprintable()
    assert displayable_line(f"a{chr(code)}b").startswith("a\\")


def test_every_character_that_changes_the_direction_is_escaped():
    found = {code for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in BIDIRECTIONAL} | MARKS
    assert len(found) == 12
    for code in found:
        assert displayable(chr(code)) == f"\\u{code:04x}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ORDERS\x1b[2J", "ORDERS\\x1b[2J"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("line\rother", "line\\rother"),
        ("abc\u202egnp", "abc\\u202egnp"),
        ("half \ud800", "half \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("Grüße, 日本, עברית, می‌خواهم, 👩‍🚀", "Grüße, 日本, עברית, می‌خواهم, 👩‍🚀"),
    ],
)
def test_which_characters_are_escaped(text, shown):
    assert displayable(text) == shown
    shown.encode()


def test_a_line_stays_one_line():
    assert displayable_line("a\nb\tc") == "a\\nb\\tc"


def test_data_keeps_its_shape():
    assert displayable_data({"\x1b": ["\x1b", 1, None, ("\x1b",)]}) == {"\\x1b": ["\\x1b", 1, None, ["\\x1b"]]}


def test_markup_has_no_unsafe_character():
    assert element("p", "\x1b<b>\u202e", title="\x9b") == '<p title="\\x9b">\\x1b&lt;b&gt;\\u202e</p>'
