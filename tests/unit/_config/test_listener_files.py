# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates of routes are checked for the names by which servers connect to one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import (
    Secrets,
    declared_pods,
    listener_problems,
    route_names,
)
from tests.support.certificates import issue

ROUTES = [f"nats://routes:pa%2Fss@nats-{number}.nats.n.svc.cluster.local.:6222" for number in range(2)]
TLS = {"cert_file": {"$env": "CERTIFICATE"}, "key_file": {"$env": "KEY"}, "ca_file": "/tls/ca.crt"}
CA = issue("ca", ca=True)


def statefulset() -> dict[str, Any]:
    env = [{"name": "CERTIFICATE", "value": "/tls/$(POD_NAME).crt"}, {"name": "KEY", "value": "/tls/$(POD_NAME).key"}]
    container = {"name": "nats", "env": env, "volumeMounts": [{"name": "tls", "mountPath": "/tls"}]}
    spec = {"containers": [container], "volumes": [{"name": "tls", "secret": {"secretName": "routes"}}]}
    return {"metadata": {"name": "nats"}, "spec": {"replicas": 2, "template": {"metadata": {}, "spec": spec}}}


def problems(names: Mapping[str, tuple[str, ...]], **more: Any) -> list[str]:
    """The problems of servers whose certificates have these names."""
    files = {"ca.crt": CA.pem}
    for pod, valid in names.items():
        made = issue(pod, CA, names=valid)
        files |= {f"{pod}.crt": made.pem, f"{pod}.key": made.key_pem}
    secrets = Secrets(lambda _name: None, {"routes": files})
    data = {"cluster": {"routes": ROUTES, "tls": TLS | more}}
    return [
        problem.sentence
        for pod in declared_pods(statefulset())
        for problem in listener_problems(data, pod, secrets, "the declared servers")
    ]


FITTING: dict[str, tuple[str, ...]] = {
    f"nats-{number}": (f"nats-{number}.nats.n.svc.cluster.local",) for number in range(2)
}


def test_each_server_has_the_name_by_which_others_connect_to_it():
    assert problems(FITTING) == []
    (found,) = problems(FITTING | {"nats-1": ("nats-1.nats",)})
    assert found.startswith(
        "nats-1.crt of Secret routes, for listener cluster: the certificate CN=nats-1 is not valid for nats-1.nats.n.svc"
    )
    assert problems(FITTING | {"nats-1": ("*.nats.n.svc.cluster.local",)}) == []
    # Servers that do not verify names need none.
    assert problems(FITTING | {"nats-1": ("other",)}, insecure=True) == []


def test_a_server_without_a_certificate_is_named():
    (found, *_more) = problems({"nats-0": FITTING["nats-0"]})
    assert "nats-1.crt of Secret routes, for listener cluster: it does not exist" in found


@pytest.mark.parametrize(
    ("data", "name", "names"),
    [
        ({"cluster": {"routes": ROUTES}}, "nats-0", ("nats-0.nats.n.svc.cluster.local.",)),
        ({"cluster": {"routes": ROUTES}}, "nats-9", ()),
        ({"cluster": {"routes": ROUTES}}, "", ()),
        ({"cluster": {"routes": [{"$env": "ROUTE"}, "no url", 1]}}, "nats-0", ()),
        ({"cluster": "file"}, "nats-0", ()),
        ({}, "nats-0", ()),
    ],
)
def test_the_names_are_those_of_the_routes(data, name, names):
    assert route_names(data, {"metadata": {"name": name}}) == names
