# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a variable holds, it stays in its place in every object: it adds no key, breaks no string and loses no character.

Each case is a host of one play, where every variable has a hostile value. The objects must be those of harmless values, with
the hostile ones in their places.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.filter.yaml_value import yaml_value
from tests.support.role_templates import ROLE, credentials, render

# With an image, its registry and its version are in no object but in labels.
GROUPS = (("image_registry",), ("image",))
HOSTILE = (
    'a"\n      hostNetwork: true',
    "a'\n- b: c #d, [e] {f} &g *h !i |j >k %l @m `n",
    "12345678",
    "\\1 \\n é 中 😀 \u2028 \u0085 \x7f \x1b \u202e \t pa#ss@w/rd%2F",
)
# A value at each place of each variable: as a string, a key, or an entry.
PLACES: dict[str, Callable[[str], Any]] = {
    "annotations": lambda value: {value: value},
    "box_image": str,
    "cluster_name": str,
    "config": lambda value: {"max_payload": 1000, "mappings": {"a": value}, "server_tags": [value]},
    "domain": str,
    "encryption": lambda value: {"secret": value, "key": value},
    "external_service": lambda value: {
        "type": value,
        "load_balancer_class": value,
        "source_ranges": [value],
        "traffic_policy": value,
        "node_port": 30422,
        "annotations": {value: value},
    },
    "image": str,
    "image_pull_policy": str,
    "image_pull_secrets": lambda value: [value],
    "image_registry": str,
    "ip_families": lambda value: [value],
    "ip_family_policy": str,
    "labels": lambda value: {value: value},
    "name": str,
    "namespace": str,
    "network_policy_egress": lambda value: [{"to": [{"podSelector": {"matchLabels": {value: value}}}]}],
    "network_policy_from": lambda value: [{"podSelector": {"matchLabels": {value: value}}}],
    "network_policy_monitoring_from": lambda value: [{"namespaceSelector": {"matchLabels": {value: value}}}],
    "node_selector": lambda value: {value: value},
    "overrides": lambda value: {"StatefulSet": {"spec": {"template": {"spec": {value: value}}}}},
    "extra_objects": lambda value: [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": value}, "data": {value: value}}
    ],
    "priority_class": str,
    "resources": lambda value: {"requests": {"cpu": value}, value: {"memory": "1Gi"}},
    "server_prefix": str,
    "storage_class": str,
    "storage_size": str,
    "tolerations": lambda value: [{"key": value, "operator": value}],
    "version": lambda value: f"2.15.1-{value}",
}
# These decide, are numbers, or are read by a filter that refuses what is not a size; and those that no template has.
NO_TEXT = {
    *(
        "state",
        "profile",
        "create_namespace",
        "replicas",
        "spread",
        "box",
        "zones",
        "anonymous",
        "network_policy",
        "route_tls",
        "rotate",
        "rotate_timeout",
        "max_file_store",
    ),
    *(
        "max_memory_store",
        "delete_data",
        "restart",
        "single_replica",
        "accept_vulnerabilities",
        "pause",
        "force",
        "delete_volumes",
        "wait_timeout",
    ),
    *(
        "kubeconfig",
        "context",
        "kubernetes",
        "bundle",
        "report",
        "accounts",
        "rebalance",
        "node",
        "node_state",
        "node_cordon",
    ),
    *("server", "allow_data_loss", "node_lost"),
}
# Hosts of the same play with other values.
TLS = {"cert_file": "/tls/tls.crt", "key_file": "/tls/tls.key", "handshake_first": True}
MOUNT = {"name": "tls", "mountPath": "/tls"}
SPECIAL: dict[str, Any] = {
    "in-clear": {"nats_cluster_route_tls": False},
    "one-server": {"nats_cluster_replicas": 1},
    "own-route-tls": {"nats_cluster_config": {"cluster": {"tls": {"cert_file": "/tls/tls.crt"}}}},
    "encrypted": {"nats_cluster_encryption": {"cipher": "aes"}},
    "without-volumes": {"nats_cluster_max_file_store": 0, "nats_cluster_box": False},
    "with-tls": {
        "__nats_cluster_config": {"lame_duck_duration": "30s", "tls": TLS},
        "nats_cluster_overrides": {
            "StatefulSet": {
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [{"name": "nats", "volumeMounts": [MOUNT]}],
                            "volumes": [{"name": "tls", "secret": {"secretName": "web"}}],
                        }
                    }
                }
            }
        },
    },
}


def with_a_user(found):
    """The same with a user of account APP that has a role."""
    user = found["accounts"][0] | {"username": "shop", "secret": "nats-app-shop", "inbox_prefix": "_INBOX_shop"}
    return found | {"accounts": [*found["accounts"], user]}


def harmless(name):
    """A word that is no part of another one."""
    return f"xyzzy{sorted([*PLACES, 'credentials']).index(name)}q"


def values(number):
    """For each variable a value of its own, of one kind."""
    return {
        name: harmless(name) if number == 0 else HOSTILE[number - 1] + harmless(name)[5:-1]
        for name in [*PLACES, "credentials"]
    }


