# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was read of a cluster of three pods, for changes in check mode: nothing here can be written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import Steady
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Listed, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._operations.contacts import Contacts
from ansible_collections.messaging.nats.plugins.module_utils._operations.statefulset import Pods
from tests.support.placed import ACCOUNT, answers

NAMES = ("nats-0", "nats-1", "nats-2")
OLD, NEW = "nats-a", "nats-b"


def pod(name: str, revision: str = OLD, node: str = "worker") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": name, "labels": {"controller-revision-hash": revision}},
        "spec": {"nodeName": node, "containers": [{"name": "nats"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


class ReadPods(Pods):
    """The pods and the StatefulSet as they were read."""

    has_volumes = True

    def __init__(self, newest: Collection[str] = (), annotations: Mapping[str, str] | None = None) -> None:
        self.namespace, self.cluster = "ns", "nats"
        self._pods = {name: pod(name, NEW if name in newest else OLD) for name in NAMES}
        self._annotations = annotations or {}
        self.kubernetes: Any = SimpleNamespace(find=self._find)

    def statefulset(self) -> dict[str, Any]:
        return {
            "metadata": {"name": self.cluster, "annotations": self._annotations},
            "spec": {
                "replicas": len(NAMES),
                "template": {"metadata": {}, "spec": pod("nats-0")["spec"]},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}] if self.has_volumes else [],
            },
            "status": {"updateRevision": NEW, "currentRevision": OLD},
        }

    def find(self, name: str) -> dict[str, Any] | None:
        return self._pods.get(name)

    def all(self) -> list[dict[str, Any]]:
        return list(self._pods.values())

    @staticmethod
    def _find(path: str, _what: str) -> dict[str, Any] | None:
        name = path.rpartition("/")[2]
        if "/nodes/" in path:
            return {"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        if "/persistentvolumeclaims/" in path:
            return {"metadata": {"name": name, "uid": "claim"}, "spec": {"volumeName": "volume"}}
        return {"spec": {"nodeAffinity": {}}}


class ReadContacts(Contacts):
    """The snapshot that the servers give."""

    def __init__(self, streams: Mapping[str, str], **more: Any) -> None:
        placed = answers(" ".join(NAMES), streams, **more)
        listed = {ACCOUNT: Listed(tuple(streams), dict.fromkeys(streams, ()))}
        found = Snapshot(NAMES, answers=tuple(placed.values()), accounts=listed)
        self.source: Any = SimpleNamespace(take=lambda: found)
        self.steady = Steady(self.source.take)
        self._not_ready = None

    def with_accounts(self, accounts: Iterable[str]) -> Any:
        return self.source
