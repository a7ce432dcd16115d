# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One verification of three servers, and how a browser opens the report's page. Run by `make bench-health`; see docs/benchmarks.md."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from ansible_collections.messaging.nats.plugins.module_utils._health.module import source
from ansible_collections.messaging.nats.plugins.module_utils._health.observer import Expectation
from ansible_collections.messaging.nats.plugins.module_utils._health.sampling import observe
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import Access, UserLogin
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_report import report
from bench.resources import ROUNDS, Bench, streams
from tests.support.browser import browser
from tests.support.pages import cluster as made
from tests.support.servers import Cluster, login

STREAMS = 500
SIZES = ((3, 3), (9, 500))


def verification(cluster: Cluster) -> float:
    """Seconds of the module's own work, with the connections that it opens."""
    expectation = Expectation(tuple(server.name for server in cluster.servers), cluster_name="C")
    access = Access(servers=tuple(server.url for server in cluster.servers), login=UserLogin(**login("sys-user")))
    start = time.perf_counter()
    with ExitStack() as opened:
        _snapshot, findings = observe(source(access, {"T0": UserLogin(**login("t0"))}, expectation, opened), 0, "error")
    took = time.perf_counter() - start
    assert not [finding for finding in findings if finding.severity != "info"], findings
    return took


def verified(folder: Path) -> None:
    cluster = Cluster(folder, ["n1", "n2", "n3"], accounts=1)
    try:
        for server in cluster.servers:
            cluster.start(server)
        cluster.wait()
        bench = Bench(cluster, folder)
        expected = {
            "user": "sys-user",
            "password": login("sys-user")["password"],
            "expected_members": ["n1", "n2", "n3"],
        }
        for count in (0, STREAMS):
            bench.bulk(streams(count, 3))
            time.sleep(5)  # new raft groups elect their leaders
            own = sorted(verification(cluster) for _round in range(max(3, ROUNDS)))
            task = sorted(bench.task("nats_health", expected) for _round in range(ROUNDS))
            print(f"verification, {count:3} streams    own work {median(own):5.2f} s    one task {median(task):5.2f} s")
    finally:
        for server in cluster.servers:
            cluster.stop(server)


def opened(folder: Path) -> None:
    with browser(folder / "profile") as window:
        for servers, count in SIZES:
            snapshot, path = made(servers, count), folder / f"{servers}-{count}.html"
            start = time.perf_counter()
            path.write_text(report(snapshot, [], datetime.now(timezone.utc)), encoding="utf-8")
            took = time.perf_counter() - start
            timings = []
            for _round in range(max(5, ROUNDS)):
                window.look(path)
                timings.append(window.timing())
            load, paint = (median(timing[key] for timing in timings) for key in ("load", "paint"))
            size = path.stat().st_size >> 10
            print(
                f"page, {servers} servers, {count:3} streams    {size:4} KiB    made {1000 * took:4.0f} ms    "
                f"loaded {load:4.0f} ms    first painted {paint:4.0f} ms"
            )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened(Path(folder))
        verified(Path(folder))


if __name__ == "__main__":
    main()
