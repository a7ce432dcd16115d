# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped Roles and the documentation say what the table of rights says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import Need, Right, allows
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import (
    FOLDER,
    LOGINS,
    ROLES,
    VERBS,
    files_for,
    lines_of,
    required,
)
from ansible_collections.messaging.nats.tools.rights import page, roles

ROOT = Path(__file__).resolve().parents[3]
FILES = {path.name: path.read_text() for path in sorted((ROOT / FOLDER).glob("*.yaml"))}


def granted(file):
    """Each verb on each kind that a file's Role grants."""
    rules = yaml.safe_load(FILES[file])["items"][0]["rules"]
    return {
        (verb, f"{resource}.{group}" if group else resource, tuple(rule.get("resourceNames", ())))
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_the_shipped_files_are_those_of_the_table():
    assert roles() == FILES


def test_the_page_has_the_tables_of_the_code():
    written = (ROOT / "docs" / "rights.md").read_text()
    assert page(written) == written


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_role_grants_exactly_what_its_verbs_need(role, everywhere):
    lines = [line for line in lines_of(role) if line.everywhere == everywhere]
    needed = {(verb, line.resource) for line in lines for verb in line.verbs.split()}
    file = f"{role}{'-cluster' if everywhere else ''}.yaml"
    assert {(verb, resource) for verb, resource, _names in granted(file)} == needed if lines else file not in FILES


@pytest.mark.parametrize(("role", "verb"), [(role, verb) for role, verbs in ROLES.items() for verb in verbs])
def test_a_role_has_all_that_each_of_its_verbs_requires(role, verb):
    rules = [
        rule
        for file in (f"{role}.yaml", f"{role}-cluster.yaml")
        if file in FILES
        for rule in yaml.safe_load(FILES[file])["items"][0]["rules"]
    ]
    login = LOGINS.get(role, "nats-sys")
    for need in required(VERBS[verb], "n", login):
        assert any(allows(rule, need.right) for rule in rules), need


def test_a_viewer_reads_the_login_that_only_looks_and_changes_nothing():
    rules = granted("viewer.yaml")
    assert [entry for entry in rules if entry[1] == "secrets"] == [("get", "secrets", ("nats-sys-checker",))]
    assert {resource for verb, resource, _names in rules if verb not in ("get", "list")} == {"pods/portforward"}
    assert "pods/exec" not in {resource for _verb, resource, _names in rules}


def test_an_application_team_reads_the_secret_of_its_account_alone():
    assert [entry for entry in granted("application-team.yaml") if entry[1] == "secrets"] == [
        ("get", "secrets", ("nats-app",))
    ]


@pytest.mark.parametrize(
    ("verb", "namespaces", "files"),
    [
        ("status", ["n"], ["viewer.yaml"]),
        ("verify", ["n"], ["viewer.yaml"]),
        ("smoke", ["n"], ["operator.yaml"]),
        ("resources", ["n"], ["application-team.yaml"]),
        ("drain", ["n", ""], ["operator.yaml", "operator-cluster.yaml"]),
        ("cordon", [""], ["operator-cluster.yaml"]),
        ("uninstall", ["n"], ["deployer.yaml"]),
    ],
)
def test_the_smallest_role_of_a_verb_is_named(verb, namespaces, files):
    assert files_for(verb, [Need(Right("pods", "get", namespace), "") for namespace in namespaces]) == files


@pytest.mark.parametrize("verb", VERBS)
def test_every_line_says_what_it_is_for(verb):
    assert all(line.why.startswith("to ") for line in VERBS[verb])
