# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.tools.checks import ROOT
from ansible_collections.messaging.nats.tools.molecule import SIDE_BY_SIDE, groups


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["zones"], [[["zones"]]]),
        (["clients"], [[["clients"]]]),
        (
            ["clients", "default", "health", "patterns", "uninstall", "zones"],
            [[["default"], ["patterns", "uninstall"]], [["health"]], [["clients", "zones"]]],
        ),
        (["day2_converge", "health", "storage", "zones"], [[["storage"], ["health"]], [["day2_converge", "zones"]]]),
        (["uninstall", "patterns"], [[["patterns", "uninstall"]]]),
    ],
)
def test_scenarios_that_disturb_others_run_alone(wanted, expected):
    assert groups(wanted) == expected


@pytest.mark.parametrize("name", [name for names in SIDE_BY_SIDE[0] for name in names])
def test_a_scenario_that_runs_beside_many_others_measures_no_load_and_changes_no_node(name):
    files = [path.read_text() for path in (ROOT / "molecule" / name).rglob("*.yml")]
    assert files
    assert not [text for text in files if "load/start.yml" in text or "kube-system" in text or "cordon" in text]


@pytest.mark.parametrize("group", SIDE_BY_SIDE)
def test_only_one_of_the_scenarios_that_run_side_by_side_uses_the_node_port(group):
    using = {
        name
        for names in group
        for name in names
        if any("node_port: 30422" in path.read_text() for path in (ROOT / "molecule" / name).rglob("*.yml"))
    }
    assert len(using) <= 1
