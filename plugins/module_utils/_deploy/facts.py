# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is declared for a cluster, and what was read about it. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import DeploymentRecord
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    Object,
)


@dataclass(frozen=True)
class Loaded:
    """Which servers run without what their pods' Secrets hold."""

    # By server, what it has not loaded.
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # By server, why that is not known of it.
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """The cluster that runs in place of the declared one."""

    statefulset: Object
    pods: tuple[Object, ...] = ()
    # The nats.conf in the Secret that the template names.
    configuration: str | None = None
    # What the servers say; empty where they could not be asked.
    snapshot: Snapshot = field(default_factory=lambda: Snapshot(()))
    # What the servers have not loaded of what their pods' Secrets hold.
    loaded: Loaded = field(default_factory=Loaded)
    # The note of the last deploy, and the accounts that there are logins for: they are used where the configuration can't be read.
    record: DeploymentRecord | None = None
    accounts_with_logins: frozenset[str] = frozenset()

    @property
    def replicas(self) -> int:
        return int(self.statefulset["spec"]["replicas"])


@dataclass(frozen=True)
class ClusterFacts:
    """What was read from Kubernetes."""

    namespace_exists: bool
    # None where they may not be read here.
    nodes: list[Object] | None = None
    storage_classes: list[Object] | None = None
    claims: list[Object] = field(default_factory=list)
    # Names of the Secrets with a nats.conf, including those that no pod reads any more.
    configurations: tuple[str, ...] = ()
    running: Running | None = None
    # The version that Kubernetes reports of itself.
    kubernetes: Mapping[str, str] = field(default_factory=dict)
    # The objects that belong to the cluster, and the kinds of which none could be listed.
    owned: tuple[Object, ...] = ()
    unlisted: tuple[str, ...] = ()
    # The note of the last deploy, and the Secrets with logins, which stay when a cluster is uninstalled.
    record: DeploymentRecord | None = None
    logins: tuple[Object, ...] = ()
    # Volumes of a declared class that is not among the storage classes; None where they may not be read here.
    static_volumes: list[Object] | None = field(default_factory=list)


@dataclass(frozen=True)
class DeclaredCluster:
    """Declared values that appear in no Kubernetes object."""

    replicas: int
    version: str
    # What happens to streams with one replica when servers restart: confirm (ask first), accept, move.
    single_replica: str = "confirm"
    # The ids of known vulnerabilities that do not keep the version from being deployed.
    accepted_vulnerabilities: frozenset[str] = frozenset()
