# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes from one version of nats-server to another."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.versions import (
    level,
    version_problems,
    version_remarks,
)


@pytest.mark.parametrize(
    ("running", "declared"),
    [
        ("2.11.11", "2.12.8"),
        ("2.12.8", "2.14.6"),
        ("2.14.6", "2.15.1"),
        ("2.15.1", "2.15.9"),
        ("2.15.1", "2.15.0"),
        ("2.15.1", "2.16.0"),
        ("2.12.8", "2.11.9"),
        ("2.15.1", "2.14.6"),
        ("2.14.0-preview.1", "2.14.0"),
    ],
)
def test_one_minor_version_at_a_time_up_or_down(running, declared):
    assert version_problems([running], declared, {}) == []


@pytest.mark.parametrize(
    ("running", "declared", "sentence"),
    [
        ("2.11.11", "2.14.6", "2.11.11 to 2.14.6 is more than one minor version: deploy 2.12 first"),
        ("2.11.11", "2.15.1", "2.11.11 to 2.15.1 is more than one minor version: deploy 2.12, then 2.14 first"),
        ("2.15.1", "2.12.8", "2.15.1 to 2.12.8 is more than one minor version: deploy 2.14 first"),
        ("2.12.8", "2.11.8", "2.11.8 can't read the store that 2.12.8 has written: write 2.11.9 or newer"),
    ],
)
def test_a_change_of_several_minor_versions_is_refused_with_the_steps(running, declared, sentence):
    assert version_problems([running], declared, {}) == [f"nats_cluster_version: {sentence}"]


def test_an_upgrade_that_was_killed_goes_on_from_both_versions():
    assert version_problems(["2.14.6", "2.15.1"], "2.15.1", {}) == []
    assert len(version_problems(["2.12.8", "2.14.6"], "2.15.1", {})) == 1


def test_assets_that_the_older_version_does_not_know_are_named():
    needs = {"stream OLD": 1, "stream NEW": 5, "consumer c of stream NEW": 4}
    (sentence,) = version_problems(["2.15.1"], "2.14.6", needs)
    assert sentence.startswith(
        "nats_cluster_version: 2.14.6 can't serve stream NEW, whose settings are newer (API level 5, it has 4)"
    )


@pytest.mark.parametrize(
    ("version", "expected"),
    [("2.10.26", 0), ("2.11.11", 1), ("2.12.7", 2), ("2.12.8", 3), ("2.14.6", 4), ("2.15.1", 5)],
)
def test_the_api_level_of_each_version(version, expected):
    assert level(version) == expected


def test_a_version_without_fixes_gets_a_remark():
    assert version_remarks("2.15.1") == version_remarks("2.14.6") == version_remarks("2.16.0") == []
    assert version_remarks("2.12.8") == ["nats-server 2.12.8 no longer gets fixes: 2.14 and 2.15 do"]
