# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each verb with exactly the rights of its shipped Role, and with each of these taken away once, on a real Kubernetes.

The tests are a story in this order: `make rights` runs them. A cluster is deployed, operated and uninstalled.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import Right
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import ROLES, VERBS, required
from ansible_collections.messaging.nats.plugins.modules import (
    nats_cluster_info,
    nats_cluster_lease,
    nats_cluster_plan,
    nats_diagnose,
    nats_jetstream,
    nats_rebalance,
    nats_reload,
    nats_server,
    nats_smoke,
    nats_status,
)
from tests.support.modules import module_runner
from tests.support.role_users import RoleUser, delete_namespace

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = f"rights-{secrets.token_hex(3)}"
# A node that takes no servers, so that to cordon it disturbs nobody.
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
LISTED = (
    "/api/v1/namespaces/{}/pods",
    "/api/v1/namespaces/{}/services",
    "/api/v1/namespaces/{}/secrets",
    "/api/v1/namespaces/{}/persistentvolumeclaims",
    "/apis/apps/v1/namespaces/{}/statefulsets",
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
)
VARIABLES = {
    "nats_cluster_namespace": NAMESPACE,
    "nats_cluster_profile": "small",
    "nats_cluster_resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    "nats_cluster_spread": "preferred",
}
TARGET = {"namespace": NAMESPACE, "cluster": "nats"}
KUBECONFIG = os.environ["K8S_AUTH_KUBECONFIG"]


