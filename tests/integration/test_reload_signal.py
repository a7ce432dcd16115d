# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script that signals a server in its container, with a real server."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._operations.reload import SIGNAL
from tests.support.servers import SERVER


@pytest.fixture
def signal():
    def run(pid_file):
        path = f"{Path(SERVER).parent}{os.pathsep}{os.environ['PATH']}"
        command = ["sh", "-c", SIGNAL, "sh", str(pid_file)]
        return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)

    return run


def test_the_server_of_the_pid_file_reloads(own_cluster, tmp_path, signal):
    server = own_cluster[0]
    assert server.process
    configuration = own_cluster.configuration(server, max_connections=98)
    (tmp_path / f"{server.name}-{server.client}.conf").write_text(to_nats_conf(configuration))
    pid_file = tmp_path / "pid"
    pid_file.write_text(str(server.process.pid))
    done = signal(pid_file)
    assert done.returncode == 0, done.stdout
    deadline = time.monotonic() + 10
    while server.get("/varz")["max_connections"] != 98:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("pid_file", ["", "missing"])
def test_without_a_pid_file_another_first_process_is_not_signalled(tmp_path, signal, pid_file):
    done = signal(tmp_path / pid_file)
    assert (done.returncode, done.stdout) == (
        3,
        "no pid_file, and process 1 of the container is not nats-server\n",
    )


def test_a_pid_file_of_a_server_that_has_ended_is_an_error(tmp_path, signal):
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / "pid").write_text(str(ended.pid))
    done = signal(tmp_path / "pid")
    assert done.returncode == 1
    assert "nats-server: signal" in done.stdout or "no such process" in done.stdout.lower(), done.stdout
