# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.module_utils._config import role_variables as _declaration
from ansible_collections.messaging.nats.plugins.module_utils._config.role_variables import (
    target_problems,
    validate_role_variables,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.unknown_variables import unknown_variables

ROLE = Path(__file__).resolve().parents[3] / "roles" / "nats_cluster"
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
OPTIONS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
PROFILES = yaml.safe_load((ROLE / "vars" / "main" / "profiles.yml").read_text())["__nats_cluster_profiles"]
DECLARED = DEFAULTS | {
    "nats_cluster_cluster_name": "nats",
    "nats_cluster_image": "nats:2.15.2-alpine",
    **{f"nats_cluster_{name}": value for name, value in PROFILES["default"].items() if name != "config"},
}


def problems(**changes):
    declared = DECLARED | {f"nats_cluster_{name}": value for name, value in changes.items()}
    return validate_role_variables(declared, OPTIONS)


def test_the_defaults_are_a_cluster():
    assert problems() == []


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_a_cluster(profile):
    assert problems(profile=profile, **{**PROFILES["default"], **PROFILES[profile]}) == []


def test_the_documented_variables_and_defaults_are_those_of_the_role():
    assert set(DEFAULTS) == set(OPTIONS)
    derived = {name for name, value in DEFAULTS.items() if "{{" in str(value)}
    assert {name: OPTIONS[name].get("default") for name in OPTIONS} == {
        name: None if name in derived else value for name, value in DEFAULTS.items()
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Nats"}, "nats_cluster_name: 'Nats' cannot name a Service and its pods: write at most 52 of"),
        ({"name": "1nats"}, "nats_cluster_name: '1nats' cannot name"),
        ({"name": "n" * 53}, "nats_cluster_name: 'nnn"),
        ({"namespace": "my_namespace"}, "nats_cluster_namespace: 'my_namespace' cannot name a namespace: write"),
        ({"domain": "cluster.local."}, "nats_cluster_domain: 'cluster.local.' is not a DNS domain: write it without dots"),
        ({"server_prefix": "1-"}, "nats_cluster_server_prefix: '1-' cannot begin a server's name: write"),
        ({"cluster_name": "my cluster"}, "nats_cluster_cluster_name: 'my cluster' cannot name a cluster: write"),
        ({"version": "2.15"}, "nats_cluster_version: '2.15' is not a version of nats-server: write"),
        ({"version": 2.15}, "nats_cluster_version: '2.15' is not a version of nats-server: write"),
        (
            {"accept_vulnerabilities": ["2026-16", "2026-99"]},
            "nats_cluster_accept_vulnerabilities: 2026-99 is no advisory that is known here",
        ),
        ({"version": "2.10.29"}, "nats_cluster_version: 2.10.29 does not know the health check that the probes ask: write"),
        (
            {"encryption": {"cipher": "aes"}, "config": {"jetstream": {"Cipher": "chacha"}}},
            "nats_cluster_encryption: it and jetstream.Cipher in nats_cluster_config exclude one another",
        ),
        ({"encryption": {"cipher": "des"}}, "nats_cluster_encryption.cipher: des is not possible: write chachapoly or aes"),
        ({"rotate": ["app", "orders"]}, "nats_cluster_rotate: orders is no account that has logins: write some of app, sys, routes"),
        (
            {"route_tls": True, "config": {"cluster": {"TLS": {}}}},
            "nats_cluster_route_tls: on and cluster.tls in nats_cluster_config exclude one another",
        ),
        ({"replicas": 2}, "nats_cluster_replicas: 2 servers survive no more failures than 1: write 1, 3, 5 or 7"),
        ({"replicas": 9}, "nats_cluster_replicas: 9 is not a number of servers that the role deploys: write 1, 3, 5 or 7"),
        ({"replicas": "²"}, "nats_cluster_replicas: ² is not a number of servers that the role deploys: write 1, 3, 5 or 7"),
        ({"profile": "large"}, "nats_cluster_profile: 'large' is not a profile: write one of default, small"),
        ({"storage_size": "5GB"}, "nats_cluster_storage_size: '5GB' is not a Kubernetes quantity: write 5Gi"),
        ({"storage_size": "0"}, "nats_cluster_storage_size: 0 leaves no room: write"),
        ({"max_file_store": "4 GiBi"}, "nats_cluster_max_file_store: '4 GiBi' is not a size: write 10M"),
        ({"max_file_store": "6GB"}, "nats_cluster_max_file_store: 6GB is more than the volume holds (nats_cluster_storage_size 5Gi): write"),
        ({"max_memory_store": "-1"}, "nats_cluster_max_memory_store: -1 leaves no room: write a positive size, or 0 for no such store"),
        ({"max_memory_store": 0, "max_file_store": "0"}, "nats_cluster_max_file_store: with nats_cluster_max_memory_store: 0 JetStream has no store"),
        ({"max_file_store": 0, "storage_class": "fast"}, "nats_cluster_storage_class: with nats_cluster_max_file_store: 0 no server has a volume"),
        ({"max_memory_store": "2GB"}, "nats_cluster_max_memory_store: 2GB is more than the container may use (nats_cluster_resources.limits.memory 1Gi)"),
        ({"resources": {"limits": {"memory": "1GB"}}}, "nats_cluster_resources.limits.memory: '1GB' is not a Kubernetes quantity: write"),
        ({"labels": {"app": "x"}}, "nats_cluster_labels: app is how the role finds its objects: leave it out"),
        ({"external_service": {"node_port": 99999}}, "nats_cluster_external_service.node_port: 99999 is no port: write one of 30000"),
        ({"overrides": {"StatefulSet": {"spec": {"volumeClaimTemplates": []}}}}, "nats_cluster_overrides.StatefulSet: spec.volumeClaimTemplates hold"),
        ({"overrides": {"StatefulSet": {"spec": {"volumeClaimTemplates": None}}}}, "nats_cluster_overrides.StatefulSet: spec.volumeClaimTemplates hold"),
        (
            {"overrides": {"StatefulSet": {"spec": {"template": {"spec": {"volumes": [{"name": "data", "emptyDir": {}}]}}}}}},
            "nats_cluster_overrides.StatefulSet: each server's volume data comes from its claim",
        ),
        ({"box": True, "overrides": {"Deployment": {"spec": {"selector": {}}}}}, "nats_cluster_overrides.Deployment: spec.selector is set by the role"),
        ({"accounts": {"APP": {"users": [{"user": "a", "token": "t"}]}}}, "nats_cluster_accounts.APP.users[0]: where there are accounts, the server takes no"),
        (
            {"box": "true", "accounts": {"BOX": {"users": [{"user": "contexts"}]}}},
            "nats_cluster_accounts: two logins would share the Secret nats-box-contexts",
        ),
        (
            {"box": True, "extra_objects": [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "nats-box"}}]},
            "nats_cluster_extra_objects[0]: the role makes the Deployment nats-box itself",
        ),
        ({"config": {"ws": {"port": 8222}}}, "nats_cluster_config: websocket can't listen on port 8222, which is that of monitoring: write another"),
        ({"tls": {}}, "nats_cluster_tls: this version of the role has no such variable: "),
        ({"replica": 3}, "nats_cluster_replica: this version of the role has no such variable: write nats_cluster_replicas, or"),
    ],
)  # fmt: skip
def test_an_invalid_variable_is_named_with_how_to_write_it(changes, sentence):
    (problem,) = problems(**changes)
    assert problem.startswith(sentence)


