# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Kubernetes says of servers that run, as a table."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.pod_findings import pod_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import KubernetesView, Pod, Snapshot
from tests.support.findings import MIB, after, codes

SERVER = {"name": "nats-0", "id": "1"}
JSZ = {"server": SERVER, "data": {"config": {"max_storage": 1000 * MIB}}}
VARZ = {"server": SERVER, "data": {"config_digest": "sha256:1"}}


def killed(moment):
    return KubernetesView({"nats-0": Pod("nats-0", "Running", killed=moment)})


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (None, []),
        (KubernetesView(), []),
        (KubernetesView(volumes={"nats-0": 2000 * MIB}), []),
        (KubernetesView(volumes={"nats-0": 500 * MIB}), [("warning", "VOLUME_TOO_SMALL")]),
        (KubernetesView(digests={"nats-0": "sha256:1"}), []),
        (KubernetesView(digests={"nats-0": "sha256:2"}), [("warning", "CONFIG_NOT_APPLIED")]),
        (killed(after(hours=-1)), [("warning", "OOM_KILLED")]),
        (killed(after(days=-2)), []),
    ],
)
def test_what_kubernetes_says_of_a_server(view, expected):
    assert codes(pod_findings(Snapshot(("nats-0",), answers=(JSZ,), varz=(VARZ,), kubernetes=view))) == expected
