# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The meta leader is killed in the middle of a task: what is as declared is no failure."""

from __future__ import annotations

import threading
import time

from ansible_collections.messaging.nats.plugins.modules import nats_jetstream

COUNT = 400
# Two elections, of the meta group and of the streams that it led, and the rest of the streams on a busy machine.
MOST_S = 40


class Killing(threading.Thread):
    """Kills the meta leader once it has so many streams."""

    def __init__(self, cluster, streams):
        super().__init__()
        self.cluster, self.streams, self.at = cluster, streams, 0.0
        self.start()

    def run(self):
        while not self.at:
            for server in self.cluster.servers:
                found = server.get("/jsz")
                if found["meta_cluster"].get("leader") == server.name and found["streams"] >= self.streams:
                    self.cluster.stop(server)
                    self.at = time.monotonic()
                    break
            time.sleep(0.01)


def test_streams_whose_answers_got_lost_are_no_failure_where_they_are_as_declared(run_module, own_cluster):
    leader = own_cluster[0].get("/jsz")["meta_cluster"]["leader"]
    servers = sorted(own_cluster.servers, key=lambda server: server.name == leader)
    account = {"servers": [server.url for server in servers], "user": "t0", "password": "t0-S3cret"}
    declared = [{"name": f"S{number}", "subjects": [f"s.{number}"], "num_replicas": 3} for number in range(COUNT)]
    killing = Killing(own_cluster, 60)
    result = run_module(nats_jetstream, **account, streams=declared)
    ended = time.monotonic()
    killing.join()
    assert not result.get("failed"), result["msg"]
    assert result["changed"] is True
    assert ended - killing.at < MOST_S
    assert run_module(nats_jetstream, **account, streams=declared)["changed"] is False
