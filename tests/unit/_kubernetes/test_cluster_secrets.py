# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Secrets that a pod refers to."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.cluster_secrets import referenced_secrets


def test_secrets_that_a_pod_refers_to():
    spec = {
        "imagePullSecrets": [{"name": "pull"}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "volume"}},
            {"name": "b", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
        ],
        "containers": [
            {
                "envFrom": [{"secretRef": {"name": "all"}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}],
            }
        ],
    }
    assert sorted(referenced_secrets(spec)) == ["all", "one", "projected", "pull", "volume"]