def case(number, left_out):
    found = {
        f"nats_cluster_{name}": place(values(number)[name]) for name, place in PLACES.items() if name not in left_out
    }
    return found | {"__nats_cluster_credentials": credentials(values(number)["credentials"])}


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    everywhere = {"nats_cluster_external_service": {"type": "NodePort"}, "nats_cluster_box": True}
    hosts = {f"{group}-{number}": case(number, GROUPS[group]) for group in (0, 1) for number in range(len(HOSTILE) + 1)}
    declared = {name: everywhere | variables for name, variables in (hosts | SPECIAL).items()}
    declared["plain"] = everywhere | {"__nats_cluster_credentials": with_a_user(credentials("word"))}
    return render(tmp_path_factory.mktemp("templates"), declared)


def put(data, hostile):
    """The data of the harmless values with others in their places, also where one stands in a URL."""
    if isinstance(data, dict):
        return {put(key, hostile): put(item, hostile) for key, item in data.items()}
    if isinstance(data, list):
        return [put(item, hostile) for item in data]
    if not isinstance(data, str):
        return data
    login = harmless("credentials")
    data = data.replace(f":{login}@", f":{quote(hostile['credentials'], safe='')}@")
    for name, value in hostile.items():
        data = data.replace(harmless(name), value)
    return data


def decoded(secrets):
    """The values of Secrets as they are meant."""
    return [
        secret
        | {"data": {key: meant(key, text) for key, text in secret["data"].items() if key != "nats.conf"}}
        | {"metadata": noted(secret["metadata"])}
        for secret in secrets
        if secret["kind"] == "Secret"
    ]


def meant(key, encoded):
    """A value of a Secret, as data where its key says so."""
    text = b64decode(encoded).decode()
    return json.loads(text) if key.endswith(".json") else text


def noted(metadata):
    """The note of what is deployed is text that holds data."""
    annotations = metadata.get("annotations") or {}
    deployed = {key: json.loads(text) for key, text in annotations.items() if key == "messaging.nats/deployed"}
    return metadata | ({"annotations": annotations | deployed} if deployed else {})


@pytest.mark.parametrize("number", range(1, len(HOSTILE) + 1))
@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_a_value_stays_in_its_place(rendered, group, number):
    found, expected, hostile = rendered[f"{group}-{number}"], rendered[f"{group}-0"], values(number)
    assert found["objects"] == put(expected["objects"], hostile)
    assert found["config"] == put(expected["config"], hostile)
    assert decoded(found["secrets"]) == put(decoded(expected["secrets"]), hostile)


def of_kind(found, kind, name="nats"):
    (item,) = (item for item in found if (item["kind"], item["metadata"]["name"]) == (kind, name))
    return item


def test_servers_without_a_file_store_have_no_volume(rendered):
    found = rendered["without-volumes"]
    spec = of_kind(found["objects"], "StatefulSet")["spec"]
    (mount,) = (
        mount for mount in spec["template"]["spec"]["containers"][0]["volumeMounts"] if mount["mountPath"] == "/data"
    )
    assert {"volumeClaimTemplates", "persistentVolumeClaimRetentionPolicy"} & spec.keys() == set()
    assert {"name": mount["name"], "emptyDir": {}} in spec["template"]["spec"]["volumes"]
    assert (
        found["config"]["jetstream"]["max_file_store"],
        found["config"]["accounts"]["APP"]["jetstream"]["max_file"],
    ) == (0, 0)
    assert not [item for item in found["objects"] + found["secrets"] if "-box" in item["metadata"]["name"]]


def test_routes_are_encrypted_unless_they_are_declared_otherwise(rendered):
    found, name = rendered["0-0"], harmless("name")
    assert found["config"]["cluster"]["tls"]["ca_file"] == "/etc/nats-routes/ca.crt"
    files = of_kind(decoded(found["secrets"]), "Secret", f"{name}-routes-tls")
    pod = of_kind(found["objects"], "StatefulSet", name)["spec"]["template"]["spec"]
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "routes-tls")
    assert volume["secret"]["secretName"] == files["metadata"]["name"]
    # The authority's key is in no pod.
    assert f"{name}-routes-ca" not in json.dumps(pod)
    for host in ("in-clear", "one-server", "own-route-tls"):
        found = rendered[host]
        assert not [
            item for item in found["secrets"] if item["metadata"]["name"] in ("nats-routes-ca", "nats-routes-tls")
        ]
        assert "routes-tls" not in json.dumps(found["objects"])
    assert "tls" not in rendered["in-clear"]["config"]["cluster"]
    assert rendered["own-route-tls"]["config"]["cluster"]["tls"] == {"cert_file": "/tls/tls.crt"}


