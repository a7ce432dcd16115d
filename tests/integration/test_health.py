# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats_health against real servers, healthy and broken."""

from __future__ import annotations

import gc
import time

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.known_vulnerabilities import vulnerabilities
from ansible_collections.messaging.nats.plugins.modules import (
    nats_diagnose,
    nats_health,
    nats_report,
    nats_status,
    nats_stream,
)
from tests.support.servers import Cluster, free_port, secret

# nats-server takes one that is free.
ANY_PORT = -1


@pytest.fixture
def health(run_module):
    def run(cluster, **params):
        expected = {"expected_members": [server.name for server in cluster.servers], "cluster_name": cluster.cluster}
        login = {"user": "sys-user", "password": secret("sys-user")}
        return run_module(
            nats_health, servers=[server.url for server in cluster.servers], **(login | expected | params)
        )

    return run


def codes(result):
    return {finding["code"] for finding in result["findings"]}


def test_a_whole_cluster_is_healthy(health, cluster, run_module, account):
    run_module(nats_stream, **account, name="S", num_replicas=3)
    result = health(cluster)
    assert result["healthy"] is True
    assert set(result["cluster"]["members"]) == {"n1", "n2", "n3"}
    assert result["cluster"]["leader"] in {"n1", "n2", "n3"}
    assert "S" in result["streams"]["names"][account["user"].upper()]


def test_vulnerabilities_of_the_version_that_runs_are_told(health, cluster):
    result = health(cluster)
    (version,) = {member["version"] for member in result["cluster"]["members"].values()}
    assert ("KNOWN_VULNERABILITIES" in codes(result)) is bool(vulnerabilities(version, {"routes"}))


def test_members_can_be_expected_by_number(health, cluster):
    assert health(cluster, expected_members=["3"])["healthy"] is True
    assert "number 4 of 4" in health(cluster, expected_members=["4"])["msg"]


def test_one_server_alone_is_healthy(health, single):
    assert health(single, cluster_name=None)["healthy"] is True


def test_who_is_not_expected_is_told(health, cluster):
    assert "SERVER_UNEXPECTED" in codes(health(cluster, expected_members=["n1", "n2"]))


@pytest.mark.parametrize(
    ("login", "cause", "remedy"),
    [
        ({"account": "T0", "user": "t0", "password": "wrong"}, "Authorization Violation", "credentials"),
        ({"account": "SYS", "user": "sys-user", "password": secret("sys-user")}, "not enabled", "Enable JetStream"),
    ],
)
def test_an_account_that_cannot_be_asked_is_one_finding_beside_the_others(health, cluster, login, cause, remedy):
    result = health(cluster, accounts=[login], expected_members=["n1", "n2", "n3", "n4"])
    assert {"SERVER_DOWN", "ACCOUNT_NOT_ASKED"} == codes(result) - {"SINGLE_REPLICA", "KNOWN_VULNERABILITIES"}
    told = next(found for found in result["findings"] if found["code"] == "ACCOUNT_NOT_ASKED")
    assert told["object"] == f"account {login['account']}"
    assert cause in told["evidence"]
    assert remedy in told["remedy"]


def test_a_report_of_a_cluster(run_module, cluster, account, tmp_path):
    run_module(nats_stream, **account, name="REPORTED", num_replicas=3)
    path = tmp_path / "report.html"
    servers = {"servers": [server.url for server in cluster.servers], "expected_members": ["n1", "n2", "n3"]}
    login = {"user": "sys-user", "password": secret("sys-user")}
    foreseen = run_module(nats_report, check=True, **servers, **login, path=str(path))
    assert foreseen["changed"] is True
    assert not path.exists()
    result = run_module(nats_report, **servers, **login, path=str(path))
    assert (result["changed"], result["healthy"]) == (True, True)
    text = path.read_text()
    assert "REPORTED" in text
    assert "3 of 3 servers answer" in text
    missing = run_module(nats_report, **servers, **login, path=str(tmp_path / "nowhere" / "report.html"))
    assert missing["failed"] is True


