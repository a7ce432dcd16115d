# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers read back the routes' password that the role writes, in nats.conf and in the URLs of routes."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest

from tests.support.servers import Cluster


@pytest.mark.parametrize(
    "password",
    [
        "pa#ss@w/rd",
        "two words",
        "\"quoted\" and 'quoted'",
        "line\nbreak",
        "p%2Fx%",
        "gehé¡m-中😀",
        "$HOME",
        "\\",
        "\x01\x7f\u202e",
        "a,b;c{d}[e](f)",
    ],
    ids=ascii,
)
def test_servers_find_one_another_with_an_awkward_password(tmp_path, password):
    cluster = Cluster(tmp_path, ["one", "two"], accounts=0)
    for server in cluster.servers:
        routes = cluster.configuration(server)["cluster"]
        urls = [url.replace("//", f"//routes:{quote(password, safe='')}@") for url in routes["routes"]]
        login = {"user": "routes", "password": password}
        cluster.start(server, cluster=routes | {"authorization": login, "routes": urls})
    try:
        deadline = time.monotonic() + 10
        while not _routes(cluster) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _routes(cluster)
    finally:
        for server in cluster.servers:
            cluster.stop(server)


def _routes(cluster):
    try:
        return cluster[0].get("/routez")["num_routes"]
    except OSError:
        return 0