@pytest.mark.parametrize(
    "changes",
    [
        {"replicas": "5"},
        {"version": "2.16.0-RC.1"},
        {"storage_size": "100Gi", "max_file_store": "80GB"},
        {"resources": {}, "max_memory_store": "8GB"},
        {"max_memory_store": 0},
        {
            "extra_objects": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
                for name in ("nats", "nats-box")
            ]
        },
        {"accounts": {"BOX": {"users": [{"user": "contexts"}]}}},
        {"max_file_store": "0"},
        {"resources": {"requests": {"memory": "1Gi"}}},
        {"server_prefix": "west-"},
        {"external_service": {"type": "NodePort", "node_port": "30422"}},
        {
            "config": {
                "max_payload": "8MB",
                "cluster": {"compression": "s2_fast"},
                "jetstream": {"sync_interval": "always"},
            }
        },
        {
            "config": {
                "leafnodes": {
                    "authorization": {"password": "$2b$04$vAEAOrtqUOV5t5acZTbrQOctX/lJDZhIAFUNgrahtCuPdOqIx7ed6"}
                }
            }
        },
        {"accounts": {"ORDERS": {"jetstream": {"max_file": "1GB"}, "users": [{"user": "reader"}, {"nkey": "UABC"}]}}},
        {"accounts": {"APP": {"jetstream": {"max_file": "1GB"}}, "ORDERS_EU": {}}},
        {"overrides": {"Service/nats-external": {"spec": {"externalIPs": ["10.0.0.1"]}}}},
        {"overrides": {"StatefulSet": {"spec": {"minReadySeconds": 5}}}},
        {"extra_objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nats"}}]},
    ],
)
def test_valid_variables_are_not_refused(changes):
    assert problems(**changes) == []


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"server_name": "x"}, "server_name is set by the role: write nats_cluster_server_prefix"),
        ({"Server_Name": "x"}, "server_name is set by the role: write nats_cluster_server_prefix"),
        ({"cluster": {"name": "x"}}, "cluster.name is set by the role: write nats_cluster_cluster_name"),
        ({"port": 4223}, "port is set by the role: 4222 is the clients' port, leave it out"),
        ({"http": 8080}, "http is set by the role: the probes ask port 8222, leave it out"),
        ({"jetstream": {"store_dir": "/x"}}, "jetstream.store_dir is set by the role: the pod's volume is at /data, leave it out"),
        ({"jetstream": {"max_mem": 1}}, "jetstream.max_mem is set by the role: write nats_cluster_max_memory_store"),
        ({"system_account": "X"}, "system_account is set by the role: SYS is the system account, leave it out"),
        ({"accounts": {}}, "accounts is set by the role: write nats_cluster_accounts"),
        ({"jetstream": "disabled"}, "jetstream must be a mapping: write keys below it"),
        ({"max_payload": "much"}, "max_payload: 'much' is not a size: write 10M"),
        ({"leafnodes": {"remotes": [{"password": "$2a$mine"}]}}, "leafnodes.remotes[0].password: the server would take"),
    ],
)  # fmt: skip
def test_a_key_that_the_role_sets_is_refused(config, sentence):
    (problem,) = problems(config=config)
    assert problem.startswith(f"nats_cluster_config: {sentence}")