@pytest.mark.parametrize(
    ("login", "cause"),
    [
        ({"user": "t0", "password": secret("t0")}, "user t0 is not in the system account"),
        ({"user": "sys-user", "password": "wrong"}, "Authorization Violation"),
    ],
    ids=["an application's user", "a wrong password"],
)
def test_who_can_not_ask_is_told_so_once_and_nothing_of_the_servers(health, cluster, login, cause):
    result = health(cluster, **login)
    gc.collect()
    assert [(finding["code"], finding["object"]) for finding in result["findings"]] == [
        ("SYSTEM_ACCOUNT_NOT_ASKED", "system account")
    ]
    assert cause in result["findings"][0]["evidence"]
    assert (result["failed"], result["code"]) == (True, "UNHEALTHY")
    assert result["cause"] == f"system account: {result['findings'][0]['evidence']}"
    assert result["remedy"] == result["findings"][0]["remedy"]


def test_a_remedy_that_several_findings_share_is_returned_once(health, cluster):
    result = health(cluster, expected_members=["n1", "n2", "n3", "n4", "n5"])
    assert result["cause"].count("no answer to the system account") == 2
    assert result["remedy"] == "Look at its log."


def test_options_that_are_missing_have_a_code(run_module, cluster):
    unnamed = run_module(nats_health, servers=[cluster[0].url])
    assert (unnamed["code"], unnamed["remedy"]) == ("INVALID_OPTIONS", "List their names.")
    assert run_module(nats_status, servers=[cluster[0].url])["code"] == "INVALID_OPTIONS"
    assert run_module(nats_diagnose, servers=[cluster[0].url])["code"] == "INVALID_OPTIONS"


def leaves(cluster, leaf, port):
    """A server that is a leaf node of a cluster, in its system account too."""
    remotes = [
        {"urls": [f"nats-leaf://{user}:{secret(user)}@127.0.0.1:{port}"], "account": account}
        for user, account in (("sys-user", "SYS"), ("t0", "T0"))
    ]
    leaf.start(
        leaf[0], leafnodes={"remotes": remotes}, jetstream={"store_dir": str(leaf.folder / "l1"), "domain": "leaf"}
    )


@pytest.mark.parametrize("hub", ["cluster", "one server"])
def test_a_leaf_node_is_told_as_that(health, tmp_path, hub):
    made = Cluster(tmp_path / "hub", ["h1", "h2", "h3"] if hub == "cluster" else ["h1"], accounts=1)
    leaf = Cluster(tmp_path / "leaf", ["l1"], accounts=1)
    port = free_port()
    for folder in (made.folder, leaf.folder):
        folder.mkdir()
    try:
        for server in made.servers:
            made.start(server, leafnodes={"listen": f"127.0.0.1:{port if server is made[0] else ANY_PORT}"})
        made.wait()
        leaves(made, leaf, port)
        found = seen(lambda: health(made, cluster_name=None), "OTHER_CLUSTER")
        (told,) = [finding for finding in found["findings"] if finding["code"] == "OTHER_CLUSTER"]
        assert "l1" in told["evidence"]
        assert found["healthy"] is True
        assert set(found["cluster"]["members"]) == {*made.names()}
    finally:
        for server in (*made.servers, *leaf.servers):
            (made if server in made.servers else leaf).stop(server)


def test_a_cluster_behind_a_gateway_is_told_as_that(health, tmp_path):
    """Both have one meta group, whose leader is in one of them."""
    clusters = [
        Cluster(tmp_path / name, [f"{name}{number}" for number in (1, 2, 3)], cluster=name, accounts=1) for name in "cd"
    ]
    ports = {made.cluster: free_port() for made in clusters}
    gateways = [{"name": name, "url": f"nats://127.0.0.1:{port}"} for name, port in ports.items()]
    try:
        for made in clusters:
            made.folder.mkdir()
            for server in made.servers:
                port = ports[made.cluster] if server is made[0] else ANY_PORT
                made.start(server, gateway={"name": made.cluster, "listen": f"127.0.0.1:{port}", "gateways": gateways})
        for made, other in (clusters, clusters[::-1]):
            found = seen(lambda made=made: health(made, cluster_name=None, wait_timeout=20), "OTHER_CLUSTER")
            (told,) = [finding for finding in found["findings"] if finding["code"] == "OTHER_CLUSTER"]
            assert (told["object"], told["severity"]) == (f"cluster {other.cluster}", "info")
            assert found["healthy"] is True, found["findings"]
            assert found["cluster"]["name"] == made.cluster
    finally:
        for made in clusters:
            for server in made.servers:
                made.stop(server)


def seen(look, code):
    """The first result with this finding: gateways and leaf nodes connect after the servers have started."""
    deadline = time.monotonic() + 30
    while True:
        found = look()
        if code in codes(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
