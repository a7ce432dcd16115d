# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which subjects and filters overlap."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import SubjectIndex, covers, overlap


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a.*", "*.b", True),
        ("a.*", "b.*", False),
        ("a.>", "a", False),
        ("a.>", "a.b.c", True),
        (">", "a", True),
        ("a.b", "a.b.c", False),
        ("*.b.>", "a.*.c", True),
        ("*", "a.b", False),
    ],
)
def test_two_subjects_overlap_where_one_message_matches_both(one, other, expected):
    assert [overlap(*pair) for pair in ((one, other), (other, one))] == [expected] * 2


SUBJECTS = ["a", "a.b", "a.*", "a.>", "*", ">", "*.b", "b.c", "a.b.c", "*.*", "b.>"]


@pytest.mark.parametrize(("one", "other"), list(itertools.product(SUBJECTS, SUBJECTS)))
def test_an_index_finds_what_overlaps(one, other):
    index = SubjectIndex()
    index.add(one, "S")
    assert bool(index.owners(other)) is overlap(one, other)
    assert not covers(one, other) or overlap(one, other)
