# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new cluster in sentences."""

from __future__ import annotations

import base64

from ansible_collections.messaging.nats.plugins.module_utils._deploy.creation_summary import creation_words
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Counterpart

OURS = {"app.kubernetes.io/managed-by": "messaging.nats"}
CONF = "jetstream {\n  max_file_store: 4294967296\n  max_memory_store: 268435456\n}\n"


def meta(name):
    return {"name": name, "namespace": "staging", "labels": OURS}


def statefulset(replicas=3, size="5Gi", storage_class=None, apart=True, resources=None):
    container = {"name": "nats", "image": "nats:2.15.1-alpine", "resources": resources or {}}
    rule = "requiredDuringSchedulingIgnoredDuringExecution" if apart else "preferred"
    claim = {"spec": {"resources": {"requests": {"storage": size}}, "storageClassName": storage_class}}
    pod = {"containers": [container], "affinity": {"podAntiAffinity": {rule: [{}]}}}
    spec = {"replicas": replicas, "template": {"spec": pod}, "volumeClaimTemplates": [claim] if size else []}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta("nats"), "spec": spec}


def secret(name, kind="Opaque", **data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name), "type": kind, "data": encoded}


def service(name="nats", **spec):
    ports = [{"name": "client", "port": 4222}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": {"ports": ports} | spec}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "staging"}}
LOGIN = "kubernetes.io/basic-auth"


def words(*new, kept=()):
    return list(
        creation_words([*(Counterpart(item) for item in new), *(Counterpart(item, item, item) for item in kept)])
    )


def test_a_new_cluster_is_told_with_what_each_server_gets():
    resources = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
    configuration = secret("nats-config-1", **{"nats.conf": CONF})
    login = secret("nats-sys", LOGIN, password="hidden")
    found = words(
        NAMESPACE, statefulset(resources=resources), service(), configuration, secret("nats-app", LOGIN), kept=[login]
    )
    assert found == [
        "create 3 servers in the new namespace staging: nats-0 to nats-2, of image nats:2.15.1-alpine, each on another node",
        "each server gets 250m CPU, 512 MiB of memory (at most 1.0 GiB), a volume of 5.0 GiB of the default storage class; "
        "its streams may use 4.0 GiB on the volume and 256 MiB in memory",
        "clients reach it inside the Kubernetes cluster: Service nats, port 4222",
        "servers talk to one another in clear, and the routes' password keeps others out: nats_cluster_route_tls: on encrypts it",
        "new credentials in Secret nats-app",
        "credentials that exist stay: Secret nats-sys",
        "create Namespace staging, StatefulSet nats, Service nats, Secret nats-config-1",
    ]


def test_a_single_server_without_a_volume_says_so():
    ports = [{"name": "client", "port": 4222, "nodePort": 30422}]
    found = words(statefulset(1, size=""), service("nats-external", type="NodePort", ports=ports))
    assert found[0] == "create a single server: nats-0, of image nats:2.15.1-alpine"
    assert found[1] == "each server gets no volume"
    assert found[2] == "clients reach it from outside, as NodePort: Service nats-external, port 30422"


def test_encrypted_routes_are_told():
    encrypted = secret("nats-config-1", **{"nats.conf": CONF + 'cluster { tls { cert_file: "/c" } }\n'})
    told = "servers encrypt what they send to one another, and each verifies the others' certificates"
    assert told in words(statefulset(), encrypted)
    assert not [sentence for sentence in words(statefulset(1), encrypted) if "one another" in sentence]


def test_servers_may_share_a_node_and_have_a_named_storage_class():
    found = words(statefulset(3, storage_class="fast", apart=False))
    assert "another node" not in found[0]
    assert found[1] == "each server gets a volume of 5.0 GiB of storage class fast"


def test_where_the_servers_exist_only_the_missing_objects_are_named():
    assert words(service(), kept=[statefulset()]) == ["create Service nats"]
    assert words(kept=[statefulset()]) == []
