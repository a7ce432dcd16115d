# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment onto volumes that an earlier one left."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import (
    DEPLOYED_ANNOTATION,
    DeploymentRecord,
    record_of,
    written_record,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import ClusterFacts, DeclaredCluster, Running
from ansible_collections.messaging.nats.plugins.module_utils._deploy.kept_volumes import (
    accounts_with_logins,
    kept_volumes_problems,
    kept_volumes_remarks,
    number_of_servers,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan import plan
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Counterpart

LABELS = {"app.kubernetes.io/managed-by": "messaging.nats"}
RECORD = DeploymentRecord("nats", "", ("APP", "ORDERS", "SYS"), 3, "2.15.1")
CONF: dict[str, Any] = {"cluster": {"name": "nats"}, "accounts": {"APP": {}, "ORDERS": {}, "SYS": {}}}


def statefulset(prefix="", volumes=("data",)):
    env = [{"name": "SERVER_NAME", "value": f"{prefix}$(POD_NAME)"}]
    spec = {
        "replicas": 3,
        "template": {"metadata": {}, "spec": {"containers": [{"name": "nats", "image": "nats", "env": env}]}},
        "volumeClaimTemplates": [{"metadata": {"name": name}, "spec": {}} for name in volumes],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "nats", "namespace": "ns", "labels": LABELS},
        "spec": spec,
    }


def claims(*ordinals):
    return [{"metadata": {"name": f"data-nats-{ordinal}", "labels": LABELS}} for ordinal in ordinals]


def login(name, user):
    data = {"username": base64.b64encode(user.encode()).decode()}
    return {"kind": "Secret", "type": "kubernetes.io/basic-auth", "metadata": {"name": name}, "data": data}


LOGINS = (
    login("nats-app", "app"),
    login("nats-sys", "sys"),
    login("nats-routes", "routes"),
    login("nats-my-orders", "my_orders"),
    login("nats-app-reader", "reader"),
)


def problems(wanted=None, conf=None, prefix="", record=RECORD, volumes=(0, 1, 2), logins=()):
    facts = ClusterFacts(True, claims=claims(*volumes), record=record, logins=logins)
    return list(
        kept_volumes_problems(
            facts, wanted or DeclaredCluster(3, "2.15.1"), CONF if conf is None else conf, statefulset(prefix)
        )
    )


@pytest.mark.parametrize(
    ("arguments", "beginning", "way"),
    [
        (
            {"wanted": DeclaredCluster(5, "2.15.1")},
            "nats_cluster_replicas: 3 volumes",
            "Deploy with nats_cluster_replicas: 3, then change",
        ),
        (
            {"wanted": DeclaredCluster(1, "2.15.1"), "conf": {}},
            "nats_cluster_replicas: 3 volumes",
            "nats_cluster_replicas: 3",
        ),
        ({"prefix": "west-"}, "nats_cluster_server_prefix: 3 volumes", "nats_cluster_server_prefix: ''"),
        (
            {"conf": CONF | {"cluster": {"name": "other"}}},
            "nats_cluster_cluster_name: 3 volumes",
            "nats_cluster_cluster_name: nats",
        ),
        ({"conf": CONF | {"accounts": {"APP": {}, "SYS": {}}}}, "nats_cluster_accounts: 3 volumes", "Declare it"),
        ({"wanted": DeclaredCluster(3, "2.14.6")}, "nats_cluster_version: 3 volumes", "Deploy 2.15.1 first"),
        (
            {"wanted": DeclaredCluster(3, "2.11.9")},
            "nats_cluster_version: 2.15.1 to 2.11.9 is more than one",
            "deploy 2.14",
        ),
        ({"conf": CONF | {"jetstream": {"key": "hidden"}}}, "nats_cluster_config: 3 volumes", "with the same key"),
        # Without a note, what can be seen decides.
        ({"record": None, "volumes": (0, 1, 2, 3)}, "nats_cluster_replicas: 4 volumes", "of 5 servers"),
        ({"record": None, "volumes": (0,)}, "nats_cluster_replicas: 1 volumes", "keep their data in different ways"),
        ({"record": None, "logins": LOGINS}, "nats_cluster_accounts: 3 volumes", "delete Secret nats-my-orders"),
    ],
)
def test_volumes_of_another_cluster_are_refused(arguments, beginning, way):
    found = problems(**arguments)
    assert any(problem.startswith(beginning) and way in problem for problem in found), found
    assert "hidden" not in str(found)