class Scene:
    """The namespace and its users."""

    def __init__(self, folder):
        self.admin = Kubernetes({"kubeconfig": KUBECONFIG})
        self.folder = folder
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self.admin.call("POST", "/api/v1/namespaces", NAMESPACE, body)
        login = yaml.safe_load(Path(KUBECONFIG).read_text())
        self.users = {role: RoleUser(self.admin, login, NAMESPACE, role, folder) for role in ROLES}

    def state(self):
        """Kind, name, uid and generation of each object: what a change would change."""
        return {
            (path, item["metadata"]["name"], item["metadata"]["uid"], item["metadata"].get("generation"))
            for path in LISTED
            for item in self.admin.items(path.format(NAMESPACE), path)
        }

    def play(self, role, verb, **variables):
        """The playbook of a verb as this user; returns whether it succeeded, and its output."""
        given = VARIABLES | variables | {"nats_cluster_kubeconfig": str(self.users[role].kubeconfig)}
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("K8S_AUTH", "KUBECONFIG"))
        }
        name, *flags = verb.split()
        command = ["ansible-playbook", "--inventory", "localhost,", f"playbooks/{name}.yml", *flags]
        command += ["-e", json.dumps(given)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def target(self, role):
        return TARGET | {"kubeconfig": str(self.users[role].kubeconfig)}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    made = None
    try:
        made = Scene(tmp_path_factory.mktemp("rights"))
        yield made
    finally:
        delete_namespace(made.admin if made else Kubernetes({"kubeconfig": KUBECONFIG}), NAMESPACE)


@pytest.fixture
def run(capsys):
    return module_runner(capsys)


def rights_of(verb, *but):
    """What a verb needs in the namespace, each right once."""
    needs = required(VERBS[verb], NAMESPACE, "nats-sys")
    found = {
        Right(need.right.resource, need.right.verb, need.right.namespace) for need in needs if need.right.namespace
    }
    return sorted(right for right in found if right.resource not in but)


def named(cause):
    """The verbs and kinds that an error says are missing."""
    lines = re.findall(r"^  - ((?:\w+, )*\w+) (\S+)(?: \S+)? in namespace", cause, re.MULTILINE)
    return {(verb, resource) for verbs, resource in lines for verb in verbs.split(", ")}


def label(value):
    return f"{value.verb} {value.resource}" if isinstance(value, Right) else None


def assert_refused(output, right):
    """The play failed for this right alone, in one sentence."""
    found = re.search(r'fatal: .*?=> (\{"cause".*\})\s*$', output, re.MULTILINE)
    assert found, output
    failure = json.loads(found[1])
    assert failure["code"] == "RIGHTS_MISSING", failure
    assert named(failure["cause"]) == {(right.verb, right.resource)}, failure["cause"]


# Hands over the objects as the role declares them.
RENDER = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.include_role: {name: messaging.nats.nats_cluster, tasks_from: deploy/plan}
    - ansible.builtin.copy:
        dest: "{{ rendered }}"
        content: "{{ {'objects': __nats_cluster_objects, 'secrets': __nats_cluster_secrets | to_json} | to_json }}"
        mode: "0600"
"""


@pytest.fixture(scope="module")
def declared(scene):
    """What the role declares: the options of nats_cluster_plan."""
    rendered, book = scene.folder / "rendered.json", scene.folder / "render.yml"
    book.write_text(RENDER)
    given = json.dumps(VARIABLES | {"rendered": str(rendered)})
    environment = os.environ | {"K8S_AUTH_KUBECONFIG": str(scene.users["deployer"].kubeconfig)}
    command = ["ansible-playbook", "--inventory", "localhost,", str(book), "-e", given]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(rendered.read_text())


@pytest.mark.parametrize("right", rights_of("deploy"), ids=label)
def test_a_first_deployment_without_one_right_is_refused_before_anything_is_made(scene, run, declared, right):
    before, user = scene.state(), scene.users["deployer"]
    where = {"name": "nats", "namespace": NAMESPACE, "kubeconfig": str(user.kubeconfig)}
    with user.without(right):
        found = run(nats_cluster_info, **where)
        if "code" not in found:
            found = run(nats_cluster_plan, **where, **declared, replicas=3, version="2.15.2")
    assert found["code"] == "RIGHTS_MISSING"
    assert named(found["cause"]) == {(right.verb, right.resource)}
    assert scene.state() == before


def test_all_missing_rights_are_named_at_once_by_the_play(scene):
    before, lacking = scene.state(), rights_of("deploy")[3:9]
    with scene.users["deployer"].without(*lacking):
        ok, output = scene.play("deployer", "deploy")
    assert not ok
    assert named(output.partition("fatal:")[0]) == {(right.verb, right.resource) for right in lacking}
    assert scene.state() == before


def test_a_right_that_this_plan_does_not_need_is_not_asked_for(scene):
    deployments = [Right("deployments.apps", verb, NAMESPACE) for verb in ("create", "get", "patch", "list", "delete")]
    with scene.users["deployer"].without(*deployments):
        ok, output = scene.play("deployer", "deploy")
    assert ok, output


@pytest.mark.parametrize("verb", ["restart_server", "drain", "replace", "rebalance", "restart"])
def test_each_right_of_an_operator_is_missed_by_name(scene, run, verb):
    before, user = scene.state(), scene.users["operator"]
    for right in rights_of(verb):
        with user.without(right):
            found = run(
                nats_cluster_lease, name="nats", namespace=NAMESPACE, rights=[verb], kubeconfig=str(user.kubeconfig)
            )
        assert found["code"] == "RIGHTS_MISSING"
        assert named(found["cause"]) == {(right.verb, right.resource)}
    assert scene.state() == before


DIRECT: dict[str, tuple[str, Any, dict[str, Any], str]] = {
    "reload": ("operator", nats_reload, {}, "reload"),
    "rebalance": ("operator", nats_rebalance, {}, "rebalance"),
    "restart one": (
        "operator",
        nats_server,
        {"name": ["nats-1"], "state": "restarted", "alone": True},
        "restart_server",
    ),
    "replace": ("operator", nats_server, {"name": ["nats-1"], "state": "replaced"}, "replace"),
    "drain": ("operator", nats_server, {"name": ["nats-1"], "state": "drained", "node": "none"}, "drain"),
    "smoke": ("operator", nats_smoke, {}, "smoke"),
    "resources": ("application-team", nats_jetstream, {"streams": [{"name": "R", "subjects": ["r"]}]}, "resources"),
    "status": ("viewer", nats_status, {}, "status"),
    "diagnose": ("viewer", nats_diagnose, {}, "diagnose"),
}


@pytest.mark.parametrize("case", DIRECT)
def test_a_module_on_its_own_names_each_right_too(scene, run, case):
    role, module, options, verb = DIRECT[case]
    before = scene.state()
    # Without a Lease the modules need none, and the role, not the module, waits for the box.
    for right in rights_of(verb, "leases.coordination.k8s.io"):
        name = "nats-app" if role == "application-team" and right.resource == "secrets" else ""
        lacking = Right(right.resource, right.verb, right.namespace, name)
        with scene.users[role].without(lacking):
            found = run(module, kubernetes=scene.target(role), **options)
        assert found.get("code") == "RIGHTS_MISSING", (right, found)
        assert named(found["cause"]) == {(right.verb, right.resource)}
    assert scene.state() == before


@pytest.mark.parametrize(
    ("role", "verb", "variables"),
    [
        ("operator", "verify", {}),
        ("operator", "status", {}),
        ("operator", "report", {"nats_cluster_report": "{}/operator.html"}),
        ("operator", "diagnose", {"nats_cluster_bundle": "{}/operator.zip"}),
        ("operator", "smoke", {}),
        ("operator", "rebalance", {}),
        ("operator", "restart", {"nats_cluster_server": "nats-1"}),
        ("operator", "replace", {"nats_cluster_server": "nats-2"}),
        ("operator", "restart", {}),
        ("operator", "renew", {}),
        ("operator", "rotate_ca", {}),
        ("operator", "rotate_credentials", {"nats_cluster_rotate": ["sys", "routes"]}),
        ("application-team", "smoke", {}),
        ("application-team", "resources", {"nats_resources_streams": [{"name": "R", "subjects": ["r"]}]}),
        ("viewer", "verify", {}),
        ("viewer", "status", {}),
        ("viewer", "report", {"nats_cluster_report": "{}/viewer.html"}),
        ("viewer", "diagnose", {"nats_cluster_bundle": "{}/viewer.zip"}),
        ("deployer", "deploy", {"nats_cluster_config": {"max_payload": "2MB"}, "nats_cluster_box": False}),
        ("deployer", "deploy", {"nats_cluster_replicas": 5}),
        ("deployer", "deploy", {"nats_cluster_delete_volumes": True}),
    ],
)
def test_each_verb_works_with_exactly_the_rights_of_its_role(scene, role, verb, variables):
    given = {key: value.format(scene.folder) if isinstance(value, str) else value for key, value in variables.items()}
    if verb == "resources":
        given["nats_resources_connection"] = {"kubernetes": scene.target(role)}
    ok, output = scene.play(role, verb, **given)
    assert ok, output


def optional_rights(verb):
    """What a verb can do without, and nothing that it requires elsewhere."""
    lines = [line for line in VERBS[verb] if line.loss and not line.everywhere]
    found = {Right(line.resource, word, NAMESPACE) for line in lines for word in line.verbs.split()}
    return sorted(found - {Right(right.resource, right.verb, NAMESPACE) for right in rights_of(verb)})


@pytest.mark.parametrize(
    ("role", "verb", "playbook", "variables"),
    [
        ("operator", "restart_server", "restart", {"nats_cluster_server": "nats-0"}),
        ("operator", "diagnose", "diagnose", {"nats_cluster_bundle": "{}/less.zip"}),
        ("deployer", "uninstall", "uninstall --check", {}),
    ],
)
def test_a_verb_does_without_all_that_is_optional(scene, role, verb, playbook, variables):
    given = {key: value.format(scene.folder) for key, value in variables.items()}
    lacking = optional_rights(verb)
    assert lacking
    with scene.users[role].without(*lacking):
        ok, output = scene.play(role, playbook, **given)
    assert ok, output


def test_a_server_is_drained_with_exactly_the_rights_of_the_role(scene):
    pod = scene.admin.call("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/nats-1", "pod")
    node, uid = pod["spec"]["nodeName"], pod["metadata"]["uid"]
    ok, output = scene.play("operator", "drain", nats_cluster_node=node, nats_cluster_node_cordon=False)
    assert ok, output
    assert scene.admin.call("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/nats-1", "pod")["metadata"]["uid"] != uid


def test_a_node_is_cordoned_with_the_cluster_role_and_not_without_it(scene):
    node = scene.admin.items("/api/v1/nodes", "nodes", labelSelector=CONTROL_PLANE)[0]["metadata"]["name"]
    ok, output = scene.play("operator", "drain", nats_cluster_node=node)
    assert not ok
    assert "patch nodes in the whole Kubernetes cluster" in output
    assert "operator-cluster.yaml" in output
    with scene.users["operator"].with_cluster_role():
        done = [
            scene.play("operator", "drain", nats_cluster_node=node, nats_cluster_node_state=state)
            for state in ("drained", "uncordoned")
        ]
    assert all(ok for ok, _output in done), done


@pytest.mark.parametrize(
    ("verb", "variables", "right"),
    [
        ("replace", {"nats_cluster_server": "nats-1"}, Right("persistentvolumeclaims", "delete", NAMESPACE)),
        (
            "drain",
            {"nats_cluster_node": "n", "nats_cluster_node_cordon": False},
            Right("pods/eviction", "create", NAMESPACE),
        ),
        ("restart", {"nats_cluster_server": "nats-1"}, Right("pods", "delete", NAMESPACE)),
        ("restart", {}, Right("statefulsets.apps", "patch", NAMESPACE)),
        ("rebalance", {}, Right("leases.coordination.k8s.io", "update", NAMESPACE)),
        ("smoke", {}, Right("pods/portforward", "create", NAMESPACE)),
    ],
)
def test_a_verb_of_an_operator_without_one_right_changes_nothing(scene, verb, variables, right):
    before = scene.state()
    with scene.users["operator"].without(right):
        _ok, output = scene.play("operator", verb, **variables)
    assert_refused(output, right)
    assert scene.state() == before


@pytest.mark.parametrize(
    "right",
    [
        Right("pods", "patch", NAMESPACE),
        Right("pods/exec", "get", NAMESPACE),
        Right("pods/portforward", "get", NAMESPACE),
    ],
    ids=label,
)
def test_a_change_of_the_configuration_without_one_right_changes_nothing(scene, right):
    before = scene.state()
    with scene.users["deployer"].without(right):
        _ok, output = scene.play("deployer", "deploy", nats_cluster_config={"max_payload": "3MB"})
    assert_refused(output, right)
    assert scene.state() == before


@pytest.mark.parametrize("right", rights_of("uninstall"), ids=label)
def test_an_uninstallation_without_one_right_deletes_nothing(scene, run, right):
    before, user = scene.state(), scene.users["deployer"]
    with user.without(right):
        found = run(
            nats_cluster_plan, state="absent", name="nats", namespace=NAMESPACE, kubeconfig=str(user.kubeconfig)
        )
    assert found["code"] == "RIGHTS_MISSING"
    assert named(found["cause"]) == {(right.verb, right.resource)}
    assert scene.state() == before


def test_an_uninstallation_by_the_play_without_two_rights_deletes_nothing(scene):
    before = scene.state()
    lacking = [Right("services", "delete", NAMESPACE), Right("leases.coordination.k8s.io", "delete", NAMESPACE)]
    with scene.users["deployer"].without(*lacking):
        ok, output = scene.play("deployer", "uninstall")
    assert not ok
    assert named(output.partition("fatal:")[0]) == {(right.verb, right.resource) for right in lacking}
    assert scene.state() == before


def test_the_deployer_uninstalls_all(scene):
    ok, output = scene.play("deployer", "uninstall", nats_cluster_delete_data=True)
    assert ok, output
    assert not [path for path, *_rest in scene.state() if "statefulsets" in path or "claims" in path]