def test_a_single_server_has_no_cluster_block():
    (problem,) = problems(replicas=1, config={"cluster": {"compression": "off"}})
    assert problem.startswith("nats_cluster_config: a single server has no cluster")


@pytest.mark.parametrize(
    ("accounts", "sentence"),
    [
        ({"$G": {}}, ".$G: this name is reserved"),
        # The code of Norway, without quotes.
        ({False: {}}, ".False: YAML reads names such as NO, yes and off as truth values"),
        ({"ORDERS": {"password": "a\0b"}}, ".ORDERS.password: not every client can send a NUL"),
        ({"ORDERS": {"users": [{"user": "x", "password": "\ud800"}]}}, ".ORDERS.users[0].password: not every client"),
        ({"ORDERS": {"exports": [{"stream": "a\0"}]}}, ".ORDERS: exports[0].stream: nats.conf cannot hold a text with a NUL"),
        ({"ORDERS": None}, ".ORDERS: an account is a mapping"),
        ({"ORDERS": {"users": ["reader"]}}, ".ORDERS: an account is a mapping, its users are a list of mappings"),
        ({"ORDERS": {"users": [{"permissions": {}}]}}, ".ORDERS.users[0]: user is missing"),
        ({"ORDERS": {"users": [{"user": "a b"}]}}, ".ORDERS.users[0]: user is missing or can't be a part of a Secret's name"),
        ({"ORDERS": {"password": "$2y$10$mine"}}, ".ORDERS.password: the server takes what begins with $2 for a bcrypt hash"),
        ({"ORDERS": {"users": [{"user": "x", "password": "$2b$"}]}}, ".ORDERS.users[0].password: the server takes"),
        ({"ORDERS": {"password": 12345}}, ".ORDERS.password: this is not a text: write it in quotes"),
        ({"ORDERS": {"jetstream": {"max_file": "lots"}}}, ".ORDERS: jetstream.max_file: 'lots' is not a size"),
        ({"SYS": {"jetstream": "enabled"}}, ".SYS: the system account holds no streams"),
        ({"ROUTES": {}}, ": two logins would share the Secret nats-routes"),
        ({"A_B": {}, "A-B": {}}, ": two logins would share the Secret nats-a-b"),
        ({"ORDERS": {"users": [{"user": "app"}]}}, ": the server tells users apart by name alone, and app is there twice"),
        ({"ORDERS": {"users": [{"user": "anonymous"}]}}, ": the server tells users apart by name alone, and anonymous is there twice"),
    ],
)  # fmt: skip
def test_an_invalid_account_is_refused(accounts, sentence):
    (problem,) = problems(accounts=accounts)
    assert problem.startswith(f"nats_cluster_accounts{sentence}")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"DaemonSet": {}}, ".DaemonSet: the role makes no such object: write one of Namespace"),
        ({"Deployment": {}}, ".Deployment: without nats_cluster_box: true the role makes no Deployment"),
        ({"Service/other": {}}, ".Service/other: the role makes no Service of this name: write Service, or Service/nats"),
        ({"StatefulSet": []}, ".StatefulSet: an override is a part of the object"),
        ({"StatefulSet": {"spec": {"replicas": 5}}}, ".StatefulSet: spec.replicas is set by the role: write nats_cluster_replicas"),
        ({"Service": {"metadata": {"name": "x"}}}, ".Service: metadata.name is set by the role: write nats_cluster_name"),
        ({"Secret": {"data": {}}}, ".Secret: data is set by the role: write nats_cluster_config"),
    ],
)  # fmt: skip
def test_an_override_of_what_the_role_decides_is_refused(overrides, sentence):
    (problem,) = problems(overrides=overrides)
    assert problem.startswith(f"nats_cluster_overrides{sentence}")


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        ({"kind": "ConfigMap", "metadata": {"name": "x"}}, "this is not a complete object"),
        (
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "nats"}},
            "the role makes the Service nats itself",
        ),
    ],
)
def test_an_extra_object_has_to_be_complete(thing, sentence):
    (problem,) = problems(extra_objects=[thing])
    assert problem.startswith(f"nats_cluster_extra_objects[0]: {sentence}")