def test_volumes_are_not_left_behind_by_servers_without_any():
    facts = ClusterFacts(True, claims=claims(0, 1, 2), record=RECORD)
    (problem,) = kept_volumes_problems(facts, DeclaredCluster(3, "2.15.1"), CONF, statefulset(volumes=()))
    assert problem.startswith("nats_cluster_max_file_store: 3 volumes, data-nats-0")
    assert "nats_cluster_delete_data: true" in problem


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"conf": CONF | {"accounts": CONF["accounts"] | {"NEW": {}}}},
        {"wanted": DeclaredCluster(3, "2.15.2")},
        # A volume of a server that was taken out before.
        {"volumes": (0, 1, 2, 3, 4)},
        {"record": None},
        {"record": None, "volumes": (0, 1)},
        {"record": None, "logins": LOGINS, "conf": CONF | {"accounts": {"APP": {}, "SYS": {}, "MY_ORDERS": {}}}},
    ],
)
def test_the_same_cluster_takes_its_volumes_over(arguments):
    assert problems(**arguments) == []


def test_what_can_not_be_compared_without_a_note_is_listed():
    assert "not checked" in "".join(kept_volumes_remarks(ClusterFacts(True, claims=claims(0))))
    assert list(kept_volumes_remarks(ClusterFacts(True, claims=claims(0), record=RECORD))) == []


def test_the_number_of_servers_is_the_smallest_that_can_have_left_these_volumes():
    assert [number_of_servers(claims(*found)) for found in ((0,), (0, 1), (2,), (3,), (0, 6))] == [1, 3, 3, 5, 7]


def test_an_account_is_known_by_its_own_login():
    assert accounts_with_logins(LOGINS, "nats") == {"app", "sys", "my_orders"}


@pytest.mark.parametrize("running", [None, 0])
def test_a_plan_compares_where_no_server_runs(running):
    there = Running(statefulset() | {"spec": statefulset()["spec"] | {"replicas": 0}}) if running is not None else None
    facts = ClusterFacts(True, claims=claims(0, 1, 2), record=RECORD, running=there)
    pairs = [Counterpart(statefulset("west-"), there.statefulset if there else None)]
    assert "nats_cluster_server_prefix: 3 volumes" in "".join(plan(pairs, facts, DeclaredCluster(3, "2.15.1")).refusals)


def test_a_note_is_read_as_it_was_written_and_kinds_are_never_forgotten():
    declared = {"cluster": "nats", "cluster_name": "n", "server_prefix": "p-", "replicas": 3, "version": "2.15.1"}
    secret: dict[str, Any] = {"metadata": {"name": "nats-routes", "annotations": {}}}
    for kind in ("ConfigMap", "Service"):
        objects = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}]
        secret["metadata"]["annotations"][DEPLOYED_ANNOTATION] = written_record(CONF, declared, objects, [secret])
    found = record_of([secret], "nats")
    assert found == DeploymentRecord(
        "n", "p-", ("APP", "ORDERS", "SYS"), 3, "2.15.1", "", (("v1", "ConfigMap", ""), ("v1", "Service", ""))
    )
    assert written_record(CONF, declared, [], [secret]) == secret["metadata"]["annotations"][DEPLOYED_ANNOTATION]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", json.dumps({"accounts": [], "kinds": [1]}), '{"kinds": [], "accounts": [], "x": 1}']
)
def test_a_note_that_somebody_changed_is_ignored(text):
    secret = {"metadata": {"name": "nats-routes", "annotations": {DEPLOYED_ANNOTATION: text}}}
    assert record_of([secret], "nats") is None
