# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is wrong with a cluster, from a snapshot of it. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._health.account_findings import account_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.asset_findings import (
    consumer_findings,
    stream_findings,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.history_findings import history_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.membership_findings import (
    jetstream_findings,
    membership_findings,
    meta_findings,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.pod_findings import pod_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.server_findings import (
    health_check_findings,
    server_findings,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Snapshot,
    answered,
    by_server,
    figures,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.threshold_findings import owner_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.vulnerability_findings import (
    vulnerability_findings,
)


def evaluate(snapshot: Snapshot) -> list[Finding]:
    """All findings, the causes before their effects."""
    servers, size = answered(snapshot), len(snapshot.expected)
    varz = {name: answer for name, answer in by_server(snapshot, snapshot.varz).items() if name in servers}
    return [
        *membership_findings(snapshot),
        *meta_findings(snapshot),
        *jetstream_findings(servers),
        *stream_findings(servers, size),
        *consumer_findings(servers),
        *account_findings(snapshot),
        *server_findings(varz, size),
        *vulnerability_findings(varz),
        *pod_findings(snapshot),
        *health_check_findings(by_server(snapshot, snapshot.healthz), snapshot.kubernetes),
        *owner_findings(servers),
        *history_findings(snapshot.previous, figures(snapshot)),
    ]