def test_all_problems_are_told_at_once_and_none_shows_a_password():
    found = problems(
        replicas=2,
        storage_size="5GB",
        accounts={"A": {"password": "$2b$secret"}},
        config={"port": 1, "token": "$2secret"},
    )
    assert len(found) == 5
    assert not any("secret" in problem for problem in found)


def test_a_missing_library_is_a_problem(monkeypatch):
    monkeypatch.setattr(_declaration, "HAS_BCRYPT", False)
    (problem,) = problems()
    assert problem.endswith("pip install bcrypt")


@pytest.mark.parametrize(
    ("changes", "others", "sentence"),
    [
        (
            {"namespce": "ux-1"},
            (),
            "nats_cluster_namespce: this version of the role has no such variable: write nats_cluster_namespace",
        ),
        (
            {},
            ("natscluster_namespace",),
            "natscluster_namespace: the role has no such variable, and this name is almost nats_cluster_namespace",
        ),
        (
            {},
            ("nats_clustr_name",),
            "nats_clustr_name: the role has no such variable, and this name is almost nats_cluster_name",
        ),
        ({"namespace": "UX"}, (), "nats_cluster_namespace: 'UX' cannot name a namespace"),
    ],
)
def test_a_mistyped_variable_stops_each_verb(changes, others, sentence):
    declared = DECLARED | {f"nats_cluster_{name}": value for name, value in changes.items()}
    (found,) = target_problems(declared, OPTIONS, others)
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    "name",
    ["nats_namespace", "nats_resources_streams", "nats_url", "my_nats_cluster_name", "nats_cluster_name_of_mine"],
)
def test_other_names_are_not_taken_for_mistyped_variables(name):
    assert target_problems(DECLARED, OPTIONS, [name]) == []


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"users": [{"user": "a", "pass": "hidden"}]}, "pass"),
        ({"users": [{"user": "a", "PASS": "hidden"}]}, "PASS"),
        ({"users": [{"user": "a", "Password": "hidden"}]}, "Password"),
        ({"users": [{"user": "a", "password": "hidden", "pASSWORD": "other"}]}, "pASSWORD"),
        ({"users": [{"nkey": "U", "Pass": "hidden"}]}, "Pass"),
        ({"users": [{"user": "a", "username": "b"}]}, "username"),
        ({"users": [{"user": "a", "User": "b"}]}, "User"),
        ({"users": [{"user": "a", "NKEY": "U"}]}, "NKEY"),
        ({"Password": "hidden"}, "Password"),
        ({"pass": "hidden"}, "pass"),
        ({"Users": [{"user": "a"}]}, "Users"),
        ({"limits": {"max_conn": 1, "MAX_CONN": 2}}, "MAX_CONN"),
        ({"jetstream": {"max_mem": 1, "Max_Mem": 2}}, "Max_Mem"),
        ({"users": [{"user": "a", "permissions": {"publish": "a", "Publish": "b"}}]}, "Publish"),
    ],
)
def test_another_spelling_of_a_key_is_refused(entry, key):
    found = problems(accounts={"ORDERS": entry})
    assert any(f": {key} " in problem for problem in found), found
    assert not any("hidden" in problem for problem in found)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"max_payload": 1, "Max_Payload": 2}, "Max_Payload"),
        ({"Max_Payload": 2}, "Max_Payload"),
        ({"max_conn": 5}, "max_conn"),
        ({"JetStream": {"limits": {}}}, "JetStream"),
        ({"jetstream": {"Unique_Tag": "x"}}, "Unique_Tag"),
        ({"Cluster": {"pool_size": 2}}, "Cluster"),
        ({"websocket": {"port": 80, "Port": 81}}, "Port"),
        ({"ws": {"port": 80}, "websocket": {"port": 81}}, "websocket"),
        ({"leafnodes": {"remotes": [{"url": "a", "URL": "b"}]}}, "URL"),
        ({"leafnodes": {"authorization": {"password": "hidden", "pass": "hidden"}}}, "pass"),
        ({"mqtt": {"port": 1, "authorization": {"user": "a", "Username": "b"}}}, "Username"),
    ],
)
def test_two_spellings_of_one_key_are_refused(config, key):
    found = problems(config=config)
    assert any(f": {key} and " in problem for problem in found), found
    assert not any("hidden" in problem for problem in found)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"max_payload": 1, "jetstream": {"unique_tag": "x"}, "server_tags": ["a"], "Debug": True}},
        {"config": {"mappings": {"a": "b", "A": "c"}, "server_metadata": {"a": "1", "A": "2"}}},
        {"config": {"websocket": {"port": 80, "no_tls": True, "headers": {"X": "1", "x": "2"}}}},
        {
            "accounts": {
                "ORDERS": {
                    "password": "word",
                    "users": [{"user": "a", "password": "b"}, {"nkey": "U"}],
                    "mappings": {"a": "b", "A": "c"},
                }
            }
        },
    ],
)
def test_names_that_somebody_chose_may_differ_in_their_capitals(changes):
    assert problems(**changes) == []


