# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kind of their own for the drills and for the benchmark of a roll, and the load tool that is busy outside of it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.checks import CACHE, ROOT, run

KIND, PORT = "messaging-nats-drills", "31522"
NAMESPACE = "drills"
KUBECONFIG = CACHE / "kind" / f"{KIND}.kubeconfig"
ALWAYS: dict[str, Any] = {
    "nats_cluster_namespace": NAMESPACE,
    "nats_cluster_external_service": {"type": "NodePort", "node_port": 30422},
}
# Longer than anything here takes; what hangs longer is a failure that ends.
MOST = "15m"


def cluster(*arguments: str, workers: int = 3) -> None:
    environment = os.environ | {"KIND_WORKERS": str(workers), "KIND_NODE_PORT": PORT}
    subprocess.run(
        [str(ROOT / "tests/kind/cluster"), *arguments], check=True, env=environment, stdin=subprocess.DEVNULL
    )


@contextmanager
def kind(*versions: str, workers: int = 3) -> Iterator[None]:
    """It has the images of these versions of nats-server; it is gone afterwards."""
    cluster("up", KIND, workers=workers)
    try:
        for version in versions:
            cluster("nats-image", version, KIND)
        yield
    finally:
        cluster("delete", KIND)


def kubectl(*arguments: str) -> str:
    """That of the node: none is needed here."""
    command = ["docker", "exec", f"{KIND}-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"]
    return subprocess.run(
        [*command, *arguments], check=True, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    ).stdout


def play(name: str, declares: dict[str, Any] | None = None, killed: float | None = None) -> tuple[int, str]:
    """The exit code and the output of a playbook of ours, which may be killed after some seconds."""
    command = ["ansible-playbook", f"messaging.nats.{name}", "--extra-vars", json.dumps(ALWAYS | (declares or {}))]
    if killed is not None:
        command = ["timeout", "--signal=KILL", str(killed), *command]
    return run(command, env={"K8S_AUTH_KUBECONFIG": str(KUBECONFIG)}, show=False)


def login() -> dict[str, str]:
    """What the load tool connects with: the application's user."""
    data = json.loads(kubectl("get", "secret", "nats-app", f"--namespace={NAMESPACE}", "--output=json"))["data"]
    user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
    return {"NATS_USER": user, "NATS_PASSWORD": password}


def built(script: str) -> str:
    """Where a program is that a script builds, and names in its last line."""
    return subprocess.run(
        [str(ROOT / script)], check=True, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    ).stdout.split()[-1]


@contextmanager
def load(program: str, folder: Path, user: dict[str, str], *arguments: str) -> Iterator[dict[str, Any]]:
    """Publishers, consumers and requests from outside; the dictionary is their report when they have ended."""
    ready, running, result = folder / "ready", folder / "running", folder / "report.json"
    for path in (ready, result):
        path.unlink(missing_ok=True)
    running.touch()
    command = [program, f"-until={running}", f"-ready={ready}", f"-json={result}", f"-duration={MOST}", *arguments]
    environment = os.environ | {"NATS_URL": f"nats://127.0.0.1:{PORT}"} | user
    found: dict[str, Any] = {}
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            while not ready.exists():
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(f"the load tool ended before all of it flowed: {log.read()}")
                time.sleep(0.1)
            yield found
        finally:
            running.unlink()
            process.wait()
        found |= json.loads(result.read_text())