def test_the_store_is_encrypted_with_a_key_of_its_own(rendered):
    found = rendered["encrypted"]
    assert {key: found["config"]["jetstream"][key] for key in ("cipher", "key")} == {
        "cipher": "aes",
        "key": {"$env": "JETSTREAM_KEY"},
    }
    (key,) = of_kind(decoded(found["secrets"]), "Secret", "nats-encryption")["data"].values()
    assert len(key) == 43
    container = of_kind(found["objects"], "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    (variable,) = (entry for entry in container["env"] if entry["name"] == "JETSTREAM_KEY")
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "nats-encryption", "key": "key"}
    assert key not in json.dumps(found["objects"])
    named = rendered["0-0"]
    assert not [item for item in named["secrets"] if item["metadata"]["name"].endswith("-encryption")]
    assert "cipher" not in rendered["plain"]["config"]["jetstream"]


def test_the_box_has_contexts_and_shows_no_password(rendered):
    found = rendered["0-0"]
    deployment, password = of_kind(found["objects"], "Deployment", f"{harmless('name')}-box"), harmless("credentials")
    contexts = of_kind(decoded(found["secrets"]), "Secret", f"{harmless('name')}-box-contexts")
    assert {name: context["user"] for name, context in contexts["data"].items()} == {
        "APP.json": "app",
        "SYS.json": "sys",
    }
    assert all(
        (context["password"], context["url"][:7]) == (password, "nats://") for context in contexts["data"].values()
    )
    assert password not in json.dumps(found["objects"])
    assert "app" not in deployment["spec"]["template"]["metadata"]["labels"]
    peers = of_kind(found["objects"], "NetworkPolicy", harmless("name"))["spec"]["ingress"][0]["from"]
    assert {"podSelector": deployment["spec"]["selector"]} in peers


def mounted(workload):
    """The Secrets that the pods of a workload mount or take variables from."""
    pod = workload["spec"]["template"]["spec"]
    variables = [entry for container in pod["containers"] for entry in container.get("env") or []]
    assert not [entry for entry in variables if "secretKeyRef" in (entry.get("valueFrom") or {})]
    assert not [container for container in pod["containers"] if "envFrom" in container]
    return {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}


def test_each_secret_has_its_keys_and_its_readers(rendered):
    """As docs/security.md says. Another Secret, key or reader has to be written there."""
    found = rendered["plain"]
    login = {"username", "password", "bcrypt", "url"}
    assert {
        secret["metadata"]["name"]: set(secret["data"]) for secret in found["secrets"] if secret["kind"] == "Secret"
    } == {
        "nats-app": login,
        "nats-app-shop": login | {"inbox_prefix"},
        "nats-sys": login,
        "nats-sys-checker": login | {"inbox_prefix"},
        "nats-routes": {"username", "password"},
        "nats-routes-ca": {"tls.crt", "tls.key"},
        "nats-routes-tls": {"ca.crt"},  # and the files of each server
        "nats-config-1": {"nats.conf"},
        "nats-box-contexts": {"APP.json", "SYS.json"},
    }
    assert mounted(of_kind(found["objects"], "StatefulSet")) == {"nats-config-1", "nats-routes-tls"}
    assert mounted(of_kind(found["objects"], "Deployment", "nats-box")) == {"nats-box-contexts"}


def test_no_pod_has_a_token_or_a_right_that_it_does_not_need(rendered):
    found = rendered["plain"]["objects"]
    assert of_kind(found, "ServiceAccount")["automountServiceAccountToken"] is False
    for workload in (of_kind(found, "StatefulSet"), of_kind(found, "Deployment", "nats-box")):
        pod = workload["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True)
            assert rights["capabilities"] == {"drop": ["ALL"]}


def test_the_box_trusts_the_servers_authority(rendered):
    found = rendered["with-tls"]
    pod = of_kind(found["objects"], "Deployment", "nats-box")["spec"]["template"]["spec"]
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "ca")
    assert (volume["secret"]["secretName"], volume["secret"]["items"][0]["key"]) == ("web", "ca.crt")
    contexts = of_kind(decoded(found["secrets"]), "Secret", "nats-box-contexts")["data"]
    assert {(context["url"][:6], context["tls_first"]) for context in contexts.values()} == {("tls://", True)}


def test_every_variable_is_in_an_object(rendered):
    shown = "".join(json.dumps(rendered[f"{group}-0"]) for group in range(len(GROUPS)))
    secrets = json.dumps(decoded(rendered["0-0"]["secrets"]))
    assert [name for name in values(0) if harmless(name) not in shown + secrets] == []


def test_every_variable_is_tried_or_is_no_text():
    options = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    names = {name.removeprefix("nats_cluster_") for name in options}
    assert names - NO_TEXT == set(PLACES)


@pytest.mark.parametrize(
    "value", [*HOSTILE, "\ud800", "\ufeffa", "", "null", "~", 1, 1.5, True, None, [{"a": "\x00"}], {"": ""}]
)
def test_yaml_reads_back_what_was_written(value):
    assert yaml.safe_load(f"a: {yaml_value(value)}\nb: 1\n") == {"a": value, "b": 1}
    assert "\n" not in yaml_value(value)
