# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether rules grant a right, as the RBAC authorizer decides it."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import (
    Need,
    Right,
    allows,
    distinct,
    not_granted,
    sentences,
)


def rule(verbs, groups, resources, *names):
    found = {"verbs": verbs.split(), "apiGroups": groups.split(",") if groups else [""], "resources": resources.split()}
    return found | ({"resourceNames": list(names)} if names else {})


PODS, EXEC, SETS = Right("pods", "get", "n"), Right("pods/exec", "get", "n"), Right("statefulsets.apps", "patch", "n")
SECRET = Right("secrets", "get", "n", "nats-app")


@pytest.mark.parametrize(
    ("given", "right", "granted"),
    [
        (rule("get", "", "pods"), PODS, True),
        (rule("list", "", "pods"), PODS, False),
        (rule("*", "", "pods"), PODS, True),
        (rule("get", "", "services"), PODS, False),
        (rule("get", "", "services pods"), PODS, True),
        (rule("get", "", "*"), PODS, True),
        (rule("get", "apps", "pods"), PODS, False),
        (rule("get", "*", "pods"), PODS, True),
        (rule("patch", "apps", "statefulsets"), SETS, True),
        (rule("patch", "", "statefulsets"), SETS, False),
        (rule("patch", "apps", "statefulsets.apps"), SETS, False),
        # Subresources are rights of their own.
        (rule("get", "", "pods"), EXEC, False),
        (rule("get", "", "pods/exec"), PODS, False),
        (rule("get", "", "pods/exec"), EXEC, True),
        (rule("get", "", "*"), EXEC, True),
        (rule("get", "", "*/exec"), EXEC, True),
        (rule("get", "", "*/log"), EXEC, False),
        (rule("get", "", "pods/*"), EXEC, False),
        (rule("get", "", "*/exec"), PODS, False),
        # Names limit a rule, also to nothing where the request has none.
        (rule("get", "", "secrets", "nats-app"), SECRET, True),
        (rule("get", "", "secrets", "nats-sys"), SECRET, False),
        (rule("get", "", "secrets", "nats-sys", "nats-app"), SECRET, True),
        (rule("*", "*", "*", "nats-sys"), SECRET, False),
        (rule("get", "", "secrets"), SECRET, True),
        (rule("get", "", "secrets", "nats-app"), Right("secrets", "get", "n"), False),
        (rule("list", "", "secrets", "nats-app"), Right("secrets", "list", "n"), False),
        (rule("create", "", "pods", ""), Right("pods", "create", "n"), True),
        # What the API server leaves out where it is empty.
        ({"verbs": ["get"]}, PODS, False),
        ({"verbs": ["get"], "apiGroups": None, "resources": None}, PODS, False),
        ({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": None}, EXEC, True),
    ],
)
def test_a_rule_grants_a_right_or_does_not(given, right, granted):
    assert allows(given, right) is granted


def test_several_rules_together_grant_what_none_does_alone():
    needs = [Need(PODS, "to see"), Need(SETS, "to change"), Need(SECRET, "to log in"), Need(EXEC, "to look")]
    given = [rule("get", "", "pods"), rule("get", "", "secrets", "nats-app"), rule("patch get", "apps", "statefulsets")]
    assert [need.right for need in not_granted(needs, given)] == [EXEC]
    assert not_granted(needs, []) == needs


def test_each_right_is_asked_once_and_not_for_one_object_where_it_is_needed_for_all():
    wide = Right("secrets", "get", "n")
    needs = [Need(SECRET, "to log in"), Need(PODS, "first"), Need(wide, "to mask"), Need(PODS, "second")]
    assert distinct(needs) == [Need(PODS, "first"), Need(wide, "to mask")]
    other = Need(Right("secrets", "get", "elsewhere", "nats-app"), "to log in")
    assert distinct([*needs, other])[-1] == other


@pytest.mark.parametrize(
    ("needs", "lines"),
    [
        (
            [Need(Right("pods", "list", "n"), "to see"), Need(Right("pods", "get", "n"), "to see")],
            ["get, list pods in namespace n, to see"],
        ),
        ([Need(SECRET, "to log in")], ["get secrets nats-app in namespace n, to log in"]),
        (
            [Need(Right("nodes", "patch"), "to cordon it")],
            ["patch nodes in the whole Kubernetes cluster, to cordon it"],
        ),
        (
            [Need(Right("namespaces", "get", "n", "n"), "to see"), Need(PODS, "to see")],
            ["get namespaces in namespace n, to see", "get pods in namespace n, to see"],
        ),
    ],
)
def test_what_is_missing_is_a_line_for_each_kind(needs, lines):
    assert list(sentences(needs)) == lines


@pytest.mark.parametrize(
    ("right", "attributes"),
    [
        (SETS, {"verb": "patch", "group": "apps", "resource": "statefulsets", "namespace": "n"}),
        (EXEC, {"verb": "get", "resource": "pods", "subresource": "exec", "namespace": "n"}),
        (SECRET, {"verb": "get", "resource": "secrets", "namespace": "n", "name": "nats-app"}),
        (Right("nodes", "patch"), {"verb": "patch", "resource": "nodes"}),
    ],
)
def test_a_review_asks_for_the_parts_of_a_right(right, attributes):
    assert right.attributes() == attributes
