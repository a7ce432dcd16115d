# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real clusters said in each state, as files: recorded by the integration tests, replayed by the unit tests.

RECORD_SNAPSHOTS=1 pytest tests/integration/test_health_states.py
RECORD_SNAPSHOTS=1 python -m tests.support.snapshots NAMESPACE STATE [CODE ...]   # what a cluster on Kubernetes says now
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding
from ansible_collections.messaging.nats.plugins.module_utils._health.observer_kubernetes import ThroughKubernetes
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    KubernetesView,
    Listed,
    Pod,
    Snapshot,
)
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import KubernetesTarget

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "snapshots"
RECORDING = bool(os.environ.get("RECORD_SNAPSHOTS"))
# Of the machine that recorded it, or much, or secret; no finding rests on it.
NOISE = """
    store_dir connect_urls urls url host ip http_host http_base_path monitoring http_req_stats sublist_stats addr
    slow_consumer_stats stale_connection_stats disk_io_wait_stats subscriptions git_commit go xkey nonce proto flags
    feature_flags client_id jwt nkey raft_group peer ts port http_port https_port auth_timeout tls_timeout ping_interval
    ping_max write_deadline max_control_line trusted_operators_jwt pinned_account_fails now time seq in_bytes in_msgs
    out_bytes out_msgs in_client_bytes in_client_msgs out_client_bytes out_client_msgs limits cluster_port pool_size
    sync_interval config_load_time total_connections stale_connections stalled_clients traffic_account
"""
LEFT_OUT = frozenset(NOISE.split())


def record(state: str, samples: Iterable[Snapshot], codes: Iterable[str]) -> None:
    """Writes the latest sample that has these findings, where recording is asked for."""
    if not RECORDING:
        return
    wanted = set(codes)
    found = next(
        sample
        for sample in reversed([*samples])
        if (there := {finding.code for finding in notable(evaluate(sample))}) >= wanted and bool(there) == bool(wanted)
    )
    FOLDER.mkdir(exist_ok=True)
    told = {"findings": [*map(summary, notable(evaluate(found)))], "snapshot": _lean(asdict(found))}
    (FOLDER / f"{state}.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def recorded(path: Path) -> tuple[Snapshot, list[list[str]]]:
    """A snapshot, and severity, code and object of what was found when it was recorded."""
    told = json.loads(path.read_text(encoding="utf-8"))
    kept: dict[str, Any] = told["snapshot"]
    if view := kept["kubernetes"]:
        pods = {name: Pod(**pod) for name, pod in view["pods"].items()}
        kept["kubernetes"] = KubernetesView(**(view | {"pods": pods}))
    kept["accounts"] = {
        name: Listed(tuple(listed["streams"]), listed["consumers"], listed.get("usage", {}))
        for name, listed in kept["accounts"].items()
    }
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    return Snapshot(**values), told["findings"]


def summary(finding: Finding) -> list[str]:
    return [finding.severity, finding.code, finding.object]


def notable(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity != "info"]


def _lean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lean(part) for key, part in value.items() if key not in LEFT_OUT}
    if isinstance(value, (list, tuple)):
        return [_lean(part) for part in value]
    return value


def main() -> None:
    namespace, state, *codes = sys.argv[1:]
    target = KubernetesTarget({}, namespace, "nats")
    with ExitStack() as opened:
        record(state, [ThroughKubernetes(target, 5, opened, accounts=["APP"]).take()], codes)


if __name__ == "__main__":
    main()
