# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which changes of an object make a plan outdated."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import (
    is_unchanged,
    key,
    last_writer,
    version,
    versions,
)

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "nats", "namespace": "nats", "uid": "u", "resourceVersion": "1", "generation": 1},
    "spec": {"ports": [{"port": 4222}]},
}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "nats-app", "namespace": "nats", "uid": "s", "resourceVersion": "1"},
    "data": {"password": "aHVudGVyMg=="},
}


def later(item, resource_version="2", meta=None, **other):
    return item | other | {"metadata": item["metadata"] | {"resourceVersion": resource_version} | (meta or {})}


@pytest.mark.parametrize(
    ("item", "now", "unchanged"),
    [
        (SERVICE, SERVICE, True),
        (SERVICE, later(SERVICE), True),
        (SERVICE, later(SERVICE, status={"loadBalancer": {}}), True),
        (SERVICE, later(SERVICE, meta={"managedFields": [{"manager": "kubelet"}], "generation": 2}), True),
        (SERVICE, later(SERVICE, spec={"ports": [{"port": 4223}]}), False),
        (SERVICE, later(SERVICE, meta={"annotations": {"by": "hand"}}), False),
        (SERVICE, later(SERVICE, meta={"deletionTimestamp": "2026-11-26T20:00:00Z"}), False),
        (SERVICE, later(SERVICE, meta={"uid": "other"}), False),
        (SECRET, SECRET, True),
        (SECRET, later(SECRET), False),
        (SECRET, later(SECRET, data={"password": "eA=="}), False),
    ],
)
def test_all_changes_count_but_those_of_controllers(item, now, unchanged):
    assert is_unchanged(now, version(item)) is unchanged


def test_the_version_of_a_secret_says_nothing_of_its_content():
    assert version(SECRET) == {"uid": "s", "resource_version": "1"}
    assert version(SECRET) == version(SECRET | {"data": {"password": "eA=="}})


def test_the_result_of_a_dry_run_has_no_version():
    tried = SERVICE | {"metadata": {"name": "new", "namespace": "nats", "uid": "u"}}
    assert list(versions([SERVICE, tried])) == [key(SERVICE)] == ["v1 Service nats/nats"]


@pytest.mark.parametrize(
    ("entries", "who"),
    [
        ([], "somebody"),
        (
            [
                {"manager": "kubectl-edit", "time": "2026-11-26T20:00:01Z"},
                {"manager": "messaging.nats", "time": "2026-11-26T20:00:00Z"},
                {"manager": "kube-controller-manager", "time": "2026-11-26T20:00:09Z", "subresource": "status"},
            ],
            "kubectl-edit at 2026-11-26T20:00:01Z",
        ),
    ],
)
def test_the_last_writer_is_who_wrote_more_than_the_status(entries, who):
    assert last_writer(later(SERVICE, meta={"managedFields": entries})) == who
