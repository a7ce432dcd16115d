# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.filter.planned_objects import planned_objects
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import identity


def item(kind, name, namespace="a"):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {"of": name}}


def test_the_declared_objects_are_found_by_what_they_are_called():
    declared = [item("Service", "one"), item("Service", "two"), item("ConfigMap", "one"), item("Service", "one", "b")]
    planned = [identity(declared[2]), identity(declared[0])]
    assert "spec" not in planned[0]
    assert planned_objects(declared, planned) == [declared[0], declared[2]]
