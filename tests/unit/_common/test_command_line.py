# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shlex

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.command_line import (
    kubectl_command,
    module_target,
    playbook_command,
)

DEFAULTS = {
    "nats_cluster_name": "nats",
    "nats_cluster_namespace": "nats",
    "nats_cluster_kubeconfig": "",
    "nats_cluster_context": "",
    "nats_cluster_kubernetes": {},
}


def target(inventory=(), host="", environment=None, **variables):
    given = DEFAULTS | {f"nats_cluster_{name}": value for name, value in variables.items()}
    return {"variables": given, "inventory": list(inventory), "host": host, "environment": environment or {}}


@pytest.mark.parametrize(
    ("reached", "command"),
    [
        (target(), "ansible-playbook messaging.nats.status"),
        (target(inventory=["/etc/ansible/hosts"]), "ansible-playbook messaging.nats.status"),
        (target(namespace="ux-1"), "ansible-playbook messaging.nats.status -e nats_cluster_namespace=ux-1"),
        (
            target(inventory=["/srv/prod.yml"], host="staging", namespace="nats-staging"),
            "ansible-playbook -i /srv/prod.yml messaging.nats.status --limit staging -e nats_cluster_namespace=nats-staging",
        ),
        (
            target(kubeconfig="/home/me/my config", context="arn:aws:eks:eu/prod"),
            """ansible-playbook messaging.nats.status -e '{"nats_cluster_kubeconfig": "/home/me/my config"}' """
            "-e nats_cluster_context=arn:aws:eks:eu/prod",
        ),
        (
            target(environment={"KUBECONFIG": "/a:/b", "K8S_AUTH_CONTEXT": "prod", "PATH": "/bin"}),
            "KUBECONFIG=/a:/b K8S_AUTH_CONTEXT=prod ansible-playbook messaging.nats.status",
        ),
    ],
)
def test_a_command_leads_to_the_same_cluster(reached, command):
    assert playbook_command(reached, "status") == command


def test_no_secret_is_part_of_a_command():
    reached = target(kubernetes={"host": "https://api:6443", "api_key": "s3cret", "password": "s3cret"})
    words = shlex.split(playbook_command(reached, "status"))
    assert json.loads(words[-1]) == {"nats_cluster_kubernetes": {"host": "https://api:6443"}}
    assert "s3cret" not in kubectl_command(reached)


def test_a_kubeconfigs_content_and_a_proxys_login_are_no_part_of_a_command():
    users = [{"name": "u", "user": {"token": "s3cret"}}]
    reached = target(kubernetes={"kubeconfig": {"users": users}, "proxy": "http://u:s3cret@p:1", "context": "c"})
    words = shlex.split(playbook_command(reached, "status"))
    assert json.loads(words[-1]) == {"nats_cluster_kubernetes": {"context": "c"}}
    assert "s3cret" not in kubectl_command(reached)


def test_variables_of_the_verb_keep_their_type():
    words = shlex.split(playbook_command(target(), "uninstall", {"nats_cluster_delete_data": True}))
    assert json.loads(words[-1]) == {"nats_cluster_delete_data": True}


@pytest.mark.parametrize(
    ("reached", "command"),
    [
        (target(), "kubectl -n nats"),
        (target(context="prod", namespace="a"), "kubectl --context prod -n a"),
        (target(kubernetes={"context": "own"}, context="prod"), "kubectl --context own -n nats"),
        (
            target(environment={"K8S_AUTH_KUBECONFIG": "/a b"}),
            "kubectl --kubeconfig '/a b' -n nats",
        ),
        (target(environment={"KUBECONFIG": "/a:/b"}), "KUBECONFIG=/a:/b kubectl -n nats"),
        (
            target(environment={"K8S_AUTH_IMPERSONATE_USER": "ann", "K8S_AUTH_IMPERSONATE_GROUPS": "ops,dev"}),
            "kubectl --as ann --as-group ops --as-group dev -n nats",
        ),
        (
            target(kubernetes={"host": "https://api:6443", "ca_cert": "/ca.pem", "impersonate_groups": ["ops"]}),
            "kubectl --server https://api:6443 --certificate-authority /ca.pem --as-group ops -n nats",
        ),
    ],
)
def test_kubectl_reaches_the_same_namespace(reached, command):
    assert kubectl_command(reached) == command


def test_a_module_shows_what_leads_to_its_cluster_and_no_login():
    api = {"kubeconfig": None, "context": "eu", "host": "https://eu", "api_key": "s3cret", "account": "SYS"}
    target = module_target(api, "messaging", "nats", {"K8S_AUTH_CONTEXT": "x", "AWS_SECRET_ACCESS_KEY": "s3cret"})
    assert target == {
        "variables": {
            "nats_cluster_name": "nats",
            "nats_cluster_namespace": "messaging",
            "nats_cluster_context": "eu",
            "nats_cluster_kubernetes": {"host": "https://eu"},
        },
        "environment": {"K8S_AUTH_CONTEXT": "x"},
    }