SELECTED = {"app": "nats", "app.kubernetes.io/instance": "nats"}
TEMPLATE = {"metadata": {"labels": SELECTED}, "spec": {"containers": []}}


@pytest.mark.parametrize(
    ("kind", "more", "refused"),
    [
        ("Pod", {"labels": SELECTED}, True),
        ("Deployment", {"spec": {"template": TEMPLATE}}, True),
        ("CronJob", {"spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}}, True),
        ("Pod", {"labels": {"app": "nats"}}, False),
        ("Deployment", {"spec": {"template": TEMPLATE | {"metadata": {"labels": {"app": "mine"}}}}}, False),
        # An own Service that selects the servers.
        ("Service", {"spec": {"selector": SELECTED}}, False),
    ],
)
def test_the_labels_that_servers_are_selected_by_are_the_roles_alone(kind, more, refused):
    thing = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "mine", "labels": more.pop("labels", {})}} | more
    assert any("taken for servers" in problem for problem in problems(extra_objects=[thing])) is refused


def test_the_other_role_refuses_its_own_unknown_variables():
    known = ["nats_resources_streams", "nats_resources_prune", "nats_resources_exact"]
    (found,) = unknown_variables(["nats_resources_prun", "nats_resources_exact"], known, ["nats_url"])
    assert found.startswith(
        "nats_resources_prun: this version of the role has no such variable: write nats_resources_prune"
    )
