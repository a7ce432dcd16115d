# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said about versions of ansible-core is the same everywhere, and a version that nobody tried is noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.messaging.nats.tools import cores
from ansible_collections.messaging.nats.tools.ansible_versions import HEAD, OFFERED, unsupported

ROOT = Path(__file__).resolve().parents[3]
OLDEST, NEWEST = cores.CORES[0].version, cores.CORES[-1].version


def test_ansible_refuses_what_is_older_than_the_oldest():
    assert yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"] == f">={OLDEST}.0"


def test_no_minor_version_is_left_out_between_them():
    minors = [int(core.version.split(".")[1]) for core in cores.CORES]
    assert minors == list(range(minors[0], minors[-1] + 1))


def test_the_table_has_a_row_for_each_on_a_python_that_it_runs_on():
    page = (ROOT / "docs" / "ansible-versions.md").read_text()
    assert f"ansible-core {OLDEST} to {NEWEST}" in page
    rows = re.findall(r"^\| (\d+\.\d+)\.\d+ \| (\d+\.\d+) \|", page.partition(HEAD)[2], re.MULTILINE)
    assert [version for version, _python in rows] == [core.version for core in cores.CORES]
    assert [python in core.pythons for core, (_version, python) in zip(cores.CORES, rows, strict=True)] == [True] * len(
        rows
    )


def test_the_readme_says_the_same():
    readme = (ROOT / "README.md").read_text()
    assert f"ansible-core {OLDEST} to {NEWEST}" in readme
    assert f"ansible-core ≥ {OLDEST}" in readme


def test_a_version_that_pip_offers_and_nobody_tried_is_a_failure():
    told = "ansible-core (2.22.0)\nAvailable versions: 2.22.0, 2.21.5, 2.16.19\n  INSTALLED: 2.21.5"
    assert set(OFFERED.findall(told)) == {"2.22", "2.21", "2.16"}
    assert [check.name for check in unsupported({"2.22", "2.21", "2.16"})] == ["ansible-core 2.22"]
    assert unsupported([core.version for core in cores.CORES]) == []


@pytest.mark.parametrize(
    ("pythons", "chosen", "left_out"),
    [
        (["3.10", "3.11", "3.12", "3.13"], [OLDEST, NEWEST], 0),
        (["3.11"], ["2.16", "2.19"], 1),
        (["3.13"], ["2.18", "2.21"], 1),
        ([], [], 2),
    ],
)
def test_the_oldest_and_the_newest_that_the_machine_has_a_python_for(monkeypatch, pythons, chosen, left_out):
    monkeypatch.setattr(cores, "interpreters", lambda: {python: Path("python") for python in pythons})
    found, sentences = cores.ends()
    assert [core.version for core in found] == chosen
    assert len(sentences) == left_out
    assert all(sentence.startswith("ansible-core ") and sentence.endswith(".") for sentence in sentences)
