# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which volumes are those of a cluster, and whether it has any; what is read of its NetworkPolicy."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._deploy.read_facts import (
    claims_of,
    has_other_kind_of_store,
    network_policy,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes


def test_volumes_of_a_cluster_whose_name_begins_with_ours_are_left_out():
    names = ("data-nats-0", "data-nats-10", "data-nats-b-0", "data-nats-0-0", "other-nats-0")
    found = claims_of("nats", [{"metadata": {"name": name}} for name in names])
    assert [entry["metadata"]["name"] for entry in found] == ["data-nats-0", "data-nats-10"]


def test_servers_that_would_get_or_lose_volumes_are_not_tried_before_the_plan_refuses_them():
    bare = {"kind": "StatefulSet", "spec": {}}
    claiming = {"kind": "StatefulSet", "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}
    assert has_other_kind_of_store(bare, claiming)
    assert has_other_kind_of_store(claiming, bare)
    assert not has_other_kind_of_store(claiming, claiming)
    assert not has_other_kind_of_store({"kind": "Service", "spec": {}}, {"kind": "Service", "spec": {}})


class Refusing(Kubernetes):
    def __init__(self, status) -> None:
        self.status = status

    def find(self, path, what, **query):
        assert path == "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/nats"
        raise NatsError(what, "it says no", "Ask again.", self.status, code="KUBERNETES_ERROR")


def test_a_policy_that_may_not_be_read_counts_as_none_and_other_errors_are_told():
    assert network_policy(Refusing(HTTPStatus.FORBIDDEN), "nats", "n") is None
    with pytest.raises(NatsError, match="it says no"):
        network_policy(Refusing(HTTPStatus.INTERNAL_SERVER_ERROR), "nats", "n")
