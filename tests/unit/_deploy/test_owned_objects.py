# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects are a cluster's own, and what becomes of those that are no longer declared."""

from __future__ import annotations

import base64
import copy

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.owned_objects import belongs_to, leftovers
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    Counterpart,
    changes,
    config_secret_content,
    foreign_owner,
    identity,
    title,
)

OURS = {"app.kubernetes.io/managed-by": "messaging.nats"}
MADE = [{"manager": "messaging.nats", "operation": "Apply"}]
INSTANCE, CLUSTER, NAMESPACE = "app.kubernetes.io/instance", "messaging.nats/cluster", "messaging.nats/namespace"
CONF = {"nats.conf": base64.b64encode(b"port: 4222\n").decode()}


def thing(kind="Service", name="nats-external", namespace="ns", made=tuple(MADE), labels=None, **more):
    meta = {"name": name, "uid": "1", "labels": OURS | ({INSTANCE: "nats"} if labels is None else labels)}
    meta |= {"namespace": namespace} if namespace else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta | {"managedFields": list(made)}} | more


def extra(kind="ConfigMap", name="mine", namespace="ns", **more):
    return thing(kind, name, namespace, labels={CLUSTER: "nats", NAMESPACE: "ns"}, **more)


@pytest.mark.parametrize(
    ("item", "ours"),
    [
        (thing(), True),
        (extra(), True),
        (extra("ClusterRole", "r", ""), True),
        (extra(namespace="monitoring"), True),
        (thing(labels={INSTANCE: "nats-eu"}), False),
        (thing(labels={}), False),
        # Labels that somebody copied.
        (thing(made=({"manager": "kubectl", "operation": "Update"},)), False),
        # A cluster of the same name in another namespace.
        (
            extra(
                "ClusterRole", "r", "", metadata={"name": "r", "labels": OURS | {CLUSTER: "nats", NAMESPACE: "other"}}
            ),
            False,
        ),
        (thing("PersistentVolumeClaim", "data-nats-0", made=({"manager": "kube-controller-manager"},)), True),
        (thing("PersistentVolumeClaim", "data-other-0", made=({"manager": "kube-controller-manager"},)), False),
    ],
)
def test_an_object_belongs_to_the_cluster_by_its_owner_and_instance(item, ours):
    assert belongs_to(item, "nats", "ns") is ours


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (thing(), None),
        (thing("NetworkPolicy", "nats"), None),
        (thing("ServiceAccount", "nats"), None),
        (extra(), None),
        (extra("Pod", "bare"), None),
        (extra("Secret", "keys"), "it may hold credentials or keys"),
        (thing("Secret", "nats-orders", type="kubernetes.io/basic-auth"), "it may hold credentials or keys"),
        # The box's contexts repeat what the Secrets of logins hold.
        (thing("Secret", "nats-box-contexts", type="messaging.nats/contexts"), None),
        (thing("Deployment", "nats-box"), None),
        # Its user is called like the account: a login, and no configuration.
        (thing("Secret", "nats-config-app", type="kubernetes.io/basic-auth"), "it may hold credentials or keys"),
        (extra("PersistentVolumeClaim", "mine"), "it holds data"),
        (extra("Namespace", "n", ""), "everything in it would go with it"),
        (extra("CustomResourceDefinition", "n", ""), "every object of its kind would go with it"),
        (extra(made=(*MADE, {"manager": "argocd", "operation": "Apply"})), "argocd too"),
    ],
)
def test_what_is_no_longer_declared_is_deleted_or_kept_with_a_reason(item, why):
    found = leftovers([item], [thing(name="nats")], "nats")
    assert [title(gone) for gone in found.delete] == ([] if why else [title(item)])
    assert (why in found.kept[0]) if why else not found.kept


@pytest.mark.parametrize(
    "item",
    [
        thing("PersistentVolumeClaim", "data-nats-4"),
        thing("Secret", "nats-config-1", type="Opaque", data=CONF),
        thing("Pod", "nats-0", labels={INSTANCE: "nats", "controller-revision-hash": "x"}),
    ],
)
def test_objects_with_a_rule_of_their_own_are_no_leftovers(item):
    found = leftovers([item], [], "nats")
    assert (found.delete, found.kept) == ((), ())


def test_a_declared_object_stays_whichever_version_of_its_api_it_is_listed_with():
    listed = extra("Thing", apiVersion="example.org/v1")
    cluster_wide = extra("ClusterThing", namespace="", apiVersion="example.org/v1")
    declared = [
        extra("Thing", apiVersion="example.org/v1beta1"),
        extra("ClusterThing", namespace="ns", apiVersion="example.org/v1beta1"),
    ]
    assert leftovers([listed, cluster_wide], declared, "nats").delete == ()


def test_an_identity_is_all_that_a_deletion_needs():
    assert identity(extra()) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "mine", "namespace": "ns", "uid": "1"},
    }


@pytest.mark.parametrize(
    ("running", "declared", "owner"),
    [
        (thing("Secret", labels={INSTANCE: "nats-eu"}), thing("Secret"), "the NATS cluster nats-eu"),
        (thing("Secret"), thing("Secret"), None),
        # Before extra objects had labels of their own.
        (thing("ConfigMap"), extra(), None),
        (thing("ConfigMap", labels={INSTANCE: "other"}), extra(), "the NATS cluster other"),
        (
            extra("ClusterRole", metadata={"name": "r", "labels": OURS | {CLUSTER: "nats", NAMESPACE: "other"}}),
            extra("ClusterRole"),
            "the NATS cluster nats in namespace other",
        ),
    ],
)
def test_a_collision_is_seen_by_the_instance(running, declared, owner):
    assert foreign_owner(running, declared) == owner


@pytest.mark.parametrize(
    ("item", "is_one"),
    [
        (thing("Secret", "nats-config-1", type="Opaque", data=CONF), True),
        (thing("Secret", "nats-config-app", type="kubernetes.io/basic-auth", data=CONF), False),
        (extra("Secret", "nats-config-mine", type="Opaque", data=CONF), False),
        (thing("Secret", "nats-config-app", type="Opaque", data={"password": "eA=="}), False),
    ],
)
def test_a_configuration_is_known_by_its_content_and_owner(item, is_one):
    assert (config_secret_content(item) is not None) is is_one


def test_a_changed_label_of_a_secret_is_a_change_whose_value_is_hidden():
    running = thing("Secret", data={})
    applied = copy.deepcopy(running)
    applied["metadata"]["annotations"] = {"note": "hidden"}
    found = changes(Counterpart(running, running, applied))
    assert [change[0] for change in found] == ["metadata.annotations"]
    assert "hidden" not in str(found)
