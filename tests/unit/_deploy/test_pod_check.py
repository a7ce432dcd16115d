# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a quota is enough for the declared pod, and which names DNS has to know."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._deploy.pod_check import (
    QUOTA,
    fits_quota,
    hosts_to_resolve,
)


def container(name="nats", limits=None, **asked):
    return {"name": name, "resources": {"requests": asked} | ({"limits": limits} if limits else {})}


OLD = {
    "metadata": {"name": "nats-2"},
    "spec": {"containers": [container(limits={"memory": "512Mi"}, cpu="100m", memory="256Mi")]},
}


@pytest.mark.parametrize(
    ("message", "old", "fits"),
    [
        ("exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3", OLD, True),
        ("exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3", None, False),
        (
            "exceeded quota: q, requested: requests.memory=256Mi, used: requests.memory=768Mi, limited: requests.memory=800Mi",
            OLD,
            True,
        ),
        (
            "exceeded quota: q, requested: requests.memory=512Mi, used: requests.memory=768Mi, limited: requests.memory=800Mi",
            OLD,
            False,
        ),
        (
            "exceeded quota: q, requested: limits.memory=512Mi,pods=1, used: limits.memory=1536Mi,pods=3, limited: limits.memory=1536Mi,pods=3",
            OLD,
            True,
        ),
        ("exceeded quota: q, requested: count/things=1, used: count/things=1, limited: count/things=1", OLD, False),
    ],
)
def test_a_server_that_restarts_gives_its_share_of_a_quota_back_first(message, old, fits):
    told = QUOTA.search(f'pods "nats-2" is forbidden: {message}')
    assert told is not None
    assert fits_quota(told, old) is fits


def test_dns_has_to_know_the_existing_servers_and_the_service_of_every_cluster():
    routes = [f"nats://routes:p@nats-{number}.nats.ns.svc.example.org.:6222" for number in range(5)]
    urls = ["nats://nats.ns.svc.example.org:4222"]
    assert hosts_to_resolve({"cluster": {"routes": routes}}, urls, ["nats-0", "nats-2"]) == [
        "kubernetes.default.svc.example.org.",
        "nats-0.nats.ns.svc.example.org.",
        "nats-2.nats.ns.svc.example.org.",
    ]
    assert hosts_to_resolve({}, urls, []) == ["kubernetes.default.svc.example.org."]
    assert hosts_to_resolve({}, ["nats://nats.ns.svc:4222"], []) == []
