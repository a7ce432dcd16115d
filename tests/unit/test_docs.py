# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that repeats what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import HOT, NOT_CARRIED_OUT

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"[A-Z]+(?:_[A-Z]+)+")


def test_every_finding_of_health_is_documented_and_no_other():
    sources = [*ROOT.glob("plugins/module_utils/_health/*.py")]
    used = {
        code
        for path in sources
        for code in re.findall(rf'(?:error|warning|info)\(\s*"({CODE.pattern})"', path.read_text())
    }
    # Those that are put together, or chosen by severity.
    used |= {
        f"{kind}_{what}"
        for kind in ("STREAM", "CONSUMER")
        for what in ("NO_LEADER", "UNDER_REPLICATED", "REPLICA_OFFLINE", "REPLICA_NOT_CURRENT")
    }
    used |= {"STORAGE_LIMIT", "MEMORY_STORE_LIMIT", "CERTIFICATE_EXPIRES"}
    told = set(re.findall(rf"`({CODE.pattern})`", (ROOT / "docs" / "health.md").read_text()))
    assert told == set(
        re.findall(rf"`({CODE.pattern})`", (ROOT / "docs" / "health.md").read_text().partition("## Beside")[0])
    )
    told |= {code.replace("STREAM_", "CONSUMER_") for code in told if "REPLICA" in code and code.startswith("STREAM_")}
    assert used - told == set()
    assert told - used == set()


def test_every_cause_of_a_diagnosis_is_documented_and_no_other():
    sources = "".join(path.read_text() for path in ROOT.glob("plugins/module_utils/_reporting/*_causes.py"))
    used = set(re.findall(rf'cause\(\s*(?:CauseRank\.\w+|rank),\s*"({CODE.pattern})"', sources))
    # Those of the tables: a pattern, a code, a remedy.
    used |= set(re.findall(rf'^        "({CODE.pattern})",$', sources, re.MULTILINE))
    used |= set(re.findall(rf'^    \(r".*", "({CODE.pattern})", ', sources, re.MULTILINE))
    tables = "".join((ROOT / "docs" / "diagnose.md").read_text().partition("## Not forming")[1:])
    told = set(re.findall(rf"`({CODE.pattern})`", tables))
    assert used == told


def test_the_tables_of_what_a_reload_does_are_those_of_the_code():
    page = (ROOT / "docs" / "reload.md").read_text()
    told = re.findall(r"^\| `(\S+)` \| (.*) \|$", page, re.MULTILINE)
    hot = [(key, f"{'.'.join(map(str, how.since))} | {how.note}") for key, how in HOT.items()]
    assert told == [*hot, *NOT_CARRIED_OUT.items()]


def test_every_test_that_proves_a_statement_about_security_exists():
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 25
    assert [
        (path, name)
        for path, name in named
        if not re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)
    ] == []


# What `ansible-galaxy collection build` leaves out, as galaxy.yml says.
IGNORED = [
    pattern for pattern in yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"] if "*" not in pattern
]
PAGES = [
    path
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("roles/*/README.md"),
        *ROOT.glob("examples/**/README.md"),
    )
    if "node_modules" not in path.parts
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_of_the_artifact(page):
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()) if "://" not in link]
    targets = [(page.parent / link).resolve().relative_to(ROOT) for link in links]
    assert [str(target) for target in targets if not (ROOT / target).exists() or target.parts[0] in IGNORED] == []


def test_every_target_of_make_that_a_page_names_has_a_rule():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {target for page in pages for target in re.findall(r"`make ([a-z-]+)", page.read_text())}
    makefile = (ROOT / "Makefile").read_text()
    rules = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert named - rules == set()
    assert set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()) == rules
