# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.references import issued_secrets, references


def container(**more):
    return {"containers": [{"name": "nats", **more}]}


def volume(**source):
    return {"volumes": [{"name": "v", **source}]}


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ({}, []),
        (volume(emptyDir={}), []),
        (volume(secret={"secretName": "s"}), ["volume v needs Secret s"]),
        (volume(secret={"secretName": "s", "optional": True}), []),
        (volume(configMap={"name": "c"}), ["volume v needs ConfigMap c"]),
        (
            volume(
                projected={
                    "sources": [{"secret": {"name": "a"}}, {"serviceAccountToken": {}}, {"configMap": {"name": "b"}}]
                }
            ),
            ["volume v needs Secret a", "volume v needs ConfigMap b"],
        ),
        (container(envFrom=[{"secretRef": {"name": "s"}}]), ["envFrom of container nats needs Secret s"]),
        (container(envFrom=[{"configMapRef": {"name": "c", "optional": True}}]), []),
        (
            container(env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            ["environment variable X of container nats needs Secret s"],
        ),
        (container(env=[{"name": "X", "value": "1"}, {"name": "Y", "valueFrom": {"fieldRef": {}}}]), []),
        (
            {"initContainers": [{"name": "first", "envFrom": [{"configMapRef": {"name": "c"}}]}]},
            ["envFrom of container first needs ConfigMap c"],
        ),
    ],
)
def test_what_a_pod_waits_for(spec, needed):
    assert [f"{found.needed_by} needs {found}" for found in references(spec)] == needed


@pytest.mark.parametrize(
    ("kind", "version", "secrets"),
    [
        ("Certificate", "cert-manager.io/v1", {"web-tls"}),
        ("Certificate", "networking.internal.knative.dev/v1alpha1", set()),
        ("Issuer", "cert-manager.io/v1", set()),
    ],
)
def test_which_secrets_cert_manager_will_make(kind, version, secrets):
    item = {"apiVersion": version, "kind": kind, "metadata": {"name": "c"}, "spec": {"secretName": "web-tls"}}
    assert issued_secrets([item]) == secrets
