# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` needs of a machine and can't bring itself, told before it starts. Nothing is installed or started here."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .checks import CACHE, ROOT

CLUSTER = ROOT / "tests" / "kind" / "cluster"
BROWSER = ROOT / "tools" / "browser"
NODE_PORT = 31422
# A built kind with its parts, images and volumes, and the tools: measured 14 GiB.
DISK_GIB, MEMORY_GIB = 16, 6


def missing() -> list[str]:
    """Each a sentence that names what is missing and how to get it."""
    return [*_commands(), *_cluster(), *_browser(), *_room(), *_port()]


def _commands() -> Iterator[str]:
    for command, use in {"git": "it lists the files to check", "flock": "two runs wait for one another"}.items():
        if shutil.which(command) is None:
            package = {"flock": "util-linux"}.get(command, command)
            yield f"{command} is missing ({use}): install it, on Debian with apt-get install {package}"


def _cluster() -> Iterator[str]:
    if problem := _fails([str(CLUSTER), "check", "messaging-nats-test"]):
        yield problem


def _browser() -> Iterator[str]:
    if problem := _fails([str(BROWSER), "check"]):
        yield problem.removeprefix("browser: ")


def _room() -> Iterator[str]:
    CACHE.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(CACHE).free >> 30
    there = (CACHE / "kind").exists()
    if free < DISK_GIB and not there:
        yield f"{CACHE} has {free} GiB left and the kind cluster takes up to {DISK_GIB}: make room, or set XDG_CACHE_HOME to another disk"
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return
    available = (
        next((int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), MEMORY_GIB << 20) >> 20
    )
    if available < MEMORY_GIB:
        yield f"{available} GiB of memory are available and {MEMORY_GIB} are needed for four nodes of Kubernetes: end something else"


def _port() -> Iterator[str]:
    """The port may be taken by the cluster of an earlier run, which is used again."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", NODE_PORT))
        except OSError:
            if not (CACHE / "kind" / "messaging-nats-test.kubeconfig").exists():
                yield f"port {NODE_PORT} of 127.0.0.1 is taken by another program, and the test cluster publishes its node port there: free it"


def _fails(command: list[str]) -> str:
    """The last line of what it says when it fails, or nothing."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1] if done.returncode else ""
